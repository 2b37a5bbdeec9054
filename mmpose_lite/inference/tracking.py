"""Faces of a video from frame to frame: boxes from points, ids by overlap, a detector now and then.

Boxes are xyxy, image pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from numpy import ndarray

from .boxes import PointsMap, follow_points, ious, match_boxes
from .results import Landmarks
from .smoothing import OneEuro, smooth_track
from .sources import Photograph

EVERY = 10
"""Frames from one use of the detector to the next, while nothing unusual happens."""

PATIENCE = 150
"""Frames for which a face that is not seen keeps its id."""

# Overlaps, over the union of two boxes.
_SAME_FACE = 0.3  # of a detection and the box that a track expects
_DRIFTED = 0.5  # below it, the detection knows better than the points where the face is
_CROSSING = 0.05  # of two tracks: from here on the detector looks at every frame
_PARTLY_TAKEN = 0.25  # of a detection and a track: it is no new face
_ONE_FACE = 0.6  # of two tracks: both are on one face
_WEAK = 0.6  # of its usual score: the detector is asked at the next frame
_MISSES = 2  # uses of the detector that may fail to see a face
_SMALLEST, _LARGEST = 4.0, 4.0  # sides of boxes: pixels, and frames
# A face that was hidden is found again within so many of its sizes, and more for each frame that
# it was away, if it has not grown or shrunk too much; its velocity is less from frame to frame.
_NEAR, _ROAMING, _GROWTH, _SLOWING = 0.6, 0.015, 1.6, 0.95
_CHILDHOOD = 5  # frames of a face that is forgotten once it is lost: mostly it was none
_STEADY = 0.15  # share of the newest step in the velocity
_LONGEST_STEP = 0.1  # side of a face, by which points that jump change it at most
_NEW = 0.3  # share of the newest score in the usual one


@dataclass(eq=False)
class Track:
    """A face that is followed.

    Attributes:
        id: Its number, from 1.
        box: ``(4,)``, where it is expected in this frame, or was found in it.
        velocity: ``(2,)``, of its centre, pixels a frame.
        age: Frames in which it had points.
        last: ``(4,)``, the box about its points in the frame before.
        anchor: The box of a detection, and the points in it; None until there are some.
        certainty: The detector's score when it last saw the face.
        score: Usual mean score of its points; NaN before the first frame.
        misses: Uses of the detector, in a row, that have not seen it.
        hidden: Frames, in a row, in which it was not seen; 0 while it is.
    """

    id: int
    box: ndarray
    velocity: ndarray
    certainty: float = 1.0
    age: int = 0
    last: ndarray = field(default_factory=lambda: np.zeros(4))
    anchor: tuple[ndarray, ndarray] | None = None
    score: float = float('nan')
    misses: int = 0
    hidden: int = 0


class Tracker:
    """Follows faces: it says where to look in a frame, and whose the points are that were found.

        while frames are there:
            boxes = tracker.expect(detect(frame) if tracker.is_due else None)
            ids, kept = tracker.update(*predict(frame, boxes))

    A face that another one covers is not looked for until a detection lies where it would be had
    it gone on; then it has its id again.

    Args:
        points_map: The map from points to boxes; without it, boxes move and grow as points do.
        every: Frames from one use of the detector to the next.
        patience: Frames for which a face that is not seen keeps its id.
    """

    def __init__(
        self, points_map: PointsMap | None = None, every: int = EVERY, patience: int = PATIENCE
    ) -> None:
        self.points_map = points_map
        self.every, self.patience = every, patience
        self._tracks: list[Track] = []
        self._since_detection = every
        self._is_doubtful = True
        self._next_id = 1

    @property
    def is_due(self) -> bool:
        """True if the detector is to look at the next frame."""
        return self._is_doubtful or self._since_detection >= self.every

    def expect(
        self, detected: ndarray | None = None, size_wh: tuple[int, int] | None = None
    ) -> ndarray:
        """Boxes ``(N, 5)``, with the detector's scores, in which to look for points in a frame.

        Args:
            detected: The detector's boxes of this frame, ``(M, 5)`` or ``(M, 4)``, as the model
                takes them; None if it was not asked.
            size_wh: Width and height of the frame, pixels; a face that has left it is hidden.
        """
        for track in self._tracks:
            track.box = track.box + np.tile(track.velocity, 2)
            track.velocity = track.velocity * (_SLOWING if track.hidden else 1)
        if detected is None:
            self._since_detection += 1
        else:
            self._since_detection = 1
            self._join(np.asarray(detected, np.float64))
        for track in self._seen():
            if size_wh is not None and not _lies_within(track.box, size_wh):
                track.hidden = 1
        return np.reshape([[*track.box, track.certainty] for track in self._seen()], (-1, 5))

    def update(self, points: ndarray, scores: ndarray) -> tuple[ndarray, ndarray]:
        """Take in the points ``(N, K, 2)`` and scores ``(N, K)`` in the boxes that were expected.

        Returns:
            Ids ``(M,)`` of the faces that are kept, and their rows ``(M,)``; of two that are on
            one face, one is dropped.
        """
        seen = self._seen()
        boxes = self._boxes_about(seen, points)
        self._is_doubtful = False
        rows = []
        for row in self._apart(seen, boxes):
            self._move(seen[row], boxes[row], float(scores[row].mean()))
            rows.append(row)
        for row in set(range(len(seen))) - set(rows):
            seen[row].hidden += 1
            self._is_doubtful = True
        self._is_doubtful |= self._has_crossing()
        for track in self._tracks:
            track.hidden += track.hidden > 0 and track not in seen
        self._tracks = [
            track
            for track in self._tracks
            if track.hidden <= (self.patience if track.age > _CHILDHOOD else 0)
        ]
        return np.array([seen[row].id for row in rows], np.int64), np.array(rows, np.int64)

    def _seen(self) -> list[Track]:
        return [track for track in self._tracks if not track.hidden]

    def _join(self, detected: ndarray) -> None:
        """Give detections to tracks: to those in sight, then to hidden ones, then to new ones."""
        seen = self._seen()
        boxes = np.reshape([track.box for track in seen], (-1, 4))
        first, second = match_boxes(detected, boxes, _SAME_FACE)
        for i, j in zip(first, second, strict=True):
            self._see(seen[j], *_apart(detected[i]))
        left = [detected[i] for i in range(len(detected)) if i not in first]
        left = self._find_again(left)
        unseen = [seen[j] for j in range(len(seen)) if j not in second]
        for track in unseen:
            track.misses += 1
        self._hide(unseen)
        taken = np.reshape([track.box for track in self._seen()], (-1, 4))
        for row in left:
            box, certainty = _apart(row)
            if (ious(box[None], taken) > _PARTLY_TAKEN).any():
                continue  # two faces in one box, or one of which little is seen
            self._tracks.append(Track(self._next_id, box, np.zeros(2), certainty))
            self._next_id += 1

    def _find_again(self, detections: list[ndarray]) -> list[ndarray]:
        """Give detections to hidden tracks, the nearest first; return those that are left.

        The longer a face was hidden, the farther it may be from where it was expected.
        """
        hidden = [track for track in self._tracks if track.hidden]
        while detections and hidden:
            distances = [[_distance(row, track) for track in hidden] for row in detections]
            i, j = np.unravel_index(int(np.argmin(distances)), np.shape(distances))
            if distances[i][j] > 1:
                break
            self._see(hidden.pop(j), *_apart(detections.pop(i)))
        return detections

    def _see(self, track: Track, box: ndarray, certainty: float) -> None:
        """Confirm a track by a detection, which is its box where the track has lost the face."""
        has_drifted = ious(track.box[None], box[None]).item() < _DRIFTED
        if track.hidden or has_drifted or self.points_map is None:
            track.box, track.anchor = box, None
        if track.hidden:
            track.last = box
        track.certainty = certainty
        track.misses = track.hidden = 0

    def _hide(self, unseen: Sequence[Track]) -> None:
        """Lose sight of faces that the detector has missed often, or that another one covers."""
        for track in unseen:
            others = [each.box for each in self._seen() if each is not track]
            overlap = ious(track.box[None], np.reshape(others, (-1, 4)))
            if track.misses >= _MISSES or (overlap > _CROSSING).any():
                track.hidden = max(track.hidden, 1)

    def _boxes_about(self, tracks: Sequence[Track], points: ndarray) -> ndarray:
        """Boxes ``(N, 4)`` of tracks about their new points."""
        if self.points_map is not None and len(points):
            return self.points_map(points)
        boxes = []
        for track, now in zip(tracks, np.asarray(points, np.float64), strict=True):
            box, before = track.anchor = track.anchor or (track.box, now)
            boxes.append(follow_points(box[None], before[None], now[None])[0])
        return np.reshape(boxes, (-1, 4))

    def _apart(self, tracks: Sequence[Track], boxes: ndarray) -> list[int]:
        """Rows of tracks that are on a face of their own: the best that fit what was expected."""
        expected = np.reshape([track.box for track in tracks], (-1, 4))
        fit = np.diag(ious(boxes, expected))
        overlaps = ious(boxes, boxes)
        kept: list[int] = []
        for row in np.argsort(-fit, kind='stable').tolist():
            if fit[row] >= _SAME_FACE and not (overlaps[row, kept] > _ONE_FACE).any():
                kept.append(row)
        return sorted(kept)

    def _move(self, track: Track, box: ndarray, score: float) -> None:
        """Move a track to where its points are."""
        if track.age:
            step = (box - track.last).reshape(2, 2).mean(0)
            longest = _LONGEST_STEP * _side(box)
            change = np.clip(step, -longest, longest) - track.velocity
            track.velocity = track.velocity + _STEADY * change
            self._is_doubtful |= score < _WEAK * track.score
        usual = score if np.isnan(track.score) else track.score
        track.score = usual + _NEW * (score - usual)
        track.box, track.last, track.age = box, box, track.age + 1

    def _has_crossing(self) -> bool:
        boxes = np.reshape([track.box for track in self._tracks], (-1, 4))
        return bool((np.triu(ious(boxes, boxes), 1) > _CROSSING).any())


def _apart(row: ndarray) -> tuple[ndarray, float]:
    """A detection's box ``(4,)`` and its score, 1 where it has none."""
    return row[:4], float(row[4]) if len(row) > 4 else 1.0


def _distance(detection: ndarray, track: Track) -> float:
    """Distance of a detection from a hidden face, by that which it may have: 1 is near enough."""
    box = detection[:4]
    (middle, size), (expected, usual) = (
        ((each[:2] + each[2:]) / 2, float(np.sqrt((each[2:] - each[:2]).prod())))
        for each in (box, track.box)
    )
    if not 1 / _GROWTH < size / usual < _GROWTH:
        return float('inf')
    return float(np.linalg.norm(middle - expected)) / (usual * (_NEAR + _ROAMING * track.hidden))


def _lies_within(box: ndarray, size_wh: tuple[int, int]) -> bool:
    """True if the middle of a box is in the frame, and the box of a size that a face can have."""
    sides = box[2:] - box[:2]
    middle = (box[:2] + box[2:]) / 2
    has_size = bool((sides > _SMALLEST).all() and (sides < _LARGEST * max(size_wh)).all())
    return has_size and bool(((middle > 0) & (middle < size_wh)).all())


class PointFilters:
    """One-Euro filters by the faces' ids, for a video whose later frames are not there yet."""

    def __init__(self) -> None:
        self._filters: dict[int, OneEuro] = {}

    def __call__(self, result: Landmarks) -> Landmarks:
        """Smooth the points of a frame, whose faces have ids."""
        ids = [] if result.ids is None else result.ids.tolist()
        # A face that was away begins anew.
        self._filters = {key: self._filters.get(key) or OneEuro() for key in ids}
        points = [
            self._filters[key](points, result.photograph.time_s or 0.0, _side(box))
            for key, points, box in zip(ids, result.points, result.boxes, strict=True)
        ]
        smooth = np.asarray(points, np.float32).reshape(result.points.shape)
        return replace(result, points=smooth)


def smooth_both_ways(results: Sequence[Landmarks]) -> list[Landmarks]:
    """Smooth the points of a whole video, forward and backward; frames are in their order."""
    stretches: dict[int, list[list[tuple[int, int]]]] = {}
    for place, result in enumerate(results):
        for row, key in enumerate([] if result.ids is None else result.ids.tolist()):
            own = stretches.setdefault(key, [])
            if not own or own[-1][-1][0] < place - 1:  # it was away
                own.append([])
            own[-1].append((place, row))
    points = [result.points.copy() for result in results]
    for places in (stretch for own in stretches.values() for stretch in own):
        times = np.array([results[t].photograph.time_s or 0.0 for t, _ in places])
        sides = np.array([_side(results[t].boxes[row]) for t, row in places])
        before = np.array([results[t].points[row] for t, row in places])
        for (t, row), after in zip(places, smooth_track(before, times, sides), strict=True):
            points[t][row] = after
    return [replace(each, points=new) for each, new in zip(results, points, strict=True)]


def _side(box: ndarray) -> float:
    return float(np.max(box[2:] - box[:2]))


class FindsFaces(Protocol):
    """The model of a video, with its detector: two methods of :class:`~.landmarker.Landmarker`."""

    def find_boxes(self, photograph: Photograph) -> ndarray:
        """Ask the detector for the boxes of a frame's faces."""

    def predict(self, photographs: Iterable[tuple[Photograph, Any]]) -> Iterator[Landmarks]:
        """Find the points of frames whose boxes are known."""


def follow_faces(
    landmarker: FindsFaces, frames: Iterable[Photograph], tracker: Tracker
) -> Iterator[Landmarks]:
    """Find the points of a video's faces, with ids that stay with them.

    Args:
        landmarker: The model, with its detector.
        frames: The frames, in their order.
        tracker: A new one, or that of the frames before.
    """
    for frame in frames:
        height, width = frame.image.shape[:2]
        detected = landmarker.find_boxes(frame) if tracker.is_due else None
        boxes = tracker.expect(detected, (width, height))
        result = next(iter(landmarker.predict([(frame, boxes)])))
        ids, rows = tracker.update(result.points, result.scores)
        yield result.take(rows, ids)
