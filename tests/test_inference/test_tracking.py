"""Ids stay with faces, and a detector is asked no more often than it must be."""

import numpy as np
import pytest

from mmpose_lite.inference.boxes import fit_points_map, ious
from mmpose_lite.inference.tracking import Tracker

SHAPE = np.random.default_rng(3).uniform(-0.35, 0.35, (19, 2))
FRAMES = 300


class World:
    """Faces, the first ones nearest, with a detector and a network that see what a camera does."""

    def __init__(self, centers, sides, noise=0.01):
        self.centers, self.sides = centers, np.asarray(sides, float)  # (T, N, 2) and (N,)
        self.noise = noise
        self.rng = np.random.default_rng(5)
        self.detections = 0

    def boxes(self, t):
        half = self.sides[:, None] / 2
        return np.concatenate([self.centers[t] - half, self.centers[t] + half], axis=1)

    def covered(self, t):
        """The faces behind another one."""
        return (np.triu(ious(self.boxes(t), self.boxes(t)), 1) > 0.35).any(0)

    def detect(self, t):
        self.detections += 1
        boxes = self.boxes(t)[~self.covered(t) & (self.centers[t] > 0).all(1)]
        boxes = boxes + self.rng.normal(0, 0.04, boxes.shape) * (boxes[:, 2:3] - boxes[:, :1])
        return self.rng.permutation(boxes)

    def predict(self, t, boxes):
        """Points of the face that fills most of each box, which covers those behind it."""
        overlaps = ious(boxes[:, :4], self.boxes(t)) * ~self.covered(t)
        faces = overlaps.argmax(1) if len(boxes) else np.zeros(0, int)
        points = self.centers[t][faces][:, None] + SHAPE * self.sides[faces][:, None, None]
        points = (
            points + self.rng.normal(0, self.noise, points.shape) * self.sides[faces, None, None]
        )
        return points, np.where(overlaps.max(1, initial=0) > 0.3, 0.8, 0.2)[:, None] * np.ones(19)


def follow(world, tracker):
    """One dict a frame, from a face's id to its number in the world."""
    seen = []
    for t in range(len(world.centers)):
        boxes = tracker.expect(world.detect(t) if tracker.is_due else None)
        points, scores = world.predict(t, boxes)
        ids, rows = tracker.update(points, scores)
        places = points[rows].mean(1)[:, None] - SHAPE.mean(0) * world.sides[:, None]
        nearest = np.linalg.norm(places - world.centers[t], axis=2).argmin(1) if len(rows) else []
        seen.append(dict(zip(ids.tolist(), np.asarray(nearest).tolist(), strict=True)))
    return seen


def known_points_map():
    rng = np.random.default_rng(1)
    points = SHAPE * 100 + rng.normal(0, 1, (50, 19, 2))
    return fit_points_map(points, np.tile([[-50.0, -50, 50, 50]], (50, 1)))


def crossing():
    """Three faces: two pass each other in front of a third, which goes up and down."""
    s = np.linspace(0, 1, FRAMES)[:, None]
    first = np.hstack([120 + 760 * s, 300 + 60 * np.sin(6 * s)])
    second = np.hstack([860 - 740 * s, 320 + 40 * np.cos(5 * s)])
    third = np.hstack([480 + 60 * np.sin(4 * np.pi * s), 290 + 150 * np.sin(4 * np.pi * s + 1)])
    return np.stack([first, second, third], axis=1)


@pytest.mark.parametrize('sides', [(150, 140, 130), (120, 150, 150), (170, 110, 140)])
@pytest.mark.parametrize('points_map', [None, known_points_map()], ids=['follow', 'map'])
def test_ids_stay_while_three_faces_cross(sides, points_map):
    world = World(crossing(), sides)
    assert any(world.covered(t).any() for t in range(FRAMES))

    seen = follow(world, Tracker(points_map))

    faces = {}
    for frame in seen:
        for key, face in frame.items():
            faces.setdefault(key, set()).add(face)
    assert sorted(map(tuple, faces.values())) == [(0,), (1,), (2,)]
    assert len(faces) == 3
    visible = [(~world.covered(t)).sum() for t in range(FRAMES)]
    assert sum(map(len, seen)) > 0.93 * sum(visible)


def test_the_detector_looks_at_every_nth_frame_where_nothing_happens():
    still = np.tile([[[100.0, 100], [400, 100]]], (100, 1, 1))
    world = World(still, (100, 100))
    seen = follow(world, Tracker(every=10))
    assert world.detections == 10
    assert all(sorted(frame) == [1, 2] for frame in seen)


def test_a_face_that_leaves_is_gone_and_one_that_comes_has_a_new_id():
    centers = np.tile([[[200.0, 200]]], (100, 1, 1))
    centers[40:60] = -1e5  # elsewhere
    centers[60:] = 600
    world = World(centers, (100,))
    seen = follow(world, Tracker(every=5, patience=10))
    assert all(list(frame) == [1] for frame in seen[:40])
    assert all(list(frame) == [2] for frame in seen[66:])


def test_a_face_that_the_detector_misses_once_stays():
    world = World(np.tile([[[200.0, 200]]], (30, 1, 1)), (100,))
    detect = world.detect
    world.detect = lambda t: detect(t)[: 0 if t == 10 else None]
    assert all(list(frame) == [1] for frame in follow(world, Tracker(every=5)))


def test_boxes_on_nothing_are_left_after_two_looks():
    world = World(np.tile([[[200.0, 200]]], (30, 1, 1)), (100,))
    detect = world.detect
    world.detect = lambda t: detect(t) if t == 0 else np.zeros((0, 4))
    seen = follow(world, Tracker(every=5))
    assert [len(frame) for frame in seen] == [1] * 10 + [0] * 20


def test_two_boxes_on_one_face_become_one():
    world = World(np.tile([[[200.0, 200]]], (10, 1, 1)), (100,))
    detect = world.detect
    world.detect = lambda t: np.repeat(detect(t), 2, axis=0)
    assert all(len(frame) == 1 for frame in follow(world, Tracker(every=5)))
