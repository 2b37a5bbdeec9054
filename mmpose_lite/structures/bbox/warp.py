"""Affine maps from a box in a photograph to a network's input, as ``(2, 3)`` matrices."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy import ndarray

from ..flip import DIRECTIONS


def fix_aspect_ratio(scale: ndarray, aspect_ratio: float) -> ndarray:
    """Grow the shorter side of boxes until width / height is the ratio.

    Args:
        scale: ``(..., 2)``, width and height in pixels.
        aspect_ratio: Width over height.
    """
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
    """The map that takes a rotated box to the output, centre to centre.

    Args:
        center: ``(2,)``, centre of the box, image pixels.
        scale: ``(2,)``, width and height of the box, image pixels.
        rot: Rotation of the box in degrees.
        output_size: Width and height of the output.
        shift: Shift of the centre, as a share of the box's width and height.
        inv: Return the way back, from output to image.
        fix_aspect_ratio: Scale both axes by the widths' ratio; else each by its own.

    Returns:
        ``(2, 3)`` float64.
    """
    _require_pair('center', center)
    _require_pair('scale', scale)
    _require_pair('output_size', output_size)
    angle = np.deg2rad(rot)
    rotate = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    size_out = np.asarray(output_size, dtype=np.float64)
    # Three points fix the map, in float32 as the published numbers have it: the centre, the middle
    # of the left side, and a third: one quarter turn about the left side, or the middle of the top.
    source = np.zeros((3, 2), dtype=np.float32)
    target = np.zeros((3, 2), dtype=np.float32)
    origin = center + np.asarray(scale) * np.asarray(shift)
    source[0] = origin
    source[1] = origin + rotate @ [-0.5 * scale[0], 0.0]
    target[0] = 0.5 * size_out
    target[1] = target[0] - [0.5 * size_out[0], 0.0]
    if fix_aspect_ratio:
        source[2] = _third_point(source[0], source[1])
        target[2] = _third_point(target[0], target[1])
    else:
        source[2] = origin + rotate @ [0.0, -0.5 * scale[1]]
        target[2] = target[0] - [0.0, 0.5 * size_out[1]]
    return cv2.getAffineTransform(target, source) if inv else cv2.getAffineTransform(source, target)


def get_udp_warp_matrix(
    center: ndarray, scale: ndarray, rot: float, output_size: tuple[int, int]
) -> ndarray:
    """The map of "The Devil is in the Details" (UDP): sizes are counted between pixel centres.

    Args:
        center: ``(2,)``, centre of the box, image pixels.
        scale: ``(2,)``, width and height of the box, image pixels.
        rot: Rotation of the box in degrees.
        output_size: Width and height of the output.

    Returns:
        ``(2, 3)`` float32.

    Source: Huang et al., CVPR 2020, https://arxiv.org/abs/1911.07524
    """
    _require_pair('center', center)
    _require_pair('scale', scale)
    _require_pair('output_size', output_size)
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
    """The mirroring of an image as a ``(3, 3)`` matrix: x becomes width - 1 - x.

    Args:
        image_size: Width and height of the image.
        direction: ``'horizontal'``, ``'vertical'`` or ``'diagonal'``.
    """
    matrix = np.eye(3)
    for axis in DIRECTIONS[direction]:
        matrix[axis, axis] = -1
        matrix[axis, 2] = image_size[axis] - 1
    return matrix


def _third_point(center: ndarray, left: ndarray) -> ndarray:
    toward = center - left
    return left + np.array([-toward[1], toward[0]], dtype=np.float32)


def _require_pair(name: str, value: ndarray | tuple[int, int]) -> None:
    if len(value) != 2:
        raise ValueError(f'{name} needs two numbers, got {value!r}')
