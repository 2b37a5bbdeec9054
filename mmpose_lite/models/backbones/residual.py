"""Residual blocks, shared by ResNet and HRNet."""

from __future__ import annotations

from itertools import islice

import torch.utils.checkpoint as cp
from mmcv.cnn import build_conv_layer, build_norm_layer
from mmengine.model import BaseModule, Sequential, constant_init
from torch import Tensor, nn


def norm_property(index: int) -> property:
    """Make a module's property for its norm of a number, whose name follows its kind (``bn1``)."""
    return property(lambda module: getattr(module, getattr(module, f'norm{index}_name')))


def conv_norm(
    conv_cfg: dict | None,
    norm_cfg: dict,
    in_channels: int,
    out_channels: int,
    kernel: int,
    stride: int = 1,
    relu: bool = True,
) -> list[nn.Module]:
    """A convolution that keeps the size (but for its stride), its norm, and maybe a ReLU."""
    conv = {'stride': stride, 'padding': kernel // 2, 'bias': False}
    layers = [
        build_conv_layer(conv_cfg, in_channels, out_channels, kernel, **conv),
        build_norm_layer(norm_cfg, out_channels)[1],
    ]
    return [*layers, nn.ReLU(inplace=True)] if relu else layers


class _ResidualBlock(BaseModule):
    """Common to the blocks: ``out = relu(branch(x) + shortcut(x))``.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        expansion: ``out_channels`` over the channels inside the block.
        stride: Stride of the block.
        dilation: Dilation of the 3x3 convolution that has the stride.
        downsample: Shortcut for blocks that change shape; the identity by default.
        style: ``'pytorch'`` or ``'caffe'``: whether a bottleneck's 3x3 or first 1x1 has the stride.
        with_cp: Save memory by computing the block anew in the backward pass.
        conv_cfg: Kind of convolution; ``nn.Conv2d`` by default.
        norm_cfg: Kind of norm; batch norm by default.
        init_cfg: How weights start.
    """

    default_expansion = 1

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        expansion: int | None = None,
        stride: int = 1,
        dilation: int = 1,
        downsample: nn.Module | None = None,
        style: str = 'pytorch',
        with_cp: bool = False,
        conv_cfg: dict | None = None,
        norm_cfg: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.expansion = self.default_expansion if expansion is None else expansion
        if out_channels % self.expansion:
            raise ValueError(
                f'out_channels={out_channels} is not a multiple of expansion={self.expansion}'
            )
        if style not in ('pytorch', 'caffe'):
            raise ValueError(f"style='{style}' is not one of pytorch, caffe")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.mid_channels = out_channels // self.expansion
        self.stride = stride
        self.dilation = dilation
        self.style = style
        self.with_cp = with_cp
        self.conv_cfg = conv_cfg
        self.norm_cfg = norm_cfg or {'type': 'BN'}
        self._build_branch()
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample

    def _build_branch(self) -> None:
        raise NotImplementedError

    def _branch(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def _add_unit(self, index: int, in_channels: int, out_channels: int, kernel: int, **conv):
        """Add ``conv<index>`` and its norm; the norm's name follows its kind (``bn1``, ``gn1``)."""
        conv.setdefault('padding', 0)
        setattr(
            self,
            f'conv{index}',
            build_conv_layer(self.conv_cfg, in_channels, out_channels, kernel, bias=False, **conv),
        )
        name, norm = build_norm_layer(self.norm_cfg, out_channels, postfix=index)
        self.add_module(name, norm)
        setattr(self, f'norm{index}_name', name)

    norm1, norm2 = norm_property(1), norm_property(2)

    def _add_shortcut(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        # In place: no backward pass asks for a norm's output, and large maps are slow to allocate.
        return self._branch(x).add_(shortcut)

    def forward(self, x: Tensor) -> Tensor:
        """Compute ``(B, out_channels, H / stride, W / stride)``."""
        if self.with_cp and x.requires_grad:
            return self.relu(cp.checkpoint(self._add_shortcut, x, use_reentrant=False))
        return self.relu(self._add_shortcut(x))


class BasicBlock(_ResidualBlock):
    """Two 3x3 convolutions; see :class:`_ResidualBlock`."""

    def _build_branch(self) -> None:
        if self.expansion != 1:
            raise ValueError(f'the expansion of a BasicBlock is 1, got {self.expansion}')
        self._add_unit(
            1,
            self.in_channels,
            self.mid_channels,
            3,
            stride=self.stride,
            padding=self.dilation,
            dilation=self.dilation,
        )
        self._add_unit(2, self.mid_channels, self.out_channels, 3, padding=1)

    def _branch(self, x: Tensor) -> Tensor:
        out = self.relu(self.norm1(self.conv1(x)))
        return self.norm2(self.conv2(out))


class Bottleneck(_ResidualBlock):
    """1x1, 3x3 and 1x1 convolutions, narrow in the middle; see :class:`_ResidualBlock`."""

    default_expansion = 4
    norm3 = norm_property(3)

    def _build_branch(self) -> None:
        first, middle = (1, self.stride) if self.style == 'pytorch' else (self.stride, 1)
        self.conv1_stride, self.conv2_stride = first, middle
        self._add_unit(1, self.in_channels, self.mid_channels, 1, stride=first)
        self._add_unit(
            2,
            self.mid_channels,
            self.mid_channels,
            3,
            stride=middle,
            padding=self.dilation,
            dilation=self.dilation,
        )
        self._add_unit(3, self.mid_channels, self.out_channels, 1)

    def _branch(self, x: Tensor) -> Tensor:
        out = self.relu(self.norm1(self.conv1(x)))
        out = self.relu(self.norm2(self.conv2(out)))
        return self.norm3(self.conv3(out))


def start_as_identity(network: nn.Module) -> None:
    """Zero the last norm of every block, so that the block begins as its shortcut."""
    for module in network.modules():
        if isinstance(module, Bottleneck):
            constant_init(module.norm3, 0)
        elif isinstance(module, BasicBlock):
            constant_init(module.norm2, 0)


def get_expansion(block: type[_ResidualBlock], expansion: int | None = None) -> int:
    """The expansion asked for, or the block's own; a TypeError if it is no positive integer."""
    if expansion is None:
        expansion = getattr(block, 'expansion', None) or getattr(block, 'default_expansion', None)
        if expansion is None:
            raise TypeError(f'expansion is not specified for {block.__name__}')
    if not isinstance(expansion, int) or expansion <= 0:
        raise TypeError(f'expansion must be a positive integer or None, got {expansion!r}')
    return expansion


class ResLayer(Sequential):
    """A stage: ``num_blocks`` blocks, of which one may change stride and channels.

    Args:
        block: Class of the blocks.
        num_blocks: How many.
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        expansion: See :class:`_ResidualBlock`.
        stride: Stride of the stage.
        avg_down: Shortcut by average pooling and a 1x1 convolution of stride 1 (ResNet-D).
        conv_cfg: Kind of convolution.
        norm_cfg: Kind of norm.
        downsample_first: The first block changes the shape (ResNet); else the last (hourglass).
        kwargs: Further arguments of the blocks.
    """

    def __init__(
        self,
        block: type[_ResidualBlock],
        num_blocks: int,
        in_channels: int,
        out_channels: int,
        expansion: int | None = None,
        stride: int = 1,
        avg_down: bool = False,
        conv_cfg: dict | None = None,
        norm_cfg: dict | None = None,
        downsample_first: bool = True,
        **kwargs,
    ) -> None:
        expansion = get_expansion(block, expansion)
        norm_cfg = norm_cfg or {'type': 'BN'}
        downsample = None
        if stride != 1 or in_channels != out_channels:
            pools = avg_down and stride != 1
            shape = (in_channels, out_channels, 1, 1 if pools else stride)
            layers = conv_norm(conv_cfg, norm_cfg, *shape, relu=False)
            if pools:
                pool = nn.AvgPool2d(stride, stride, ceil_mode=True, count_include_pad=False)
                layers.insert(0, pool)
            downsample = nn.Sequential(*layers)
        changing = 0 if downsample_first else num_blocks - 1
        blocks = [
            block(
                in_channels=in_channels if i <= changing else out_channels,
                out_channels=in_channels if i < changing else out_channels,
                expansion=expansion,
                stride=stride if i == changing else 1,
                downsample=downsample if i == changing else None,
                conv_cfg=conv_cfg,
                norm_cfg=norm_cfg,
                **kwargs,
            )
            for i in range(num_blocks)
        ]
        super().__init__(*blocks)
        self.block = block
        self.expansion = expansion


def add_paths(paths: nn.ModuleList, branches: list[Tensor]) -> Tensor:
    """The sum of what paths make of the branches' maps; a path of None leaves them as they are.

    Added in place to maps that a path made: nothing else reads those.
    """
    total, own = branches[0], paths[0] is not None
    if own:
        total = paths[0](total)
    for path, maps in islice(zip(paths, branches, strict=True), 1, None):
        if own:
            total = total.add_(maps if path is None else path(maps))
        else:
            total, own = path(maps).add_(total), True
    return total
