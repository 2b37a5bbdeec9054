"""Face detectors by name; each is a function from pixels to boxes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy import ndarray

from mmpose_lite.errors import InputError, about_nearest

from .retinaface import RetinaFace

Detector = Callable[[ndarray], ndarray]
"""A function from an image ``(H, W, 3)`` uint8 BGR to ``(N, 5)`` x1, y1, x2, y2, score."""


def whole_image(image: ndarray) -> ndarray:
    """Take the whole image for one face."""
    height, width = image.shape[:2]
    return np.array([[0, 0, width, height, 1]], np.float32)


_NAMED: dict[str, Callable[[], Detector]] = {
    'retinaface': RetinaFace,
    'whole-image': lambda: whole_image,
}


def make_detector(name: str) -> Detector:
    """Make a detector by its name.

    Raises:
        InputError: If there is none of that name.
    """
    if name not in _NAMED:
        raise InputError(f"detector '{name}' is not known; {about_nearest(name, _NAMED)}")
    return _NAMED[name]()
