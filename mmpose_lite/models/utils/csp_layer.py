"""Cross-stage partial layers: half of the channels pass through blocks, the others bypass them."""

from __future__ import annotations

from typing import Any

from mmcv.cnn import ConvModule, DepthwiseSeparableConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn

from .dense_gradients import average_maps, join_channels

_NORM_CFG = {'type': 'BN', 'momentum': 0.03, 'eps': 0.001}
_SILU = {'type': 'SiLU'}
_SWISH = {'type': 'Swish'}


def apart(act_cfg: dict | None) -> dict | None:
    """Settings of an activation that leaves its input as it is, where it is a SiLU.

    In place it would first copy what its backward pass asks for.
    """
    if act_cfg is None or act_cfg['type'] != 'SiLU':
        return act_cfg
    return {'inplace': False, **act_cfg}


class ChannelAttention(BaseModule):
    """Weighs each channel by a factor computed from the means of all channels.

    Args:
        channels: Channels of the input and the output.
        init_cfg: How weights start.
    """

    def __init__(self, channels: int, init_cfg: dict | list[dict] | None = None) -> None:
        super().__init__(init_cfg)
        self.fc = nn.Conv2d(channels, channels, 1)
        self.act = nn.Hardsigmoid(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Compute maps of the input's shape ``(B, C, H, W)``."""
        return x * self.act(self.fc(average_maps(x)))


class _Block(BaseModule):
    """Base of the blocks: two convolutions, and the input added if its channels fit.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        expansion: Channels between the two convolutions over those of the output.
        add_identity: Add the input if it has as many channels as the output.
        use_depthwise: Depthwise separable convolutions in place of plain ones.
        conv_cfg: Kind of convolution.
        norm_cfg: Kind of norm.
        act_cfg: Kind of activation.
        init_cfg: How weights start.
    """

    def __init__(
        self,
        conv1: nn.Module,
        conv2: nn.Module,
        add_identity: bool,
        init_cfg: dict | list[dict] | None,
    ) -> None:
        super().__init__(init_cfg)
        self.conv1 = conv1
        self.conv2 = conv2
        self.add_identity = add_identity

    def forward(self, x: Tensor) -> Tensor:
        """Compute ``(B, out_channels, H, W)``."""
        out = self.conv2(self.conv1(x))
        return out + x if self.add_identity else out


class DarknetBottleneck(_Block):
    """A 1x1 convolution and a 3x3 one; see :class:`_Block`."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        expansion: float = 0.5,
        add_identity: bool = True,
        use_depthwise: bool = False,
        conv_cfg: dict | None = None,
        norm_cfg: dict | None = _NORM_CFG,
        act_cfg: dict | None = _SWISH,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        hidden = int(out_channels * expansion)
        kinds = {'conv_cfg': conv_cfg, 'norm_cfg': norm_cfg, 'act_cfg': apart(act_cfg)}
        conv2 = DepthwiseSeparableConvModule if use_depthwise else ConvModule
        super().__init__(
            ConvModule(in_channels, hidden, 1, **kinds),
            conv2(hidden, out_channels, 3, padding=1, **kinds),
            add_identity and in_channels == out_channels,
            init_cfg,
        )


class CSPNeXtBlock(_Block):
    """A 3x3 convolution and a depthwise separable one; see :class:`_Block`.

    ``kernel_size`` is that of the second one. The first is a plain convolution whatever
    ``conv_cfg`` is, as in MMPose.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        expansion: float = 0.5,
        add_identity: bool = True,
        use_depthwise: bool = False,
        kernel_size: int = 5,
        conv_cfg: dict | None = None,
        norm_cfg: dict | None = _NORM_CFG,
        act_cfg: dict | None = _SILU,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        hidden = int(out_channels * expansion)
        kinds = {'norm_cfg': norm_cfg, 'act_cfg': apart(act_cfg)}
        conv1 = DepthwiseSeparableConvModule if use_depthwise else ConvModule
        second = {'padding': kernel_size // 2, 'conv_cfg': conv_cfg, **kinds}
        super().__init__(
            conv1(in_channels, hidden, 3, padding=1, **kinds),
            DepthwiseSeparableConvModule(hidden, out_channels, kernel_size, **second),
            add_identity and in_channels == out_channels,
            init_cfg,
        )


class CSPLayer(BaseModule):
    """Half of the channels pass through blocks, the others bypass them; then both are joined.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        expand_ratio: Channels of each half over those of the output.
        num_blocks: Number of blocks.
        add_identity: Blocks add their input.
        use_depthwise: Depthwise separable convolutions in the blocks.
        use_cspnext_block: Blocks are :class:`CSPNeXtBlock`; else :class:`DarknetBottleneck`.
        channel_attention: Weigh the channels of both halves.
        conv_cfg: Kind of convolution.
        norm_cfg: Kind of norm.
        act_cfg: Kind of activation.
        init_cfg: How weights start.

    Source: Wang et al., CVPR Workshops 2020, https://arxiv.org/abs/1911.11929
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        expand_ratio: float = 0.5,
        num_blocks: int = 1,
        add_identity: bool = True,
        use_depthwise: bool = False,
        use_cspnext_block: bool = False,
        channel_attention: bool = False,
        conv_cfg: dict | None = None,
        norm_cfg: dict | None = _NORM_CFG,
        act_cfg: dict | None = _SWISH,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        half = int(out_channels * expand_ratio)
        kinds: dict[str, Any] = {
            'conv_cfg': conv_cfg,
            'norm_cfg': norm_cfg,
            'act_cfg': apart(act_cfg),
        }
        block = CSPNeXtBlock if use_cspnext_block else DarknetBottleneck
        self.channel_attention = channel_attention
        self.main_conv = ConvModule(in_channels, half, 1, **kinds)
        self.short_conv = ConvModule(in_channels, half, 1, **kinds)
        self.final_conv = ConvModule(2 * half, out_channels, 1, **kinds)
        self.blocks = nn.Sequential(
            *(
                block(half, half, 1.0, add_identity, use_depthwise, **kinds)
                for _ in range(num_blocks)
            )
        )
        if channel_attention:
            self.attention = ChannelAttention(2 * half)

    def forward(self, x: Tensor) -> Tensor:
        """Compute ``(B, out_channels, H, W)``."""
        joined = join_channels([self.blocks(self.main_conv(x)), self.short_conv(x)])
        return self.final_conv(self.attention(joined) if self.channel_attention else joined)
