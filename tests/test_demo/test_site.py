"""The page's folder, its server, and the command that writes it; no browser is started."""

import json
import re
from pathlib import Path
from threading import Thread
from urllib.request import urlopen

import cv2
import numpy as np
import pytest
from made_model import BOX_MAP, NAMES, write_model

from helpers.in_process import run_main
from mmpose_lite.cli import demo as command
from mmpose_lite.demo import BrowserRuntime, find_points, make_server, site, write_site
from mmpose_lite.errors import InputError
from mmpose_lite.inference import RetinaFace

ASSETS = Path(site.__file__).parent / 'assets'


def test_the_folder_holds_all_that_the_page_asks_for(model_file, no_runtime, tmp_path):
    size = write_site(tmp_path / 'page', model_file, no_runtime)
    files = [path for path in (tmp_path / 'page').rglob('*') if path.is_file()]
    assert size == sum(path.stat().st_size for path in files)
    names = {path.relative_to(tmp_path / 'page').as_posix() for path in files}
    assert names >= {'index.html', 'model.json', 'model.onnx', 'retinaface.onnx', 'base.css'}
    assert {'ort/ort.wasm.min.mjs', 'ort/ort-wasm-simd-threaded.wasm.gz'} <= names
    text = (tmp_path / 'page' / 'index.html').read_text(encoding='utf-8')
    asked = set(re.findall(r'(?:src|href)="([\w.]+)"', text))
    for path in files:
        if path.suffix == '.js':
            asked |= set(re.findall(r"from '\./([\w.]+)'", path.read_text(encoding='utf-8')))
    assert 'stage.js' in asked
    assert asked <= names


@pytest.mark.parametrize('path', sorted(ASSETS.iterdir()), ids=lambda path: path.name)
def test_nothing_names_another_server(path):
    assert '://' not in path.read_text(encoding='utf-8')


def test_the_page_knows_its_model(model_file, no_runtime, tmp_path):
    write_site(tmp_path, model_file, no_runtime)
    facts = json.loads((tmp_path / 'model.json').read_text(encoding='utf-8'))
    assert facts['points'] == NAMES
    assert facts['box_map'] == BOX_MAP
    assert facts['files'] == {'model': 'model.onnx', 'detector': 'retinaface.onnx'}
    photograph = cv2.imread(str(tmp_path / 'example.png'))
    points = find_points(model_file, photograph, np.array(facts['check']['box']))
    np.testing.assert_allclose(points, facts['check']['points'])
    np.testing.assert_allclose(RetinaFace()(photograph)[0, :4], facts['check']['detected'])
    left, top, right, bottom = facts['check']['box']
    assert ((points > (left, top)) & (points < (right, bottom))).all()


def test_a_page_without_a_detector(model_file, no_runtime, tmp_path):
    write_site(tmp_path, model_file, no_runtime, detects=False)
    assert not (tmp_path / 'retinaface.onnx').exists()
    facts = json.loads((tmp_path / 'model.json').read_text(encoding='utf-8'))
    assert facts['check']['detected'] is None
    assert 'boxes are drawn by hand' in (tmp_path / 'index.html').read_text(encoding='utf-8')


def test_an_earlier_page_is_replaced(model_file, no_runtime, tmp_path):
    write_site(tmp_path, model_file, no_runtime)
    other = write_model(tmp_path / 'other.onnx', checkpoint='<b>other.pth', calibration=None)
    write_site(tmp_path, other, no_runtime)
    text = (tmp_path / 'index.html').read_text(encoding='utf-8')
    assert '&lt;b&gt;other' in text
    assert 'mmpose-lite calibrate' in text
    assert json.loads((tmp_path / 'model.json').read_text(encoding='utf-8'))['box_map'] is None


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'input': 'image'}, 'export the model with --input crops'),
        ({'padding': None}, 'does not say how boxes become crops'),
    ],
)
def test_files_that_a_page_cannot_run(changes, message, no_runtime, tmp_path):
    file = write_model(tmp_path / 'a.onnx', **changes)
    with pytest.raises(InputError, match=message):
        write_site(tmp_path / 'page', file, no_runtime)
    assert not (tmp_path / 'page').exists()


def test_openvino_files_are_refused(no_runtime, tmp_path):
    with pytest.raises(InputError, match='the page runs ONNX files'):
        write_site(tmp_path / 'page', tmp_path / 'a.xml', no_runtime)


@pytest.mark.parametrize('isolated', [True, False])
def test_the_server_isolates_the_page(isolated, model_file, no_runtime, tmp_path):
    write_site(tmp_path, model_file, no_runtime)
    with make_server(tmp_path, 0, isolated) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        kinds = {}
        for name in ('', 'main.js', 'ort/ort.wasm.min.mjs', 'ort/ort-wasm-simd-threaded.wasm.gz'):
            with urlopen(f'http://127.0.0.1:{server.server_port}/{name}') as answer:
                headers = answer.headers
                kinds[name] = headers['Content-Type']
                assert headers['Content-Encoding'] is None
                found = headers['Cross-Origin-Embedder-Policy']
                assert found == ('require-corp' if isolated else None)
        server.shutdown()
        thread.join()
    assert kinds[''] == 'text/html'
    assert kinds['main.js'] == kinds['ort/ort.wasm.min.mjs'] == 'text/javascript'


def test_a_port_that_is_taken_is_one_line(tmp_path):
    with (
        make_server(tmp_path, 0) as server,
        pytest.raises(InputError, match=r'--serve \d+: the port cannot be had'),
    ):
        make_server(tmp_path, server.server_port)


def test_the_command_writes_a_page_of_an_exported_file(
    model_file, no_runtime, tmp_path, monkeypatch
):
    places = []

    def find(place):
        places.append(place)
        return BrowserRuntime('0', no_runtime.files)

    monkeypatch.setattr('mmpose_lite.demo.find_runtime', find)
    arguments = (str(model_file), '--out', 'page', '--onnxruntime-web', 'a.tgz')
    printed = run_main(command.main, *arguments, cwd=tmp_path)
    assert re.search(r'written: page \(\d\.\d MB\)', printed)
    assert 'python -m http.server --directory page' in printed
    assert places == ['a.tgz']
    assert (tmp_path / 'page' / 'index.html').is_file()


def test_the_command_serves_a_page_that_it_does_not_keep(
    model_file, no_runtime, tmp_path, monkeypatch
):
    monkeypatch.setattr('mmpose_lite.demo.find_runtime', lambda place: no_runtime)
    served = []

    class Server:
        server_port = 4321

        def __init__(self, folder, port):
            self.folder = folder
            served.append((folder, port))

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def serve_forever(self):
            assert (self.folder / 'index.html').is_file()
            raise KeyboardInterrupt

    monkeypatch.setattr('mmpose_lite.demo.make_server', Server)
    printed = run_main(command.main, str(model_file), '--serve', '4321', cwd=tmp_path)
    assert 'http://localhost:4321/' in printed
    ((folder, port),) = served
    assert port == 4321
    assert not folder.exists()
    assert list(tmp_path.iterdir()) == []
