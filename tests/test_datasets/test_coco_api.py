"""The one module that imports a COCO library."""

import json

import numpy as np
import pytest

from mmpose_lite.datasets.coco_api import BACKEND, COCO, COCOeval

POINTS = [10, 10, 2, 20, 10, 2, 15, 20, 2]


@pytest.fixture
def annotation_file(tmp_path):
    face = {
        'id': 7,
        'image_id': 3,
        'category_id': 1,
        'keypoints': POINTS,
        'num_keypoints': 3,
        'bbox': [5, 5, 20, 20],
        'area': 400,
    }
    content = {
        'images': [{'id': 3, 'width': 50, 'height': 50, 'file_name': 'a.jpg'}],
        'categories': [{'id': 1, 'name': 'face'}],
        'annotations': [face],
    }
    path = tmp_path / 'faces.json'
    path.write_text(json.dumps(content), encoding='utf-8')
    return str(path)


def test_reads_annotations_without_printing(annotation_file, capsys):
    coco = COCO(annotation_file)
    assert capsys.readouterr().out == ''
    assert coco.getAnnIds(imgIds=[3]) == [7]
    assert coco.loadAnns([7])[0]['keypoints'] == POINTS
    assert not coco.anns[7]['iscrowd']


def test_evaluates_keypoints(annotation_file):
    truth = COCO(annotation_file)
    shifted = (np.array(POINTS) + [2, 0, 0] * 3).tolist()
    found = truth.loadRes([{'image_id': 3, 'category_id': 1, 'keypoints': shifted, 'score': 1.0}])
    evaluation = COCOeval(truth, found, 'keypoints')
    evaluation.params.kpt_oks_sigmas = evaluation.sigmas = np.full(3, 0.1)
    evaluation.evaluate()
    # e = d^2 / (2 * area * (2 sigma)^2) = 4 / (2 * 400 * 0.04) = 0.125, the same for each point.
    np.testing.assert_allclose(evaluation.ious[3, 1], np.exp(-0.125), rtol=1e-6)


@pytest.mark.skipif(BACKEND != 'xtcocotools', reason='pycocotools has working masks')
def test_a_mask_module_that_does_not_load_is_stood_in_for(processes, annotation_file):
    # Whatever NumPy is here, make the compiled module fail the way it fails on NumPy 2.
    code = f"""
import sys
class Broken:
    def find_spec(self, name, *_):
        if name == 'xtcocotools._mask':
            raise ValueError('numpy.dtype size changed')
sys.meta_path.insert(0, Broken())
from mmpose_lite.datasets.coco_api import COCO
coco = COCO({annotation_file!r})
print(coco.getAnnIds())
try:
    coco.annToMask({{'image_id': 3, 'segmentation': [[1, 1, 5, 1, 5, 5]]}})
except RuntimeError as error:
    print(error)
"""
    ids, message = processes.run_python(code).splitlines()
    assert ids == '[7]'
    assert 'segmentation masks need xtcocotools._mask' in message
    assert 'numpy.dtype size changed' in message
