"""Layers of transformers."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ScaleNorm(nn.Module):
    """Divide each vector by the root of its mean square, and multiply all by one learnt factor.

    The squares are added up in float32 whatever comes in: in float16 already 256 of 16 would not
    fit. What comes out is of the input's type.

    Args:
        dim: Length of the vectors.
        eps: The least that is divided by.

    Source: Nguyen and Salazar, 2019, https://arxiv.org/abs/1910.05895
    """

    def __init__(self, dim: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.scale = dim**-0.5
        self.eps = eps
        self.g = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        """Scale vectors ``(..., dim)``."""
        with torch.autocast(x.device.type, enabled=False):
            wide = x.to(torch.promote_types(x.dtype, torch.float32))
            norm = torch.linalg.vector_norm(wide, dim=-1, keepdim=True) * self.scale
            return (wide / norm.clamp(min=self.eps) * self.g).to(x.dtype)
