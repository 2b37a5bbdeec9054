"""Maps that are joined or averaged, with gradients that are dense in the layout of the maps.

torch's own gradient of a join is a view with gaps where maps are channels last, and that of an
average is channels first. The operations further back then take their slow paths on a CPU: up to
six times as long.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .depthwise import is_recorded


def join_channels(maps: Sequence[Tensor]) -> Tensor:
    """Join maps ``(B, C_i, H, W)`` along their channels."""
    joined = torch.cat(list(maps), dim=1)
    if _learns_on_cpu(joined) and joined.is_contiguous(memory_format=torch.channels_last):
        for each in maps:
            if each.requires_grad:
                each.register_hook(_dense)
    return joined


def _dense(gradient: Tensor) -> Tensor:
    return gradient.contiguous(memory_format=torch.channels_last)


def average_maps(maps: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """Average maps ``(B, C, H, W)`` over their cells; the means are ``(B, C, 1, 1)``."""
    if _learns_on_cpu(maps):
        return maps.permute(0, 2, 3, 1).mean((1, 2), dtype=dtype)[:, :, None, None]
    return maps.mean((2, 3), keepdim=True, dtype=dtype)


def _learns_on_cpu(maps: Tensor) -> bool:
    """Tell if a CPU will compute gradients of these maps, which are no stand-ins of torch.fx."""
    is_real = isinstance(maps, Tensor) and not is_recorded()
    return is_real and maps.requires_grad and maps.device.type == 'cpu'
