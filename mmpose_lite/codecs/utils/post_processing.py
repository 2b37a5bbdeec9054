"""Peaks of heatmaps, and their smoothing."""

from __future__ import annotations

import cv2
import torch
import torch.nn.functional as F
from torch import Tensor


def get_heatmap_maximum(heatmaps: Tensor) -> tuple[Tensor, Tensor]:
    """The highest cell of each map ``(..., K, H, W)``, and its value.

    Cells ``(..., K, 2)`` are floats, (-1, -1) where no value ``(..., K)`` is above 0.
    """
    values, index = heatmaps.flatten(-2).max(dim=-1)
    width = heatmaps.shape[-1]
    cells = torch.stack([index % width, index // width], dim=-1).to(heatmaps.dtype)
    return torch.where((values > 0)[..., None], cells, -1), values


def gaussian_blur(heatmaps: Tensor, kernel: int = 11) -> Tensor:
    """Smooth each map and scale it back to its old maximum (as DARK does before its logarithm).

    Args:
        heatmaps: ``(B, K, H, W)``; taken as 0 beyond the border.
        kernel: Odd width of the kernel, cells; its sigma follows from it as in OpenCV.

    Raises:
        ValueError: If the kernel is even.
    """
    blurred = blur(heatmaps, kernel)
    before, after = heatmaps.amax(dim=(-2, -1)), blurred.amax(dim=(-2, -1))
    return blurred * (before / after)[..., None, None]


def blur(heatmaps: Tensor, kernel: int, mirror: bool = False) -> Tensor:
    """Smooth each map; see :func:`gaussian_blur`.

    Beyond the border is 0, or the mirror image about the last cells, as in OpenCV.
    """
    if kernel % 2 != 1:
        raise ValueError(f'a blur kernel must be odd, got {kernel}')
    weights = torch.from_numpy(cv2.getGaussianKernel(kernel, 0)).to(heatmaps).flatten()
    flat = heatmaps.flatten(0, 1)[:, None]
    margin = kernel // 2
    if mirror:
        height, width = heatmaps.shape[-2:]
        flat = flat[..., _mirrored(height, margin), :][..., _mirrored(width, margin)]
        margin = 0
    flat = F.conv2d(flat, weights.view(1, 1, 1, -1), padding=(0, margin))
    flat = F.conv2d(flat, weights.view(1, 1, -1, 1), padding=(margin, 0))
    return flat[:, 0].unflatten(0, heatmaps.shape[:2])


def _mirrored(size: int, margin: int) -> Tensor:
    """The cells from ``-margin`` to ``size + margin``, folded back into ``0`` to ``size - 1``."""
    period = max(2 * (size - 1), 1)
    cells = torch.arange(-margin, size + margin).abs() % period
    return torch.minimum(cells, period - cells)
