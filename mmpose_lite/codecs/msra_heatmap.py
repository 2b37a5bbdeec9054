"""Gaussian heatmaps, as the MSRA networks (SimpleBaseline, HRNet) use them."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from torch import Tensor

from mmpose_lite.registry import KEYPOINT_CODECS
from mmpose_lite.utils.tensor_utils import constant

from .base import BaseKeypointCodec
from .utils import (
    generate_gaussian_heatmaps,
    generate_unbiased_gaussian_heatmaps,
    get_heatmap_maximum,
    refine_keypoints,
    refine_keypoints_dark,
)


@KEYPOINT_CODECS.register_module()
class MSRAHeatmap(BaseKeypointCodec):
    """One Gaussian per point; read back by its highest cell and a refinement.

    Args:
        input_size: Width and height of the network's input, pixels.
        heatmap_size: Width and height of the heatmaps, cells.
        sigma: Standard deviation of the Gaussian, cells.
        unbiased: Use DARK: Gaussians about the exact point, and a Taylor step when decoding.
            Else Gaussians about the nearest cell, and a quarter-cell step.
        blur_kernel_size: Odd width of the blur before DARK's step, cells; 11 for sigma 2, 17 for 3.
        guarded: Mend three defects of the published arithmetic: Gaussians one cell off near the
            border (sigma 1.5), weight on points outside the crop, and DARK's steps without bound.

    Source: Xiao et al., ECCV 2018, https://arxiv.org/abs/1804.06208; for DARK Zhang et al., CVPR
    2020, https://arxiv.org/abs/1910.06278
    """

    target_kind = 'heatmaps'
    use_udp = False
    label_mapping_table: ClassVar = {'keypoint_weights': 'keypoint_weights'}
    field_mapping_table: ClassVar = {'heatmaps': 'heatmaps'}

    def __init__(
        self,
        input_size: tuple[int, int],
        heatmap_size: tuple[int, int],
        sigma: float,
        unbiased: bool = False,
        blur_kernel_size: int = 11,
        guarded: bool = False,
    ) -> None:
        self.input_size = input_size
        self.heatmap_size = heatmap_size
        self.sigma = sigma
        self.unbiased = unbiased
        self.blur_kernel_size = blur_kernel_size
        self.guarded = guarded
        self.scale_factor = (np.array(input_size) / heatmap_size).astype(np.float32)

    def encode_batch(self, keypoints: Tensor, keypoints_visible: Tensor) -> dict[str, Tensor]:
        generate = (
            generate_unbiased_gaussian_heatmaps if self.unbiased else generate_gaussian_heatmaps
        )
        cells = keypoints / constant(self.scale_factor, keypoints)
        heatmaps, weights = generate(
            self.heatmap_size, cells, keypoints_visible, self.sigma, self.guarded
        )
        return {'heatmaps': heatmaps, 'keypoint_weights': weights}

    def decode_batch(self, encoded: Tensor) -> tuple[Tensor, Tensor]:
        peaks, scores = get_heatmap_maximum(encoded)
        if self.unbiased:
            peaks = refine_keypoints_dark(peaks, encoded, self.blur_kernel_size, self.guarded)
        else:
            peaks = refine_keypoints(peaks, encoded)
        return peaks * constant(self.scale_factor, peaks), scores
