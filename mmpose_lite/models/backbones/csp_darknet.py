"""Parts of CSPDarknet that other backbones share."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmpose_lite.models.utils.csp_layer import apart
from mmpose_lite.models.utils.dense_gradients import join_channels

_NORM_CFG = {'type': 'BN', 'momentum': 0.03, 'eps': 0.001}
_ACT_CFG = {'type': 'Swish'}


class SPPBottleneck(BaseModule):
    """Spatial pyramid pooling: the maxima over windows of several sizes, joined.

    Args:
        in_channels: Channels of the input; half of them are pooled.
        out_channels: Channels of the output.
        kernel_sizes: Sides of the windows, odd.
        conv_cfg: Kind of convolution.
        norm_cfg: Kind of norm.
        act_cfg: Kind of activation.
        init_cfg: How weights start.

    Source: He et al., ECCV 2014, https://arxiv.org/abs/1406.4729
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_sizes: Sequence[int] = (5, 9, 13),
        conv_cfg: dict | None = None,
        norm_cfg: dict | None = _NORM_CFG,
        act_cfg: dict | None = _ACT_CFG,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        half = in_channels // 2
        kinds = {'conv_cfg': conv_cfg, 'norm_cfg': norm_cfg, 'act_cfg': apart(act_cfg)}
        self.conv1 = ConvModule(in_channels, half, 1, **kinds)
        self.kernel_sizes = kernel_sizes
        # A maximum over windows of maxima: each pooling widens the windows of the one before.
        sizes = [1, *sorted(kernel_sizes)]
        steps = [wide - narrow + 1 for narrow, wide in pairwise(sizes)]
        self.poolings = nn.ModuleList(
            nn.MaxPool2d(step, stride=1, padding=step // 2) for step in steps
        )
        self.conv2 = ConvModule(half * (len(kernel_sizes) + 1), out_channels, 1, **kinds)

    def forward(self, x: Tensor) -> Tensor:
        """Compute ``(B, out_channels, H, W)``."""
        x = self.conv1(x)
        pooled = {1: x}
        for size, pooling in zip(sorted(self.kernel_sizes), self.poolings, strict=True):
            x = pooled[size] = pooling(x)
        return self.conv2(join_channels([pooled[size] for size in (1, *self.kernel_sizes)]))
