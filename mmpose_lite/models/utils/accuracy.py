"""Accuracy of a training batch, where the batch is: nothing goes back to the host."""

from __future__ import annotations

import torch
from torch import Tensor

from mmpose_lite.codecs.utils import get_heatmap_maximum
from mmpose_lite.utils.tensor_utils import constant


@torch.no_grad()
def heatmap_accuracy(output: Tensor, target: Tensor, mask: Tensor, thr: float = 0.05) -> Tensor:
    """Share of peaks that lie within a share of the map's size of the target's peaks.

    Args:
        output: ``(B, K, H, W)``, predicted.
        target: ``(B, K, H, W)``.
        mask: ``(B, K)``, points that count.
        thr: The share of height and width.

    Returns:
        A scalar: the mean over points of each point's share over faces; points that no face of
        the batch has are left out. MMPose's ``acc_pose``, but NaN where no point counts.
    """
    size = constant(output.shape[-2:], output)
    predicted, _ = get_heatmap_maximum(output)
    wanted, _ = get_heatmap_maximum(target)
    return _accuracy((predicted - wanted) / size, mask, thr)


@torch.no_grad()
def coordinate_accuracy(output: Tensor, target: Tensor, mask: Tensor, thr: float = 0.05) -> Tensor:
    """Share of points that lie within a distance of the target's points.

    Args:
        output: ``(B, K, D)``, predicted.
        target: ``(B, K, D)``.
        mask: ``(B, K)``, points that count.
        thr: The distance, in the unit of the points.

    Returns:
        See :func:`heatmap_accuracy`.
    """
    return _accuracy(output - target, mask, thr)


def _accuracy(apart: Tensor, mask: Tensor, thr: float) -> Tensor:
    distance = torch.linalg.vector_norm(apart, dim=-1)
    hits = ((distance < thr) & mask).sum(dim=0)
    counts = mask.sum(dim=0)
    shares = hits / counts.clamp(min=1)
    return shares.sum() / (counts > 0).sum()
