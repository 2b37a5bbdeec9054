"""Choosing, resizing and joining feature maps."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from mmpose_lite.models.utils.joined_maps import JoinedMaps
from mmpose_lite.registry import MODELS


@MODELS.register_module()
class FeatureMapProcessor(nn.Module):
    """Selects maps, joins them along the channels, applies a ReLU and rescales them, as asked.

    Args:
        select_index: Indices of the maps to keep, or one index; all by default.
        concat: Resize all maps to the first one's size and join them.
        scale_factor: Factor on height and width of the results.
        apply_relu: Apply a ReLU, before rescaling.
        align_corners: See :func:`torch.nn.functional.interpolate`.

    Raises:
        ValueError: If the factor is not above 0.
    """

    def __init__(
        self,
        select_index: int | Sequence[int] | None = None,
        concat: bool = False,
        scale_factor: float = 1.0,
        apply_relu: bool = False,
        align_corners: bool = False,
    ) -> None:
        super().__init__()
        if scale_factor <= 0:
            raise ValueError(f'scale_factor must be above 0, got {scale_factor}')
        self.select_index = (select_index,) if isinstance(select_index, int) else select_index
        self.concat = concat
        self.scale_factor = scale_factor
        self.apply_relu = apply_relu
        self.align_corners = align_corners

    def forward(self, inputs: Tensor | Sequence[Tensor]) -> Tensor | Sequence[Tensor]:
        """Process maps ``(B, C_i, H_i, W_i)``: one gives one, several a list; joined, of one."""
        maps: Sequence[Tensor] = [inputs] if isinstance(inputs, Tensor) else list(inputs)
        if self.select_index is not None:
            maps = [maps[i] for i in self.select_index]
        if self.concat:
            maps = JoinedMaps(maps, self.align_corners)
            if maps.maps[0].device.type != 'cpu':
                # Elsewhere channels cost less than further passes over the large map.
                maps = [maps.join()]
        if self.apply_relu:
            maps = [F.relu(each) for each in maps]
        if self.scale_factor != 1.0:
            maps = [self._rescale(each) for each in maps]
        return maps[0] if isinstance(inputs, Tensor) else maps

    def _rescale(self, maps: Tensor) -> Tensor:
        return F.interpolate(
            maps,
            scale_factor=self.scale_factor,
            mode='bilinear',
            align_corners=self.align_corners,
        )
