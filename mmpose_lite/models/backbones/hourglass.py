"""Stacked hourglasses: each shrinks its map, enlarges it again and adds the maps on the way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmpose_lite.errors import ArgumentError
from mmpose_lite.registry import MODELS

from .base_backbone import NORMAL_INIT, BaseBackbone
from .residual import BasicBlock, ResLayer

_NORM_CFG = {'type': 'BN', 'requires_grad': True}


class HourglassModule(BaseModule):
    """One hourglass, which holds the next smaller one.

    Args:
        depth: Number of times the map is halved.
        stage_channels: Channels at each size, the largest first; one more than ``depth``.
        stage_blocks: Residual blocks at each size.
        norm_cfg: Kind of norm at this size; the smaller ones have batch norms.
        init_cfg: How weights start.
    """

    def __init__(
        self,
        depth: int,
        stage_channels: Sequence[int],
        stage_blocks: Sequence[int],
        norm_cfg: dict | None = _NORM_CFG,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.depth = depth
        here, below = stage_channels[:2]
        blocks = stage_blocks[0]
        norm: dict[str, Any] = {'norm_cfg': norm_cfg}
        self.up1 = ResLayer(BasicBlock, blocks, here, here, **norm)
        self.low1 = ResLayer(BasicBlock, blocks, here, below, stride=2, **norm)
        self.low2: nn.Module
        if depth > 1:
            self.low2 = HourglassModule(depth - 1, stage_channels[1:], stage_blocks[1:])
        else:
            self.low2 = ResLayer(BasicBlock, stage_blocks[1], below, below, **norm)
        self.low3 = ResLayer(BasicBlock, blocks, below, here, downsample_first=False, **norm)
        self.up2 = nn.Upsample(scale_factor=2)

    def forward(self, x: Tensor) -> Tensor:
        """Compute a map of the input's shape; its sides are multiples of 2^depth."""
        below = self.up2(self.low3(self.low2(self.low1(x))))
        # In place: no backward pass asks for an upsampled map.
        return below.add_(self.up1(x))


@MODELS.register_module()
class HourglassNet(BaseBackbone):
    """Hourglasses in a row, each of which outputs a map of stride 4.

    Args:
        downsample_times: Number of times each hourglass halves its map.
        num_stacks: Number of hourglasses: 1 in Hourglass-52, 2 in Hourglass-104.
        stage_channels: Channels at each size, the largest first.
        stage_blocks: Residual blocks at each size.
        feat_channel: Channels of each output.
        norm_cfg: Kind of norm outside the hourglasses, which have batch norms, as in MMPose.
        init_cfg: How weights start.

    Raises:
        ArgumentError: If there is no hourglass, or the lists do not fit ``downsample_times``.

    Source: Newell et al., ECCV 2016, https://arxiv.org/abs/1603.06937
    """

    def __init__(
        self,
        downsample_times: int = 5,
        num_stacks: int = 2,
        stage_channels: Sequence[int] = (256, 256, 384, 384, 384, 512),
        stage_blocks: Sequence[int] = (2, 2, 2, 2, 2, 4),
        feat_channel: int = 256,
        norm_cfg: dict | None = _NORM_CFG,
        init_cfg: dict | Sequence[dict] | None = NORMAL_INIT,
    ) -> None:
        super().__init__(init_cfg if isinstance(init_cfg, dict | None) else list(init_cfg))
        if num_stacks < 1:
            raise ArgumentError(f'num_stacks={num_stacks}: there is at least one hourglass')
        if not downsample_times < len(stage_channels) == len(stage_blocks):
            raise ArgumentError(
                f'stage_channels={list(stage_channels)} and stage_blocks={list(stage_blocks)} are '
                f'of one length, and longer than downsample_times={downsample_times}'
            )
        self.num_stacks = num_stacks
        channels, between = stage_channels[0], range(num_stacks - 1)
        norm: dict[str, Any] = {'norm_cfg': norm_cfg}
        self.stem = nn.Sequential(
            ConvModule(3, 128, 7, padding=3, stride=2, **norm),
            ResLayer(BasicBlock, 1, 128, 256, stride=2, **norm),
        )
        self.hourglass_modules = nn.ModuleList(
            HourglassModule(downsample_times, stage_channels, stage_blocks)
            for _ in range(num_stacks)
        )
        # A single hourglass has a block too, which MMPose's files hold and nothing uses: several
        # processes would wait for its gradients.
        self.inters = ResLayer(BasicBlock, max(num_stacks - 1, 1), channels, channels, **norm)
        self.inters.requires_grad_(num_stacks > 1)
        self.conv1x1s = nn.ModuleList(
            ConvModule(channels, channels, 1, act_cfg=None, **norm) for _ in between
        )
        self.out_convs = nn.ModuleList(
            ConvModule(channels, feat_channel, 3, padding=1, **norm) for _ in range(num_stacks)
        )
        self.remap_convs = nn.ModuleList(
            ConvModule(feat_channel, channels, 1, act_cfg=None, **norm) for _ in between
        )
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Compute a map ``(B, feat_channel, H / 4, W / 4)`` of each hourglass."""
        x = self.stem(x)
        outs: list[Tensor] = []
        for i, (hourglass, out_conv) in enumerate(
            zip(self.hourglass_modules, self.out_convs, strict=True)
        ):
            outs.append(out_conv(hourglass(x)))
            if i < self.num_stacks - 1:
                x = self.conv1x1s[i](x).add_(self.remap_convs[i](outs[-1]))
                x = self.inters[i](self.relu(x))
        return outs
