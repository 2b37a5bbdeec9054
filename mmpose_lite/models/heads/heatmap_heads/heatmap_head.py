"""The base class of heatmap heads, and the head of SimpleBaseline and HRNet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from mmcv.cnn import build_conv_layer
from mmengine.structures import InstanceData, PixelData
from torch import Tensor, nn

from mmpose_lite.codecs.utils import get_heatmap_maximum
from mmpose_lite.models.necks.fmap_proc_neck import JoinedMaps
from mmpose_lite.models.utils import flip_heatmaps
from mmpose_lite.registry import MODELS
from mmpose_lite.utils.tensor_utils import constant

from ..base_head import BaseHead, point_accuracy

# Padding and output padding with which a transposed convolution of stride 2 doubles the size.
_DECONV_PADDING = {4: (1, 0), 3: (1, 1), 2: (0, 0)}


class BaseHeatmapHead(BaseHead):
    """Targets, accuracy, flip test and layers that all heatmap heads share."""

    target_kinds: ClassVar = ('heatmaps', 'combined heatmaps', 'binary heatmaps')
    target_names: ClassVar = ('heatmaps', 'keypoint_weights')
    default_init_cfg: ClassVar[Any] = [
        {'type': 'Normal', 'layer': ['Conv2d', 'ConvTranspose2d'], 'std': 0.001},
        {'type': 'Constant', 'layer': 'BatchNorm2d', 'val': 1},
    ]

    def _make_layers(
        self,
        kind: str,
        channels: int,
        out_channels: Sequence[int] | None,
        kernel_sizes: Sequence[int] | None,
    ) -> tuple[nn.Module, int]:
        """Layers of a kind (``'conv'``, ``'deconv'``), and the channels after them."""
        if not out_channels:
            return nn.Identity(), channels
        if kernel_sizes is None or len(out_channels) != len(kernel_sizes):
            raise ValueError(
                f'Got mismatched lengths: {kind}_out_channels={list(out_channels)} and '
                f'{kind}_kernel_sizes={kernel_sizes}'
            )
        make = self._make_deconv_layers if kind == 'deconv' else self._make_conv_layers
        layers = make(
            in_channels=channels, layer_out_channels=out_channels, layer_kernel_sizes=kernel_sizes
        )
        return layers, out_channels[-1]

    # Subclasses of MMPose's heads override these two, by these names.
    def _make_conv_layers(
        self,
        in_channels: int,
        layer_out_channels: Sequence[int],
        layer_kernel_sizes: Sequence[int],
    ) -> nn.Module:
        """Make units of a convolution, batch norm and ReLU, which keep the size of odd kernels."""
        return _units(_make_conv, in_channels, layer_out_channels, layer_kernel_sizes)

    def _make_deconv_layers(
        self,
        in_channels: int,
        layer_out_channels: Sequence[int],
        layer_kernel_sizes: Sequence[int],
    ) -> nn.Module:
        """Make units of a transposed convolution, batch norm and ReLU, each of twice the size."""
        return _units(_make_deconv, in_channels, layer_out_channels, layer_kernel_sizes)

    def _make_final_layer(
        self, channels: int, out_channels: int, final_layer: dict | None
    ) -> nn.Module:
        if final_layer is None:
            return nn.Identity()
        conv_cfg = {'type': 'Conv2d', 'kernel_size': 1, **final_layer}
        return build_conv_layer(conv_cfg, in_channels=channels, out_channels=out_channels)

    def mirrored(
        self, outputs: tuple[Tensor, ...], metainfo: Mapping[str, Any], test_cfg: Mapping[str, Any]
    ) -> list[Tensor]:
        """Mirror heatmaps with :func:`flip_heatmaps`.

        ``test_cfg`` holds its ``flip_mode`` and ``shift_heatmap`` (here False by default).
        """
        return [
            flip_heatmaps(
                maps,
                flip_indices=metainfo['flip_indices'],
                flip_mode=test_cfg.get('flip_mode', 'heatmap'),
                shift_heatmap=test_cfg.get('shift_heatmap', False),
            )
            for maps in outputs
        ]

    def fields_of(
        self, outputs: tuple[Tensor, ...], predictions: list[InstanceData]
    ) -> list[PixelData]:
        return [PixelData(heatmaps=maps) for maps in outputs[0].detach()]

    def accuracy_of(self, outputs: Any, heatmaps: Tensor, weights: Tensor) -> Tensor:
        codec: Any = self.decoder
        maps = self.final_outputs(outputs)[0].detach()
        read, size = get_heatmap_maximum, maps.shape[-2:]
        kind = getattr(codec, 'target_kind', None)
        if kind == 'binary heatmaps':
            maps = maps.sigmoid()  # a peak of logits may be below 0
        if kind == 'combined heatmaps':
            # A disc has no peak, so its points are decoded as in a test.
            read, size, maps = codec.decode_batch, codec.input_size, maps.float()
        points, wanted = read(maps)[0], read(heatmaps)[0]
        return point_accuracy(points, wanted, weights > 0, constant(size, points))


@MODELS.register_module()
class HeatmapHead(BaseHeatmapHead):
    """Transposed convolutions, convolutions and a final one, each part optional.

    Args:
        in_channels: Channels of the last feature map, or of each of them.
        out_channels: Channels of the heatmaps: K, or 3K of combined ones.
        deconv_out_channels: Channels of the transposed convolutions; None or empty: none.
        deconv_kernel_sizes: Their kernel sizes: 2, 3 or 4; each doubles the resolution.
        conv_out_channels: Channels of the convolutions; None or empty: none.
        conv_kernel_sizes: Their kernel sizes, odd.
        final_layer: Further arguments of the final convolution; None: there is none.
        loss: Config of the loss.
        decoder: Config of the codec.
        init_cfg: How weights start; normal with 0.001 by default.

    Raises:
        ValueError: If the number of kernel sizes differs from that of channels.

    Source: Xiao et al., ECCV 2018, https://arxiv.org/abs/1804.06208
    """

    def __init__(
        self,
        in_channels: int | Sequence[int],
        out_channels: int,
        deconv_out_channels: Sequence[int] | None = (256, 256, 256),
        deconv_kernel_sizes: Sequence[int] | None = (4, 4, 4),
        conv_out_channels: Sequence[int] | None = None,
        conv_kernel_sizes: Sequence[int] | None = None,
        final_layer: dict | None = {'kernel_size': 1},  # noqa: B006 (read only)
        loss: dict = {'type': 'KeypointMSELoss', 'use_target_weight': True},  # noqa: B006
        decoder: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg, decoder)
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.loss_module = self.build_loss(loss)
        channels = in_channels if isinstance(in_channels, int) else in_channels[-1]
        self.deconv_layers, channels = self._make_layers(
            'deconv', channels, deconv_out_channels, deconv_kernel_sizes
        )
        self.conv_layers, channels = self._make_layers(
            'conv', channels, conv_out_channels, conv_kernel_sizes
        )
        self.final_layer = self._make_final_layer(channels, out_channels, final_layer)

    def forward(self, feats: Sequence[Tensor]) -> Tensor:
        """Compute heatmaps ``(B, K, H, W)`` from the last of the feature maps."""
        convs, has_no_deconvs = self.conv_layers, isinstance(self.deconv_layers, nn.Identity)
        # On a CPU FeatureMapProcessor hands over maps that are joined after the first convolution.
        if isinstance(feats, JoinedMaps) and has_no_deconvs and isinstance(convs, nn.Sequential):
            maps = convs[1:](feats.convolve(convs[0]))
        else:
            maps = convs(self.deconv_layers(feats[-1]))
        return self.final_layer(maps)

    def loss_of(self, outputs: Tensor, heatmaps: Tensor, weights: Tensor) -> Tensor:
        """Compute the loss of heatmaps ``(B, K or 3K, H, W)``."""
        return self.loss_module(outputs, heatmaps, weights)


def _units(
    make: Callable[[int, int, int], nn.Module],
    channels: int,
    out_channels: Sequence[int],
    kernel_sizes: Sequence[int],
) -> nn.Sequential:
    layers: list[nn.Module] = []
    for out, kernel in zip(out_channels, kernel_sizes, strict=True):
        layers += [make(channels, out, kernel), nn.BatchNorm2d(out), nn.ReLU(inplace=True)]
        channels = out
    return nn.Sequential(*layers)


def _make_conv(in_channels: int, out_channels: int, kernel: int) -> nn.Module:
    return nn.Conv2d(in_channels, out_channels, kernel, padding=(kernel - 1) // 2)


def _make_deconv(in_channels: int, out_channels: int, kernel: int) -> nn.Module:
    if kernel not in _DECONV_PADDING:
        raise ValueError(f'Unsupported kernel size {kernel} of a deconv layer: not 2, 3 or 4')
    padding, end = _DECONV_PADDING[kernel]
    return nn.ConvTranspose2d(
        in_channels, out_channels, kernel, stride=2, padding=padding, output_padding=end, bias=False
    )
