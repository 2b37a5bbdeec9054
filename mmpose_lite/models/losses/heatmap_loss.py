"""Losses between heatmaps ``(B, K, H, W)``."""

from __future__ import annotations

from functools import reduce
from operator import mul
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmpose_lite.registry import MODELS


class WeightedLoss(nn.Module):
    """Common to losses of points and of heatmaps; a subclass defines ``forward``.

    Args:
        use_target_weight: Use the weights of the targets.
        loss_weight: Factor on the result.
    """

    def __init__(self, use_target_weight: bool = False, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.use_target_weight = use_target_weight
        self.loss_weight = loss_weight


def _as_map(weights: Tensor, target: Tensor) -> Tensor:
    """Give weights ``(B, K)`` or ``(B, K, H, W)`` the target's number of axes."""
    if weights.ndim not in (2, 4) or weights.shape != target.shape[: weights.ndim]:
        raise ValueError(
            f'target_weights of shape {tuple(weights.shape)} do not fit a target of '
            f'{tuple(target.shape)}'
        )
    return weights[(...,) + (None,) * (target.ndim - weights.ndim)]


@MODELS.register_module()
class KeypointMSELoss(WeightedLoss):
    """Mean squared error over all cells of all maps.

    Args:
        use_target_weight: Weigh maps (or cells) by ``target_weights``.
        skip_empty_channel: Leave out maps whose target is zero everywhere.
        loss_weight: Factor on the result.
    """

    target_kinds: ClassVar = ('heatmaps',)

    def __init__(
        self,
        use_target_weight: bool = False,
        skip_empty_channel: bool = False,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__(use_target_weight, loss_weight)
        self.skip_empty_channel = skip_empty_channel

    def forward(
        self,
        output: Tensor,
        target: Tensor,
        target_weights: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """Compute the loss; cells without weight count as errors of 0, they do not shrink the mean.

        Weights are ``(B, K)`` or ``(B, K, H, W)``; a mask ``(B, K, H, W)``, any axis of which may
        be 1, marks the cells that count.

        Raises:
            ValueError: If shapes do not fit.
        """
        factors = []
        if mask is not None:
            _check_mask(mask, target)
            factors.append(mask)
        if self.use_target_weight and target_weights is not None:
            factors.append(_as_map(target_weights, target))
        if self.skip_empty_channel:
            factors.append((target != 0).any(dim=-1, keepdim=True).any(dim=-2, keepdim=True))
        if not factors:
            return F.mse_loss(output, target) * self.loss_weight
        errors = F.mse_loss(output, target, reduction='none')
        return (errors * reduce(mul, factors)).mean() * self.loss_weight


def _check_mask(mask: Tensor, target: Tensor) -> None:
    if mask.ndim != target.ndim or any(
        own not in (1, wanted) for own, wanted in zip(mask.shape, target.shape, strict=True)
    ):
        raise ValueError(
            f'mask of shape {tuple(mask.shape)} does not fit a target of {tuple(target.shape)}'
        )


@MODELS.register_module()
class CombinedTargetMSELoss(WeightedLoss):
    """Mean squared error of UDP's combined maps; offsets count where the target's disc is.

    Of each point, half the mean squared errors of its three maps are added up; the result is the
    mean over points. Weights multiply the errors, so their squares multiply the loss.

    Args:
        use_target_weight: Weigh points by ``target_weights``.
        loss_weight: Factor on the result.

    Source: Huang et al., CVPR 2020, https://arxiv.org/abs/1911.07524
    """

    target_kinds: ClassVar = ('combined heatmaps',)

    def forward(
        self, output: Tensor, target: Tensor, target_weights: Tensor | None = None
    ) -> Tensor:
        """Compute the loss of maps ``(B, 3K, H, W)``, of each point the disc, offsets in x and y.

        Weights are ``(B, K)``.

        Raises:
            ValueError: If shapes do not fit.
        """
        target = target.unflatten(1, (-1, 3))
        disc = target[:, :, :1]
        counts = torch.cat([torch.ones_like(disc), disc, disc], dim=2)
        if self.use_target_weight and target_weights is not None:
            counts = counts * _as_map(target_weights, target[:, :, 0])[:, :, None]
        errors = (output.unflatten(1, (-1, 3)) - target) * counts
        return 1.5 * errors.square().mean() * self.loss_weight


@MODELS.register_module()
class AdaptiveWingLoss(WeightedLoss):
    """Adaptive wing loss: steeper about small errors, the more so the brighter the target.

    Args:
        alpha: Exponent at a target of 0.
        omega: Height of the curved part.
        epsilon: Its curvature.
        theta: Errors below it are in the curved part, above it the loss is a line.
        use_target_weight: Weigh maps (or cells) by ``target_weights``.
        loss_weight: Factor on the result.

    Source: Wang et al., ICCV 2019, https://arxiv.org/abs/1904.07399
    """

    target_kinds: ClassVar = ('heatmaps',)

    def __init__(
        self,
        alpha: float = 2.1,
        omega: float = 14,
        epsilon: float = 1,
        theta: float = 0.5,
        use_target_weight: bool = False,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__(use_target_weight, loss_weight)
        self.alpha = float(alpha)
        self.omega = float(omega)
        self.epsilon = float(epsilon)
        self.theta = float(theta)

    def criterion(self, pred: Tensor, target: Tensor) -> Tensor:
        """Mean loss of maps ``(B, K, H, W)``."""
        error = (target - pred).abs()
        power = self.alpha - target
        ratio = self.theta / self.epsilon
        slope = (
            self.omega
            * (1 / (1 + torch.pow(ratio, power)))
            * power
            * torch.pow(ratio, power - 1)
            * (1 / self.epsilon)
        )
        offset = self.theta * slope - self.omega * torch.log1p(torch.pow(ratio, power))
        curved = self.omega * torch.log1p(torch.pow(error / self.epsilon, power))
        return torch.where(error < self.theta, curved, slope * error - offset).mean()

    def forward(
        self, output: Tensor, target: Tensor, target_weights: Tensor | None = None
    ) -> Tensor:
        """Compute the loss; see :meth:`KeypointMSELoss.forward`."""
        if self.use_target_weight and target_weights is not None:
            weights = _as_map(target_weights, target)
            output, target = output * weights, target * weights
        return self.criterion(output, target) * self.loss_weight


@MODELS.register_module()
class BinaryHeatmapLoss(WeightedLoss):
    """Binary cross entropy of logits and probabilities, mean over all cells of all maps.

    Args:
        use_target_weight: Weigh maps (or cells) by ``target_weights``.
        loss_weight: Factor on the result.
    """

    target_kinds: ClassVar = ('binary heatmaps',)

    def forward(
        self, output: Tensor, target: Tensor, target_weights: Tensor | None = None
    ) -> Tensor:
        """Compute the loss; see :meth:`KeypointMSELoss.forward`."""
        weights = None
        if self.use_target_weight and target_weights is not None:
            weights = _as_map(target_weights, target)
        return F.binary_cross_entropy_with_logits(output, target, weights) * self.loss_weight
