"""Classification and offset targets (UDP's combined form)."""

from __future__ import annotations

import torch
from torch import Tensor


def generate_offset_heatmap(
    heatmap_size: tuple[int, int],
    keypoints: Tensor,
    keypoints_visible: Tensor,
    radius_factor: float,
) -> tuple[Tensor, Tensor]:
    """For each point a disc and the offsets to its centre; see :func:`generate_gaussian_heatmaps`.

    ``radius_factor`` is the disc's radius as a share of the longer side.

    Returns:
        Heatmaps ``(B, 3K, H, W)``: for each point the disc (0 or 1), the offset in x and in y as
        shares of the radius; and weights ``(B, K)``.
    """
    width, height = heatmap_size
    radius = radius_factor * max(width, height)
    cells_x = torch.arange(width, dtype=keypoints.dtype, device=keypoints.device)
    cells_y = torch.arange(height, dtype=keypoints.dtype, device=keypoints.device)
    offset_x = (keypoints[..., 0, None, None] - cells_x) / radius
    offset_y = (keypoints[..., 1, None, None] - cells_y[:, None]) / radius
    offset_x, offset_y = torch.broadcast_tensors(offset_x, offset_y)
    disc = (offset_x**2 + offset_y**2 <= 1).to(keypoints.dtype)
    labelled = (keypoints_visible >= 0.5)[..., None, None, None]
    maps = torch.stack([disc, offset_x, offset_y], dim=2) * labelled
    return maps.flatten(1, 2), keypoints_visible.clone()
