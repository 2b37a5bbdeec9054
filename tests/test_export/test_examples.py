"""Programs of others around exported files, in an environment without torch and this package."""

import cv2
import numpy as np
import pytest

from helpers.processes import ROOT
from helpers.seeding import wavy_image
from helpers.small_zoo import make_model
from mmpose_lite.apis import inference_topdown
from mmpose_lite.export import CropGraph
from mmpose_lite.export.formats import make_writer
from mmpose_lite.export.metadata import collect_metadata

EXAMPLE = ROOT / 'examples' / 'landmarks.py'
ALONE = """
import runpy, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in ('torch', 'mmengine', 'mmcv', 'mmpose_lite', 'onnx'):
            raise ImportError(f'{name} is not in this environment')

sys.meta_path.insert(0, Refuse())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name='__main__')
"""


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
    box = [20, 30, 80, 100]
    words = (tmp_path / 'a.onnx', tmp_path / 'a.png', *box, tmp_path / 'drawn.png')
    printed = processes.run_python(ALONE, EXAMPLE, *words).split('\n')[:-1]
    (sample,) = inference_topdown(model, str(tmp_path / 'a.png'), [box])
    names = model.dataset_meta['keypoint_id2name']
    assert [line.split()[0] for line in printed] == list(names.values())
    found = np.array([line.split()[1:3] for line in printed], float)
    distance = np.linalg.norm(found - sample.pred_instances.keypoints[0], axis=-1)
    assert np.percentile(distance, 95) < 0.5
    assert cv2.imread(str(tmp_path / 'drawn.png')).shape == (110, 120, 3)


def test_the_program_is_short():
    lines = EXAMPLE.read_text(encoding='utf-8').splitlines()
    assert sum(bool(line) for line in lines) <= 25
