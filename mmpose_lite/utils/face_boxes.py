"""Squares that data sets mean by a face's box, and the maps between them."""

from __future__ import annotations

import numpy as np
from numpy import ndarray

from mmpose_lite.errors import InputError

# Side, and height of the centre above that of tight68's, in sides of tight68's square. Those of
# head are means over rendered faces; those of aflw follow from the mean of AFLW's 19 points in its
# boxes, as PIPNet publishes it, and from the same points in squares about the 68.
_SQUARES = {'tight68': (1.0, 0.0), 'head': (1.34, 0.072), 'aflw': (1.22, 0.05)}

FACE_BOXES = tuple(_SQUARES)
"""The conventions: ``tight68``, the smallest square about the 68 points of 300W, with the middle of
their extent; ``head``, about the whole head; ``aflw``, as AFLW's boxes are on average."""


def convert_face_boxes(boxes: ndarray, source: str, target: str) -> ndarray:
    """Return the boxes that another convention would mean for the same upright faces.

    Args:
        boxes: (..., 4) xyxy, image pixels.
        source: Convention of the boxes, one of ``FACE_BOXES``.
        target: Convention to return.

    Returns:
        (..., 4) xyxy, float64. A map of means: for one face it is some per cent of the side off.

    Raises:
        InputError: If a convention is unknown.
    """
    for name in (source, target):
        if name not in _SQUARES:
            raise InputError(f"face boxes '{name}' are none of {', '.join(FACE_BOXES)}")
    boxes = np.asarray(boxes, dtype=np.float64)
    low, high = boxes[..., :2], boxes[..., 2:]
    (own_side, own_rise), (side, rise) = _SQUARES[source], _SQUARES[target]
    size = (high - low) / own_side
    center = (low + high) / 2 - size * np.array([0.0, rise - own_rise])
    return np.concatenate([center - size * side / 2, center + size * side / 2], axis=-1)
