"""Running exported files, and reading what they say of themselves."""

import sys

import numpy as np
import pytest

from helpers.made_files import METADATA, SIDE, make_onnx, make_onnx_of_photographs
from helpers.small_zoo import make_model
from mmpose_lite.cli.bench import main as bench
from mmpose_lite.cli.info import main as info
from mmpose_lite.errors import InputError
from mmpose_lite.export import ExportedModel, read_metadata
from mmpose_lite.export.benchmark import time_files, time_ways

CROPS = np.random.default_rng(0).integers(0, 256, (5, SIDE, SIDE, 3), dtype=np.uint8)
ENGINES = ['onnxruntime', pytest.param('openvino', marks=pytest.mark.filterwarnings('ignore'))]


@pytest.fixture
def file(tmp_path):
    return make_onnx(tmp_path / 'made.onnx')


@pytest.mark.parametrize('engine', ENGINES)
@pytest.mark.parametrize('count', [1, 2, 5])
def test_any_number_of_crops_by_any_engine(engine, count, file):
    pytest.importorskip(engine, reason=f'{engine} is not installed: pip install mmpose_lite[dev]')
    exported = ExportedModel(file, engine, threads=1)
    points, scores = exported(CROPS[:count])
    wanted = CROPS[:count].astype(float).mean(axis=1)[:, :2, :2]
    np.testing.assert_allclose(points, wanted, rtol=1e-5)
    np.testing.assert_allclose(scores, wanted.mean(axis=-1), rtol=1e-5)


@pytest.mark.filterwarnings('ignore')
@pytest.mark.parametrize('kind', ['crops', 'image'])
def test_openvino_compiles_for_one_face_and_for_any_number(kind, tmp_path, monkeypatch):
    """A network of the size of one face is faster."""
    openvino = pytest.importorskip(
        'openvino', reason='openvino is not installed: pip install .[dev]'
    )
    compiled, compile_model = [], openvino.Core.compile_model

    def spy(core, model, *others):
        compiled.append(str(model.inputs[-1].partial_shape[0]))
        return compile_model(core, model, *others)

    monkeypatch.setattr(openvino.Core, 'compile_model', spy)
    make = make_onnx if kind == 'crops' else make_onnx_of_photographs
    exported = ExportedModel(make(tmp_path / 'made.onnx'), 'openvino', threads=1)
    boxes = np.arange(20.0).reshape(5, 4)
    for count in (1, 3, 1, 5):
        inputs = (CROPS[:count],) if kind == 'crops' else (CROPS[0], boxes[:count])
        points, _ = exported(*inputs)
        assert len(points) == count
    assert compiled == ['1', '?']


def test_no_crops_are_no_points(file):
    points, scores = ExportedModel(file)(CROPS[:0])
    assert points.shape == (0, 2, 2)
    assert scores.shape == (0, 2)


def test_results_of_one_call_outlast_the_next(file):
    exported = ExportedModel(file)
    first, _ = exported(CROPS[:1])
    kept = first.copy()
    exported(255 - CROPS[:1])
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize(
    ('crops', 'message'),
    [
        (CROPS.astype(np.float32), r'images are float32 .* must be uint8 crops \(B, 16, 16, 3\)'),
        (CROPS[0], r'images are uint8 \(16, 16, 3\)'),
        (CROPS[:, :8], r'images are uint8 \(5, 8, 16, 3\)'),
    ],
)
def test_other_arrays_are_refused(crops, message, file):
    with pytest.raises(InputError, match=message):
        ExportedModel(file)(crops)
    with pytest.raises(InputError, match='this file takes crops, so it cannot use boxes'):
        ExportedModel(file)(CROPS, np.zeros((5, 4)))


def test_a_file_for_photographs_asks_for_boxes(tmp_path):
    exported = ExportedModel(make_onnx(tmp_path / 'made.onnx', input='image'))
    assert exported.takes_photographs
    with pytest.raises(InputError, match='must be one photograph'):
        exported(CROPS, np.zeros((5, 4)))
    for boxes in (None, np.zeros(4), np.zeros((1, 5))):
        with pytest.raises(InputError, match=r'must be \(B, 4\) xyxy'):
            exported(CROPS[0], boxes)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'engine': 'torch'}, r'is read by onnxruntime or openvino, not by .torch.'),
        ({'precision': 'bf16'}, 'bf16 with engine openvino'),
        ({'engine': 'openvino', 'precision': 'int4'}, r"precision='int4'"),
    ],
)
def test_an_engine_that_cannot_is_named(options, message, file):
    with pytest.raises(InputError, match=message):
        ExportedModel(file, **options)


def test_metadata_are_read_as_they_were_written(file):
    assert read_metadata(file) == METADATA


def test_files_of_others_and_damaged_ones_are_named(tmp_path):
    with pytest.raises(InputError, match=r'bare\.onnx.* has no metadata of mmpose-lite export'):
        read_metadata(make_onnx(tmp_path / 'bare.onnx', metadata=None))
    for name in ('a.onnx', 'a.xml', 'a.pt2'):
        (tmp_path / name).write_bytes(b'no such thing')
        with pytest.raises(InputError, match=rf'{name}.* cannot be read'):
            read_metadata(tmp_path / name)
    with pytest.raises(InputError, match=r'none\.onnx. does not exist'):
        read_metadata(tmp_path / 'none.onnx')
    with pytest.raises(InputError, match=r'does not end like an exported file'):
        read_metadata(tmp_path / 'a.pth')


def test_info_of_an_exported_file(file, capsys):
    info([str(file)])
    printed = capsys.readouterr().out
    assert 'crops, uint8 BGR, 16x16 px of input' in printed
    assert '2 of two: left, right' in printed
    assert 'without flip test' in printed


def test_info_names_all_that_a_file_knows(tmp_path, capsys):
    curve = {'scores': [0.1, 0.9], 'expected': [8.0, 1.5], 'factors': [1.0, 1.0]}
    box_map = {'dx': 0.02, 'dy': 0.16, 'scale': 0.95, 'aspect': 1.1}
    nme = {'name': 'this file', 'nme': 0.0312, 'faces': 7, 'normaliser': 'longer side of box'}
    points = {'faces': 7, 'faces_of': 'a.py', 'engine': 'onnxruntime', 'same': 1.0, 'largest': 0.0}
    names = [f'point{i}' for i in range(9)]
    changes = {
        'points': names,
        'skeleton': [[0, 1], [1, 2]],
        'checkpoint_sha256': 'b' * 64,
        'calibration': {'detectors': {'retinaface': {'box_map': box_map}}, 'confidence': curve},
        'verified': {'points': points, 'nme': [nme], 'tolerance': 0.1},
    }
    info([str(make_onnx(tmp_path / 'a.onnx', **changes))])
    printed = capsys.readouterr().out
    wanted = [*names, '0-1, 1-2', 'UDP off', 'boxes times 1.25', 'without flip test', 'fp32']
    wanted += ['RegressionLabel', 'a.pth (SHA-256 bbbb', 'a.py (SHA-256 0000', 'mmpose_lite 0.1.0']
    wanted += ['3.120 % of 7 faces, divided by longer side of box', '0.1 percentage points']
    wanted += ['dx 0.020, dy 0.160, scale 0.950', '8.00 % of the box at the score 0.100']
    assert [each for each in wanted if each not in printed] == []


def test_ways_are_timed_in_turn():
    calls = []
    ways = {name: lambda crops, name=name: calls.append((name, len(crops))) for name in 'ab'}
    first, second = time_ways(ways, CROPS[:3], threads=2, rounds=2)
    assert calls == [('a', 3), ('b', 3)] * 3
    assert (first.name, first.batch, first.threads, first.ratio) == ('a', 3, 2, 1.0)
    assert second.ratio == pytest.approx(second.seconds / first.seconds)


def test_bench_prints_each_engine_and_batch(file, tmp_path, capsys):
    bench([str(file), '--rounds', '1', '--batch', '1', '2', '--out', str(tmp_path / 'times.json')])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    found = {(line[0], line[2]) for line in lines if line[:1] == ['onnxruntime']}
    assert found == {('onnxruntime', '1'), ('onnxruntime', '2')}
    assert '"ratio": 1.0' in (tmp_path / 'times.json').read_text()


def test_bench_compares_all_files_with_torch_in_one_run(file, tmp_path, capsys):
    model = make_model('mobilenetv2', tmp_path)
    facts = {'points': [f'p{i}' for i in range(106)], 'input_size': [64, 64], 'mirror_pairs': []}
    (tmp_path / 'other').mkdir()
    files = [make_onnx(folder / 'a.onnx', **facts) for folder in (tmp_path, tmp_path / 'other')]
    timings = list(time_files(files, model, (2,), 1, threads=(1,)))
    eager, *others = timings
    assert (eager.name, eager.ratio) == ('torch eager', 1.0)
    assert {each.threads for each in timings} == {1}
    assert all(each.ratio == pytest.approx(each.cpu / eager.cpu) for each in others)
    of_onnxruntime = [each.name for each in others if each.name.startswith('onnxruntime')]
    assert of_onnxruntime == [f'onnxruntime {path}' for path in files]  # they have one name
    bench([str(file), '--rounds', '1', '--threads', '1'])
    assert 'against the first' in capsys.readouterr().out


def test_bench_takes_files_of_one_size(file, tmp_path):
    other = make_onnx(tmp_path / 'other.onnx', input_size=[32, 32])
    with pytest.raises(SystemExit, match='inputs of different sizes'):
        bench([str(file), str(other)])


SIGNALLED = """
import gc, os, signal, sys
from mmpose_lite.export import ExportedModel
heard = []
signal.signal(signal.SIGUSR1, lambda *_: heard.append(1))
models = [ExportedModel(sys.argv[1], 'openvino', threads=1) for _ in range(2)]
while models:
    del models[0]
    gc.collect()
os.kill(os.getpid(), signal.SIGUSR1)
assert heard
"""


def test_signals_are_heard_after_openvino_models_are_gone(file, processes, tmp_path):
    pytest.importorskip('openvino', reason='openvino is not installed: pip install .[dev]')
    done = processes.run(sys.executable, '-c', SIGNALLED, file, cwd=tmp_path)
    assert (done.status, done.printed) == (0, '')
