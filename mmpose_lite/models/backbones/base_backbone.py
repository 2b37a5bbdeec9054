"""Base class of the backbones."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Sequence

from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from .residual import start_as_identity

_NORMS = {'type': 'Constant', 'val': 1, 'layer': ['_BatchNorm', 'GroupNorm']}

NORMAL_INIT = ({'type': 'Normal', 'std': 0.001, 'layer': ['Conv2d']}, _NORMS)
"""Initialisation of HRNet and the hourglass, ``init_cfg``: small normal weights."""

KAIMING_INIT = ({'type': 'Kaiming', 'layer': ['Conv2d']}, _NORMS)
"""Initialisation of ResNet and MobileNetV2, ``init_cfg``: Kaiming He's."""


class BaseBackbone(BaseModule, metaclass=ABCMeta):
    """Turns images into feature maps.

    Subclasses set ``norm_eval``, ``zero_init_residual`` (start residual blocks as the identity)
    and override :meth:`_frozen_parts` to keep parts from training.
    """

    norm_eval = False
    zero_init_residual = False

    @abstractmethod
    def forward(self, x: Tensor) -> Sequence[Tensor]:
        """Compute feature maps ``(B, C_i, H_i, W_i)`` of images ``(B, in_channels, H, W)``."""

    def init_weights(self) -> None:
        """Initialise the weights, from a checkpoint if ``init_cfg`` names one."""
        super().init_weights()
        pretrained = isinstance(self.init_cfg, dict) and self.init_cfg['type'] == 'Pretrained'
        if self.zero_init_residual and not pretrained:
            start_as_identity(self)

    def _frozen_parts(self) -> list[nn.Module]:
        """Modules that do not train; set at construction and after every ``train()``."""
        return []

    def _freeze(self) -> None:
        for part in self._frozen_parts():
            part.eval()
            part.requires_grad_(False)

    def train(self, mode: bool = True) -> BaseBackbone:
        """Switch between training and evaluation; frozen parts stay, and norms by ``norm_eval``."""
        super().train(mode)
        self._freeze()
        if mode and self.norm_eval:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self
