"""Conversions between box forms, in image pixels.

Forms: ``xyxy`` (left, top, right, bottom), ``xywh`` (left, top, width, height), ``cs`` (centre
``(x, y)`` and scale ``(w, h)``, the side lengths in pixels) and ``corner`` (four points: top left,
bottom left, top right, bottom right). Every function takes one box ``(4,)`` or many ``(N, 4)`` and
answers alike; none changes its argument.
"""

from __future__ import annotations

import numpy as np
from numpy import ndarray

from ..flip import DIRECTIONS
from .warp import get_udp_warp_matrix as get_udp_warp_matrix  # MMPose's place of it
from .warp import get_warp_matrix as get_warp_matrix


def bbox_xyxy2xywh(bbox_xyxy: ndarray) -> ndarray:
    """Turn corners into corner and size."""
    return np.concatenate([bbox_xyxy[..., :2], bbox_xyxy[..., 2:] - bbox_xyxy[..., :2]], axis=-1)


def bbox_xywh2xyxy(bbox_xywh: ndarray) -> ndarray:
    """Turn corner and size into corners."""
    return np.concatenate([bbox_xywh[..., :2], bbox_xywh[..., :2] + bbox_xywh[..., 2:]], axis=-1)


def bbox_xyxy2cs(bbox: ndarray, padding: float = 1.0) -> tuple[ndarray, ndarray]:
    """Turn corners into centre and scale.

    Args:
        bbox: ``(4,)`` or ``(N, 4)``, xyxy.
        padding: The factor by which the scale exceeds the box.

    Returns:
        Centre and scale, each ``(2,)`` or ``(N, 2)``.
    """
    center = (bbox[..., :2] + bbox[..., 2:]) * 0.5
    scale = (bbox[..., 2:] - bbox[..., :2]) * padding
    return center, scale


def bbox_xywh2cs(bbox: ndarray, padding: float = 1.0) -> tuple[ndarray, ndarray]:
    """Turn corner and size into centre and scale; see :func:`bbox_xyxy2cs`."""
    return bbox_xyxy2cs(bbox_xywh2xyxy(bbox), padding)


def bbox_cs2xyxy(center: ndarray, scale: ndarray, padding: float = 1.0) -> ndarray:
    """Undo :func:`bbox_xyxy2cs`: ``scale / padding`` is the size of the box."""
    half = scale / padding * 0.5
    return np.concatenate([center - half, center + half], axis=-1)


def bbox_cs2xywh(center: ndarray, scale: ndarray, padding: float = 1.0) -> ndarray:
    """Undo :func:`bbox_xywh2cs`."""
    return bbox_xyxy2xywh(bbox_cs2xyxy(center, scale, padding))


def bbox_xyxy2corner(bbox: ndarray) -> ndarray:
    """Turn corners ``(..., 4)`` into the four corner points ``(..., 4, 2)``."""
    left, top, right, bottom = np.moveaxis(bbox, -1, 0)
    points = [(left, top), (left, bottom), (right, top), (right, bottom)]
    return np.stack([np.stack(point, axis=-1) for point in points], axis=-2)


def bbox_corner2xyxy(bbox: ndarray) -> ndarray:
    """Turn points ``(..., 4, 2)`` into the upright box ``(..., 4)`` about them."""
    return np.concatenate([bbox.min(axis=-2), bbox.max(axis=-2)], axis=-1)


def bbox_clip_border(bbox: ndarray, shape: tuple[int, int]) -> ndarray:
    """Clip xyxy boxes or corner points to an image.

    Args:
        bbox: ``(..., 4)`` xyxy, or ``(..., 4, 2)`` points.
        shape: Width and height of the image.

    Returns:
        A clipped copy: 0 <= x <= width, 0 <= y <= height.
    """
    bound = np.tile(np.asarray(shape, dtype=bbox.dtype), bbox.shape[-1] // 2)
    return np.clip(bbox, 0, bound)


def flip_bbox(
    bbox: ndarray,
    image_size: tuple[int, int],
    bbox_format: str = 'xywh',
    direction: str = 'horizontal',
) -> ndarray:
    """Mirror boxes with their image, pixel centres on pixel centres (x becomes width - 1 - x).

    Args:
        bbox: ``(..., 4)`` for xyxy and xywh, ``(..., 2)`` for center.
        image_size: Width and height of the image.
        bbox_format: ``'xywh'``, ``'xyxy'`` or ``'center'``.
        direction: ``'horizontal'``, ``'vertical'`` or ``'diagonal'``.

    Raises:
        ValueError: If the format or the direction is none of these.
    """
    if bbox_format not in ('xywh', 'xyxy', 'center'):
        raise ValueError(f"bbox_format='{bbox_format}' is not one of xywh, xyxy, center")
    if direction not in DIRECTIONS:
        raise ValueError(f"direction='{direction}' is not one of {', '.join(DIRECTIONS)}")
    flipped = bbox.copy()
    for axis in DIRECTIONS[direction]:
        last = image_size[axis] - 1
        if bbox_format == 'center':
            flipped[..., axis] = last - bbox[..., axis]
        elif bbox_format == 'xyxy':
            flipped[..., axis] = last - bbox[..., axis + 2]
            flipped[..., axis + 2] = last - bbox[..., axis]
        else:
            flipped[..., axis] = last - bbox[..., axis] - bbox[..., axis + 2]
    return flipped
