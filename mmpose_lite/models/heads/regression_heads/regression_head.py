"""The head of networks that predict coordinates directly: DeepPose's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from torch import Tensor, nn

from mmpose_lite.models.utils import flip_coordinates
from mmpose_lite.registry import MODELS
from mmpose_lite.utils.tensor_utils import in_full_precision

from ..base_head import BaseHead, point_accuracy


@MODELS.register_module()
class RegressionHead(BaseHead):
    """A fully connected layer, in full precision whatever the precision of the run.

    Between 0.5 and 1, bfloat16 has steps of 1/256: one pixel of an input 256 pixels wide.

    Args:
        in_channels: Length of the last vector, or of each of them.
        num_joints: Number of points: K.
        loss: Config of the loss.
        decoder: Config of the codec.
        init_cfg: How weights start; normal with 0.01 by default.

    Source: Toshev and Szegedy, CVPR 2014, https://arxiv.org/abs/1312.4659
    """

    target_kinds: ClassVar = ('coordinates',)
    target_names: ClassVar = ('keypoint_labels', 'keypoint_weights')
    default_init_cfg: ClassVar[Any] = {
        'type': 'Normal',
        'layer': ['Linear'],
        'std': 0.01,
        'bias': 0,
    }

    def __init__(
        self,
        in_channels: int | Sequence[int],
        num_joints: int,
        loss: dict = {'type': 'SmoothL1Loss', 'use_target_weight': True},  # noqa: B006 (read only)
        decoder: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg, decoder)
        self.in_channels = in_channels
        self.num_joints = num_joints
        self.loss_module = self.build_loss(loss)
        channels = in_channels if isinstance(in_channels, int) else in_channels[-1]
        self.fc = nn.Linear(channels, num_joints * 2)

    def forward(self, feats: Sequence[Tensor]) -> Tensor:
        """Compute coordinates ``(B, K, 2)`` from the last of the vectors ``(B, C)`` or maps."""
        vectors = feats[-1].flatten(1)
        return in_full_precision(self.fc, vectors).view(-1, self.num_joints, 2)

    def mirrored(
        self, outputs: tuple[Tensor, ...], metainfo: Mapping[str, Any], test_cfg: Mapping[str, Any]
    ) -> list[Tensor]:
        """Mirror coordinates with :func:`flip_coordinates`.

        ``test_cfg`` holds its ``shift_coords`` (bool, True by default).
        """
        return [
            flip_coordinates(
                coordinates,
                flip_indices=metainfo['flip_indices'],
                shift_coords=test_cfg.get('shift_coords', True),
                input_size=metainfo['input_size'],
            )
            for coordinates in outputs
        ]

    def loss_of(self, outputs: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
        """Compute the loss of coordinates ``(B, K, 2)``."""
        return self.loss_module(outputs, labels, weights[..., None])

    def accuracy_of(self, outputs: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
        return point_accuracy(outputs, labels, weights > 0)
