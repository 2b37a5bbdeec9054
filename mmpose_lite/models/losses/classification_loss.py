"""Losses between distributions."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from mmpose_lite.registry import MODELS

from .regression_loss import fit_weights

_SMALLEST = 1e-24


@MODELS.register_module()
class JSDiscretLoss(nn.Module):
    """Jensen-Shannon divergence of heatmaps, each of which sums up to 1; the sum over the maps.

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
