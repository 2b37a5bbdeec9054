"""Mirroring of predictions back to where the unmirrored image has them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

# How many maps a point has in each form, and which of them change their sign in a mirror.
_MAPS_PER_POINT = {'heatmap': 1, 'udp_combined': 3, 'offset': 2}
_SIGN_CHANGES = {'heatmap': None, 'udp_combined': 1, 'offset': 0}


def flip_heatmaps(
    heatmaps: Tensor,
    flip_indices: Sequence[int] | None = None,
    flip_mode: str = 'heatmap',
    shift_heatmap: bool | float = True,
) -> Tensor:
    """Mirror heatmaps of a mirrored image.

    Args:
        heatmaps: ``(B, C, H, W)``.
        flip_indices: For each point the index of its mirror point; needed for ``'heatmap'``.
        flip_mode: ``'heatmap'``: one map per point; ``'udp_combined'``: a disc and two offset maps;
            ``'offset'``: two offset maps.
        shift_heatmap: Cells, from 0 to 1, to move the result to the right, between cells linearly;
            True is 1, as in MMPose. Where cell i is at pixel ``i * stride`` of the input, the
            mirrored map is ``1 - 1 / stride`` of a cell off.

    Raises:
        ValueError: If the mode is unknown, the indices do not fit the channels, or the shift is
            not from 0 to 1.
    """
    if not 0 <= shift_heatmap <= 1:
        raise ValueError(f'shift_heatmap={shift_heatmap} is not from 0 to 1')
    if flip_mode not in _MAPS_PER_POINT:
        raise ValueError(f"flip_mode='{flip_mode}' is not one of {', '.join(_MAPS_PER_POINT)}")
    flipped = heatmaps.flip(-1)
    if flip_indices is not None:
        maps = _MAPS_PER_POINT[flip_mode]
        if len(flip_indices) * maps != heatmaps.shape[1]:
            raise ValueError(
                f'{len(flip_indices)} flip_indices do not fit {heatmaps.shape[1]} channels '
                f"of flip_mode='{flip_mode}'"
            )
        points = flipped.unflatten(1, (-1, maps))[:, list(flip_indices)]
        turning = _SIGN_CHANGES[flip_mode]
        if turning is not None:
            points[:, :, turning] = -points[:, :, turning]
        flipped = points.flatten(1, 2)
    if shift_heatmap:
        moved = torch.cat([flipped[..., :1], flipped[..., :-1]], dim=-1)
        flipped = moved if shift_heatmap == 1 else flipped.lerp(moved, shift_heatmap)
    return flipped


def flip_vectors(
    x_labels: Tensor, y_labels: Tensor, flip_indices: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Mirror axis-wise predictions ``(B, K, L)`` (SimCC)."""
    order = list(flip_indices)
    return x_labels[:, order].flip(-1), y_labels[:, order]


def flip_coordinates(
    coords: Tensor, flip_indices: Sequence[int], shift_coords: bool, input_size: tuple[int, int]
) -> Tensor:
    """Mirror coordinates ``(B, K, D)``, x first, given as shares of the input.

    ``shift_coords`` takes off a pixel's share, as pixel centres ask.
    """
    flipped = coords[:, list(flip_indices)].clone()
    flipped[..., 0] = 1 - flipped[..., 0]
    if shift_coords:
        flipped[..., 0] -= 1 / input_size[0]
    return flipped


def aggregate_heatmaps(
    heatmaps: Sequence[Tensor],
    size: tuple[int, int] | None,
    align_corners: bool = False,
    mode: str = 'average',
) -> Tensor:
    """Join heatmaps of several passes.

    Args:
        heatmaps: Each ``(B, C, H_i, W_i)``.
        size: Width and height to bring all to; the first one's by default.
        align_corners: See :func:`torch.nn.functional.interpolate`.
        mode: ``'average'`` or ``'concat'`` (along the channels).

    Raises:
        ValueError: If the mode is unknown.
    """
    if mode not in ('average', 'concat'):
        raise ValueError(f"mode='{mode}' is not one of average, concat")
    shape_hw = heatmaps[0].shape[2:] if size is None else torch.Size((size[1], size[0]))
    resized = [
        maps
        if maps.shape[2:] == shape_hw
        else F.interpolate(maps, size=shape_hw, mode='bilinear', align_corners=align_corners)
        for maps in heatmaps
    ]
    return torch.stack(resized).mean(dim=0) if mode == 'average' else torch.cat(resized, dim=1)
