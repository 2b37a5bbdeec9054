"""Feature maps that are to be joined, for a layer that need not wait for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeGuard

import torch
import torch.nn.functional as F
from torch import Tensor, nn


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

    def __init__(self, maps: Sequence[Tensor], align_corners: bool) -> None:
        self.maps = maps
        self.align_corners = align_corners

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index):
        return [self.join()][index]

    def __iter__(self) -> Iterator[Tensor]:
        yield self.join()

    def join(self) -> Tensor:
        """Resize the maps and join them along the channels."""
        return torch.cat([self._resize(each) for each in self.maps], dim=1)

    def convolve(self, conv: nn.Conv2d) -> Tensor:
        """Apply a convolution of 1x1 (see :func:`is_pointwise`) to the joined map."""
        parts = conv.weight.split([each.shape[1] for each in self.maps], dim=1)
        total = F.conv2d(self.maps[0], parts[0], conv.bias)
        for maps, part in zip(self.maps[1:], parts[1:], strict=True):
            total = total.add_(self._resize(F.conv2d(maps, part)))
        return total

    def _resize(self, maps: Tensor) -> Tensor:
        size = self.maps[0].shape[-2:]
        if maps.shape[-2:] == size:
            return maps
        return F.interpolate(maps, size=size, mode='bilinear', align_corners=self.align_corners)


def is_pointwise(layer: nn.Module) -> TypeGuard[nn.Conv2d]:
    """Whether a layer is a plain convolution of 1x1: it looks at each cell by itself."""
    return type(layer) is nn.Conv2d and (
        layer.kernel_size == layer.stride == (1, 1)
        and layer.padding == (0, 0)
        and layer.groups == 1
    )
