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
    """Mirror points ``(..., K, D)`` with their image (w, h), and swap the names of left and right.

    Visibilities are ``(..., K)``, ``(..., K, 2)`` or None; ``flip_indices`` has the index of each
    point's mirror point. The direction is ``'horizontal'``, ``'vertical'``, or ``'diagonal'``: half
    a turn, in which left stays left and no names are swapped.

    Raises:
        ValueError: If the direction is unknown or the number of indices is not K.
    """
    if direction not in DIRECTIONS:
        raise ValueError(f"direction='{direction}' is not one of {', '.join(DIRECTIONS)}")
    axes = DIRECTIONS[direction]
    if len(axes) == 2:
        flip_indices = range(keypoints.shape[-2])
    order = np.asarray(flip_indices, dtype=np.intp)
    if len(order) != keypoints.shape[-2]:
        raise ValueError(f'flip_indices names {len(order)} points, there are {keypoints.shape[-2]}')
    flipped, visible = keypoints[..., order, :], keypoints_visible
    for axis in axes:
        flipped[..., axis] = image_size[axis] - 1 - flipped[..., axis]
    if visible is not None:
        visible = np.take(visible, order, axis=keypoints.ndim - 2)
    return flipped, visible


def flip_keypoints_custom_center(
    keypoints: ndarray,
    keypoints_visible: ndarray | None,
    flip_indices: Sequence[int],
    center_mode: str = 'static',
    center_x: float = 0.5,
    center_index: int | Sequence[int] = 0,
) -> tuple[ndarray, ndarray | None]:
    """Mirror points about a vertical line of their own; see :func:`flip_keypoints`.

    In the mode ``'static'`` the line is at ``center_x``, in ``'root'`` at the mean x of the points
    ``center_index``.

    Raises:
        ValueError: If the mode is unknown or the number of indices is not K.
    """
    if center_mode not in ('static', 'root'):
        raise ValueError(f"center_mode='{center_mode}' is not one of static, root")
    # Of an image with one column, x becomes -x.
    flipped, visible = flip_keypoints(keypoints, keypoints_visible, (1, 1), flip_indices)
    if center_mode == 'static':
        x_center = np.full(keypoints.shape[:-2], center_x)
    else:
        x_center = keypoints[..., np.atleast_1d(center_index), 0].mean(axis=-1)
    flipped[..., 0] = 2 * x_center[..., None] + flipped[..., 0]
    return flipped, visible


def keypoint_clip_border(
    keypoints: ndarray, keypoints_visible: ndarray, shape: tuple[int, int]
) -> tuple[ndarray, ndarray]:
    """Mark points outside an image of a width and height as not visible; their places stay.

    Points are ``(..., K, 2)``, visibilities ``(..., K)`` or ``(..., K, 2)``.
    """
    x, y = keypoints[..., 0], keypoints[..., 1]
    outside = (x < 0) | (x > shape[0]) | (y < 0) | (y > shape[1])
    visible = keypoints_visible.copy()
    visible[(outside, 0) if visible.ndim == keypoints.ndim else outside] = 0
    return keypoints, visible
