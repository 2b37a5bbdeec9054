"""Mirroring and clipping of points, in image pixels; visibility travels with the points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy import ndarray

from ..bbox.transforms import DIRECTIONS

FARTHEST = 1e9
"""No pixel is farther from the corner of its image; beyond, areas and sums come to no number."""


def flip_keypoints(
    keypoints: ndarray,
    keypoints_visible: ndarray | None,
    image_size: tuple[int, int],
    flip_indices: Sequence[int],
    direction: str = 'horizontal',
) -> tuple[ndarray, ndarray | None]:
    """Mirror points with their image and swap the names of left and right.

    A diagonal mirroring is half a turn: left stays left, no names are swapped.

    Args:
        keypoints: ``(..., K, D)``, D at least 2.
        keypoints_visible: ``(..., K)`` or ``(..., K, 2)``, or None.
        image_size: Width and height of the image.
        flip_indices: For each of the K points, the index of its mirror point.
        direction: ``'horizontal'``, ``'vertical'`` or ``'diagonal'``.

    Returns:
        New points and visibilities.

    Raises:
        ValueError: If the direction is unknown or the number of indices is not K.
    """
    if direction not in DIRECTIONS:
        raise ValueError(f"direction='{direction}' is not one of {', '.join(DIRECTIONS)}")
    axes = DIRECTIONS[direction]
    if len(axes) == 2:
        flip_indices = range(keypoints.shape[-2])
    visible, order = _swap(keypoints, keypoints_visible, flip_indices)
    flipped = keypoints[..., order, :].copy()
    for axis in axes:
        flipped[..., axis] = image_size[axis] - 1 - flipped[..., axis]
    return flipped, visible


def flip_keypoints_custom_center(
    keypoints: ndarray,
    keypoints_visible: ndarray | None,
    flip_indices: Sequence[int],
    center_mode: str = 'static',
    center_x: float = 0.5,
    center_index: int | Sequence[int] = 0,
) -> tuple[ndarray, ndarray | None]:
    """Mirror points about a vertical line of their own.

    Args:
        keypoints: ``(..., K, D)``.
        keypoints_visible: ``(..., K)``, or None.
        flip_indices: For each of the K points, the index of its mirror point.
        center_mode: ``'static'``: the line is at ``center_x``; ``'root'``: it is at the mean x of
            the points ``center_index``.
        center_x: See ``center_mode``.
        center_index: See ``center_mode``.

    Raises:
        ValueError: If the mode is unknown or the number of indices is not K.
    """
    if center_mode not in ('static', 'root'):
        raise ValueError(f"center_mode='{center_mode}' is not one of static, root")
    visible, order = _swap(keypoints, keypoints_visible, flip_indices)
    if center_mode == 'static':
        x_center = np.full(keypoints.shape[:-2], center_x)
    else:
        x_center = keypoints[..., np.atleast_1d(center_index), 0].mean(axis=-1)
    flipped = keypoints[..., order, :].copy()
    flipped[..., 0] = 2 * x_center[..., None] - flipped[..., 0]
    return flipped, visible


def keypoint_clip_border(
    keypoints: ndarray, keypoints_visible: ndarray, shape: tuple[int, int]
) -> tuple[ndarray, ndarray]:
    """Mark points outside the image as not visible; their places stay.

    Args:
        keypoints: ``(..., K, 2)``.
        keypoints_visible: ``(..., K)`` or ``(..., K, 2)``.
        shape: Width and height of the image.
    """
    x, y = keypoints[..., 0], keypoints[..., 1]
    outside = (x < 0) | (x > shape[0]) | (y < 0) | (y > shape[1])
    visible = keypoints_visible.copy()
    if visible.ndim == keypoints.ndim:
        visible[outside, 0] = 0
    else:
        visible[outside] = 0
    return keypoints, visible


def _swap(
    keypoints: ndarray, keypoints_visible: ndarray | None, flip_indices: Sequence[int]
) -> tuple[ndarray | None, ndarray]:
    order = np.asarray(flip_indices, dtype=np.intp)
    if len(order) != keypoints.shape[-2]:
        raise ValueError(f'flip_indices names {len(order)} points, there are {keypoints.shape[-2]}')
    if keypoints_visible is None:
        return None, order
    point_axis = keypoints.ndim - 2
    return np.take(keypoints_visible, order, axis=point_axis), order
