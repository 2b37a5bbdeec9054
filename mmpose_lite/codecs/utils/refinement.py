"""From the highest cell to a place between cells.

All functions take peaks ``(B, K, 2)`` in cells, heatmaps ``(B, K, H, W)``, and maybe the odd width
of the blur before, cells; they return refined peaks ``(B, K, 2)``. Of SimCC's vectors ``(B, K, L)``
peaks ``(B, K)`` are refined along one axis.
"""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from .post_processing import gaussian_blur, gaussian_blur1d


def refine_keypoints(keypoints: Tensor, heatmaps: Tensor) -> Tensor:
    """Move each peak a quarter cell towards its higher neighbour, along each axis."""
    height, width = heatmaps.shape[-2:]
    x, y = keypoints.long().unbind(-1)
    at = partial(_read_beside, heatmaps, x, y)
    inner_x = (x > 1) & (x < width - 1) & (y > 0) & (y < height)
    inner_y = (y > 1) & (y < height - 1) & (x > 0) & (x < width)
    step_x = torch.sign(at(1, 0) - at(-1, 0)) * inner_x
    step_y = torch.sign(at(0, 1) - at(0, -1)) * inner_y
    return keypoints + 0.25 * torch.stack([step_x, step_y], dim=-1)


def refine_keypoints_dark(
    keypoints: Tensor, heatmaps: Tensor, blur_kernel_size: int, guarded: bool = False
) -> Tensor:
    """Take each peak to the top of the parabola through the logarithm about it.

    Peaks within one cell of the border (two of the right and bottom one) stay. If ``guarded``,
    where the parabola has no top, or it is more than half a cell off, peaks move a quarter cell
    instead (:func:`refine_keypoints`). Else the step is unbounded, as in MMPose.

    Source: Zhang et al., CVPR 2020 (DARK), https://arxiv.org/abs/1910.06278
    """
    height, width = heatmaps.shape[-2:]
    x, y = keypoints.long().unbind(-1)
    at = partial(
        _read_beside, gaussian_blur(heatmaps, blur_kernel_size).clamp(min=1e-10).log(), x, y
    )
    center = at(0, 0)
    dx = 0.5 * (at(1, 0) - at(-1, 0))
    dy = 0.5 * (at(0, 1) - at(0, -1))
    dxx = 0.25 * (at(2, 0) - 2 * center + at(-2, 0))
    dyy = 0.25 * (at(0, 2) - 2 * center + at(0, -2))
    dxy = 0.25 * (at(1, 1) - at(1, -1) - at(-1, 1) + at(-1, -1))
    det = dxx * dyy - dxy**2
    inner = (x > 1) & (x < width - 2) & (y > 1) & (y < height - 2) & (det != 0)
    det = torch.where(inner, det, 1)
    shift = torch.stack([dyy * dx - dxy * dy, dxx * dy - dxy * dx], dim=-1) / det[..., None]
    refined = keypoints - torch.where(inner[..., None], shift, 0)
    if not guarded:
        return refined
    sound = (dxx < 0) & (dxx * dyy > dxy**2) & (shift.abs() <= 0.5).all(dim=-1)
    return torch.where((sound | ~inner)[..., None], refined, refine_keypoints(keypoints, heatmaps))


def refine_keypoints_dark_udp(keypoints: Tensor, heatmaps: Tensor, blur_kernel_size: int) -> Tensor:
    """DARK as UDP has it: derivatives over direct neighbours, edges repeated at the border.

    Source: Huang et al., CVPR 2020, https://arxiv.org/abs/1911.07524
    """
    logs = gaussian_blur(heatmaps, blur_kernel_size).clamp(1e-3, 50.0).log()
    padded = F.pad(logs, (1, 1, 1, 1), mode='replicate')
    x, y = keypoints.long().unbind(-1)
    at = partial(_read_beside, padded, x + 1, y + 1)
    center = at(0, 0)
    dx = 0.5 * (at(1, 0) - at(-1, 0))
    dy = 0.5 * (at(0, 1) - at(0, -1))
    dxx = at(1, 0) - 2 * center + at(-1, 0)
    dyy = at(0, 1) - 2 * center + at(0, -1)
    dxy = 0.5 * (at(1, 1) - at(1, 0) - at(0, 1) + 2 * center - at(-1, 0) - at(0, -1) + at(-1, -1))
    eps = torch.finfo(torch.float32).eps
    dxx, dyy = dxx + eps, dyy + eps
    det = dxx * dyy - dxy**2
    shift = torch.stack([dyy * dx - dxy * dy, dxx * dy - dxy * dx], dim=-1) / det[..., None]
    return keypoints - shift


def refine_simcc_dark(
    keypoints: Tensor, simcc: Tensor, blur_kernel_size: int, guarded: bool = False
) -> Tensor:
    """DARK along one axis; see :func:`refine_keypoints_dark`.

    Bins beyond an end read as the one at it, and peaks at -1 stay, as do those where the parabola
    is a line. If ``guarded``, a peak without a top within half a bin moves a quarter bin towards
    its higher neighbour instead, or stays if it lies at an end. Else the step is unbounded, as in
    MMPose.

    Source: Zhang et al., CVPR 2020 (DARK), https://arxiv.org/abs/1910.06278
    """
    bins, last = keypoints.long(), simcc.shape[-1] - 1

    def read(vectors: Tensor, step: int) -> Tensor:
        return vectors.gather(-1, (bins + step).clamp(0, last)[..., None])[..., 0]

    at = partial(read, gaussian_blur1d(simcc, blur_kernel_size).clamp(1e-3, 50.0).log())
    dx = 0.5 * (at(1) - at(-1))
    dxx = 1e-9 + 0.25 * (at(2) - 2 * at(0) + at(-2))
    bent = dxx != 0
    step = -torch.where(bent, dx / torch.where(bent, dxx, 1), 0)
    if guarded:
        inner = (bins > 0) & (bins < last)
        quarter = 0.25 * torch.sign(read(simcc, 1) - read(simcc, -1)) * inner
        step = torch.where((dxx < 0) & (step.abs() <= 0.5), step, quarter)
    return keypoints + torch.where(keypoints < 0, 0, step)


def _read_beside(heatmaps: Tensor, x: Tensor, y: Tensor, step_x: int, step_y: int) -> Tensor:
    """Read the cells beside given ones; a cell outside the map reads as the nearest inside."""
    height, width = heatmaps.shape[-2:]
    index = (y + step_y).clamp(0, height - 1) * width + (x + step_x).clamp(0, width - 1)
    return heatmaps.flatten(-2).gather(-1, index[..., None])[..., 0]
