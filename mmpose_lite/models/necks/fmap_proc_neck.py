"""Choosing, resizing and joining feature maps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmpose_lite.registry import MODELS


@dataclass(eq=False)
class JoinedMaps(Sequence):
    """A list of one map ``(B, sum of C_i, H_0, W_0)``: several, resized to the first and joined.

    The map is made when it is asked for, and a convolution of 1x1 does without: resizing and
    convolving may change places, since both are linear and the weights of a resized cell add up
    to 1. It then works on the small maps, and the large one never exists. The result is the same
    but for rounding.

    Args:
        maps: ``(B, C_i, H_i, W_i)`` each.
        align_corners: See :func:`torch.nn.functional.interpolate`.
    """

    maps: Sequence[Tensor]
    align_corners: bool

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index):
        return [self.join()][index]

    def __iter__(self) -> Iterator[Tensor]:
        yield self.join()

    def join(self) -> Tensor:
        """Resize the maps and join them along the channels."""
        return torch.cat([self._resize(each) for each in self.maps], dim=1)

    def convolve(self, layer: nn.Module) -> Tensor:
        """Apply a layer to the joined map: if it is a plain convolution of 1x1, without the map."""
        if type(layer) is not nn.Conv2d or layer.groups != 1 or layer.padding != (0, 0):
            return layer(self.join())
        if not layer.kernel_size == layer.stride == (1, 1):
            return layer(self.join())
        parts = layer.weight.split([each.shape[1] for each in self.maps], dim=1)
        total = F.conv2d(self.maps[0], parts[0], layer.bias)
        for maps, part in zip(self.maps[1:], parts[1:], strict=True):
            total = total.add_(self._resize(F.conv2d(maps, part)))
        return total

    def _resize(self, maps: Tensor) -> Tensor:
        size, own = self.maps[0].shape[-2:], maps.shape[-2:]
        if own == size:
            return maps
        target: dict[str, Any] = {'size': size}
        sides = list(zip(size, own, strict=True))
        # In a trace sides are tensors.
        if not torch.jit.is_tracing() and not any(whole % part for whole, part in sides):
            # Exported files need constant factors for onnxruntime's fast resizing.
            target = {'scale_factor': [whole / part for whole, part in sides]}
        return F.interpolate(maps, mode='bilinear', align_corners=self.align_corners, **target)


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
