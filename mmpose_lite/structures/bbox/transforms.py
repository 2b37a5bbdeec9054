"""Box forms, in image pixels, and the affine maps from a box to a network's input, ``(2, 3)``.

Forms: ``xyxy`` (left, top, right, bottom), ``xywh`` (left, top, width, height), ``cs`` (centre
``(x, y)`` and scale ``(w, h)``, the side lengths in pixels) and ``corner`` (four points: top left,
bottom left, top right, bottom right). Conversions take one box ``(4,)`` or many ``(N, 4)`` and
answer alike; none changes its argument.
"""

from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np
from numpy import ndarray

DIRECTIONS: dict[str, tuple[int, ...]] = {
    'horizontal': (0,),
    'vertical': (1,),
    'diagonal': (0, 1),
}
"""The axes that a mirroring turns, named as MMPose names them."""


def bbox_xyxy2xywh(bbox_xyxy: ndarray) -> ndarray:
    """Turn corners into corner and size."""
    return np.concatenate([bbox_xyxy[..., :2], bbox_xyxy[..., 2:] - bbox_xyxy[..., :2]], axis=-1)


def bbox_xywh2xyxy(bbox_xywh: ndarray) -> ndarray:
    """Turn corner and size into corners."""
    return np.concatenate([bbox_xywh[..., :2], bbox_xywh[..., :2] + bbox_xywh[..., 2:]], axis=-1)


def bbox_xyxy2cs(bbox: ndarray, padding: float = 1.0) -> tuple[ndarray, ndarray]:
    """Turn corners into centre and scale, which exceeds the box by the factor ``padding``."""
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
    """Clip xyxy boxes or corner points ``(..., 4, 2)``: 0 <= x <= width, 0 <= y <= height.

    Args:
        bbox: Boxes or points; a copy is clipped.
        shape: Width and height of the image.
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

    Boxes are ``(..., 4)`` in the formats ``'xywh'`` and ``'xyxy'``, ``(..., 2)`` in ``'center'``.
    The image is (w, h), the direction ``'horizontal'``, ``'vertical'`` or ``'diagonal'``.

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
        if bbox_format == 'xywh':
            flipped[..., axis] = last - bbox[..., axis] - bbox[..., axis + 2]
        else:  # each of two corners becomes the other
            flipped[..., axis::2] = last - bbox[..., axis::2][..., ::-1]
    return flipped


def fix_aspect_ratio(scale: ndarray, aspect_ratio: float) -> ndarray:
    """Grow the shorter side of boxes, ``(..., 2)``, until width / height is the ratio."""
    width, height = scale[..., :1], scale[..., 1:]
    return np.where(
        width > height * aspect_ratio,
        np.concatenate([width, width / aspect_ratio], axis=-1),
        np.concatenate([height * aspect_ratio, height], axis=-1),
    )


def get_warp_matrix(
    center: ndarray,
    scale: ndarray,
    rot: float,
    output_size: tuple[int, int],
    shift: tuple[float, float] = (0.0, 0.0),
    inv: bool = False,
    fix_aspect_ratio: bool = True,
) -> ndarray:
    """The map that takes a rotated box to an output (w, h), centre to centre, float64.

    Centre and scale are in image pixels, the rotation is in degrees, and the shift of the centre in
    shares of width and height. With ``fix_aspect_ratio`` both axes are scaled by the widths' ratio;
    else each by its own. With ``inv`` it is the way back, from output to image.
    """
    if not len(center) == len(scale) == len(output_size) == 2:
        raise ValueError(_about_pairs(center=center, scale=scale, output_size=output_size))
    angle = np.deg2rad(rot)
    cos, sin = float(np.cos(angle)), float(np.sin(angle))
    width, height = float(scale[0]), float(scale[1])
    x, y = float(center[0]) + width * shift[0], float(center[1]) + height * shift[1]
    # Three points fix the map, in float32 as the published numbers have it: the centre, the middle
    # of the left side, and a third: one quarter turn about the left side, or the middle of the top.
    left = (x - 0.5 * width * cos, y - 0.5 * width * sin)
    top = (x + 0.5 * height * sin, y - 0.5 * height * cos)
    source = np.array([(x, y), left, top], dtype=np.float32)
    if fix_aspect_ratio:
        (center_x, center_y), (left_x, left_y), _ = source
        source[2] = left_x - (center_y - left_y), left_y + (center_x - left_x)
    target = _output_points(*output_size, fix_aspect_ratio)
    return cv2.getAffineTransform(target, source) if inv else cv2.getAffineTransform(source, target)


def get_udp_warp_matrix(
    center: ndarray, scale: ndarray, rot: float, output_size: tuple[int, int]
) -> ndarray:
    """The map of :func:`get_warp_matrix` with sizes counted between pixel centres, float32.

    Source: Huang et al. (UDP), CVPR 2020, https://arxiv.org/abs/1911.07524
    """
    if not len(center) == len(scale) == len(output_size) == 2:
        raise ValueError(_about_pairs(center=center, scale=scale, output_size=output_size))
    angle = np.deg2rad(rot)
    cos, sin = math.cos(angle), math.sin(angle)
    ratio_x = (output_size[0] - 1) / scale[0]
    ratio_y = (output_size[1] - 1) / scale[1]
    input_w, input_h = center[0] * 2, center[1] * 2
    return np.array(
        [
            [
                ratio_x * cos,
                -ratio_x * sin,
                ratio_x * (-0.5 * input_w * cos + 0.5 * input_h * sin + 0.5 * scale[0]),
            ],
            [
                ratio_y * sin,
                ratio_y * cos,
                ratio_y * (-0.5 * input_w * sin - 0.5 * input_h * cos + 0.5 * scale[1]),
            ],
        ],
        dtype=np.float32,
    )


def flip_matrix(image_size: tuple[int, int], direction: str = 'horizontal') -> ndarray:
    """The mirroring of :func:`flip_bbox` as a ``(3, 3)`` matrix: x becomes width - 1 - x."""
    matrix = np.eye(3)
    for axis in DIRECTIONS[direction]:
        matrix[axis, axis] = -1
        matrix[axis, 2] = image_size[axis] - 1
    return matrix


@lru_cache
def _output_points(width: int, height: int, fix_aspect_ratio: bool) -> ndarray:
    half_w, half_h = 0.5 * width, 0.5 * height
    third = (0.0, half_h + half_w) if fix_aspect_ratio else (half_w, 0.0)
    points = np.array([(half_w, half_h), (0.0, half_h), third], dtype=np.float32)
    points.flags.writeable = False
    return points


def _about_pairs(**values: ndarray | tuple[int, int]) -> str:
    name, value = next(each for each in values.items() if len(each[1]) != 2)
    return f'{name} needs two numbers, got {value!r}'
