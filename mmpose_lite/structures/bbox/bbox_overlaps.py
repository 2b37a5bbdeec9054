"""Overlap of boxes."""

from __future__ import annotations

import torch
from torch import Tensor


def bbox_overlaps(
    bboxes1: Tensor,
    bboxes2: Tensor,
    mode: str = 'iou',
    is_aligned: bool = False,
    eps: float = 1e-6,
) -> Tensor:
    """Overlap of xyxy boxes.

    Args:
        bboxes1: ``(M, 4)``.
        bboxes2: ``(N, 4)``; N equals M where ``is_aligned``.
        mode: ``'iou'`` (over the union), ``'iof'`` (over the first box) or ``'giou'``.
        is_aligned: Compare box i with box i only.
        eps: Lower bound of a denominator, against empty boxes.

    Returns:
        ``(M,)`` where ``is_aligned``, else ``(M, N)``.

    Raises:
        ValueError: If the mode is unknown or aligned boxes differ in number.
    """
    if mode not in ('iou', 'iof', 'giou'):
        raise ValueError(f"mode='{mode}' is not one of iou, iof, giou")
    if is_aligned and len(bboxes1) != len(bboxes2):
        raise ValueError(f'aligned boxes differ in number: {len(bboxes1)} and {len(bboxes2)}')
    first, second = (bboxes1, bboxes2) if is_aligned else (bboxes1[:, None], bboxes2[None])
    area1 = (first[..., 2:] - first[..., :2]).prod(dim=-1)
    area2 = (second[..., 2:] - second[..., :2]).prod(dim=-1)
    top_left = torch.maximum(first[..., :2], second[..., :2])
    bottom_right = torch.minimum(first[..., 2:], second[..., 2:])
    overlap = (bottom_right - top_left).clip(min=0).prod(dim=-1)
    if mode == 'iof':
        return overlap / (area1 + torch.zeros_like(overlap)).clip(min=eps)
    union = (area1 + area2 - overlap).clip(min=eps)
    iou = overlap / union
    if mode == 'iou':
        return iou
    hull_size = torch.maximum(first[..., 2:], second[..., 2:]) - torch.minimum(
        first[..., :2], second[..., :2]
    )
    hull = hull_size.clip(min=0).prod(dim=-1).clip(min=eps)
    return iou - (hull - union) / hull
