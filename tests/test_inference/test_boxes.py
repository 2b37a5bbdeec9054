"""Maps between kinds of boxes are found again, whatever else a detector does."""

import numpy as np
import pytest

from mmpose_lite.errors import InputError
from mmpose_lite.inference.boxes import (
    BoxMap,
    fit_box_map,
    fit_boxes,
    fit_points_map,
    judge_boxes,
    match_boxes,
)

TRUE = BoxMap(dx=0.02, dy=0.17, scale=0.93, aspect=1.0)


def squares(rng, count, side=(60, 300)):
    sides = rng.uniform(*side, count)
    corners = rng.uniform(0, 2000, (count, 2))
    return np.column_stack([corners, corners + sides[:, None]])


def undo(box_map, boxes, aspect=0.77):
    """Boxes of that aspect which the map would turn into these."""
    sides = boxes[:, 2:] - boxes[:, :2]
    size = np.sqrt(sides.prod(1, keepdims=True)) / box_map.scale
    center = (boxes[:, :2] + boxes[:, 2:]) / 2 - size * [box_map.dx, box_map.dy]
    half = size * [aspect**0.5, aspect**-0.5] / 2
    return np.column_stack([center - half, center + half])


def assert_close(box_map, truth=TRUE, tolerance=0.01):
    for name in ('dx', 'dy', 'scale', 'aspect'):
        assert getattr(box_map, name) == pytest.approx(getattr(truth, name), abs=tolerance), name


def test_a_known_map_is_recovered_to_a_percent_despite_noise_and_strangers(rng):
    truth, detected = [], []
    for _ in range(300):
        faces = squares(rng, rng.integers(1, 4))
        boxes = undo(TRUE, faces)
        size = boxes[:, 2:3] - boxes[:, :1]
        boxes += rng.normal(0, 0.03, boxes.shape) * size
        strangers = squares(rng, rng.integers(0, 3))
        kept = boxes[rng.random(len(boxes)) > 0.05]
        truth.append(faces)
        detected.append(np.concatenate([kept, strangers]))

    fit = fit_boxes(detected, truth)

    assert_close(fit.box_map)
    assert fit.box_map.sd_dx == pytest.approx(0.0186, abs=0.003)
    assert 0.9 < fit.recall < 1
    assert fit.extra >= sum(map(len, detected)) - sum(map(len, truth))


@pytest.mark.parametrize('shift', [(0, 0), (0.3, -0.4), (-0.05, 0.45)])
def test_a_map_that_moves_boxes_far_is_recovered(rng, shift):
    far = BoxMap(*shift, scale=1.3, aspect=0.8)
    truth = [squares(rng, 1) for _ in range(100)]
    wide = [far(undo(TRUE, boxes)) for boxes in truth]
    fit = fit_boxes([undo(TRUE, boxes) for boxes in truth], wide)
    assert_close(fit.box_map, far)
    assert fit.recall == 1
    assert min(each.min() for each in fit.overlaps) > 0.98


def test_one_face_in_ten_with_a_wrong_box_changes_little(rng):
    truth = squares(rng, 400)
    boxes = undo(TRUE, truth)
    boxes[::10] += 40
    assert_close(fit_box_map(boxes, truth))


def test_scores_stay_with_their_boxes(rng):
    boxes = np.column_stack([squares(rng, 3), [0.9, 0.8, 0.7]])
    assert TRUE(boxes)[:, 4].tolist() == [0.9, 0.8, 0.7]
    assert TRUE(np.zeros((0, 5))).shape == (0, 5)


def test_missed_and_further_boxes_are_counted():
    truth = [np.array([[0.0, 0, 10, 10], [50, 50, 60, 60]]), np.zeros((0, 4))]
    boxes = [np.array([[0.0, 0, 10, 10], [90, 90, 99, 99]]), np.array([[0.0, 0, 5, 5]])]
    fit = judge_boxes(BoxMap(), boxes, truth)
    assert [each.tolist() for each in fit.overlaps] == [[1.0, 0.0], []]
    assert fit.recall == 0.5
    assert fit.extra == 2


def test_pairs_are_those_that_overlap_most_and_none_is_used_twice():
    boxes = np.array([[0.0, 0, 10, 10], [1, 0, 11, 10], [100, 0, 110, 10]])
    truth = np.array([[1.0, 0, 11, 10], [2, 0, 12, 10]])
    first, second = match_boxes(boxes, truth)
    assert sorted(zip(first.tolist(), second.tolist(), strict=True)) == [(0, 1), (1, 0)]


def test_without_a_box_on_a_face_there_is_no_map():
    with pytest.raises(InputError, match='no box of the detector lies on a face'):
        fit_boxes([np.array([[0.0, 0, 5, 5]])], [np.array([[50.0, 50, 60, 60]])])


def faces_with_points(rng, count):
    """Faces whose box depends on where they look: it is wider behind the head."""
    shape = rng.uniform(-0.4, 0.4, (19, 2))
    boxes = squares(rng, count)
    sides = boxes[:, 2:3] - boxes[:, :1]
    turn = rng.uniform(-0.3, 0.3, (count, 1, 1))
    offsets = shape * [1, 0.8] + turn * (shape[:, :1] ** 2 + 0.5) * [1, 0]
    points = (boxes[:, :2] + boxes[:, 2:])[:, None] / 2 + offsets * sides[:, None]
    return points + rng.normal(0, 0.004, points.shape) * sides[:, None], boxes


def test_boxes_about_points_follow_the_pose(rng):
    points, boxes = faces_with_points(rng, 200)
    points_map = fit_points_map(points[:100], boxes[:100])
    sides = boxes[100:, 2:3] - boxes[100:, :1]
    error = np.abs(points_map(points[100:]) - boxes[100:]) / sides
    assert error.mean() < 0.03
    shifted = points_map(points * 2 + [30, 70])
    assert np.allclose(shifted, points_map(points) * 2 + [30, 70, 30, 70])


def test_points_that_are_not_labelled_do_not_break_the_map(rng):
    points, boxes = faces_with_points(rng, 200)
    holed = points.copy()
    holed[rng.random(holed.shape[:2]) < 0.1] = np.nan
    error = np.abs(fit_points_map(holed, boxes)(points) - boxes) / (boxes[:, 2:3] - boxes[:, :1])
    assert error.mean() < 0.06


def test_a_scattered_face_keeps_a_box_of_a_usual_form(rng):
    points, boxes = faces_with_points(rng, 100)
    points_map = fit_points_map(points, boxes)
    thin = points[:1] * [0.01, 1]
    x1, y1, x2, y2 = points_map(thin)[0]
    assert 0.3 < (x2 - x1) / (y2 - y1) < 3
