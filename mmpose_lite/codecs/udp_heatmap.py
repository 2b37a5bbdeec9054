"""Heatmaps whose cells are counted between pixel centres (UDP)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from mmpose_lite.registry import KEYPOINT_CODECS
from mmpose_lite.utils.tensor_utils import constant

from .base import BaseKeypointCodec
from .utils import (
    generate_offset_heatmap,
    generate_udp_gaussian_heatmaps,
    get_heatmap_maximum,
    refine_keypoints_dark_udp,
)
from .utils.post_processing import blur_mirrored


@KEYPOINT_CODECS.register_module()
class UDPHeatmap(BaseKeypointCodec):
    """Unbiased data processing: no half-cell shift between input, heatmap and flipped heatmap.

    Args:
        input_size: Width and height of the network's input, pixels.
        heatmap_size: Width and height of the heatmaps, cells.
        heatmap_type: ``'gaussian'``: one map per point; ``'combined'``: a disc and two offset maps.
        sigma: Standard deviation of the Gaussian, cells (gaussian).
        radius_factor: Radius of the disc as a share of the longer side (combined).
        blur_kernel_size: Odd width of the blur before the Taylor step, cells (gaussian); the
            blur of the discs is of twice that and one (combined).

    Raises:
        ValueError: If the heatmap type is unknown.

    Source: Huang et al., CVPR 2020, https://arxiv.org/abs/1911.07524
    """

    use_udp = True
    label_mapping_table: ClassVar = {'keypoint_weights': 'keypoint_weights'}
    field_mapping_table: ClassVar = {'heatmaps': 'heatmaps'}

    def __init__(
        self,
        input_size: tuple[int, int],
        heatmap_size: tuple[int, int],
        heatmap_type: str = 'gaussian',
        sigma: float = 2.0,
        radius_factor: float = 0.0546875,
        blur_kernel_size: int = 11,
    ) -> None:
        if heatmap_type not in ('gaussian', 'combined'):
            raise ValueError(f"heatmap_type='{heatmap_type}' is not one of gaussian, combined")
        self.input_size = input_size
        self.heatmap_size = heatmap_size
        self.heatmap_type = heatmap_type
        self.target_kind = 'heatmaps' if heatmap_type == 'gaussian' else 'combined heatmaps'
        self.sigma = sigma
        self.radius_factor = radius_factor
        self.blur_kernel_size = blur_kernel_size
        cells = np.array(heatmap_size) - 1
        self.scale_factor = ((np.array(input_size) - 1) / cells).astype(np.float32)

    def encode_batch(self, keypoints: Tensor, keypoints_visible: Tensor) -> dict[str, Tensor]:
        cells = keypoints / constant(self.scale_factor, keypoints)
        if self.heatmap_type == 'gaussian':
            heatmaps, weights = generate_udp_gaussian_heatmaps(
                self.heatmap_size, cells, keypoints_visible, self.sigma
            )
        else:
            heatmaps, weights = generate_offset_heatmap(
                self.heatmap_size, cells, keypoints_visible, self.radius_factor
            )
        return {'heatmaps': heatmaps, 'keypoint_weights': weights}

    def decode_batch(self, encoded: Tensor) -> tuple[Tensor, Tensor]:
        if self.heatmap_type == 'gaussian':
            peaks, scores = get_heatmap_maximum(encoded)
            peaks = refine_keypoints_dark_udp(peaks, encoded, self.blur_kernel_size)
        else:
            peaks, scores = self._decode_combined(encoded)
        cells = constant(self.heatmap_size, peaks) - 1
        return peaks / cells * constant(self.input_size, peaks), scores

    def _decode_combined(self, encoded: Tensor) -> tuple[Tensor, Tensor]:
        width, height = self.heatmap_size
        disc, offset_x, offset_y = encoded.unflatten(1, (-1, 3)).unbind(dim=2)
        peaks, scores = get_heatmap_maximum(blur_mirrored(disc, 2 * self.blur_kernel_size + 1))
        index = (peaks[..., 1] * width + peaks[..., 0]).long().clamp(min=0)[..., None]
        offsets = [maps.flatten(-2).gather(-1, index)[..., 0] for maps in (offset_x, offset_y)]
        radius = self.radius_factor * max(width, height)
        return peaks + radius * torch.stack(offsets, dim=-1), scores
