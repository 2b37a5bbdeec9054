"""Head, landmarks and pose: order, symmetry, and points that lie on what is drawn."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from mmpose_lite.synthetic import LANDMARK_NAMES
from mmpose_lite.synthetic.expression import Expression, draw_expression
from mmpose_lite.synthetic.head import build_head, surface_point
from mmpose_lite.synthetic.identity import SHAPE_TRAITS
from mmpose_lite.synthetic.layout import lay_out
from mmpose_lite.synthetic.lighting import draw_lighting
from mmpose_lite.synthetic.people import draw_identity
from mmpose_lite.synthetic.person import build_person
from mmpose_lite.synthetic.pose import Pose, rotation
from mmpose_lite.synthetic.render import render_face

SIZE = 240
MIRROR = {0: 5, 1: 4, 2: 3, 6: 11, 7: 10, 8: 9, 12: 14, 15: 17, 13: 13, 16: 16, 18: 18}
INDEX = {name: k for k, name in enumerate(LANDMARK_NAMES)}


def mean_identity():
    person = draw_identity(np.random.default_rng(0))
    return replace(
        person,
        shape=dict.fromkeys(SHAPE_TRAITS, 0.0),
        hair=replace(person.hair, style='bald', length=0.0),
        beard=replace(person.beard, style='none'),
        glasses='none',
        hat='none',
    )


def frontal(yaw_deg=0.0, pitch_deg=0.0, roll_deg=0.0):
    angles = np.radians([yaw_deg, pitch_deg, roll_deg]).tolist()
    return Pose(*angles, pixels_per_cm=8.0, origin=(SIZE / 2, SIZE * 0.42))


def render(identity, expression, pose):
    return draw(build_person(identity, expression, pose, texture_per_cm=6.0), pose)


def draw(person, pose):
    return render_face(person, pose, draw_lighting(np.random.default_rng(0)), (SIZE, SIZE))


@pytest.fixture(scope='module')
def frontal_face():
    return render(mean_identity(), Expression(), frontal())


def test_there_are_aflws_19_names():
    assert len(LANDMARK_NAMES) == len(set(LANDMARK_NAMES)) == 19
    assert set(MIRROR) | set(MIRROR.values()) == set(range(19))


def test_all_points_of_a_frontal_face_are_visible(frontal_face):
    assert frontal_face.visible.all()


def test_points_of_a_frontal_face_run_from_image_left_to_right(frontal_face):
    x = frontal_face.landmarks_xy[:, 0]
    for row in (range(6), range(6, 12), range(12, 15), range(15, 18)):
        assert (np.diff(x[list(row)]) > 0).all()


def test_features_of_a_frontal_face_run_from_top_to_bottom(frontal_face):
    y = frontal_face.landmarks_xy[:, 1]
    rows = [y[list(row)] for row in (range(6), range(6, 12), range(12, 15), range(15, 18), [18])]
    for upper, lower in pairwise(rows):
        assert upper.max() < lower.min()


def test_mean_face_is_symmetric(frontal_face):
    points = frontal_face.landmarks_xy
    mirrored = points.copy()
    for left, right in MIRROR.items():
        mirrored[left], mirrored[right] = points[right], points[left]
    mirrored[:, 0] = SIZE - mirrored[:, 0]
    # The two halves of a grid cell meet in the same diagonal on both sides: a hair's breadth.
    np.testing.assert_allclose(points, mirrored, atol=0.1)


@pytest.mark.parametrize('yaw_deg', [-85, -40, 0, 20, 60, 90])
def test_visible_points_lie_on_the_drawn_surface(yaw_deg):
    rng = np.random.default_rng(abs(yaw_deg))
    gaps = []
    for _ in range(4):
        pose = frontal(yaw_deg, 8.0, -10.0)
        person = build_person(draw_identity(rng), draw_expression(rng), pose, texture_per_cm=6.0)
        face = draw(person, pose)
        # On the outline the nearest sample may lie beside the head.
        inner = face.visible & (person.normals[:, 2] > 0.3)
        gaps.append((face.landmark_depth - face.surface_depth)[inner])
    gap = np.abs(np.concatenate(gaps))
    assert len(gap) > 15
    assert np.median(gap) < 0.05
    assert gap.max() < 0.5


@pytest.mark.parametrize('side', [-1, 1])
def test_profile_hides_the_far_side_and_shows_the_near_one(side):
    face = render(mean_identity(), Expression(), frontal(90.0 * side))
    left = [INDEX[f'Left{part}'] for part in ('BrowLeftCorner', 'EyeLeftCorner', 'EyeCenter')]
    right = [MIRROR[k] for k in left]
    near, far = (left, right) if side > 0 else (right, left)
    assert face.visible[near].all()
    assert not face.visible[far].any()
    # The nose leads: it is the outermost point on the side to which the head looks.
    assert np.argmax(side * face.landmarks_xy[:, 0]) == INDEX['NoseCenter']


def test_something_opaque_in_front_hides_a_point():
    dark = replace(mean_identity(), glasses='dark')
    seen = render(dark, Expression(), frontal()).visible
    assert not seen[[INDEX['LeftEyeCenter'], INDEX['RightEyeCenter']]].any()
    assert seen[[INDEX['NoseCenter'], INDEX['ChinCenter']]].all()


def test_yaw_pitch_and_roll_turn_the_nose_as_documented():
    nose, brow = np.array([0.0, 0.0, 10.0]), np.array([0.0, 10.0, 0.0])
    assert (rotation(0.3, 0, 0) @ nose)[0] > 0
    assert (rotation(0, 0.3, 0) @ nose)[1] < 0
    assert (rotation(0, 0, 0.3) @ brow)[0] < 0
    np.testing.assert_allclose(
        rotation(0.4, -0.2, 0.7),
        rotation(0, 0, 0.7) @ rotation(0, -0.2, 0) @ rotation(0.4, 0, 0),
    )


def test_projection_puts_up_at_the_top_and_scales():
    pose = Pose(0.0, 0.0, 0.0, pixels_per_cm=3.0, origin=(50.0, 60.0))
    np.testing.assert_allclose(pose.project(np.array([2.0, 4.0, 5.0])), [56.0, 48.0, 5.0])


def test_open_mouth_lowers_the_chin_and_smile_widens_the_mouth():
    identity = mean_identity()

    def mark(expression, name):
        layout = lay_out(identity, expression)
        return surface_point(
            build_head(identity, layout, expression), layout.landmarks_xv[INDEX[name]]
        )

    neutral = Expression()
    drop = mark(neutral, 'ChinCenter')[1] - mark(Expression(mouth_open=2.0), 'ChinCenter')[1]
    assert 1.0 < drop < 2.5
    smile = Expression(smile=1.0)
    assert mark(smile, 'MouthRightCorner')[0] > mark(neutral, 'MouthRightCorner')[0] + 0.2
    assert mark(smile, 'MouthLeftCorner')[1] > mark(neutral, 'MouthLeftCorner')[1] + 0.2
