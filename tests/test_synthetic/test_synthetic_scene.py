"""Pictures: what they depend on, how poses are spread, and what hides a point."""

import numpy as np
import pytest

from mmpose_lite.synthetic.photo import _noise
from mmpose_lite.synthetic.pose import draw_angles
from mmpose_lite.synthetic.scene import FaceLabel, occlude, random_source, render_scene
from mmpose_lite.synthetic.writer import Recipe, plan_pictures


def test_picture_depends_on_seed_split_and_number_alone():
    image, labels = render_scene(5, 'train', 3, 1)
    again, labels_again = render_scene(5, 'train', 3, 1)
    np.testing.assert_array_equal(image, again)
    np.testing.assert_array_equal(labels[0].keypoints, labels_again[0].keypoints)
    for other in [(6, 'train', 3), (5, 'test', 3), (5, 'train', 4)]:
        assert not np.array_equal(render_scene(*other, 1)[1][0].keypoints, labels[0].keypoints)


@pytest.mark.parametrize('count', [1, 3])
def test_every_face_of_a_picture_is_labelled(count):
    image, labels = render_scene(1, 'test', 40, count)
    assert image.dtype == np.uint8
    assert image.shape[2] == 3
    assert 300 <= min(image.shape[:2]) <= max(image.shape[:2]) <= 1600
    assert len(labels) == count
    for label in labels:
        x, y, width, height = label.bbox_xywh
        assert width == height
        # The points are the face's own: most of them lie in its box.
        inside = (label.keypoints >= [x, y]) & (label.keypoints <= [x + width, y + height])
        assert inside.all(1).mean() > 0.7


def test_label_hides_covered_points_and_those_outside():
    keypoints = np.array([[0.0, 0.0], [9.4, 4.4], [9.6, 2.0], [-0.6, 2.0], [3.0, 4.6], [5.0, 2.0]])
    label = FaceLabel(keypoints, np.array([1, 1, 1, 1, 1, 1]), np.array([0, 0, 5, 5]), 0, 0, 0)
    cover = np.zeros((5, 10), np.float32)
    cover[2, 5] = 0.9
    assert label.hidden_by(cover).visibility.tolist() == [1, 1, 0, 0, 0, 0]
    assert label.visibility.all()


def test_angles_are_spread_as_in_aflw():
    rng = np.random.default_rng(0)
    yaw, pitch, roll = np.abs(np.degrees([draw_angles(rng) for _ in range(4000)])).T
    assert np.mean(yaw < 30) == pytest.approx(0.58, abs=0.04)
    assert np.mean(yaw > 60) == pytest.approx(0.20, abs=0.04)
    assert 85 < yaw.max() <= 90
    assert pitch.max() <= 32
    assert roll.max() <= 75


@pytest.mark.parametrize('seed', range(8))
def test_occluder_changes_the_picture_only_where_it_says(seed):
    before = np.full((200, 220, 3), 77, np.uint8)
    after = before.copy()
    opacity = occlude(np.random.default_rng(seed), after, np.array([60, 50, 100, 100]))
    changed = (after != before).any(2)
    assert opacity.max() > 0.9
    assert opacity.mean() < 0.6
    assert not changed[opacity == 0].any()
    assert changed[opacity > 0.9].mean() > 0.9


@pytest.mark.parametrize(('train', 'test'), [(1, 1), (2, 7), (53, 20)])
def test_plan_holds_exactly_the_faces_that_were_asked_for(train, test):
    pictures = plan_pictures(Recipe(train, test, seed=9))
    for split, total, offset in (('train', train, 0), ('test', test, train)):
        mine = [picture for picture in pictures if picture.split == split]
        faces = [picture.first + k for picture in mine for k in range(picture.count)]
        assert faces == list(range(total))
        assert [picture.image_id - picture.first for picture in mine] == [offset] * len(mine)


def test_plan_has_group_pictures():
    counts = [picture.count for picture in plan_pictures(Recipe(500, 1, seed=0))]
    assert 0.8 < counts.count(1) / len(counts) < 0.97
    assert max(counts) > 2


def test_random_sources_differ_by_every_part_of_their_key():
    keys = [(0, 'train', 0, 0), (1, 'train', 0, 0), (0, 'test', 0, 0), (0, 'train', 1, 0)]
    keys.append((0, 'train', 0, 1))
    assert len({random_source(*key).random() for key in keys}) == len(keys)


def test_noise_is_white_and_differs_from_picture_to_picture():
    grey = [np.full((300, 1600), 128, np.uint8)] * 3
    made = [_noise(np.random.default_rng(seed), grey)[0].astype(float) - 128 for seed in range(40)]
    strong = [each for each in made if each.std() > 4]
    assert len(strong) > 5
    for each in strong:
        assert abs(each.mean()) < 0.6
        assert abs(np.corrcoef(each[:, :-1].ravel(), each[:, 1:].ravel())[0, 1]) < 0.02
    assert abs(np.corrcoef(strong[0].ravel(), strong[1].ravel())[0, 1]) < 0.02
