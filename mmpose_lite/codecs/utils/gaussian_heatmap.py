"""Gaussian targets, and those of randomised rounding.

Each is a product of two profiles, one along each axis: each is evaluated on the whole axis
and their outer product is the map. All points of a batch are made at once.

MMPose places the patch of a Gaussian by truncation towards zero. For a sigma whose triple is not
whole, this moves points within ``3 * sigma`` of the left and top border by one cell. A point
outside the map keeps its weight while part of its Gaussian is inside.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mmpose_lite.utils.tensor_utils import constant


def generate_gaussian_heatmaps(
    heatmap_size: tuple[int, int],
    keypoints: Tensor,
    keypoints_visible: Tensor,
    sigma: float,
    guarded: bool = False,
) -> tuple[Tensor, Tensor]:
    """Gaussians about the cell nearest to each point, cut off at three sigma.

    Points ``(B, K, 2)``, map size (w, h) and sigma are in cells; a point whose visibility
    ``(B, K)`` is below 0.5 gets an empty map. If ``guarded``, every Gaussian is about its nearest
    cell, and a point outside the map has none and weighs 0. Else both are as in MMPose, see above.

    Returns:
        Heatmaps ``(B, K, H, W)`` and weights ``(B, K)``: the visibility, 0 without a Gaussian.
    """
    if guarded:
        return _nearest_heatmaps(heatmap_size, keypoints, keypoints_visible, sigma)
    center = (keypoints + 0.5).trunc()
    return _patch_heatmaps(heatmap_size, center, 0, keypoints_visible, sigma)


def _nearest_heatmaps(
    heatmap_size: tuple[int, int], keypoints: Tensor, keypoints_visible: Tensor, sigma: float
) -> tuple[Tensor, Tensor]:
    """Gaussians of a distance in whole cells, for :func:`generate_gaussian_heatmaps`."""
    center = (keypoints + 0.5).floor()
    near = [
        (torch.arange(size, dtype=center.dtype, device=center.device) - center[..., i, None]).abs()
        for i, size in enumerate(heatmap_size)
    ]
    profiles = [torch.exp(-(cells**2) / (2 * sigma**2)) * (cells <= 3 * sigma) for cells in near]
    return _outer(profiles[0], profiles[1], _is_inside(heatmap_size, center), keypoints_visible)


def generate_udp_gaussian_heatmaps(
    heatmap_size: tuple[int, int], keypoints: Tensor, keypoints_visible: Tensor, sigma: float
) -> tuple[Tensor, Tensor]:
    """Gaussians about each point itself, in the patch of :func:`generate_gaussian_heatmaps`.

    Source: Huang et al., CVPR 2020, https://arxiv.org/abs/1911.07524
    """
    center = (keypoints + 0.5).trunc()
    return _patch_heatmaps(heatmap_size, center, keypoints - center, keypoints_visible, sigma)


def generate_unbiased_gaussian_heatmaps(
    heatmap_size: tuple[int, int],
    keypoints: Tensor,
    keypoints_visible: Tensor,
    sigma: float,
    guarded: bool = False,
) -> tuple[Tensor, Tensor]:
    """Gaussians about each point itself, on the whole map; see :func:`generate_gaussian_heatmaps`.

    Source: Zhang et al., "Distribution-Aware Coordinate Representation", CVPR 2020 (DARK),
    https://arxiv.org/abs/1910.06278
    """
    radius = sigma * 3
    if guarded:
        inside = _is_inside(heatmap_size, (keypoints + 0.5).floor())
    else:
        first, stop = keypoints - radius, keypoints + radius + 1
        # Some of the Gaussian is on the map, if not its middle.
        inside = ((first < constant(heatmap_size, first)) & (stop >= 0)).all(dim=-1)
    profiles = []
    for i, size in enumerate(heatmap_size):
        cells = torch.arange(size, dtype=keypoints.dtype, device=keypoints.device)
        profiles.append(torch.exp(-((cells - keypoints[..., i, None]) ** 2) / (2 * sigma**2)))
    return _outer(profiles[0], profiles[1], inside, keypoints_visible)


def generate_rounded_heatmaps(
    heatmap_size: tuple[int, int],
    keypoints: Tensor,
    keypoints_visible: Tensor,
    is_random: bool,
) -> tuple[Tensor, Tensor]:
    """One cell beside each point, or the probabilities of the four.

    Arguments and result are those of a ``guarded`` :func:`generate_gaussian_heatmaps`.

    Along each axis a point at 3.7 is rounded to 4 in seven of ten draws, and to 3 in the others. If
    not ``is_random``, the maps are the mean of all draws: 0.7 in the one cell, 0.3 in the other.

    Source: Yu and Tao, "Heatmap Regression via Randomized Rounding", TPAMI 2021,
    https://arxiv.org/abs/2009.00225
    """
    inside = _is_inside(heatmap_size, (keypoints + 0.5).floor())
    if is_random:
        low = keypoints.floor()
        keypoints = low + (torch.rand_like(low) < keypoints - low)
    profiles = []
    for i, size in enumerate(heatmap_size):
        cells = torch.arange(size, dtype=keypoints.dtype, device=keypoints.device)
        apart = (cells - keypoints[..., i, None].clamp(0, size - 1)).abs()
        profiles.append((1 - apart).clamp(min=0))
    return _outer(profiles[0], profiles[1], inside, keypoints_visible)


def _patch_heatmaps(
    heatmap_size: tuple[int, int],
    center: Tensor,
    offset: Tensor | int,
    keypoints_visible: Tensor,
    sigma: float,
) -> tuple[Tensor, Tensor]:
    """Gaussians in MMPose's patch about a cell, peaks ``offset`` from its middle; see above."""
    radius = sigma * 3
    first = (center - radius).trunc()
    stop = (center + radius + 1).trunc()
    # Some of the Gaussian is on the map, if not its middle.
    inside = ((first < constant(heatmap_size, first)) & (stop >= 0)).all(dim=-1)
    peak = first + (2 * radius + 1) // 2 + offset
    profiles = []
    for i, size in enumerate(heatmap_size):
        cells = torch.arange(size, dtype=center.dtype, device=center.device)
        profile = torch.exp(-((cells - peak[..., i, None]) ** 2) / (2 * sigma**2))
        in_patch = (cells >= first[..., i, None]) & (cells < stop[..., i, None])
        profiles.append(profile * in_patch)
    return _outer(profiles[0], profiles[1], inside, keypoints_visible)


def _is_inside(heatmap_size: tuple[int, int], center: Tensor) -> Tensor:
    """Test if a cell is on the map: ``(B, K)`` bool."""
    size = constant(heatmap_size, center)
    return ((center >= 0) & (center < size)).all(dim=-1)


def _outer(
    profile_x: Tensor, profile_y: Tensor, inside: Tensor, keypoints_visible: Tensor
) -> tuple[Tensor, Tensor]:
    """Maps and weights of points ``(B, K)``, from profiles ``(B, K, W)`` and ``(B, K, H)``."""
    labelled = keypoints_visible >= 0.5
    weights = torch.where(labelled & ~inside, 0, keypoints_visible)
    profile_y = profile_y * (labelled & inside)[..., None]
    return profile_y[..., :, None] * profile_x[..., None, :], weights
