"""Boxes of rendered faces, as data sets would have them."""

from __future__ import annotations

import numpy as np

from mmpose_lite.utils.face_boxes import convert_face_boxes

Array = np.ndarray


def box_about(points_xy: Array, boxes: str) -> Array:
    """Return the whole-numbered square (4,), left, top, side and side, that a data set would have.

    Args:
        points_xy: (68, 2) points of 300W, image pixels.
        boxes: One of ``FACE_BOXES``; the square of ``tight68`` is exact, others follow from it.
    """
    low, high = points_xy.min(0), points_xy.max(0)
    middle, half = (low + high) / 2, (high - low).max() / 2
    square = convert_face_boxes(np.concatenate([middle - half, middle + half]), 'tight68', boxes)
    side = int(np.ceil(square[2] - square[0]))
    corner = np.floor((square[:2] + square[2:] - side) / 2 + 0.5).astype(int)
    return np.array([corner[0], corner[1], side, side])
