"""The error of the mean shape: what a guess without a network would have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy import ndarray

from .metrics import NME
from .metrics.row_metric import visible_points


def mean_shape(faces: Iterable[Mapping[str, Any]]) -> ndarray | None:
    """Average the points of faces in their boxes.

    Args:
        faces: Samples before the pipeline, with ``bbox`` ``(1, 4)`` xyxy, ``keypoints``
            ``(1, K, 2)``, both in image pixels, and ``keypoints_visible`` ``(1, K)``.

    Returns:
        ``(K, 2)``: each point, over the faces on which it is visible, from the centre of the box in
        units of its longer side. None where a point is on no face.
    """
    total: Any = 0.0
    count: Any = 0.0
    for face in faces:
        center, side = _box(face)
        seen = visible_points(face['keypoints_visible'])[:, None]
        total = total + np.where(seen, (face['keypoints'][0] - center) / side, 0)
        count = count + seen
    return total / count if np.all(count) else None


def mean_shape_nme(metric: NME, shape: ndarray, faces: Iterable[Mapping[str, Any]]) -> float | None:
    """Compute the NME of a mean shape put into the box of each face.

    Args:
        metric: The metric, for its normaliser.
        shape: ``(K, 2)``; see :func:`mean_shape`.
        faces: Samples before the pipeline, as there.

    Returns:
        The NME, a fraction; None where the metric finds no face to compute it over.

    Raises:
        ValueError: If a face lacks what the normaliser needs, or it is not above 0.
    """
    rows = []
    for face in faces:
        center, side = _box(face)
        truth = {**face, 'bboxes': face['bbox']}
        row = {
            'id': face.get('id'),
            'img_path': face.get('img_path'),
            'gt': face['keypoints'][0],
            'pred': center + side * shape,
            'mask': visible_points(face['keypoints_visible']),
        }
        row |= metric.extra(truth, row)
        if metric.reason_to_leave_out(row) is None:
            rows.append(row)
    return metric.compute(rows)['NME'] if rows else None


def _box(face: Mapping[str, Any]) -> tuple[ndarray, float]:
    left_top, right_bottom = np.reshape(face['bbox'][0], (2, 2))
    return (left_top + right_bottom) / 2, float(np.max(right_bottom - left_top))
