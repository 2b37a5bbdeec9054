"""Facts of faces that no network is trained on, from the annotations to a metric's rows."""

import json

import numpy as np
import pytest

from mmpose_lite.datasets import AFLWDataset, KeypointConverter, PackPoseInputs
from mmpose_lite.evaluation import NME

HIDDEN = [1] * 18 + [0]


def read(face_set, tmp_path, test_mode=True, flags=1, **facts):
    """The first test face, whose annotation also says these things."""
    path = face_set / 'annotations' / 'face_landmarks_aflw_test.json'
    content = json.loads(path.read_text())
    content['annotations'][0] |= facts
    content['annotations'][0]['keypoints'][2] = flags
    changed = tmp_path / 'changed.json'
    changed.write_text(json.dumps(content))
    return AFLWDataset(
        ann_file=str(changed),
        data_prefix={'img': str(face_set / 'images')},
        test_mode=test_mode,
    )[0]


def test_facts_are_read(face_set, tmp_path):
    sample = read(face_set, tmp_path, flags=2, visibility=HIDDEN, yaw=-0.5)
    assert sample['annotated'] == {'flags': [2] + [1] * 18, 'visibility': HIDDEN, 'yaw': -0.5}
    assert sample['keypoints_visible'].tolist() == [[1] * 19]


@pytest.mark.parametrize(
    'facts',
    [
        {},
        {'visibility': HIDDEN[1:], 'yaw': None},
        {'visibility': [2] * 19, 'yaw': 'left'},
        {'visibility': 'all', 'yaw': float('nan')},
        {'visibility': [[1]] * 19, 'yaw': True},
    ],
)
def test_what_is_of_another_form_is_left_out(face_set, tmp_path, facts):
    """These are no fields of MMPose's form, so they may mean anything."""
    assert read(face_set, tmp_path, **facts)['annotated'] == {'flags': [1] * 19}


def test_training_does_without(face_set, tmp_path):
    assert 'annotated' not in read(face_set, tmp_path, test_mode=False, yaw=0.1)


def test_facts_reach_the_rows_of_a_metric(face_set, tmp_path):
    sample = read(face_set, tmp_path, flags=2, visibility=HIDDEN, yaw=0.25)
    packed = PackPoseInputs().transform(sample)['data_samples']
    assert packed.metainfo['annotated']['yaw'] == 0.25
    content = {**packed.to_dict(), 'pred_instances': {'keypoints': sample['keypoints']}}
    metric = NME('use_norm_item', 'bbox_size')
    metric.process(None, [content])
    metric.evaluate(1)
    (row,) = metric.rows
    assert (row['flags'], row['visibility'], row['yaw']) == ([2] + [1] * 18, HIDDEN, 0.25)


def test_points_made_of_others_have_no_facts_of_theirs(face_set, tmp_path):
    sample = read(face_set, tmp_path, visibility=HIDDEN, yaw=0.25)
    found = KeypointConverter(2, [((6, 8), 0), (18, 1)]).transform(dict(sample))
    assert found['keypoints'].shape == (1, 2, 2)
    assert found['annotated'] == {'yaw': 0.25}
    assert 'visibility' in sample['annotated']
    np.testing.assert_array_equal(found['keypoints'][0, 1], sample['keypoints'][0, 18])
