"""Losses between distributions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmpose_lite.registry import MODELS

from .regression_loss import fit_weights

_SMALLEST = 1e-24


@MODELS.register_module()
class JSDiscretLoss(nn.Module):
    """Jensen-Shannon divergence of heatmaps, each of which sums to 1; the sum over the maps.

    Args:
        use_target_weight: Weigh maps by ``target_weight``.
        size_average: Divide by the number of faces.

    Source: Nibali et al., 2018, https://arxiv.org/abs/1801.07372
    """

    target_kinds: ClassVar = ('distributions',)  # raw heatmaps may be negative

    def __init__(self, use_target_weight: bool = True, size_average: bool = True) -> None:
        super().__init__()
        self.use_target_weight = use_target_weight
        self.size_average = size_average
        self.sums_faces = not size_average

    def forward(
        self, pred_hm: Tensor, gt_hm: Tensor, target_weight: Tensor | None = None
    ) -> Tensor:
        """Compute the loss of heatmaps ``(B, K, H, W)``; weights are ``(B, K)`` or ``(B,)``.

        Raises:
            ValueError: If weights are to be used and are missing, or do not fit.
        """
        middle = 0.5 * (pred_hm + gt_hm)
        loss = 0.5 * (_divergence(pred_hm, middle) + _divergence(gt_hm, middle))
        if self.use_target_weight:
            loss = loss * fit_weights(target_weight, gt_hm, type(self).__name__)
        return loss.sum() / len(gt_hm) if self.size_average else loss.sum()


def _divergence(p: Tensor, q: Tensor) -> Tensor:
    """Each cell's part of the Kullback-Leibler divergence; its gradient is finite at 0 too."""
    return p * ((p + _SMALLEST).log() - (q + _SMALLEST).log())


@MODELS.register_module()
class KLDiscretLoss(nn.Module):
    """Kullback-Leibler divergence of vectors, one along each axis (SimCC).

    The mean over bins is added up over axes, points and faces, and the sum divided by the number of
    points, but not of faces: the loss grows with the batch. It is computed in full precision
    whatever the precision of the run.

    Args:
        beta: Factor on the predictions before their softmax.
        label_softmax: Apply a softmax to the labels as well.
        label_beta: Factor on the labels before their softmax.
        use_target_weight: Weigh points by ``target_weight``.
        mask: Indices of the points whose loss is multiplied by ``mask_weight``.
        mask_weight: That factor.

    Source: Li et al., ECCV 2022, https://arxiv.org/abs/2107.03332
    """

    target_kinds: ClassVar = ('simcc labels',)
    sums_faces = True  # for `val_loss`, which scales such a loss to the training's batch size

    def __init__(
        self,
        beta: float = 1.0,
        label_softmax: bool = False,
        label_beta: float = 10.0,
        use_target_weight: bool = True,
        mask: Sequence[int] | None = None,
        mask_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.beta = beta
        self.label_softmax = label_softmax
        self.label_beta = label_beta
        self.use_target_weight = use_target_weight
        self.mask = mask
        self.mask_weight = mask_weight

    def forward(
        self,
        pred_simcc: Sequence[Tensor],
        gt_simcc: Sequence[Tensor],
        target_weight: Tensor | None = None,
    ) -> Tensor:
        """Compute the loss of vectors ``(B, K, L)``, one for each axis; weights are ``(B, K)``.

        Raises:
            ValueError: If weights are to be used and are missing, or do not fit.
        """
        first = pred_simcc[0]
        with torch.autocast(first.device.type, enabled=False):
            pairs = zip(pred_simcc, gt_simcc, strict=True)
            axes = [self.criterion(pred.float(), label.float()) for pred, label in pairs]
            loss = torch.stack(axes).sum(dim=0)
            if self.use_target_weight:
                loss = loss * fit_weights(target_weight, loss, type(self).__name__)
            if self.mask is not None:
                factors = loss.new_ones(loss.shape[1])
                factors[list(self.mask)] = self.mask_weight  # once, however often one is listed
                loss = loss * factors
        return loss.sum() / first.shape[1]

    def criterion(self, dec_outs: Tensor, labels: Tensor) -> Tensor:
        """Mean over bins of each vector ``(..., L)``."""
        log_shares = F.log_softmax(dec_outs * self.beta, dim=-1)
        if self.label_softmax:
            labels = F.log_softmax(labels * self.label_beta, dim=-1)
        loss = F.kl_div(log_shares, labels, reduction='none', log_target=self.label_softmax)
        return loss.mean(dim=-1)
