"""The head of networks that predict coordinates themselves: DeepPose's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmpose_lite.models.utils import flip_coordinates
from mmpose_lite.registry import MODELS
from mmpose_lite.structures import PoseDataSample
from mmpose_lite.utils.tensor_utils import send

from ..base_head import BaseHead, coordinate_accuracy


@MODELS.register_module()
class RegressionHead(BaseHead):
    """A fully connected layer, in full precision whatever the precision of the run.

    From 0.5 to 1 the steps of bfloat16 are of one 256th: a pixel of an input of 256.

    Args:
        in_channels: Length of the last vector, or of each of them.
        num_joints: Number of points: K.
        loss: Config of the loss.
        decoder: Config of the codec.
        init_cfg: How weights start; normal with 0.01 by default.

    Source: Toshev and Szegedy, CVPR 2014, https://arxiv.org/abs/1312.4659
    """

    target_kinds: ClassVar = ('coordinates',)

    def __init__(
        self,
        in_channels: int | Sequence[int],
        num_joints: int,
        loss: dict = {'type': 'SmoothL1Loss', 'use_target_weight': True},  # noqa: B006 (read only)
        decoder: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        default_init = {'type': 'Normal', 'layer': ['Linear'], 'std': 0.01, 'bias': 0}
        super().__init__(decoder, default_init if init_cfg is None else init_cfg)
        self.in_channels = in_channels
        self.num_joints = num_joints
        self.loss_module = self.build_loss(loss)
        channels = in_channels if isinstance(in_channels, int) else in_channels[-1]
        self.fc = nn.Linear(channels, num_joints * 2)

    def forward(self, feats: Sequence[Tensor]) -> Tensor:
        """Compute coordinates ``(B, K, 2)`` from the last of the vectors ``(B, C)`` or maps."""
        vectors = feats[-1].flatten(1)
        with torch.autocast(vectors.device.type, enabled=False):
            coordinates = self.fc(vectors.to(self.fc.weight.dtype))
        return coordinates.view(-1, self.num_joints, 2)

    def predict(
        self, feats: Any, batch_data_samples: list[PoseDataSample], test_cfg: dict | None = None
    ) -> list[InstanceData]:
        """Predict points.

        Args:
            feats: Vectors; with ``flip_test`` a list of two: of the images, of their mirrors.
            batch_data_samples: The samples; flip test reads the first one's ``flip_indices`` and
                ``input_size``.
            test_cfg: ``flip_test`` (bool), ``shift_coords`` (bool, default True; see
                :func:`flip_coordinates`).
        """
        test_cfg = test_cfg or {}
        if not test_cfg.get('flip_test', False):
            return self.decode(self(feats))
        images, mirrors = feats
        outputs = self(images)
        metainfo = batch_data_samples[0].metainfo
        mirrored = flip_coordinates(
            self(mirrors),
            flip_indices=metainfo['flip_indices'],
            shift_coords=test_cfg.get('shift_coords', True),
            input_size=metainfo['input_size'],
        )
        return self.decode((outputs + mirrored) * 0.5)

    def losses_of(
        self,
        outputs: Tensor,
        batch_data_samples: list[PoseDataSample],
        train_cfg: dict | None = None,
    ) -> dict[str, Tensor]:
        """Compute ``loss_kpt``, and ``acc_pose``, of coordinates ``(B, K, 2)``."""
        labels, weights = self._targets(batch_data_samples, outputs.device)
        losses = {'loss_kpt': self.loss_module(outputs, labels, weights[..., None])}
        if (train_cfg or {}).get('compute_acc', True):
            losses['acc_pose'] = coordinate_accuracy(outputs, labels, weights > 0)
        return losses

    def _targets(
        self, samples: list[PoseDataSample], device: torch.device
    ) -> tuple[Tensor, Tensor]:
        if 'gt_instance_labels' in samples[0]:
            given = [sample.gt_instance_labels for sample in samples]
            labels = torch.cat([each.keypoint_labels for each in given])
            weights = torch.cat([each.keypoint_weights for each in given])
            return send(labels, device), send(weights, device)
        encoded = self.encode(samples, device)
        return encoded['keypoint_labels'], encoded['keypoint_weights']
