"""Programs of others around exported files, in an environment without torch and this package."""

import json
import os
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import onnxruntime
import pytest

from helpers.processes import ROOT
from helpers.seeding import wavy_image
from helpers.small_zoo import make_model
from mmpose_lite.apis import inference_topdown
from mmpose_lite.export import CropGraph, ExportedModel, PhotographGraph
from mmpose_lite.export.formats import make_writer
from mmpose_lite.export.metadata import collect_metadata

BOX = [20, 30, 80, 100]
DISTRIBUTIONS = {'numpy': 'numpy', 'cv2': 'opencv_*', 'onnxruntime': 'onnxruntime'}
EXAMPLE = ROOT / 'examples' / 'landmarks.py'
ALONE = """
import importlib.util, runpy, sys

sys.path.append(sys.argv[1])
sys.argv = sys.argv[2:]
for name in ('torch', 'mmengine', 'mmpose_lite', 'onnx'):
    assert importlib.util.find_spec(name) is None, name
runpy.run_path(sys.argv[0], run_name='__main__')
"""


def three_packages(folder):
    """A folder with NumPy, OpenCV and onnxruntime, and no other package."""
    folder.mkdir()
    for package in (np, cv2, onnxruntime):
        home = Path(package.__file__).parent
        for own in (home, *home.parent.glob(f'{DISTRIBUTIONS[home.name]}.libs')):
            (folder / own.name).symlink_to(own)
    return folder


@pytest.mark.parametrize('use_udp', [False, True])
def test_the_program_finds_the_points_of_inference(processes, tmp_path, use_udp):
    model = make_model('mobilenetv2', tmp_path)
    model.test_cfg = {**model.test_cfg, 'flip_test': False}
    for step in model.cfg.test_dataloader.dataset.pipeline:
        if step['type'] == 'TopdownAffine':
            step['use_udp'] = use_udp
    graph = CropGraph(model).eval()
    make_writer(graph, 'onnx')(tmp_path / 'a.onnx', collect_metadata(model, graph, 'a.pth', 'fp32'))
    cv2.imwrite(str(tmp_path / 'a.png'), wavy_image(0, 110, 120))
    words = (tmp_path / 'a.onnx', tmp_path / 'a.png', *BOX, tmp_path / 'drawn.png')
    # Neither this environment's packages nor PYTHONPATH.
    command = [sys.executable, '-I', '-S', '-c', ALONE, three_packages(tmp_path / 'packages')]
    done = processes.run(*command, EXAMPLE, *words, cwd=tmp_path)
    assert done.status == 0, done.printed
    printed = done.printed.splitlines()
    (sample,) = inference_topdown(model, str(tmp_path / 'a.png'), [BOX])
    names = model.dataset_meta['keypoint_id2name']
    assert [line.split()[0] for line in printed] == list(names.values())
    found = np.array([line.split()[1:3] for line in printed], float)
    distance = np.linalg.norm(found - sample.pred_instances.keypoints[0], axis=-1)
    assert np.percentile(distance, 95) < 0.5
    assert cv2.imread(str(tmp_path / 'drawn.png')).shape == (110, 120, 3)


@pytest.mark.parametrize('name', ['landmarks.py', 'landmarks.mjs'])
def test_the_program_is_short(name):
    lines = (ROOT / 'examples' / name).read_text(encoding='utf-8').splitlines()
    assert sum(bool(line) for line in lines) <= 25


@pytest.fixture(scope='module')
def of_photographs(tmp_path_factory):
    """A folder with a file for photographs, what is inside it, a photograph, and its points."""
    folder = tmp_path_factory.mktemp('files')
    model = make_model('mobilenetv2', folder)
    graph = PhotographGraph(model).eval()
    metadata = collect_metadata(model, graph, 'a.pth', 'fp32')
    make_writer(graph, 'onnx')(folder / 'a.onnx', metadata)
    (folder / 'a.json').write_text(json.dumps(metadata), encoding='utf-8')
    image = wavy_image(0, 110, 120)
    cv2.imwrite(str(folder / 'a.png'), image)
    points, scores = ExportedModel(folder / 'a.onnx')(image, np.float32([BOX]))
    return SimpleNamespace(folder=folder, names=metadata['points'], points=points, scores=scores)


def node_program(processes, folder):
    """The command of the program for Node, beside the packages that it imports."""
    if shutil.which('node') is None:
        pytest.skip('node is not installed')
    modules = os.environ.get('NODE_PATH') or processes.run('npm', 'root', '-g', cwd=folder).printed
    if not Path(modules.strip(), 'onnxruntime-node').is_dir():
        pytest.skip('npm install --global onnxruntime-node sharp, or NODE_PATH, is needed')
    shutil.copy(ROOT / 'examples' / 'landmarks.mjs', folder)
    (folder / 'node_modules').symlink_to(modules.strip())  # as imports of modules find them
    return ['node', folder / 'landmarks.mjs']


def compiled_program(processes, folder):
    """The command of the C++ program, with OpenVINO of the Python package and Debian's OpenCV."""
    openvino = pytest.importorskip('openvino', reason='openvino is not installed')
    home = Path(openvino.__file__).parent
    headers = Path('/usr/include/opencv4')
    if shutil.which('g++') is None or not (headers / 'opencv2' / 'imgcodecs.hpp').is_file():
        pytest.skip('g++ and libopencv-imgcodecs-dev are not installed')
    libraries = [*(home / 'libs').glob('libopenvino.so.*'), f'-Wl,-rpath,{home / "libs"}']
    libraries += ['-lopencv_imgcodecs', '-lopencv_core']
    words = ['g++', '-std=c++17', ROOT / 'examples' / 'landmarks.cpp', '-o', folder / 'landmarks']
    words += [f'-I{home / "include"}', f'-I{headers}', *libraries]
    done = processes.run(*words, cwd=folder)
    assert done.status == 0, done.printed
    return [folder / 'landmarks']


@pytest.mark.parametrize('make', [node_program, compiled_program])
def test_programs_in_other_languages_find_the_same_points(
    processes, of_photographs, make, tmp_path
):
    command = make(processes, tmp_path)
    files = [of_photographs.folder / name for name in ('a.onnx', 'a.json', 'a.png')]
    done = processes.run(*command, *files, *BOX, cwd=tmp_path)
    assert done.status == 0, done.printed
    rows = [line.split() for line in done.printed.splitlines()]
    assert [row[0] for row in rows] == of_photographs.names
    found = np.array([row[1:] for row in rows], float)
    np.testing.assert_allclose(found[:, :2], of_photographs.points[0], atol=0.01)
    np.testing.assert_allclose(found[:, 2], of_photographs.scores[0], atol=1e-3)
