"""Peaks of heatmaps and of SimCC's vectors, and their smoothing."""

from __future__ import annotations

import math

import cv2
import torch
import torch.nn.functional as F
from numpy import ndarray
from torch import Tensor


def get_heatmap_maximum(heatmaps: Tensor) -> tuple[Tensor, Tensor]:
    """The highest cell of each map ``(..., K, H, W)``, and its value.

    Cells ``(..., K, 2)`` are floats, (-1, -1) where no value ``(..., K)`` is above 0.
    """
    values, index = heatmaps.flatten(-2).max(dim=-1)
    width = heatmaps.shape[-1]
    cells = torch.stack([index % width, index // width], dim=-1).to(heatmaps.dtype)
    return torch.where((values > 0)[..., None], cells, -1), values


def get_simcc_maximum(
    simcc_x: Tensor, simcc_y: Tensor, apply_softmax: bool = False
) -> tuple[Tensor, Tensor]:
    """The highest bins of vectors ``(..., K, L)`` along x and y, and the lower of their values.

    With ``apply_softmax`` each vector is turned into shares that sum to 1 first.

    Returns:
        Bins ``(..., K, 2)``, floats, of ties the first; (-1, -1) where the value is not above 0.
        Values ``(..., K)``.
    """
    if apply_softmax:
        simcc_x, simcc_y = simcc_x.softmax(dim=-1), simcc_y.softmax(dim=-1)
    (value_x, x), (value_y, y) = simcc_x.max(dim=-1), simcc_y.max(dim=-1)
    values = torch.minimum(value_x, value_y)
    # Half precision cannot count all bins.
    bins = torch.stack([x, y], dim=-1).to(torch.promote_types(values.dtype, torch.float32))
    return torch.where((values > 0)[..., None], bins, -1), values


def get_simcc_normalized(simcc: Tensor, sigma: float | None = None) -> Tensor:
    """Bring vectors ``(..., L)`` between 0 and 1.

    Values below 0 become 0, and a vector with a maximum above 1 is divided by it. With ``sigma``
    (bins) all are first divided by the area of such a Gaussian.
    """
    if sigma is not None:
        simcc = simcc / (sigma * math.sqrt(2 * math.pi))
    simcc = simcc.clamp(min=0)
    return simcc / simcc.amax(dim=-1, keepdim=True).clamp(min=1)


def gaussian_blur(heatmaps: Tensor, kernel: int = 11) -> Tensor:
    """Smooth each map and scale it back to its old maximum (as DARK does before its logarithm).

    Args:
        heatmaps: ``(B, K, H, W)``; taken as 0 beyond the border.
        kernel: Odd width of the kernel, cells; its sigma follows from it as in OpenCV.

    Raises:
        ValueError: If the kernel is even.
    """
    blurred = blur(heatmaps, kernel, margin=kernel // 2)
    before, after = heatmaps.amax(dim=(-2, -1)), blurred.amax(dim=(-2, -1))
    return blurred * (before / after)[..., None, None]


def blur(heatmaps: Tensor, kernel: int, margin: int) -> Tensor:
    """Smooth each map with so many cells of 0 about it; see :func:`gaussian_blur`."""
    weights = torch.from_numpy(_blur_weights(kernel)).to(heatmaps)
    flat = heatmaps.flatten(0, 1)[:, None]
    flat = F.conv2d(flat, weights.view(1, 1, 1, -1), padding=(0, margin))
    flat = F.conv2d(flat, weights.view(1, 1, -1, 1), padding=(margin, 0))
    return flat[:, 0].unflatten(0, heatmaps.shape[:2])


def blur_mirrored(heatmaps: Tensor, kernel: int) -> Tensor:
    """Smooth each map; beyond the border is the mirror image about the last cells, as in OpenCV."""
    rows, columns = (_mirrored(size, kernel // 2) for size in heatmaps.shape[-2:])
    return blur(heatmaps[..., rows, :][..., columns], kernel, margin=0)


def gaussian_blur1d(simcc: Tensor, kernel: int = 11) -> Tensor:
    """Smooth each vector ``(B, K, L)``; see :func:`gaussian_blur`. A vector of zeros stays so."""
    weights = _blur_weights(kernel)[kernel // 2 :].tolist()
    # On CPUs this takes less than half the time of a convolution with one channel.
    blurred = simcc * weights[0]
    for step, weight in enumerate(weights[1:], 1):
        blurred[..., step:].add_(simcc[..., :-step], alpha=weight)
        blurred[..., :-step].add_(simcc[..., step:], alpha=weight)
    before, after = (each.amax(dim=-1, keepdim=True) for each in (simcc, blurred))
    return blurred * torch.where(after == 0, 1, before / after)


def _blur_weights(kernel: int) -> ndarray:
    """OpenCV's weights ``(kernel,)`` of a width, from which their sigma follows."""
    if kernel % 2 != 1:
        raise ValueError(f'a blur kernel must be odd, got {kernel}')
    return cv2.getGaussianKernel(kernel, 0).ravel()


def _mirrored(size: int, margin: int) -> Tensor:
    """The cells from ``-margin`` to ``size + margin``, folded back into ``0`` to ``size - 1``."""
    period = max(2 * (size - 1), 1)
    cells = torch.arange(-margin, size + margin).abs() % period
    return torch.minimum(cells, period - cells)
