"""A moving average of the weights that forgets fast at first and slowly later.

It is a model, not a hook: mmengine's EMAHook uses it. MMPose has it in a module of this name.
"""

from __future__ import annotations

import math

import torch
from mmengine.model import ExponentialMovingAverage
from torch import nn

from mmpose_lite.registry import MODELS


@MODELS.register_module()
class ExpMomentumEMA(ExponentialMovingAverage):
    """Averages weights with a momentum that falls exponentially from 1 to ``momentum``.

    After ``s`` updates the new weights count ``m = momentum + (1 - momentum) exp(-(1 + s) /
    gamma)``, the average ``1 - m``. For mmengine's EMAHook: ``dict(type='EMAHook',
    ema_type='ExpMomentumEMA', momentum=0.0002, update_buffers=True)``.

    Args:
        model: The model to average.
        momentum: What ``m`` falls to, between 0 and 1.
        gamma: How many updates it takes to fall to about a third.
        interval: Updates the average at every so many calls.
        device: Where the average lives; None is the model's device.
        update_buffers: Whether buffers are averaged too, or copied.

    Raises:
        ValueError: If ``gamma`` is not positive.
    """

    def __init__(
        self,
        model: nn.Module,
        momentum: float = 0.0002,
        gamma: int = 2000,
        interval: int = 1,
        device: torch.device | None = None,
        update_buffers: bool = False,
    ) -> None:
        if gamma <= 0:
            raise ValueError(f'gamma must be greater than 0, but got {gamma}')
        super().__init__(model, momentum, interval, device, update_buffers)
        self.gamma = gamma

    def avg_func(
        self, averaged_param: torch.Tensor, source_param: torch.Tensor, steps: torch.Tensor | int
    ) -> None:
        """Move ``averaged_param`` towards ``source_param``, in place."""
        decayed = math.exp(-(1 + int(steps)) / self.gamma)
        averaged_param.lerp_(source_param, self.momentum + (1 - self.momentum) * decayed)
