"""Boxes as a model was trained with them: from a detector's boxes, and from points.

Boxes are xyxy, image pixels. The size of a box is the square root of its area.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy import ndarray

from mmpose_lite.errors import InputError
from mmpose_lite.structures.bbox import bbox_cs2xyxy, bbox_overlaps, bbox_xyxy2cs

MATCH_IOU = 0.4
"""The overlap from which on a box counts as that of a face."""

_FIRST_IOU = 0.1  # before there is a map, boxes may lie anywhere about the face
_ROUNDS = 4
_MAD_TO_SD = 1.4826  # of a normal distribution
_SMALLEST = 1e-3  # px; of the size of points that coincide
_RIDGE = 0.1
_RANGE = (0.5, 99.5)  # percentiles between which boxes about points stay


@dataclass(frozen=True)
class BoxMap:
    """A shift and a scale that turn boxes of one kind into those of another.

    Attributes:
        dx: Shift of the centre to the right, in sizes of the box.
        dy: Shift of the centre down, likewise.
        scale: Size of the new box, likewise.
        aspect: Width of the new box by its height.
        sd_dx: Spread of ``dx`` over the faces it was fitted on: a standard deviation, without
            regard to outliers.
        sd_dy: That of ``dy``.
        sd_scale: That of the logarithm of ``scale``.
        faces: Number of faces it was fitted on.
    """

    dx: float = 0.0
    dy: float = 0.0
    scale: float = 1.0
    aspect: float = 1.0
    sd_dx: float = 0.0
    sd_dy: float = 0.0
    sd_scale: float = 0.0
    faces: int = 0

    def __call__(self, boxes: ndarray) -> ndarray:
        """Map boxes ``(N, 4)``, or ``(N, 5)`` with scores, which stay, to as many."""
        center, size = _center_and_size(boxes)
        wide = self.scale * self.aspect**0.5
        sides = size * [wide, wide / self.aspect]
        mapped = bbox_cs2xyxy(center + size * [self.dx, self.dy], sides)
        return np.concatenate([mapped, boxes[:, 4:]], axis=1)


def fit_box_map(boxes: ndarray, targets: ndarray) -> BoxMap:
    """Fit the map from boxes ``(N, 4)`` to those of the same faces ``(N, 4)``, by medians.

    Raises:
        InputError: If there is no face.
    """
    if len(boxes) == 0:
        raise InputError('no box of the detector lies on a face: there is nothing to fit')
    center, size = _center_and_size(boxes)
    wanted, sides = bbox_xyxy2cs(np.asarray(targets, np.float64))
    log_sides = np.log(np.maximum(sides, _SMALLEST))
    columns = np.column_stack(
        [(wanted - center) / size, log_sides.mean(1) - np.log(size[:, 0]), -np.diff(log_sides)]
    )
    middle = np.median(columns, axis=0)
    spread = _MAD_TO_SD * np.median(np.abs(columns - middle), axis=0)
    dx, dy, log_scale, log_aspect = middle.tolist()
    sd_dx, sd_dy, sd_scale, _ = spread.tolist()
    scale, aspect = float(np.exp(log_scale)), float(np.exp(log_aspect))
    return BoxMap(dx, dy, scale, aspect, sd_dx, sd_dy, sd_scale, len(columns))


def _center_and_size(boxes: ndarray) -> tuple[ndarray, ndarray]:
    """Centres ``(N, 2)`` and sizes ``(N, 1)`` of boxes ``(N, 4)`` or ``(N, 5)``, float64."""
    center, sides = bbox_xyxy2cs(np.asarray(boxes, np.float64)[:, :4])
    return center, np.sqrt(np.maximum(sides, _SMALLEST).prod(1, keepdims=True))


def match_boxes(
    boxes: ndarray, targets: ndarray, least_iou: float = MATCH_IOU
) -> tuple[ndarray, ndarray]:
    """Pair boxes ``(N, 4)`` with targets ``(M, 4)``, those that overlap most first.

    Returns:
        The indices of the pairs, of boxes and of targets, each ``(P,)``. None is in two pairs, and
        the overlap of each pair, over their union, is at least ``least_iou``.
    """
    overlaps = ious(boxes, targets)
    pairs = []
    while overlaps.size and overlaps.max() >= max(least_iou, _SMALLEST):
        i, j = np.unravel_index(int(overlaps.argmax()), overlaps.shape)
        pairs.append((i, j))
        overlaps[i], overlaps[:, j] = -1, -1
    first, second = np.array(pairs, int).reshape(-1, 2).T
    return first, second


def ious(boxes: ndarray, others: ndarray) -> ndarray:
    """Overlap over the union of boxes ``(N, 4)`` and ``(M, 4)``: ``(N, M)``."""
    first, second = (
        torch.from_numpy(np.array(each, np.float64)[:, :4].reshape(-1, 4))
        for each in (boxes, others)
    )
    return bbox_overlaps(first, second).numpy()


@dataclass(frozen=True)
class BoxFit:
    """A detector's boxes beside the true ones, over photographs.

    Attributes:
        box_map: The map that was fitted.
        overlaps: Of each true box with the mapped box on it, over their union; 0 where there is
            none: one array ``(Mi,)`` for each photograph.
        extra: Number of boxes on no face that the annotations have.
    """

    box_map: BoxMap
    overlaps: list[ndarray]
    extra: int

    @property
    def recall(self) -> float:
        """Share of the faces on which a mapped box lies; NaN without a face."""
        found = np.concatenate([np.zeros(0), *self.overlaps])
        return float((found > 0).mean()) if len(found) else float('nan')


def fit_boxes(detected: Sequence[ndarray], targets: Sequence[ndarray]) -> BoxFit:
    """Fit the map from a detector's boxes to those of the annotations, photograph by photograph.

    A first map comes from pairs that hardly overlap; it is refined as long as the pairs change.

    Args:
        detected: Boxes of each photograph, ``(Ni, 4)`` or ``(Ni, 5)``.
        targets: True boxes, ``(Mi, 4)``.

    Raises:
        InputError: If no detected box lies on a face.
    """
    box_map, least = BoxMap(), _FIRST_IOU
    for _ in range(_ROUNDS):
        pairs = [
            (boxes[i], truth[j])
            for boxes, truth in zip(detected, targets, strict=True)
            for i, j in zip(*match_boxes(box_map(boxes), truth, least), strict=True)
        ]
        sources, truths = ([pair[k][:4] for pair in pairs] for k in (0, 1))
        fitted = fit_box_map(np.reshape(sources, (-1, 4)), np.reshape(truths, (-1, 4)))
        if fitted == box_map:
            break
        box_map, least = fitted, MATCH_IOU
    return judge_boxes(box_map, detected, targets)


def judge_boxes(box_map: BoxMap, detected: Sequence[ndarray], targets: Sequence[ndarray]) -> BoxFit:
    """Compare mapped boxes with the true ones; see :func:`fit_boxes` for the arguments."""
    overlaps, extra = [], 0
    for boxes, truth in zip(detected, targets, strict=True):
        mapped = box_map(boxes)
        first, second = match_boxes(mapped, truth)
        found = np.zeros(len(truth))
        found[second] = ious(mapped, truth)[first, second]
        overlaps.append(found)
        extra += len(boxes) - len(first)
    return BoxFit(box_map, overlaps, extra)


@dataclass(frozen=True)
class PointsMap:
    """A linear map from the points of a face to the box that a model was trained with.

    It does not depend on where in the photograph a face is, nor on its size.

    Attributes:
        weights: ``(1 + 2 K, 4)``: from 1 and the points, centred and divided by their spread, to
            the centre of the box and the logarithms of its sides, likewise.
        low: ``(4,)``, the least of these that boxes have.
        high: ``(4,)``, the largest.
    """

    weights: ndarray
    low: ndarray
    high: ndarray

    def __call__(self, points: ndarray) -> ndarray:
        """Boxes ``(N, 4)`` about points ``(N, K, 2)``, image pixels."""
        middle, spread, features = _point_features(points)
        numbers = np.clip(features @ self.weights, self.low, self.high)
        return bbox_cs2xyxy(middle + spread * numbers[:, :2], spread * np.exp(numbers[:, 2:]))

    def to_json(self) -> dict[str, Any]:
        """The map as lists."""
        return {name: value.tolist() for name, value in asdict(self).items()}


def fit_points_map(points: ndarray, boxes: ndarray) -> PointsMap:
    """Fit the map from points ``(N, K, 2)`` to boxes ``(N, 4)``, by a ridge regression.

    Points that are not labelled are NaN; they count as if they lay where they do on average.

    Raises:
        InputError: If there is no face.
    """
    if len(points) == 0:
        raise InputError('no face has points: there is nothing to fit')
    middle, spread, features = _point_features(points)
    mean = np.nanmean(features, axis=0)
    features = np.where(np.isnan(features), np.nan_to_num(mean), features)
    center, sides = bbox_xyxy2cs(np.asarray(boxes, np.float64))
    wanted = np.column_stack(
        [(center - middle) / spread, np.log(np.maximum(sides, _SMALLEST) / spread)]
    )
    penalty = _RIDGE * np.eye(features.shape[1])
    penalty[0, 0] = 0
    weights = np.linalg.solve(features.T @ features + penalty, features.T @ wanted)
    low, high = np.percentile(wanted, _RANGE, axis=0)
    return PointsMap(weights, low, high)


def follow_points(boxes: ndarray, before: ndarray, now: ndarray) -> ndarray:
    """Move boxes ``(N, 4)`` and scale them as their points do, ``(N, K, 2)`` before and now."""
    (old, old_spread, _), (new, new_spread, _) = map(_point_features, (before, now))
    center, sides = bbox_xyxy2cs(np.asarray(boxes, np.float64))
    ratio = new_spread / old_spread
    return bbox_cs2xyxy(new + (center - old) * ratio, sides * ratio)


def _point_features(points: ndarray) -> tuple[ndarray, ndarray, ndarray]:
    """Middles ``(N, 2)``, spreads ``(N, 1)``, and 1 and the points in their terms."""
    points = np.asarray(points, np.float64)
    middle = np.nanmean(points, axis=1)
    offsets = points - middle[:, None]
    spread = np.sqrt(np.nanmean((offsets**2).sum(2), axis=1))[:, None].clip(_SMALLEST)
    flat = (offsets / spread[..., None]).reshape(len(points), -1)
    return middle, spread, np.column_stack([np.ones(len(points)), flat])
