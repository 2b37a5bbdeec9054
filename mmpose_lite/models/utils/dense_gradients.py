"""Maps that are joined or averaged, with gradients in the layout of the maps.

Where maps are channels last, torch's own gradient of a join is a view with gaps, and that of an
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
    if _learns_channels_last(joined):
        for each in maps:
            # A leaf has nothing further back, and would keep the hooks of all steps.
            if each.grad_fn is not None:
                each.register_hook(_dense)
    return joined


def _dense(gradient: Tensor) -> Tensor:
    return gradient.contiguous(memory_format=torch.channels_last)


def average_maps(maps: Tensor) -> Tensor:
    """Average maps ``(B, C, H, W)`` over their cells; the means are ``(B, C, 1, 1)``."""
    if _learns_channels_last(maps):
        return maps.permute(0, 2, 3, 1).mean((1, 2))[:, :, None, None]
    return maps.mean((2, 3), keepdim=True)


def _learns_channels_last(maps: Tensor) -> bool:
    """Tell if a CPU will compute gradients of channels-last maps, not stand-ins of torch.fx."""
    if not isinstance(maps, Tensor) or is_recorded():
        return False
    learns = maps.requires_grad and maps.device.type == 'cpu'
    return learns and maps.is_contiguous(memory_format=torch.channels_last)
