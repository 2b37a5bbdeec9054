"""Points of AFLW, 300W and WFLW: on the features, symmetric, and where annotators put them."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.face_shape import laid_over, mean_frontal, rendered_points
from mmpose_lite.structures import parse_pose_metainfo
from mmpose_lite.synthetic.expression import Expression
from mmpose_lite.synthetic.layout import lay_out
from mmpose_lite.synthetic.people import draw_identity
from mmpose_lite.synthetic.person import build_person
from mmpose_lite.synthetic.points import OUTLINE, POINT_COUNTS, place_points
from mmpose_lite.synthetic.pose import Pose

# The mean frontal shape of 794 annotated faces: per cent of the side of the square about the 68
# points, from the middle between the eyes. The annotations are those of frames of YouTube Faces.
ANNOTATED = np.array([
    (-38.7, -10.7), (-25.2, -15.3), (-12.4, -12.9), (12.4, -12.9), (25.2, -15.3), (38.7, -10.7),
    (-29.4, -0.4), (-21.4, 0.1), (-13.0, 0.3), (13.0, 0.3), (21.4, 0.1), (29.4, -0.4),
    (-8.2, 29.2), (0.0, 24.6), (8.2, 29.2), (-17.1, 44.8), (0.0, 45.5), (17.1, 44.8),
    (0.0, 75.9),
])  # fmt: skip


def layout():
    return lay_out(draw_identity(np.random.default_rng(0)), Expression())


def head(yaw, points):
    pose = Pose(np.radians(yaw), 0.0, 0.0, 1.0)
    identity = draw_identity(np.random.default_rng(1))
    hair, beard = replace(identity.hair, style='bald'), replace(identity.beard, style='none')
    identity = replace(identity, hair=hair, beard=beard)
    return build_person(identity, Expression(), pose, 5.0, points)


@pytest.mark.parametrize('name', POINT_COUNTS)
def test_points_are_as_many_as_the_data_set_has(name):
    info = parse_pose_metainfo({'from_file': f'configs/_base_/datasets/{name}.py'})
    assert place_points(layout(), name).shape == (info['num_keypoints'], 2)


@pytest.mark.parametrize('name', POINT_COUNTS)
def test_points_that_swap_in_a_mirror_lie_opposite(name):
    info = parse_pose_metainfo({'from_file': f'configs/_base_/datasets/{name}.py'})
    points = place_points(layout(), name)
    np.testing.assert_allclose(points[info['flip_indices']], points * [-1, 1], atol=1e-9)


def test_sets_agree_on_the_points_that_they_share():
    aflw, many, most = (place_points(layout(), name) for name in ('aflw', '300w', 'wflw'))
    corners = {6: (36, 60), 8: (39, 64), 9: (42, 68), 11: (45, 72), 15: (48, 76), 17: (54, 82)}
    nose = {12: (31, 55), 13: (30, 54), 14: (35, 59), 18: (8, 16)}
    for own, (of_300w, of_wflw) in (corners | nose).items():
        np.testing.assert_allclose(many[of_300w], aflw[own], atol=1e-9)
        np.testing.assert_allclose(most[of_wflw], aflw[own], atol=1e-9)
    np.testing.assert_allclose(many[36:42].mean(0), aflw[7], atol=1e-9)


@pytest.mark.parametrize('name', ['300w', 'wflw'])
def test_outline_of_a_turned_head_follows_what_is_seen(name):
    count = OUTLINE[name]
    front, turned = head(0, name).landmarks, head(40, name).landmarks
    # The far half, on the image's right, is that of the drawn head: nothing of it lies beyond.
    far = turned[count // 2 + 2 : count]
    skin = head(40, name).surfaces[0].points
    for x, y, _ in far:
        level = skin[np.abs(skin[..., 1] - y) < 0.2]
        face = level[level[:, 2] > 0]
        assert x > face[:, 0].max() - 0.6
    assert (front[: count // 2, 0] < 0).all()


def test_mean_frontal_shape_is_that_of_annotators():
    rendered = rendered_points(30, seed=0)
    shape = 100 * laid_over(mean_frontal(rendered, np.ones(30)), ANNOTATED / 100)
    assert np.hypot(*(shape - ANNOTATED).T).mean() < 0.8
