"""The crops of a whole data set in the device's memory."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor

from mmpose_lite.utils import InputError


class ResidentCrops:
    """Every crop of a data set, one after the other in one flat tensor.

    The pixels move between devices, the table stays on the host, where batches are put together.
    Copies of a model share the pixels: nothing ever writes to them.

    Args:
        pixels: uint8 ``(T,)``, each crop ``(h, w, 3)`` in C order.
        offsets: Integers ``(N,)``, where in ``pixels`` each crop begins.
        shapes_hw: Integers ``(N, 2)``, height and width of each crop.

    Raises:
        InputError: If the pixels are not flat uint8, or a crop is empty or reaches beyond them.
    """

    def __init__(self, pixels: Tensor, offsets: Tensor, shapes_hw: Tensor) -> None:
        if pixels.dtype != torch.uint8 or pixels.dim() != 1:
            raise InputError(f'pixels must be uint8 (T,), got {pixels.dtype} {tuple(pixels.shape)}')
        self.pixels = pixels
        self.offsets = offsets.cpu().numpy()
        self.shapes_hw = shapes_hw.cpu().numpy()
        if self.shapes_hw.shape != (*self.offsets.shape, 2):
            raise InputError(
                f'offsets {self.offsets.shape} and shapes_hw {self.shapes_hw.shape} do not belong '
                'together: (N,) and (N, 2) do'
            )
        ends = self.offsets + 3 * self.shapes_hw.prod(axis=1)
        wrong = (self.offsets < 0) | (self.shapes_hw < 1).any(axis=1) | (ends > len(self.pixels))
        if wrong.any():
            index = int(wrong.argmax())
            raise InputError(
                f'crop {index}, {tuple(self.shapes_hw[index].tolist())} at {self.offsets[index]}, '
                f'is empty or not within the {len(self.pixels)} bytes'
            )

    def __len__(self) -> int:
        return len(self.offsets)

    def apply(self, change: Callable[[Tensor], Tensor]) -> None:
        """Move the pixels, as :meth:`torch.nn.Module.to` moves a module's tensors."""
        self.pixels = change(self.pixels)

    def __deepcopy__(self, memo: dict) -> ResidentCrops:
        return copy.copy(self)
