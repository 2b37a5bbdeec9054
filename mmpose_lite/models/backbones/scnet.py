"""SCNet: a ResNet with self-calibrated convolutions."""

from __future__ import annotations

from typing import ClassVar

import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmpose_lite.errors import ArgumentError
from mmpose_lite.models.utils.dense_gradients import join_channels
from mmpose_lite.registry import MODELS

from .residual import Bottleneck, conv_norm
from .resnet import ResNet

_NORM_CFG = {'type': 'BN', 'momentum': 0.1}


class SCConv(BaseModule):
    """A self-calibrated convolution: a convolution of a pooled map gates that of the map itself.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output; as many as those of the input.
        stride: Stride of the last convolution.
        pooling_r: Side of the squares of cells that are averaged to one.
        conv_cfg: Kind of convolution.
        norm_cfg: Kind of norm.
        init_cfg: How weights start.

    Raises:
        ArgumentError: If the channels differ.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        pooling_r: int,
        conv_cfg: dict | None = None,
        norm_cfg: dict = _NORM_CFG,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if in_channels != out_channels:
            raise ArgumentError(f'in_channels={in_channels} is not out_channels={out_channels}')
        build = (conv_cfg, norm_cfg, in_channels, in_channels, 3)
        pool = nn.AvgPool2d(pooling_r, stride=pooling_r)
        self.k2 = nn.Sequential(pool, *conv_norm(*build, relu=False))
        self.k3 = nn.Sequential(*conv_norm(*build, relu=False))
        self.k4 = nn.Sequential(*conv_norm(*build, stride))

    def forward(self, x: Tensor) -> Tensor:
        """Compute ``(B, C, H / stride, W / stride)`` of maps of ``pooling_r`` cells or more."""
        gate = F.interpolate(self.k2(x), x.shape[2:]).add_(x).sigmoid_()
        return self.k4(self.k3(x) * gate)


class SCBottleneck(Bottleneck):
    """Two halves side by side: a plain convolution and a self-calibrated one.

    ``style`` and ``dilation`` change nothing. Arguments: see :class:`~.residual.BasicBlock`.
    """

    pooling_r = 4

    def _build_branch(self) -> None:
        self.mid_channels = half = self.out_channels // self.expansion // 2
        self._add_unit(1, self.in_channels, half, 1)
        self._add_unit(2, self.in_channels, half, 1)
        self._add_unit(3, 2 * half, self.out_channels, 1)
        build = (self.conv_cfg, self.norm_cfg)
        self.k1 = nn.Sequential(*conv_norm(*build, half, half, 3, self.stride))
        self.scconv = SCConv(half, half, self.stride, self.pooling_r, *build)

    def _branch(self, x: Tensor) -> Tensor:
        plain = self.k1(self.relu(self.norm1(self.conv1(x))))
        calibrated = self.scconv(self.relu(self.norm2(self.conv2(x))))
        return self.norm3(self.conv3(join_channels([plain, calibrated])))


@MODELS.register_module()
class SCNet(ResNet):
    """A self-calibrated network of 50 or 101 layers; arguments: see :class:`~.resnet.ResNet`.

    Images need sides of at least 128: smaller maps cannot be pooled.

    Source: Liu et al., CVPR 2020, http://mftp.mmcheng.net/Papers/20cvprSCNet.pdf
    """

    arch_settings: ClassVar = {
        50: (SCBottleneck, (3, 4, 6, 3)),
        101: (SCBottleneck, (3, 4, 23, 3)),
    }
