"""MobileNetV2: depthwise convolutions between narrow maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch.utils.checkpoint as cp
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmpose_lite.errors import ArgumentError
from mmpose_lite.registry import MODELS

from .base_backbone import KAIMING_INIT, BaseBackbone
from .utils import make_divisible

_NORM_CFG = {'type': 'BN'}
_ACT_CFG = {'type': 'ReLU6'}


class InvertedResidual(BaseModule):
    """A block that is wide inside and narrow at both ends, without an activation at its end.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel_size: Size of the depthwise convolution.
        stride: Stride of the block, 1 or 2.
        expand_ratio: Channels inside over those of the input; 1 leaves out the convolution that
            widens.
        conv_cfg: Kind of convolution.
        norm_cfg: Kind of norm.
        act_cfg: Kind of activation.
        with_cp: Save memory by computing the block anew in the backward pass.
        init_cfg: How weights start.

    Raises:
        ArgumentError: If the stride is neither 1 nor 2.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 3,
        stride: int = 1,
        expand_ratio: float = 6,
        conv_cfg: dict | None = None,
        norm_cfg: dict | None = _NORM_CFG,
        act_cfg: dict | None = _ACT_CFG,
        with_cp: bool = False,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if stride not in (1, 2):
            raise ArgumentError(f'stride={stride} is not one of 1, 2')
        self.stride = stride
        self.with_cp = with_cp
        self.use_res_connect = stride == 1 and in_channels == out_channels
        hidden = make_divisible(round(in_channels * expand_ratio), 8)
        kinds = {'conv_cfg': conv_cfg, 'norm_cfg': norm_cfg}
        units = [
            ConvModule(
                hidden,
                hidden,
                kernel_size,
                stride=stride,
                padding=kernel_size // 2,
                groups=hidden,
                act_cfg=act_cfg,
                **kinds,
            ),
            ConvModule(hidden, out_channels, 1, act_cfg=None, **kinds),
        ]
        if expand_ratio != 1:
            units.insert(0, ConvModule(in_channels, hidden, 1, act_cfg=act_cfg, **kinds))
        self.conv = nn.Sequential(*units)

    def _add_shortcut(self, x: Tensor) -> Tensor:
        out = self.conv(x)
        # In place: no backward pass asks for a norm's output.
        return out.add_(x) if self.use_res_connect else out

    def forward(self, x: Tensor) -> Tensor:
        """Compute ``(B, out_channels, H / stride, W / stride)``."""
        if self.with_cp and x.requires_grad:
            return cp.checkpoint(self._add_shortcut, x, use_reentrant=False)
        return self._add_shortcut(x)


@MODELS.register_module()
class MobileNetV2(BaseBackbone):
    """Seven stages of inverted residual blocks, and a last convolution.

    Args:
        widen_factor: Factor on the channels of every layer.
        out_indices: The maps to return: 0 to 6 are the stages', 7 is the last convolution's.
        frozen_stages: The first convolution (0) and this many stages do not train; -1: all train.
            The running statistics of the first norm are updated all the same, as in MMPose.
        conv_cfg: Kind of convolution.
        norm_cfg: Kind of norm.
        act_cfg: Kind of activation.
        norm_eval: Keep the running statistics of batch norms as they are.
        with_cp: Save memory by computing blocks anew in the backward pass.
        init_cfg: How weights start.

    Raises:
        ValueError: If ``out_indices`` or ``frozen_stages`` reach beyond the stages.

    Source: Sandler et al., CVPR 2018, https://arxiv.org/abs/1801.04381
    """

    # Of each stage: expand_ratio, channels, blocks, stride.
    arch_settings: ClassVar = (
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    )

    def __init__(
        self,
        widen_factor: float = 1.0,
        out_indices: Sequence[int] = (7,),
        frozen_stages: int = -1,
        conv_cfg: dict | None = None,
        norm_cfg: dict | None = _NORM_CFG,
        act_cfg: dict | None = _ACT_CFG,
        norm_eval: bool = False,
        with_cp: bool = False,
        init_cfg: dict | Sequence[dict] | None = KAIMING_INIT,
    ) -> None:
        super().__init__(init_cfg if isinstance(init_cfg, dict | None) else list(init_cfg))
        last = len(self.arch_settings)
        if not set(out_indices) <= set(range(last + 1)):
            raise ValueError(f'out_indices={list(out_indices)} are not all from 0 to {last}')
        if frozen_stages not in range(-1, last + 1):
            raise ValueError(f'frozen_stages={frozen_stages} is not from -1 to {last}')
        self.widen_factor = widen_factor
        self.out_indices = out_indices
        self.frozen_stages = frozen_stages
        self.norm_eval = norm_eval
        self.with_cp = with_cp
        kinds: dict[str, Any] = {'conv_cfg': conv_cfg, 'norm_cfg': norm_cfg, 'act_cfg': act_cfg}
        channels = make_divisible(32 * widen_factor, 8)
        self.conv1 = ConvModule(3, channels, 3, stride=2, padding=1, **kinds)
        self.layers = []
        for i, (expand_ratio, width, num_blocks, stride) in enumerate(self.arch_settings, 1):
            out_channels = make_divisible(width * widen_factor, 8)
            blocks = [
                InvertedResidual(
                    out_channels if j else channels,
                    out_channels,
                    stride=1 if j else stride,
                    expand_ratio=expand_ratio,
                    with_cp=with_cp,
                    **kinds,
                )
                for j in range(num_blocks)
            ]
            channels = out_channels
            self.add_module(f'layer{i}', nn.Sequential(*blocks))
            self.layers.append(f'layer{i}')
        self.out_channel = int(1280 * max(widen_factor, 1.0))
        self.conv2 = ConvModule(channels, self.out_channel, 1, **kinds)
        self.layers.append('conv2')
        self._freeze()

    def _frozen_parts(self) -> list[nn.Module]:
        return [getattr(self, f'layer{i}') for i in range(1, self.frozen_stages + 1)]

    def _freeze(self) -> None:
        super()._freeze()
        if self.frozen_stages >= 0:
            self.conv1.requires_grad_(False)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Compute the maps ``out_indices``, of strides 2, 4, 8, 16, 16, 32, 32 and 32."""
        x = self.conv1(x)
        outs = []
        for i, name in enumerate(self.layers):
            x = getattr(self, name)(x)
            if i in self.out_indices:
                outs.append(x)
        return tuple(outs)
