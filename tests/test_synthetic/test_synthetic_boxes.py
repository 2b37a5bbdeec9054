"""Boxes by convention, and poses by style."""

import numpy as np
import pytest

from mmpose_lite.errors import InputError
from mmpose_lite.synthetic import DatasetError, Recipe
from mmpose_lite.synthetic.expression import Expression
from mmpose_lite.synthetic.head import build_head, surface_points
from mmpose_lite.synthetic.layout import lay_out
from mmpose_lite.synthetic.people import draw_identity
from mmpose_lite.synthetic.points import place_points
from mmpose_lite.synthetic.pose import Pose, draw_angles
from mmpose_lite.synthetic.scene import (
    BOX_ANCHOR,
    BOX_SIDE_CM,
    Style,
    box_about,
    render_scene,
)
from mmpose_lite.utils.face_boxes import FACE_BOXES, convert_face_boxes


def test_tight_box_is_the_square_about_the_points():
    points = np.array([[10.2, 20.0], [50.0, 90.0], [30.0, 40.0]])
    assert box_about(points, 'tight68').tolist() == [-5, 20, 70, 70]


@pytest.mark.parametrize('source', FACE_BOXES)
@pytest.mark.parametrize('target', FACE_BOXES)
def test_maps_between_conventions_undo_each_other(source, target):
    boxes = np.array([[10.0, 20.0, 110.0, 120.0], [0.0, 0.0, 40.0, 40.0]])
    there = convert_face_boxes(boxes, source, target)
    np.testing.assert_allclose(convert_face_boxes(there, target, source), boxes, atol=1e-9)
    if source == target:
        np.testing.assert_allclose(there, boxes, atol=1e-9)


def test_head_box_is_larger_than_aflws_and_that_than_the_tight_one():
    tight = np.array([0.0, 0.0, 100.0, 100.0])
    sides = [np.diff(convert_face_boxes(tight, 'tight68', name)[[0, 2]])[0] for name in FACE_BOXES]
    assert dict(zip(FACE_BOXES, sides, strict=True)) == pytest.approx(
        {'tight68': 100.0, 'head': 134.0, 'aflw': 122.0}
    )


def test_unknown_convention_is_named_with_the_known():
    with pytest.raises(InputError, match=r"'tight' are none of tight68, head, aflw"):
        convert_face_boxes(np.zeros(4), 'tight', 'head')


def test_constants_of_the_map_are_means_of_heads():
    rng = np.random.default_rng(0)
    ratios, rises = [], []
    for _ in range(16):
        pose = Pose(*draw_angles(rng, 'portrait'), pixels_per_cm=1.0)
        layout = lay_out(identity := draw_identity(rng), Expression())
        skin = pose.turn(build_head(identity, layout, Expression()))
        points = pose.project(surface_points(skin, place_points(layout, '300w')))[:, :2]
        middle, side = (points.max(0) + points.min(0)) / 2, np.ptp(points, axis=0).max()
        ratios.append(BOX_SIDE_CM / side)
        rises.append((middle - pose.project(pose.turn(BOX_ANCHOR))[:2])[1] / side)
    assert np.mean(ratios) == pytest.approx(1.34, abs=0.05)
    assert np.mean(rises) == pytest.approx(0.072, abs=0.02)


def test_style_says_which_boxes_a_picture_has():
    (tight,) = render_scene(3, 'test', 0, 1, Style('300w', 'tight68', 'portrait'))[1]
    (wide,) = render_scene(3, 'test', 0, 1, Style('aflw', 'aflw', 'portrait'))[1]
    assert (len(tight.keypoints), len(wide.keypoints)) == (68, 19)
    np.testing.assert_allclose(tight.keypoints[30], wide.keypoints[13])
    assert tight.bbox_xywh[2] < wide.bbox_xywh[2]


def test_portraits_look_more_or_less_into_the_camera():
    rng = np.random.default_rng(0)
    yaw, pitch, roll = np.degrees([draw_angles(rng, 'portrait') for _ in range(4000)]).T
    assert yaw.std() == pytest.approx(25, abs=1.5)
    assert pitch.std() == pytest.approx(8, abs=1)
    assert 6.5 < roll.std() < 9


@pytest.mark.parametrize('name', ['points', 'boxes', 'poses'])
def test_recipe_names_the_kind_that_it_does_not_know(name):
    with pytest.raises(DatasetError, match=f"{name} 'other' is none of"):
        Recipe(1, 1, 0, **{name: 'other'})
