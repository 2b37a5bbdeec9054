"""Coordinates as shares of the input, as networks with a fully connected end predict them."""

from __future__ import annotations

from typing import ClassVar

import torch
from numpy import ndarray
from torch import Tensor

from mmpose_lite.registry import KEYPOINT_CODECS
from mmpose_lite.utils.tensor_utils import constant

from .base import BaseKeypointCodec


@KEYPOINT_CODECS.register_module()
class RegressionLabel(BaseKeypointCodec):
    """Points divided by the size of the input: its corners are (0, 0) and (1, 1).

    A point outside the input has a label, and weight 0.

    Args:
        input_size: Width and height of the network's input, pixels.

    Source: Toshev and Szegedy, CVPR 2014, https://arxiv.org/abs/1312.4659
    """

    target_kind = 'coordinates'
    label_mapping_table: ClassVar = {
        'keypoint_labels': 'keypoint_labels',
        'keypoint_weights': 'keypoint_weights',
    }

    def __init__(self, input_size: tuple[int, int]) -> None:
        self.input_size = input_size

    def encode_batch(self, keypoints: Tensor, keypoints_visible: Tensor) -> dict[str, Tensor]:
        size = constant(self.input_size, keypoints)
        inside = ((keypoints >= 0) & (keypoints <= size - 1)).all(dim=-1)
        weights = (inside & (keypoints_visible > 0.5)).to(keypoints)
        return {'keypoint_labels': keypoints / size, 'keypoint_weights': weights}

    def decode_batch(self, encoded: Tensor) -> tuple[Tensor, Tensor]:
        """Read points from coordinates, and scores from their spreads; without, all are 1.

        Args:
            encoded: ``(B, K, 2)``; or ``(B, K, 4)``, each point followed by the spread along x
                and y.

        Raises:
            ValueError: If a point has neither 2 nor 4 numbers.
        """
        if encoded.shape[-1] not in (2, 4):
            raise ValueError(
                f'coordinates of shape {tuple(encoded.shape)} are neither 2 numbers a point nor 4 '
                '(with spreads)'
            )
        points, spreads = encoded[..., :2], encoded[..., 2:]
        known = spreads.shape[-1] > 0
        scores = (1 - spreads).mean(dim=-1) if known else torch.ones_like(points[..., 0])
        return points * constant(self.input_size, points), scores

    def encode(self, keypoints: ndarray, keypoints_visible: ndarray | None = None) -> dict:
        """Make ``keypoint_labels`` ``(N, K, 2)`` and ``keypoint_weights`` ``(N, K)`` of N faces."""
        return self._encode_arrays(keypoints, keypoints_visible)

    def decode(self, encoded: ndarray) -> tuple[ndarray, ...]:
        """Read the points of N faces ``(N, K, D)``, or of one ``(K, D)``: :meth:`decode_batch`."""
        return self._decode_arrays(encoded.reshape(-1, *encoded.shape[-2:]))
