"""Maps of probabilities: points are rounded to cells at random, so that no place is lost."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from mmpose_lite.registry import KEYPOINT_CODECS
from mmpose_lite.utils.tensor_utils import constant

from .base import BaseKeypointCodec
from .utils import generate_rounded_heatmaps


@KEYPOINT_CODECS.register_module()
class RandomRoundingHeatmap(BaseKeypointCodec):
    """Randomised rounding (H3R): the logit of the probability that a point is rounded to a cell.

    A point between cells is rounded to one of the four about it, with probabilities whose mean is
    the point. The loss is ``BinaryHeatmapLoss``, the cross entropy. It is linear in the targets, so
    these are by default the probabilities themselves, the mean of all draws: without chance, and
    with less noise. Points outside the map have no weight.

    A point is read back as the mean of cells by their probability.

    Args:
        input_size: Width and height of the network's input, pixels.
        heatmap_size: Width and height of the heatmaps, cells.
        rounding: ``'mean'``, or ``'random'``: one cell, drawn at each encoding, as published.
        decoding: ``'topk'``: the mean of the most probable cells, as published; ``'local'``: of
            those about the most probable one (local soft-argmax), which no second peak pulls.
        topk: Number of cells of ``'topk'``.
        radius: Farthest cells of ``'local'`` along each axis, in cells.

    Raises:
        ValueError: If ``rounding`` or ``decoding`` is unknown, or ``topk`` or ``radius`` below 1.

    Source: Yu and Tao, TPAMI 2021, https://arxiv.org/abs/2009.00225
    """

    target_kind = 'binary heatmaps'
    use_udp = False
    label_mapping_table: ClassVar = {'keypoint_weights': 'keypoint_weights'}
    field_mapping_table: ClassVar = {'heatmaps': 'heatmaps'}

    def __init__(
        self,
        input_size: tuple[int, int],
        heatmap_size: tuple[int, int],
        rounding: str = 'mean',
        decoding: str = 'topk',
        topk: int = 9,
        radius: int = 2,
    ) -> None:
        for name, value, known in (
            ('rounding', rounding, ('mean', 'random')),
            ('decoding', decoding, ('topk', 'local')),
        ):
            if value not in known:
                raise ValueError(f"{name}='{value}' is not one of {', '.join(known)}")
        if min(topk, radius) < 1:
            raise ValueError(f'topk={topk} and radius={radius} must be from 1 on')
        self.input_size = input_size
        self.heatmap_size = heatmap_size
        self.rounding = rounding
        self.decoding = decoding
        self.topk = topk
        self.radius = radius
        self.scale_factor = (np.array(input_size) / heatmap_size).astype(np.float32)

    def encode_batch(self, keypoints: Tensor, keypoints_visible: Tensor) -> dict[str, Tensor]:
        cells = keypoints / constant(self.scale_factor, keypoints)
        heatmaps, weights = generate_rounded_heatmaps(
            self.heatmap_size, cells, keypoints_visible, self.rounding == 'random'
        )
        return {'heatmaps': heatmaps, 'keypoint_weights': weights}

    def decode_batch(self, encoded: Tensor) -> tuple[Tensor, Tensor]:
        width = encoded.shape[-1]
        shares = encoded.sigmoid().flatten(-2)
        count = self.topk if self.decoding == 'topk' else 1
        values, index = shares.topk(min(count, shares.shape[-1]), dim=-1)
        if self.decoding == 'local':
            values, index = self._beside(shares, index, encoded.shape[-2:])
        cells = torch.stack([index % width, index // width], dim=-1).to(values.dtype)
        total = values.sum(dim=-1)
        # Where no cell is probable the most probable ones are no better than others, but finite.
        mean = (values[..., None] * cells).sum(dim=-2) / total.clamp(min=1e-12)[..., None]
        return mean * constant(self.scale_factor, mean), total.clamp(max=1)

    def _beside(
        self, shares: Tensor, peak: Tensor, size_hw: tuple[int, ...]
    ) -> tuple[Tensor, Tensor]:
        """Probabilities and indices of the cells about a peak; those outside the map are 0."""
        height, width = size_hw
        steps = torch.arange(-self.radius, self.radius + 1, device=peak.device)
        steps_y, steps_x = (each.flatten() for each in torch.meshgrid(steps, steps, indexing='ij'))
        x, y = peak % width + steps_x, peak // width + steps_y
        inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        index = y.clamp(0, height - 1) * width + x.clamp(0, width - 1)
        return shares.gather(-1, index) * inside, index
