"""ResNet and its D variant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from mmcv.cnn import ConvModule, build_conv_layer, build_norm_layer
from torch import Tensor, nn

from mmpose_lite.registry import MODELS

from .base_backbone import KAIMING_INIT, BaseBackbone
from .residual import BasicBlock, Bottleneck, ResLayer, get_expansion, norm_property

__all__ = ['BasicBlock', 'Bottleneck', 'ResLayer', 'ResNet', 'ResNetV1d', 'get_expansion']


@MODELS.register_module()
class ResNet(BaseBackbone):
    """A residual network of 18 to 152 layers.

    Args:
        depth: 18, 34, 50, 101 or 152.
        in_channels: Channels of the images.
        stem_channels: Channels after the stem.
        base_channels: Channels inside the first stage's blocks.
        expansion: See :class:`~.residual.BasicBlock`; the block's own by default.
        num_stages: How many of the four stages there are.
        strides: Stride of each stage.
        dilations: Dilation of each stage.
        out_indices: The stages whose maps are returned.
        style: Where a bottleneck has its stride, ``'pytorch'`` (3x3) or ``'caffe'`` (first 1x1).
        deep_stem: A stem of three 3x3 convolutions instead of one 7x7.
        avg_down: Shortcuts by average pooling.
        frozen_stages: The stem (0) and this many stages do not train; -1: all train.
        conv_cfg: Kind of convolution.
        norm_cfg: Kind of norm; batch norm by default.
        norm_eval: Keep the running statistics of batch norms as they are.
        with_cp: Save memory by computing blocks anew in the backward pass.
        zero_init_residual: Start every block as the identity.
        init_cfg: How weights start.

    Source: He et al., CVPR 2016, https://arxiv.org/abs/1512.03385
    """

    arch_settings: ClassVar = {
        18: (BasicBlock, (2, 2, 2, 2)),
        34: (BasicBlock, (3, 4, 6, 3)),
        50: (Bottleneck, (3, 4, 6, 3)),
        101: (Bottleneck, (3, 4, 23, 3)),
        152: (Bottleneck, (3, 8, 36, 3)),
    }

    def __init__(
        self,
        depth: int,
        in_channels: int = 3,
        stem_channels: int = 64,
        base_channels: int = 64,
        expansion: int | None = None,
        num_stages: int = 4,
        strides: Sequence[int] = (1, 2, 2, 2),
        dilations: Sequence[int] = (1, 1, 1, 1),
        out_indices: Sequence[int] = (3,),
        style: str = 'pytorch',
        deep_stem: bool = False,
        avg_down: bool = False,
        frozen_stages: int = -1,
        conv_cfg: dict | None = None,
        norm_cfg: dict | None = None,
        norm_eval: bool = False,
        with_cp: bool = False,
        zero_init_residual: bool = True,
        init_cfg: dict | Sequence[dict] | None = KAIMING_INIT,
    ) -> None:
        super().__init__(init_cfg if isinstance(init_cfg, dict | None) else list(init_cfg))
        self._check(depth, num_stages, strides, dilations, out_indices)
        self.depth = depth
        self.stem_channels = stem_channels
        self.num_stages = num_stages
        self.out_indices = out_indices
        self.deep_stem = deep_stem
        self.frozen_stages = frozen_stages
        self.conv_cfg = conv_cfg
        self.norm_cfg = norm_cfg or {'type': 'BN', 'requires_grad': True}
        self.norm_eval = norm_eval
        self.zero_init_residual = zero_init_residual
        self.block, blocks = self.arch_settings[depth]
        self.stage_blocks = blocks[:num_stages]
        self.expansion = get_expansion(self.block, expansion)

        self._make_stem_layer(in_channels, stem_channels)
        settings = {'style': style, 'avg_down': avg_down, 'with_cp': with_cp}
        self._make_stages(stem_channels, base_channels, strides, dilations, settings)
        self._freeze()

    def _check(
        self,
        depth: int,
        num_stages: int,
        strides: Sequence[int],
        dilations: Sequence[int],
        out_indices: Sequence[int],
    ) -> None:
        if depth not in self.arch_settings:
            raise KeyError(f'depth={depth} is not one of {list(self.arch_settings)}')
        if not 1 <= num_stages <= 4 or not len(strides) == len(dilations) == num_stages:
            raise ValueError(
                f'num_stages={num_stages} (1 to 4) needs as many strides and dilations, '
                f'got {list(strides)} and {list(dilations)}'
            )
        if max(out_indices) >= num_stages:
            raise ValueError(f'out_indices={list(out_indices)} reach beyond {num_stages} stages')

    def _make_stages(
        self,
        channels: int,
        base_channels: int,
        strides: Sequence[int],
        dilations: Sequence[int],
        settings: dict,
    ) -> None:
        self.res_layers = []
        for i, num_blocks in enumerate(self.stage_blocks):
            out_channels = base_channels * self.expansion * 2**i
            layer = self.make_res_layer(
                block=self.block,
                num_blocks=num_blocks,
                in_channels=channels,
                out_channels=out_channels,
                expansion=self.expansion,
                stride=strides[i],
                dilation=dilations[i],
                conv_cfg=self.conv_cfg,
                norm_cfg=self.norm_cfg,
                **settings,
            )
            channels = out_channels
            self.add_module(f'layer{i + 1}', layer)
            self.res_layers.append(f'layer{i + 1}')
        self.feat_dim = channels

    def make_res_layer(self, **kwargs) -> ResLayer:
        """Make one stage; a variant with other stages overrides this."""
        return ResLayer(**kwargs)

    norm1 = norm_property(1)

    def _make_stem_layer(self, in_channels: int, stem_channels: int) -> None:
        if self.deep_stem:
            half = stem_channels // 2
            units = [(in_channels, half, 2), (half, half, 1), (half, stem_channels, 1)]
            self.stem = nn.Sequential(
                *(
                    ConvModule(
                        channels,
                        out_channels,
                        kernel_size=3,
                        stride=stride,
                        padding=1,
                        conv_cfg=self.conv_cfg,
                        norm_cfg=self.norm_cfg,
                        inplace=True,
                    )
                    for channels, out_channels, stride in units
                )
            )
        else:
            self.conv1 = build_conv_layer(
                self.conv_cfg, in_channels, stem_channels, 7, stride=2, padding=3, bias=False
            )
            self.norm1_name, norm1 = build_norm_layer(self.norm_cfg, stem_channels, postfix=1)
            self.add_module(self.norm1_name, norm1)
            self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)

    def _frozen_parts(self) -> list[nn.Module]:
        if self.frozen_stages < 0:
            return []
        stem = [self.stem] if self.deep_stem else [self.conv1, self.norm1]
        stages = [getattr(self, f'layer{i}') for i in range(1, self.frozen_stages + 1)]
        return stem + stages

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Compute the maps of the stages ``out_indices``; stage i has stride 4 * 2^i."""
        x = self.stem(x) if self.deep_stem else self.relu(self.norm1(self.conv1(x)))
        x = self.maxpool(x)
        outs = []
        for i, name in enumerate(self.res_layers):
            x = getattr(self, name)(x)
            if i in self.out_indices:
                outs.append(x)
        return tuple(outs)


@MODELS.register_module()
class ResNetV1d(ResNet):
    """ResNet with a deep stem and average-pooled shortcuts.

    Source: He et al., CVPR 2019, https://arxiv.org/abs/1812.01187
    """

    def __init__(self, **kwargs) -> None:
        super().__init__(deep_stem=True, avg_down=True, **kwargs)
