"""RTMPose's head: coordinates as classes, after attention among the points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from mmengine.structures import InstanceData, PixelData
from torch import Tensor, nn

from mmpose_lite.codecs.simcc_label import simcc_size
from mmpose_lite.codecs.utils import get_simcc_maximum, get_simcc_normalized
from mmpose_lite.errors import InputError
from mmpose_lite.models.utils import RTMCCBlock, flip_vectors
from mmpose_lite.models.utils.transformer import ScaleNorm
from mmpose_lite.registry import MODELS
from mmpose_lite.utils.tensor_utils import constant, in_full_precision

from ..base_head import BaseHead, point_accuracy

_DEFAULT_GAU = {
    'hidden_dims': 256,
    's': 128,
    'expansion_factor': 2,
    'dropout_rate': 0.0,
    'drop_path': 0.0,
    'act_fn': 'ReLU',
    'use_rel_bias': False,
    'pos_enc': False,
}


@MODELS.register_module()
class RTMCCHead(BaseHead):
    """Predicts two vectors per point, one along each axis, from attention among the points.

    A convolution makes one map per point, which is flattened to a token; a gated attention unit
    mixes the tokens, and a linear layer per axis turns each into a vector. These last layers run in
    full precision whatever the precision of the run: a smooth peak rounded to half precision has
    several equal highest bins.

    Args:
        in_channels: Channels of the last feature map.
        out_channels: Number of points: K.
        input_size: Width and height of the network's input, pixels.
        in_featuremap_size: Width and height of the last feature map, cells.
        simcc_split_ratio: Bins per pixel.
        final_layer_kernel_size: Kernel size of the convolution that makes the maps, odd.
        gau_cfg: Arguments of :class:`RTMCCBlock` that differ from this head's defaults, and
            ``hidden_dims``, the length of tokens.
        loss: Config of the loss.
        decoder: Config of the codec.
        init_cfg: How weights start; normal with 0.001 (convolution) and 0.01 by default.

    Raises:
        InputError: If ``in_channels`` is a list, or the codec has another ``input_size`` or
            ``simcc_split_ratio``.

    Source: Jiang et al., 2023, https://arxiv.org/abs/2303.07399
    """

    target_kinds: ClassVar = ('simcc labels',)
    target_names: ClassVar = ('keypoint_x_labels', 'keypoint_y_labels', 'keypoint_weights')
    default_init_cfg: ClassVar[Any] = [
        {'type': 'Normal', 'layer': ['Conv2d'], 'std': 0.001},
        {'type': 'Constant', 'layer': 'BatchNorm2d', 'val': 1},
        {'type': 'Normal', 'layer': ['Linear'], 'std': 0.01, 'bias': 0},
    ]

    def __init__(
        self,
        in_channels: int | Sequence[int],
        out_channels: int,
        input_size: tuple[int, int],
        in_featuremap_size: tuple[int, int],
        simcc_split_ratio: float = 2.0,
        final_layer_kernel_size: int = 1,
        gau_cfg: dict = _DEFAULT_GAU,
        loss: dict = {'type': 'KLDiscretLoss', 'use_target_weight': True},  # noqa: B006 (read only)
        decoder: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg, decoder)
        if not isinstance(in_channels, int):
            raise InputError(
                f'model.head.in_channels={list(in_channels)}: {type(self).__name__} does not take '
                'multiple input features'
            )
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.input_size = tuple(input_size)
        self.in_featuremap_size = tuple(in_featuremap_size)
        self.simcc_split_ratio = simcc_split_ratio
        self.loss_module = self.build_loss(loss)
        self._check_decoder()
        gau = {**_DEFAULT_GAU, **gau_cfg}
        hidden, cells = gau.pop('hidden_dims'), in_featuremap_size[0] * in_featuremap_size[1]
        self.final_layer = nn.Conv2d(
            in_channels, out_channels, final_layer_kernel_size, padding=final_layer_kernel_size // 2
        )
        self.mlp = nn.Sequential(ScaleNorm(cells), nn.Linear(cells, hidden, bias=False))
        self.gau = RTMCCBlock(out_channels, hidden, hidden, **gau)
        bins_x, bins_y = simcc_size(self.input_size, simcc_split_ratio)
        self.cls_x = nn.Linear(hidden, bins_x, bias=False)
        self.cls_y = nn.Linear(hidden, bins_y, bias=False)

    def _check_decoder(self) -> None:
        for name in ('input_size', 'simcc_split_ratio'):
            own, other = getattr(self, name), getattr(self.decoder, name, None)
            other = tuple(other) if isinstance(other, list) else other
            if other is not None and own != other:
                raise InputError(
                    f'model.head.{name}={own} and model.head.decoder.{name}={other} differ: '
                    f'{type(self).__name__} makes a vector of the codec along each axis'
                )

    def forward(self, feats: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Compute vectors ``(B, K, Lx)`` and ``(B, K, Ly)`` from the last of the feature maps.

        Raises:
            InputError: If that map is not of the size ``in_featuremap_size``.
        """
        feat = feats[-1]
        size_wh = tuple(feat.shape[:-3:-1])
        if not torch.jit.is_tracing() and size_wh != self.in_featuremap_size:
            raise InputError(
                f'model.head.in_featuremap_size={self.in_featuremap_size}, and the backbone makes '
                f'maps of {size_wh} of its input (model.head.input_size={self.input_size})'
            )
        tokens = self.gau(self.mlp(self.final_layer(feat).flatten(2)))
        return in_full_precision(self.cls_x, tokens), in_full_precision(self.cls_y, tokens)

    def mirrored(
        self, outputs: tuple[Tensor, ...], metainfo: Mapping[str, Any], test_cfg: Mapping[str, Any]
    ) -> tuple[Tensor, Tensor]:
        """Mirror vectors with :func:`flip_vectors`."""
        x, y = outputs
        return flip_vectors(x, y, metainfo['flip_indices'])

    def fields_of(
        self, outputs: tuple[Tensor, ...], predictions: list[InstanceData]
    ) -> list[PixelData]:
        """Make maps ``(K, Ly, Lx)``, the products of the vectors; predictions get the vectors.

        All values lie between 0 and 1, see :func:`get_simcc_normalized`.
        """
        x, y = (get_simcc_normalized(each.detach().float()) for each in outputs)
        for prediction, own_x, own_y in zip(predictions, x, y, strict=True):
            prediction.keypoint_x_labels = own_x[None].cpu().numpy()
            prediction.keypoint_y_labels = own_y[None].cpu().numpy()
        return [PixelData(heatmaps=maps) for maps in y[..., None] * x[..., None, :]]

    def loss_of(
        self, outputs: tuple[Tensor, Tensor], labels_x: Tensor, labels_y: Tensor, weights: Tensor
    ) -> Tensor:
        """Compute the loss of vectors ``(B, K, Lx)`` and ``(B, K, Ly)``."""
        return self.loss_module(outputs, (labels_x, labels_y), weights)

    def accuracy_of(
        self, outputs: tuple[Tensor, Tensor], labels_x: Tensor, labels_y: Tensor, weights: Tensor
    ) -> Tensor:
        points, wanted = (
            get_simcc_maximum(*vectors)[0]
            for vectors in (map(Tensor.detach, outputs), (labels_x, labels_y))
        )
        # MMPose's accuracy divides x by the height and y by the width; so do we.
        size = constant([labels_y.shape[-1], labels_x.shape[-1]], points)
        return point_accuracy(points, wanted, weights > 0, size)
