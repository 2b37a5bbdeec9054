"""Points: mirrors and clipping."""

import numpy as np
import pytest

from mmpose_lite.structures import parse_pose_metainfo
from mmpose_lite.structures.keypoint import (
    flip_keypoints,
    flip_keypoints_custom_center,
    keypoint_clip_border,
)

# An eye, another, a nose; the second is hidden. The image is 100x60.
POINTS = np.array([[[20.0, 10.0], [70.0, 12.0], [44.0, 30.0]]])
VISIBLE = np.array([[1.0, 0.0, 1.0]])
PAIRS = [1, 0, 2]


@pytest.mark.parametrize(
    ('direction', 'points', 'visible'),
    [
        ('horizontal', [[29, 12], [79, 10], [55, 30]], [0, 1, 1]),
        ('vertical', [[70, 47], [20, 49], [44, 29]], [0, 1, 1]),
        ('diagonal', [[79, 49], [29, 47], [55, 29]], [1, 0, 1]),
    ],
)
def test_flip(direction, points, visible):
    found, seen = flip_keypoints(POINTS, VISIBLE, (100, 60), PAIRS, direction)
    assert found.tolist() == [points]
    assert seen.tolist() == [visible]
    again, seen_again = flip_keypoints(found, seen, (100, 60), PAIRS, direction)
    np.testing.assert_array_equal(again, POINTS)
    np.testing.assert_array_equal(seen_again, VISIBLE)


@pytest.mark.parametrize('direction', ['horizontal', 'vertical', 'diagonal'])
def test_flip_twice_is_the_identity_for_aflw(direction):
    meta = parse_pose_metainfo({'from_file': 'configs/_base_/datasets/aflw.py'})
    points = np.random.RandomState(0).uniform(-20, 400, (5, 19, 2))
    visible = np.random.RandomState(1).uniform(size=(5, 19, 2))
    mirror = ((300, 200), meta['flip_indices'], direction)
    once = flip_keypoints(points, visible, *mirror)
    assert not np.array_equal(once[0], points)
    again = flip_keypoints(*once, *mirror)
    np.testing.assert_allclose(again[0], points)
    np.testing.assert_array_equal(again[1], visible)


def test_flip_takes_further_values_along():
    depth = np.concatenate([POINTS, [[[1.0], [2.0], [3.0]]]], axis=-1)
    found, seen = flip_keypoints(depth, None, (100, 60), PAIRS)
    assert found[0, :, 2].tolist() == [2, 1, 3]
    assert seen is None


def test_flip_refuses():
    with pytest.raises(ValueError, match='sideways'):
        flip_keypoints(POINTS, VISIBLE, (100, 60), PAIRS, 'sideways')
    with pytest.raises(ValueError, match='4 points, there are 3'):
        flip_keypoints(POINTS, VISIBLE, (100, 60), [1, 0, 2, 3])
    with pytest.raises(ValueError, match='upside'):
        flip_keypoints_custom_center(POINTS, VISIBLE, PAIRS, center_mode='upside')


def test_flip_about_a_line_of_one_s_own():
    found, seen = flip_keypoints_custom_center(POINTS, VISIBLE, PAIRS, center_x=50)
    assert found.tolist() == [[[30, 12], [80, 10], [56, 30]]]
    assert seen.tolist() == [[0, 1, 1]]
    # About the mean of the eyes, 45, and about the nose, 44.
    eyes, _ = flip_keypoints_custom_center(POINTS, None, PAIRS, 'root', center_index=[0, 1])
    assert eyes[0, :, 0].tolist() == [20, 70, 46]
    nose, _ = flip_keypoints_custom_center(POINTS, None, PAIRS, 'root', center_index=2)
    assert nose[0, :, 0].tolist() == [18, 68, 44]


@pytest.mark.parametrize('with_weights', [False, True])
def test_clipping_hides_and_does_not_move(with_weights):
    points = np.array([[[0.0, 0.0], [100, 60], [101, 5], [5, -1]]])
    visible = np.ones((1, 4, 2)) if with_weights else np.ones((1, 4))
    found, seen = keypoint_clip_border(points, visible, (100, 60))
    np.testing.assert_array_equal(found, points)
    first = seen[..., 0] if with_weights else seen
    assert first.tolist() == [[1, 1, 0, 0]]
    assert visible.min() == 1
    if with_weights:
        assert seen[..., 1].min() == 1
