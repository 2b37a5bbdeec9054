"""RTMPose's gated attention unit."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmcv.cnn.bricks import DropPath
from torch import Tensor, nn

from mmpose_lite.errors import InputError
from mmpose_lite.utils.tensor_utils import in_full_precision

from .transformer import ScaleNorm

_ACTIVATIONS: dict[str, type[nn.Module]] = {'SiLU': nn.SiLU, 'ReLU': nn.ReLU}


def _find_activation(given: str | type[nn.Module]) -> type[nn.Module]:
    name = given if isinstance(given, str) else given.__name__
    if name not in _ACTIVATIONS:
        raise InputError(f'act_fn={name!r} is not one of {", ".join(_ACTIVATIONS)}')
    return _ACTIVATIONS[name]


def rope(x: Tensor, dim: int | Sequence[int]) -> Tensor:
    """Rotate pairs of channels by angles that grow with the position (rotary embedding).

    Channels are the last axis, ``(..., C)``: channel i of its first half and channel i of its
    second are a pair, and frequencies grow from 1 to almost 10000 along the half. Positions are
    counted over the axes ``dim`` together, which must be consecutive. If ``x`` has fewer than three
    axes, the result has a batch axis in front.

    Source: Su et al., 2021, https://arxiv.org/abs/2104.09864
    """
    axes = [dim] if isinstance(dim, int) else list(dim)
    sizes = [x.shape[axis] for axis in axes]
    position = torch.arange(math.prod(sizes), device=x.device).view(sizes)
    for _ in range(x.dim() - 2 - axes[-1]):
        position = position[..., None]
    half = x.shape[-1] // 2
    frequency = 10000 ** (torch.arange(half, device=x.device) / float(half))
    angles = position[..., None] * frequency[None, None]
    sin, cos = angles.sin(), angles.cos()
    one, other = x.chunk(2, dim=-1)
    return torch.cat([one * cos - other * sin, other * cos + one * sin], dim=-1)


class Scale(nn.Module):
    """A learnt factor for each channel.

    Args:
        dim: Number of channels.
        init_value: Where the factors start.
        trainable: Learn them.
    """

    def __init__(self, dim: int, init_value: float = 1.0, trainable: bool = True) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((dim,), float(init_value)), requires_grad=trainable)

    def forward(self, x: Tensor) -> Tensor:
        """Multiply the channels ``(..., dim)``."""
        return x * self.scale


class RTMCCBlock(nn.Module):
    """Gated attention unit: attention among the points of a face, each of which is a token.

    The attention and the layers after it run in full precision whatever the precision of the run:
    sums of squares overflow float16.

    Args:
        num_token: Number of tokens, for which the bias of relative positions is learnt.
        in_token_dims: Length of an input token.
        out_token_dims: Length of an output token; if both are equal, there is a shortcut.
        expansion_factor: Length of values and gates, as a multiple of ``in_token_dims``.
        s: Length of queries and keys.
        eps: See :class:`ScaleNorm`.
        dropout_rate: Share of the attention weights that training drops.
        drop_path: Share of the faces for which training skips the unit.
        attn_type: ``'self-attn'``, or ``'cross-attn'``, whose input is three tensors: tokens, and
            what keys and values are made of.
        act_fn: ``'SiLU'`` or ``'ReLU'``, or one of these classes.
        bias: Give the linear layers a bias.
        use_rel_bias: Add a learnt bias of relative positions to the attention.
        pos_enc: Rotate queries and keys by their positions, see :func:`rope`.

    Raises:
        InputError: If the activation or the kind of attention is unknown.

    Source: Hua et al., ICML 2022, https://arxiv.org/abs/2202.10447; Jiang et al., 2023,
    https://arxiv.org/abs/2303.07399
    """

    def __init__(
        self,
        num_token: int,
        in_token_dims: int,
        out_token_dims: int,
        expansion_factor: float = 2,
        s: int = 128,
        eps: float = 1e-5,
        dropout_rate: float = 0.0,
        drop_path: float = 0.0,
        attn_type: str = 'self-attn',
        act_fn: str | type[nn.Module] = 'SiLU',
        bias: bool = False,
        use_rel_bias: bool = True,
        pos_enc: bool = False,
    ) -> None:
        super().__init__()
        if attn_type not in ('self-attn', 'cross-attn'):
            raise InputError(f'attn_type={attn_type!r} is not one of self-attn, cross-attn')
        self.num_token = num_token
        self.s = s
        self.e = int(in_token_dims * expansion_factor)
        self.attn_type = attn_type
        self.use_rel_bias = use_rel_bias
        self.pos_enc = pos_enc
        is_cross = attn_type == 'cross-attn'
        if use_rel_bias and is_cross:
            self.a = nn.Parameter(torch.rand(1, s))
            self.b = nn.Parameter(torch.rand(1, s))
        elif use_rel_bias:
            self.w = nn.Parameter(torch.rand(2 * num_token - 1))
        self.o = nn.Linear(self.e, out_token_dims, bias=bias)
        if is_cross:
            self.uv = nn.Linear(in_token_dims, self.e + s, bias=bias)
            self.k_fc = nn.Linear(in_token_dims, s, bias=bias)
            self.v_fc = nn.Linear(in_token_dims, self.e, bias=bias)
            nn.init.xavier_uniform_(self.k_fc.weight)
            nn.init.xavier_uniform_(self.v_fc.weight)
        else:
            self.uv = nn.Linear(in_token_dims, 2 * self.e + s, bias=bias)
            self.gamma = nn.Parameter(torch.rand(2, s))
            self.beta = nn.Parameter(torch.rand(2, s))
        nn.init.xavier_uniform_(self.uv.weight)
        self.ln = ScaleNorm(in_token_dims, eps)
        self.act_fn = _find_activation(act_fn)(inplace=True)
        self.shortcut = in_token_dims == out_token_dims
        if self.shortcut:
            self.res_scale = Scale(in_token_dims)
        self.dropout = nn.Dropout(dropout_rate)
        self.drop_path = DropPath(drop_path) if drop_path > 0 else nn.Identity()

    def forward(self, x: Tensor | Sequence[Tensor]) -> Tensor:
        """Compute tokens ``(B, K, out_token_dims)`` from tokens ``(B, K, in_token_dims)``.

        With cross-attention ``x`` is (tokens, keys, values), each ``(B, K, in_token_dims)``; the
        number of keys and values may differ from that of tokens.
        """
        tokens = x if isinstance(x, Tensor) else x[0]
        if self.attn_type == 'self-attn':
            u, q, k, v = self._project(tokens)
        else:
            u, q, k, v = self._project_both(*x)
        with torch.autocast(tokens.device.type, enabled=False):
            mixed = u.float() * torch.bmm(self._attend(q.float(), k.float()), v.float())
        branch = self.drop_path(in_full_precision(self.o, mixed))
        return self.res_scale(tokens) + branch if self.shortcut else branch

    def _project(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Gates, queries, keys and values; queries and keys are two scalings of one projection."""
        u, v, base = self.act_fn(self.uv(self.ln(tokens))).split([self.e, self.e, self.s], dim=2)
        both = base[:, :, None] * self.gamma + self.beta
        if self.pos_enc:
            both = rope(both, dim=1)
        q, k = both.unbind(dim=2)
        return u, q, k, v

    def _project_both(
        self, tokens: Tensor, keys: Tensor, values: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        u, q = self.act_fn(self.uv(self.ln(tokens))).split([self.e, self.s], dim=2)
        k, v = self.k_fc(keys), self.v_fc(values)
        if self.pos_enc:
            q, k = rope(q, 1), rope(k, 1)
        return u, q, k, v

    def _attend(self, q: Tensor, k: Tensor) -> Tensor:
        """Attention ``(B, Q, K)``: squared positive products, with no softmax to bound them."""
        products = torch.bmm(q, k.transpose(1, 2))
        if self.use_rel_bias:
            products = products + self.rel_pos_bias(q.shape[1], k.shape[1])
        return self.dropout(F.relu(products / math.sqrt(self.s)).square())

    def rel_pos_bias(self, seq_len: int, k_len: int | None = None) -> Tensor:
        """The bias of each pair of tokens ``(1, seq_len, k_len)``; k_len is seq_len by default."""
        k_len = seq_len if k_len is None else k_len
        if self.attn_type == 'cross-attn':
            a = rope(self.a.repeat(seq_len, 1), dim=0)
            b = rope(self.b.repeat(k_len, 1), dim=0)
            return torch.bmm(a, b.transpose(1, 2))
        place = torch.arange(seq_len, device=self.w.device)
        return self.w[seq_len - 1 + place - place[:, None]][None]
