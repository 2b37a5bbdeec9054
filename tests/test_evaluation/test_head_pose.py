"""The pose that 19 points imply."""

import numpy as np
import pytest

from mmpose_lite.evaluation.functional import head_pose
from mmpose_lite.evaluation.functional.pose_angles import MEAN_HEAD
from mmpose_lite.synthetic.expression import Expression, draw_expression
from mmpose_lite.synthetic.head import build_head, surface_point
from mmpose_lite.synthetic.layout import lay_out
from mmpose_lite.synthetic.people import draw_identity
from mmpose_lite.synthetic.pose import Pose, draw_angles, rotation

EVERY = np.ones((1, 19), dtype=bool)
MIRROR = [5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7, 6, 14, 13, 12, 17, 16, 15, 18]


def seen(angles, size=7.0, place=(300.0, 200.0)):
    """The mean head in a picture, ``(1, 19, 2)``."""
    turned = MEAN_HEAD @ rotation(*angles).T
    return (turned[:, :2] * [size, -size] + place)[None]


@pytest.mark.parametrize(
    'angles',
    [
        (0, 0, 0),
        (0.6, 0, 0),
        (-0.6, 0, 0),
        (0, 0.4, 0),
        (0, 0, 0.9),
        (1.5, -0.2, 0.3),
        (-1.2, 0.5, -0.8),
    ],
)
def test_the_mean_head_gives_back_its_pose(angles):
    assert head_pose(seen(angles), EVERY)[0] == pytest.approx(angles, abs=1e-6)


def test_signs():
    """The nose moves to image right with yaw, down with pitch; eyes tilt with roll."""
    eyes, nose = (7, 10), 13
    straight, right, down = (seen(a)[0] for a in ((0, 0, 0), (0.5, 0, 0), (0, 0.3, 0)))
    assert right[nose, 0] - right[list(eyes), 0].mean() > straight[nose, 0] - 300 + 5
    assert down[nose, 1] - down[list(eyes), 1].mean() > straight[nose, 1] - straight[7, 1]
    tilted = seen((0, 0, 0.3))[0]
    assert tilted[10, 1] < tilted[7, 1]  # counter-clockwise: the eye at image right goes up
    assert head_pose(tilted[None], EVERY)[0, 2] == pytest.approx(0.3)


def test_a_mirrored_face_looks_the_other_way():
    points = seen((0.7, 0.2, 0.1)) + np.random.default_rng(0).normal(0, 1, (1, 19, 2))
    mirrored = points[:, MIRROR] * [-1, 1]
    yaw, pitch, roll = head_pose(points, EVERY)[0]
    assert head_pose(mirrored, EVERY)[0] == pytest.approx((-yaw, pitch, -roll), abs=1e-6)


def test_few_points_have_no_pose():
    mask = np.zeros((2, 19), dtype=bool)
    mask[0, :7] = mask[1, :10] = True
    points = np.repeat(seen((0.4, 0.1, 0.0)), 2, axis=0)
    poses = head_pose(points, mask)
    assert np.isnan(poses[0]).all()
    assert poses[1] == pytest.approx((0.4, 0.1, 0.0), abs=1e-3)


def test_poses_of_other_heads_with_other_faces():
    """60 synthetic people with any expression, in poses as in AFLW."""
    points, truth = [], []
    for number in range(60):
        rng = np.random.default_rng([9, number])
        identity, expression = draw_identity(rng), draw_expression(rng)
        layout = lay_out(identity, expression)
        skin = build_head(identity, layout, expression)
        marks = np.array([surface_point(skin, xv) for xv in layout.landmarks_xv])
        pose = Pose(*draw_angles(rng), pixels_per_cm=10.0, origin=(50.0, 60.0))
        points.append(pose.project(pose.turn(marks))[:, :2])
        truth.append((pose.yaw, pose.pitch, pose.roll))
    found = head_pose(np.array(points), np.ones((60, 19), dtype=bool))
    off = np.degrees(np.abs(found - truth))
    assert (off.mean(axis=0) < (4, 5, 3)).all()
    assert np.corrcoef(found[:, 0], np.array(truth)[:, 0])[0, 1] > 0.99


def test_the_mean_head_is_that_of_the_embedded_faces():
    shapes = []
    for number in range(40):
        identity = draw_identity(np.random.default_rng(number))
        layout = lay_out(identity, Expression())
        skin = build_head(identity, layout, Expression())
        shapes.append([surface_point(skin, xv) for xv in layout.landmarks_xv])
    mean = np.mean(shapes, axis=0)
    assert np.abs(mean - mean.mean(axis=0) - MEAN_HEAD).max() < 0.5  # cm
