"""CSPNeXt, the backbone of RTMPose: cross-stage partial layers with large depthwise kernels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from mmcv.cnn import ConvModule, DepthwiseSeparableConvModule
from torch import Tensor, nn

from mmpose_lite.errors import ArgumentError
from mmpose_lite.models.utils.csp_layer import CSPLayer, apart
from mmpose_lite.registry import MODELS

from .base_backbone import BaseBackbone
from .csp_darknet import SPPBottleneck

_NORM_CFG = {'type': 'BN', 'momentum': 0.03, 'eps': 0.001}
_ACT_CFG = {'type': 'SiLU'}
_INIT_CFG = {
    'type': 'Kaiming',
    'layer': 'Conv2d',
    'a': math.sqrt(5),
    'distribution': 'uniform',
    'mode': 'fan_in',
    'nonlinearity': 'leaky_relu',
}


@MODELS.register_module()
class CSPNeXt(BaseBackbone):
    """A stem and four or five stages, each of which halves the map.

    Args:
        arch: ``'P5'`` or ``'P6'``, of four and five stages.
        deepen_factor: Factor on the numbers of blocks.
        widen_factor: Factor on the numbers of channels.
        out_indices: The maps to return: 0 is the stem's, i the i-th stage's.
        frozen_stages: The stem (0) and this many stages do not train; -1: all train.
        use_depthwise: Use depthwise separable convolutions in place of 3x3 ones.
        expand_ratio: See :class:`~mmpose_lite.models.utils.csp_layer.CSPLayer`.
        arch_ovewrite: Stages in place of those of ``arch``, each ``(in_channels, out_channels,
            num_blocks, add_identity, use_spp)``; the name is spelt as in MMPose.
        spp_kernel_sizes: See :class:`~.csp_darknet.SPPBottleneck`.
        channel_attention: Weigh the channels in each stage.
        conv_cfg: Kind of convolution, except in the stem and first in each block.
        norm_cfg: Kind of norm.
        act_cfg: Kind of activation.
        norm_eval: Keep the running statistics of batch norms as they are.
        init_cfg: How weights start.

    Raises:
        KeyError: If ``arch`` is unknown.
        ArgumentError: If ``out_indices`` reach beyond the stages.
        ValueError: If ``frozen_stages`` exceeds the number of stages.

    Source: Lyu et al., 2022, https://arxiv.org/abs/2212.07784
    """

    # Of each stage: in_channels, out_channels, num_blocks, add_identity, use_spp.
    arch_settings: ClassVar = {
        'P5': (
            (64, 128, 3, True, False),
            (128, 256, 6, True, False),
            (256, 512, 6, True, False),
            (512, 1024, 3, False, True),
        ),
        'P6': (
            (64, 128, 3, True, False),
            (128, 256, 6, True, False),
            (256, 512, 6, True, False),
            (512, 768, 3, True, False),
            (768, 1024, 3, False, True),
        ),
    }

    def __init__(
        self,
        arch: str = 'P5',
        deepen_factor: float = 1.0,
        widen_factor: float = 1.0,
        out_indices: Sequence[int] = (2, 3, 4),
        frozen_stages: int = -1,
        use_depthwise: bool = False,
        expand_ratio: float = 0.5,
        arch_ovewrite: Sequence[Sequence] | None = None,
        spp_kernel_sizes: Sequence[int] = (5, 9, 13),
        channel_attention: bool = True,
        conv_cfg: dict | None = None,
        norm_cfg: dict | None = _NORM_CFG,
        act_cfg: dict | None = _ACT_CFG,
        norm_eval: bool = False,
        init_cfg: dict | list[dict] | None = _INIT_CFG,
    ) -> None:
        super().__init__(init_cfg)
        if arch not in self.arch_settings:
            raise KeyError(f"arch='{arch}' is not one of {', '.join(self.arch_settings)}")
        stages = arch_ovewrite or self.arch_settings[arch]
        if not set(out_indices) <= set(range(len(stages) + 1)):
            raise ArgumentError(
                f'out_indices={list(out_indices)} are not all from 0 to {len(stages)}'
            )
        if frozen_stages not in range(-1, len(stages) + 1):
            raise ValueError(f'frozen_stages={frozen_stages} is not from -1 to {len(stages)}')
        self.out_indices = out_indices
        self.frozen_stages = frozen_stages
        self.use_depthwise = use_depthwise
        self.norm_eval = norm_eval

        kinds = {'norm_cfg': norm_cfg, 'act_cfg': apart(act_cfg)}
        self.stem = _make_stem(stages[0][0] * widen_factor, **kinds)
        self.layers = ['stem']
        kinds['conv_cfg'] = conv_cfg
        for in_channels, out_channels, num_blocks, add_identity, use_spp in stages:
            self._add_stage(
                int(in_channels * widen_factor),
                int(out_channels * widen_factor),
                spp_kernel_sizes if use_spp else None,
                kinds,
                num_blocks=max(round(num_blocks * deepen_factor), 1),
                add_identity=add_identity,
                expand_ratio=expand_ratio,
                channel_attention=channel_attention,
            )
        self._freeze()

    def _add_stage(
        self,
        in_channels: int,
        channels: int,
        spp_kernel_sizes: Sequence[int] | None,
        kinds: dict[str, Any],
        **layer: Any,
    ) -> None:
        """Add a convolution that halves the resolution, maybe pooling, and a CSP layer."""
        conv = DepthwiseSeparableConvModule if self.use_depthwise else ConvModule
        layer |= {'use_depthwise': self.use_depthwise, 'use_cspnext_block': True, **kinds}
        parts = [
            conv(in_channels, channels, 3, stride=2, padding=1, **kinds),
            CSPLayer(channels, channels, **layer),
        ]
        if spp_kernel_sizes is not None:
            parts.insert(1, SPPBottleneck(channels, channels, spp_kernel_sizes, **kinds))
        name = f'stage{len(self.layers)}'
        self.add_module(name, nn.Sequential(*parts))
        self.layers.append(name)

    def _frozen_parts(self) -> list[nn.Module]:
        return [getattr(self, name) for name in self.layers[: self.frozen_stages + 1]]

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Compute the maps ``out_indices``; map i has stride 2 * 2^i."""
        outs = []
        for i, name in enumerate(self.layers):
            x = getattr(self, name)(x)
            if i in self.out_indices:
                outs.append(x)
        return tuple(outs)


def _make_stem(channels: float, **kinds: dict | None) -> nn.Sequential:
    """Make three convolutions that end in ``channels``; the first halves the resolution."""
    half = int(channels // 2)
    widths = (3, half, half, int(channels))
    return nn.Sequential(
        *(
            ConvModule(widths[i], widths[i + 1], 3, stride=1 if i else 2, padding=1, **kinds)
            for i in range(3)
        )
    )
