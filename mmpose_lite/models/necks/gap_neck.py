"""From maps to vectors."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmpose_lite.registry import MODELS


@MODELS.register_module()
class GlobalAveragePooling(nn.Module):
    """The mean of each map over its cells, in full precision."""

    def forward(
        self, inputs: Tensor | Sequence[Tensor]
    ) -> Tensor | list[Tensor] | tuple[Tensor, ...]:
        """Turn maps ``(B, C_i, H_i, W_i)`` into vectors ``(B, C_i)``.

        One map gives one vector; a tuple of maps a tuple, any other sequence a list.

        Raises:
            TypeError: If the input is no map and no sequence of maps.
        """
        if isinstance(inputs, Tensor):
            return _mean(inputs)
        if not isinstance(inputs, Sequence):
            raise TypeError(f'GlobalAveragePooling takes a map or several, got {type(inputs)}')
        vectors = [_mean(maps) for maps in inputs]
        return tuple(vectors) if isinstance(inputs, tuple) else vectors


def _mean(maps: Tensor) -> Tensor:
    # Half precision would round what thousands of channels then add up.
    dtype = torch.promote_types(maps.dtype, torch.float32)
    return maps.mean(dim=(-2, -1), dtype=dtype)
