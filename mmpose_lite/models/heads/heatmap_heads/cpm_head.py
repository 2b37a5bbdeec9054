"""The head of networks with several stages: convolutional pose machines, stacked hourglasses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from mmpose_lite.errors import ArgumentError, InputError
from mmpose_lite.registry import MODELS

from .heatmap_head import BaseHeatmapHead


@MODELS.register_module()
class CPMHead(BaseHeatmapHead):
    """Predicts heatmaps at each stage, by layers of its own.

    All stages learn the same targets; the last one's heatmaps are decoded.

    Args:
        in_channels: Channels of each stage's feature map.
        out_channels: Channels of the heatmaps: K, or 3K of combined ones.
        num_stages: Number of stages.
        deconv_out_channels: Channels of a stage's transposed convolutions; None or empty: none.
        deconv_kernel_sizes: Their kernel sizes: 2, 3 or 4; each doubles the resolution.
        final_layer: Further arguments of a stage's final convolution; None: there is none.
        loss: Config of the loss, or one for each stage.
        decoder: Config of the codec.
        init_cfg: How weights start; normal with 0.001 by default.

    Raises:
        ValueError: If the number of kernel sizes differs from that of channels.
        InputError: If there is a list of losses, and not one for each stage.

    Source: Wei et al., CVPR 2016, https://arxiv.org/abs/1602.00134
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        num_stages: int,
        deconv_out_channels: Sequence[int] | None = None,
        deconv_kernel_sizes: Sequence[int] | None = None,
        final_layer: dict | None = {'kernel_size': 1},  # noqa: B006 (read only)
        loss: dict | Sequence[dict] = {'type': 'KeypointMSELoss', 'use_target_weight': True},  # noqa: B006
        decoder: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg, decoder)
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.num_stages = num_stages
        self.loss_module = self._build_losses(loss)
        self.multi_deconv_layers = nn.ModuleList()
        self.multi_final_layers = nn.ModuleList()
        for _ in range(num_stages):
            layers, channels = self._make_layers(
                'deconv', in_channels, deconv_out_channels, deconv_kernel_sizes
            )
            self.multi_deconv_layers.append(layers)
            self.multi_final_layers.append(
                self._make_final_layer(channels, out_channels, final_layer)
            )

    def _build_losses(self, loss: dict | Sequence[dict]) -> nn.Module:
        if isinstance(loss, dict):
            return self.build_loss(loss)
        if len(loss) != self.num_stages:
            raise InputError(
                f'model.head.loss: the {len(loss)} losses did not match `num_stages`='
                f'{self.num_stages}; there is one, or one for each stage'
            )
        return nn.ModuleList(map(self.build_loss, loss))

    def forward(self, feats: Sequence[Tensor]) -> list[Tensor]:
        """Compute heatmaps ``(B, K, H, W)`` of each stage from its feature map.

        Raises:
            ArgumentError: If the number of feature maps is not that of stages.
        """
        if len(feats) != self.num_stages:
            raise ArgumentError(
                'model.head: the length of feature maps did not match the `num_stages`='
                f'{self.num_stages}: {len(feats)} come in'
            )
        layers = zip(feats, self.multi_deconv_layers, self.multi_final_layers, strict=True)
        return [final(deconv(maps)) for maps, deconv, final in layers]

    def final_outputs(self, outputs: Any) -> tuple[Tensor, ...]:
        """Pick the heatmaps of the last stage."""
        return super().final_outputs(outputs)[-1:]

    def loss_of(self, outputs: list[Tensor], heatmaps: Tensor, weights: Tensor) -> Tensor:
        """Add up the losses of the stages."""
        loss = self.loss_module
        losses = loss if isinstance(loss, nn.ModuleList) else [loss] * len(outputs)
        each = [one(maps, heatmaps, weights) for one, maps in zip(losses, outputs, strict=True)]
        return sum(each[1:], start=each[0])
