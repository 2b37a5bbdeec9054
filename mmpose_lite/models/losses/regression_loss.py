"""Losses between points ``(B, K, D)``, in the unit of the codec's labels."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from mmpose_lite.registry import MODELS

from .heatmap_loss import WeightedLoss


class PointLoss(WeightedLoss):
    """A loss on differences of coordinates; a subclass defines :meth:`criterion`.

    Args:
        use_target_weight: Weigh the coordinates by ``target_weight``, before the loss sees them.
        loss_weight: Factor on the result.
    """

    target_kinds: ClassVar = ('coordinates', 'heatmaps')

    def criterion(self, pred: Tensor, target: Tensor) -> Tensor:
        """Loss of points ``(B, K, D)``."""
        raise NotImplementedError

    def forward(
        self, output: Tensor, target: Tensor, target_weight: Tensor | None = None
    ) -> Tensor:
        """Compute the loss; weights are ``(B, K)``, ``(B, K, 1)`` or ``(B, K, D)``.

        Raises:
            ValueError: If weights are to be used and are missing, or do not fit.
        """
        if self.use_target_weight:
            weight = fit_weights(target_weight, target, type(self).__name__)
            output, target = output * weight, target * weight
        return self.criterion(output, target) * self.loss_weight


def fit_weights(weights: Tensor | None, target: Tensor, loss: str) -> Tensor:
    """Give weights, of which the last axes may be missing, the target's number of axes.

    Raises:
        ValueError: If there are none, or their shape does not fit; the message names the loss.
    """
    if weights is None:
        raise ValueError(f'{loss}: use_target_weight=True needs weights')
    fitted = weights[(...,) + (None,) * (target.ndim - weights.ndim)]
    if fitted.ndim != target.ndim or any(
        own not in (1, wanted) for own, wanted in zip(fitted.shape, target.shape, strict=True)
    ):
        raise ValueError(
            f'{loss}: weights of shape {tuple(weights.shape)} do not fit a target of '
            f'{tuple(target.shape)}'
        )
    return fitted


@MODELS.register_module()
class SmoothL1Loss(PointLoss):
    """Mean over all coordinates: half the square of errors below 1, a line above."""

    def criterion(self, pred: Tensor, target: Tensor) -> Tensor:
        return F.smooth_l1_loss(pred, target)


@MODELS.register_module()
class L1Loss(PointLoss):
    """Absolute error of all coordinates; other arguments are those of :class:`PointLoss`.

    Args:
        reduction: ``'mean'``, ``'sum'``, or ``'none'``: the errors themselves.

    Raises:
        ValueError: If the reduction is none of these.
    """

    def __init__(
        self, reduction: str = 'mean', use_target_weight: bool = False, loss_weight: float = 1.0
    ) -> None:
        super().__init__(use_target_weight, loss_weight)
        if reduction not in ('mean', 'sum', 'none'):
            raise ValueError(f"reduction='{reduction}' is not one of mean, sum, none")
        self.reduction = reduction
        self.sums_faces = reduction == 'sum'

    def criterion(self, pred: Tensor, target: Tensor) -> Tensor:
        return F.l1_loss(pred, target, reduction=self.reduction)


@MODELS.register_module()
class WingLoss(PointLoss):
    """Wing loss: steep about small errors, a line above; the sum over a face, the mean of faces.

    Other arguments are those of :class:`PointLoss`.

    Args:
        omega: Errors below it are in the curved part.
        epsilon: Its curvature.

    Source: Feng et al., CVPR 2018, https://arxiv.org/abs/1711.06753
    """

    def __init__(
        self,
        omega: float = 10.0,
        epsilon: float = 2.0,
        use_target_weight: bool = False,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__(use_target_weight, loss_weight)
        self.omega = omega
        self.epsilon = epsilon
        # What joins the two parts without a step.
        self.offset = omega - omega * math.log1p(omega / epsilon)

    def criterion(self, pred: Tensor, target: Tensor) -> Tensor:
        error = (target - pred).abs()
        curved = self.omega * torch.log1p(error / self.epsilon)
        losses = torch.where(error < self.omega, curved, error - self.offset)
        return losses.flatten(1).sum(dim=1).mean()


@MODELS.register_module()
class SoftWingLoss(PointLoss):
    """Soft wing loss: a line about small errors, flatter above; summed as :class:`WingLoss`.

    Other arguments are those of :class:`PointLoss`.

    Args:
        omega1: Errors below it are on the line.
        omega2: Height of the curved part.
        epsilon: Its curvature.

    Source: Lin et al., IEEE TIP 2021, https://arxiv.org/abs/1903.04633
    """

    def __init__(
        self,
        omega1: float = 2.0,
        omega2: float = 20.0,
        epsilon: float = 0.5,
        use_target_weight: bool = False,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__(use_target_weight, loss_weight)
        self.omega1 = omega1
        self.omega2 = omega2
        self.epsilon = epsilon
        # What joins the two parts without a step.
        self.offset = omega1 - omega2 * math.log1p(omega1 / epsilon)

    def criterion(self, pred: Tensor, target: Tensor) -> Tensor:
        error = (target - pred).abs()
        curved = self.omega2 * torch.log1p(error / self.epsilon) + self.offset
        return torch.where(error < self.omega1, error, curved).flatten(1).sum(dim=1).mean()
