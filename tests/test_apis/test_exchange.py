"""Predictions as supervision's KeyPoints and as results of COCO's, and back."""

import json
import sys
from dataclasses import dataclass, field
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from mmpose_lite.apis import from_supervision, to_coco_results, to_supervision
from mmpose_lite.errors import InputError
from mmpose_lite.structures import PoseDataSample, merge_data_samples


class Checked:
    """The checks of both forms of KeyPoints, and supervision's ``empty``."""

    def __post_init__(self):
        n, m = self.xy.shape[:2]
        assert self.xy.shape == (n, m, 2)
        assert self.xy.dtype == np.float32
        assert self.class_id is None or (self.class_id.shape, self.class_id.dtype) == ((n,), int)
        assert all(len(value) == n for value in self.data.values())

    @classmethod
    def empty(cls):
        return cls(xy=np.empty((0, 0, 2), dtype=np.float32))


@dataclass
class Before029(Checked):
    xy: np.ndarray
    class_id: np.ndarray | None = None
    confidence: np.ndarray | None = None
    data: dict = field(default_factory=dict)


@dataclass
class Since029(Checked):
    xy: np.ndarray
    class_id: np.ndarray | None = None
    keypoint_confidence: np.ndarray | None = None
    detection_confidence: np.ndarray | None = None
    visible: np.ndarray | None = None
    data: dict = field(default_factory=dict)


FORMS = ['before 0.29', 'since 0.29', *(['installed'] if find_spec('supervision') else [])]


@pytest.fixture(params=FORMS)
def key_points(request, monkeypatch):
    """The class: a stand-in of either form, and the package's own where it is installed."""
    if request.param == 'installed':
        return pytest.importorskip('supervision').KeyPoints
    kind = Before029 if request.param == 'before 0.29' else Since029
    monkeypatch.setitem(sys.modules, 'supervision', SimpleNamespace(KeyPoints=kind))
    return kind


def face(offset, tensor=False, **metainfo):
    """A face of three points, as :func:`inference_topdown` gives it."""
    arrays = {
        'keypoints': np.array([[[1, 2], [3, 4], [5, 7]]]) + offset,
        'keypoint_scores': np.array([[0.5, 0.25, 0.75]]),
        'bboxes': np.array([[0, 1, 8, 9]]) + offset,
        'bbox_scores': np.array([0.5]),
    }
    rows = {name: value.astype(np.float32) for name, value in arrays.items()}
    sample = PoseDataSample(metainfo=metainfo)
    sample.pred_instances = InstanceData(
        **{name: torch.from_numpy(value) if tensor else value for name, value in rows.items()}
    )
    return sample


def test_faces_become_key_points(key_points):
    found = to_supervision([face(0), face(10)])
    assert type(found) is key_points
    np.testing.assert_array_equal(found.xy[:, 2], [[5, 7], [15, 17]])
    assert (found.xy.shape, found.xy.dtype) == ((2, 3, 2), np.float32)
    np.testing.assert_array_equal(found.class_id, [0, 0])
    is_new = hasattr(found, 'keypoint_confidence')
    scores = found.keypoint_confidence if is_new else found.confidence
    np.testing.assert_array_equal(scores, [[0.5, 0.25, 0.75]] * 2)
    if is_new:
        np.testing.assert_array_equal(found.detection_confidence, [0.5, 0.5])
    assert list(found.data) == ['bbox_xyxy', 'bbox_score']
    np.testing.assert_array_equal(found.data['bbox_xyxy'], [[0, 1, 8, 9], [10, 11, 18, 19]])


def test_merged_faces_and_tensors_become_the_same(key_points):
    found = to_supervision([face(0), face(10)])
    for others in ([merge_data_samples([face(0), face(10)])], [face(0, True), face(10, True)]):
        again = to_supervision(others)
        np.testing.assert_array_equal(again.xy, found.xy)
        np.testing.assert_array_equal(again.data['bbox_xyxy'], found.data['bbox_xyxy'])


def test_there_and_back(key_points):
    samples = [face(0), face(10)]
    again = from_supervision(to_supervision(samples))
    assert len(again) == 2
    for sample, other in zip(samples, again, strict=True):
        for name, value in sample.pred_instances.items():
            np.testing.assert_array_equal(other.pred_instances[name], value)
            assert other.pred_instances[name].dtype == np.float32


def test_no_face(key_points):
    found = to_supervision([])
    assert len(found.xy) == 0
    assert from_supervision(found) == []


def test_key_points_of_others(key_points):
    found = key_points(xy=np.array([[[4, 1], [2, 5]]], dtype=np.float32))
    (sample,) = from_supervision(found)
    faces = sample.pred_instances
    np.testing.assert_array_equal(faces.bboxes, [[2, 1, 4, 5]])
    np.testing.assert_array_equal(faces.keypoint_scores, [[1, 1]])
    np.testing.assert_array_equal(faces.bbox_scores, [1])
    assert 'keypoints_visible' not in faces


def test_what_is_no_prediction_is_named(key_points):
    with pytest.raises(InputError, match=r'samples\[1\] has no pred_instances'):
        to_supervision([face(0), PoseDataSample()])
    other = face(0)
    other.pred_instances = InstanceData(keypoints=np.zeros((1, 4, 2), dtype=np.float32))
    with pytest.raises(InputError, match=r'differ in their number of points: \[3, 4\]'):
        to_supervision([face(0), other])
    with pytest.raises(InputError, match=r'key_points.xy is \(3, 2\), but must be \(N, K, 2\)'):
        from_supervision(SimpleNamespace(xy=np.zeros((3, 2))))
    with pytest.raises(InputError, match=r'key_points.xy is None'):
        from_supervision([1, 2])


def test_a_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, 'supervision', None)
    with pytest.raises(InputError, match=r'^this needs supervision: pip install supervision$'):
        to_supervision([])


def test_results_of_coco():
    found = to_coco_results([face(0, img_id=np.int64(7)), face(10, img_id='a')], category_id=3)
    assert found[0] == {
        'image_id': 7,
        'category_id': 3,
        'keypoints': [1, 2, 0.5, 3, 4, 0.25, 5, 7, 0.75],
        'score': 0.25,  # the box's half of the mean
    }
    assert found[1]['image_id'] == 'a'
    assert json.loads(json.dumps(found)) == found


def test_results_of_a_photograph_without_an_id():
    with pytest.raises(InputError, match=r'samples\[0\] has no img_id'):
        to_coco_results([face(0)])
    assert [each['image_id'] for each in to_coco_results([face(0), face(1)], 5)] == [5, 5]
    merged = to_coco_results([merge_data_samples([face(0), face(1)])], 5)
    assert merged == to_coco_results([face(0), face(1)], 5)
    assert to_coco_results([]) == []
