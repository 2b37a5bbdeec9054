"""Faults of a set as a whole, visible in all of its boxes and points at once.

A single face may have any of these numbers; most faces of a correct set cannot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy import ndarray

# Fewer faces may all be odd.
_FEWEST = 3
# "Most" faces, and "nearly all" of them.
_MOST, _NEARLY_ALL = 0.5, 0.9
_NO_SIDE, _FAR = 1e-3, 2.0**24  # px; boxes beyond are told of one by one
_SMALLEST_BOX = 2.0  # px; below it coordinates are shares of a side
# What so many faces have in common is no coincidence, such as no coordinate above this.
_PERCENT, _SEVERAL = 100.0, 10
# As shares of the box's side: room about a box that points may lie in; and what the points of a
# face span at least, and at most.
_ROOM, _NARROW = 0.25, 0.05
# A box and a centre with a scale are of one face if they lie no farther apart, in sides, and their
# sides differ by no larger a factor.
_APART, _FACTOR = 1.0, 5.0
# The middle of a set's points lies so near to that of the boxes, in extents; that of a few faces'.
_OFF_MIDDLE, _FAR_OFF_MIDDLE = 0.05, 0.25
# And those of most faces, in sides of the box, nearer than so.
_MISPLACED = 0.15


@dataclass
class FaceArrays:
    """Boxes and points of the faces of a set, N of K points; image pixels.

    Attributes:
        points: ``(N, K, 2)``.
        labelled: ``(N, K)``, whether a point is annotated.
        bbox_xyxy: ``(N, 4)``, the boxes that crops are cut about.
        image_wh: ``(N, 2)``, sizes of the images by the annotations; NaN where they say none.
        bbox_as_written: ``(N, 4)``, the field ``bbox`` of the annotations; NaN where there is none.
        from_center: Whether ``bbox_xyxy`` is from a centre and a scale, not from that field.
    """

    points: ndarray
    labelled: ndarray
    bbox_xyxy: ndarray
    image_wh: ndarray
    bbox_as_written: ndarray
    from_center: bool

    @classmethod
    def arrays_of(
        cls, samples: Sequence[Mapping[str, Any]], annotations: Sequence[Mapping[str, Any]]
    ) -> dict[str, Any]:
        """Build the attributes from samples of a data set and their annotations."""
        unknown = (np.nan, np.nan)
        visible = _joined(samples, 'keypoints_visible')  # with a weight behind it, or without
        boxes = [
            sample.get('raw_ann_info', annotation).get('bbox')
            for sample, annotation in zip(samples, annotations, strict=True)
        ]
        return {
            'points': _joined(samples, 'keypoints'),
            'labelled': visible.reshape(*visible.shape[:2], -1)[..., 0] > 0,
            'bbox_xyxy': _joined(samples, 'bbox'),
            'image_wh': np.array([each.get('image_wh', unknown) for each in samples], float),
            'bbox_as_written': np.array([_four(box) for box in boxes], float),
            'from_center': 'bbox_center' in samples[0],
        }

    @property
    def side(self) -> ndarray:
        """The longer side of each box, ``(N,)``."""
        return (self.bbox_xyxy[:, 2:] - self.bbox_xyxy[:, :2]).max(axis=1)


def implausible(faces: FaceArrays) -> str | None:
    """Find a fault that no correct set of faces has; None if there is none."""
    has_points = faces.labelled.any(axis=1)
    if has_points.sum() < _FEWEST:
        return None
    arrays = ('points', 'labelled', 'bbox_xyxy', 'image_wh', 'bbox_as_written')
    kept = {name: getattr(faces, name)[has_points] for name in arrays}
    shown = FaceArrays(**kept, from_center=faces.from_center)
    checks = (
        *(_shares_for_pixels, _corners_for_sizes, _misplaced, _outside_of_boxes, _narrow),
        *(_two_boxes, _outside_of_images, _percent_for_pixels),
    )
    # The first that speaks is the nearest to the cause.
    return next(filter(None, (check(shown) for check in checks)), None)


def _joined(samples: Sequence[Mapping[str, Any]], key: str) -> ndarray:
    return np.concatenate([sample[key] for sample in samples]).astype(np.float64)


def _four(box: Any) -> Sequence[float]:
    is_box = isinstance(box, list) and len(box) == 4
    is_sound = is_box and all(type(side) in (int, float) and abs(side) < _FAR for side in box)
    return box if is_sound else [np.nan] * 4


def _shares_for_pixels(faces: FaceArrays) -> str | None:
    side = np.median(faces.side)
    if side < _SMALLEST_BOX:
        return (
            f'boxes are {side:.2g} pixels wide in the median: COCO counts pixels; are these shares '
            "of the photographs' sides?"
        )
    within = _share((np.abs(faces.points[faces.labelled]) <= _SMALLEST_BOX).all(axis=1))
    if within < _NEARLY_ALL or side < 4 * _SMALLEST_BOX:
        return None
    return (
        f'{within:.0%} of the points lie between 0 and {_SMALLEST_BOX:g}, and boxes are {side:.3g} '
        "pixels wide: COCO counts pixels; are the points shares of the photographs' sides?"
    )


def _corners_for_sizes(faces: FaceArrays) -> str | None:
    """Detect two corners in ``bbox``: read as corner and size, boxes reach too far."""
    written = faces.bbox_as_written
    if faces.from_center or not np.isfinite(written).all():
        return None
    first, second = written[:, :2], written[:, 2:]
    tighter = _share_inside(faces, faces.points, written) >= _NEARLY_ALL
    if _share((second > first).all(axis=1) & tighter) < _NEARLY_ALL:
        return None
    beyond = _share((first + second > faces.image_wh + 1).any(axis=1))
    fits = (first >= 0).all(axis=1) & (second <= faces.image_wh).all(axis=1)
    # Faces look both ways, so across a set their points lie in the middle of boxes.
    as_sizes = _across(faces, first[:, 0] + second[:, 0] / 2)
    as_corners = _across(faces, (first[:, 0] + second[:, 0]) / 2)
    off, off_by_corners = np.median(as_sizes), np.median(as_corners)
    # A few faces that fill their photographs may be a little off by chance.
    least = _OFF_MIDDLE if len(written) >= _SEVERAL else _FAR_OFF_MIDDLE
    is_nearer = _share(np.abs(as_corners) < np.abs(as_sizes)) >= _NEARLY_ALL
    off_middle = off < -least and abs(off_by_corners) < 0.5 * abs(off) and is_nearer
    if not off_middle and not (beyond > _MOST and _share(fits) >= _NEARLY_ALL):
        return None
    return (
        "'bbox' is x, y, width and height, and these look like two corners (x1, y1, x2, y2): read "
        f'so, points lie in the middle of their boxes; as they are read, {beyond:.0%} of the boxes '
        'reach beyond their photographs'
    )


def _misplaced(faces: FaceArrays) -> str | None:
    """Detect points that lie in the middle of their boxes once either is read differently."""
    middle = _middle(faces, faces.points)
    corner, size = faces.bbox_xyxy[:, :2], faces.bbox_xyxy[:, 2:] - faces.bbox_xyxy[:, :2]
    as_read = _apart(faces, middle, corner + size / 2)
    if np.median(as_read) < _MISPLACED:
        return None
    readings = {
        'with x and y of the points exchanged': _apart(faces, middle[:, ::-1], corner + size / 2),
        'with (x, y) as the middle of the box': _apart(faces, middle, corner),
        "counted from the box's corner": _apart(faces, middle, size / 2),
    }
    reading, apart = min(readings.items(), key=lambda each: np.median(each[1]))
    is_nearer = _share(apart < as_read) >= _NEARLY_ALL
    if not is_nearer or np.median(apart) > 0.5 * np.median(as_read):
        return None
    return (
        f'points lie {np.median(as_read):.2g} sides from the middle of their boxes in the median, '
        f'and {np.median(apart):.2g} {reading}'
    )


def _outside_of_boxes(faces: FaceArrays) -> str | None:
    outside = _share(_share_inside(faces, faces.points, faces.bbox_xyxy) < 1 - _MOST)
    if outside <= _MOST:
        return None
    return f'of {outside:.0%} of the faces most points lie outside of the box'


def _narrow(faces: FaceArrays) -> str | None:
    spans = (extent(faces) / faces.side)[faces.labelled.sum(axis=1) > 2]
    if len(spans) < _FEWEST or np.median(spans) >= _NARROW:
        return None
    return (
        f'the points of a face span {np.median(spans):.2g} sides of its box in the median: are '
        'boxes, or scales, in another unit than points?'
    )


def _two_boxes(faces: FaceArrays) -> str | None:
    """Detect a centre and a scale of another face than the box beside them."""
    written = faces.bbox_as_written
    known = (written[:, 2:] > _NO_SIDE).all(axis=1)  # and not NaN
    if not faces.from_center or known.sum() < _FEWEST:
        return None
    side, size = faces.side[known], written[known, 2:].max(axis=1)
    middle = (faces.bbox_xyxy[known, :2] + faces.bbox_xyxy[known, 2:]) / 2
    apart = np.abs(middle - (written[known, :2] + written[known, 2:] / 2)).max(axis=1)
    apart, factor = np.median(apart / np.maximum(side, size)), np.median(side / size)
    if apart <= _APART and 1 / _FACTOR <= factor <= _FACTOR:
        return None
    return (
        f"'center' and 'scale' disagree with 'bbox': in the median they lie {apart:.2g} sides "
        f"apart, and 200 'scale' is {factor:.2g} times the longer side of 'bbox'"
    )


def _outside_of_images(faces: FaceArrays) -> str | None:
    known = np.isfinite(faces.image_wh).all(axis=1)
    if known.sum() < _FEWEST:
        return None
    beyond = _share_beyond(faces, faces.image_wh)[known] > _MOST
    fits_exchanged = not _share_beyond(faces, faces.image_wh[:, ::-1])[known].any()
    if _share(beyond) <= _MOST and not (beyond.sum() >= _FEWEST and fits_exchanged):
        return None
    why = ': are x and y, or width and height, exchanged?' if fits_exchanged else ''
    return f'of {beyond.sum()} faces most points lie outside of the photograph{why}'


def _percent_for_pixels(faces: FaceArrays) -> str | None:
    points, shortest = faces.points[faces.labelled], faces.image_wh.min(axis=1)
    if len(shortest) < _SEVERAL or points.max() > _PERCENT or points.min() < 0:
        return None
    if not (shortest > 4 * _PERCENT).all():  # or one is not known
        return None
    return (
        f'no point of {len(shortest)} faces has a coordinate above {_PERCENT:g}, in photographs '
        f'of {shortest.min():g} pixels and more: are these per cent?'
    )


def _share(is_so: Any) -> float:
    return float(np.mean(is_so))


def _share_inside(faces: FaceArrays, points: ndarray, bbox_xyxy: ndarray) -> ndarray:
    """The share of each face's labelled points that lie in a box, with some room about it."""
    low, high = bbox_xyxy[:, None, :2], bbox_xyxy[:, None, 2:]
    room = _ROOM * np.abs(high - low).max(axis=2, keepdims=True)
    inside = ((points >= low - room) & (points <= high + room)).all(axis=2) & faces.labelled
    return inside.sum(axis=1) / faces.labelled.sum(axis=1)


def _share_beyond(faces: FaceArrays, size_wh: ndarray) -> ndarray:
    """The share of each face's labelled points that lie outside of its photograph."""
    beyond = ((faces.points < -1) | (faces.points > size_wh[:, None])).any(axis=2)
    return (beyond & faces.labelled).sum(axis=1) / faces.labelled.sum(axis=1)


def _corners(faces: FaceArrays, points: ndarray) -> tuple[ndarray, ndarray]:
    """The corners of the smallest boxes about the labelled points, ``(N, 2)`` each."""
    labelled = faces.labelled[..., None]
    low = np.where(labelled, points, np.inf).min(axis=1)
    return low, np.where(labelled, points, -np.inf).max(axis=1)


def extent(faces: FaceArrays) -> ndarray:
    """Compute the longer extent of each face's labelled points, ``(N,)``; -inf without any."""
    low, high = _corners(faces, faces.points)
    return (high - low).max(axis=1)


def _middle(faces: FaceArrays, points: ndarray) -> ndarray:
    """The middle of each face's labelled points, ``(N, 2)``."""
    low, high = _corners(faces, points)
    return (low + high) / 2


def _apart(faces: FaceArrays, middle: ndarray, other: ndarray) -> ndarray:
    """Distances of places from others, in sides of the boxes, ``(N,)``."""
    return np.abs(middle - other).max(axis=1) / faces.side


def _across(faces: FaceArrays, middle_x: ndarray) -> ndarray:
    """Distances of the points' middles to the right of the boxes', in extents, ``(N,)``."""
    apart = _middle(faces, faces.points)[:, 0] - middle_x
    return apart / np.maximum(extent(faces), 1e-6)
