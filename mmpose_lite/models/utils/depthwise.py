"""Depthwise convolutions whose weights get their gradients faster on a CPU."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

_WIDTH = 3  # columns: of the widest kernel that oneDNN has a depthwise gradient of weights for


class WideDepthwiseConv2d(nn.Conv2d):
    """A depthwise convolution of stride 1 with a kernel of five columns or more.

    oneDNN computes the gradient of such a kernel as if all channels of a block were connected. Here
    it is put together from gradients of three columns each, for which oneDNN has a depthwise
    routine: the same sums in another order. Gradients of gradients and ``torch.func`` need a plain
    convolution.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Compute maps of the input's shape ``(B, C, H, W)``."""
        learns = torch.is_grad_enabled() and self.weight.requires_grad
        if not learns or is_recorded() or x.device.type != 'cpu':
            return super().forward(x)
        return _Convolution.apply(x, self.weight, self.bias)


def speed_up_depthwise(model: nn.Module) -> int:
    """Make :class:`WideDepthwiseConv2d` of a model's convolutions that are such; return how many.

    They stay the same objects, with the same tensors and names.
    """
    found = [each for each in model.modules() if type(each) is nn.Conv2d and _fits(each)]
    for conv in found:
        conv.__class__ = WideDepthwiseConv2d
    return len(found)


def is_recorded() -> bool:
    """Tell if a tracer or a compiler records what is computed: it wants the plain operations."""
    return torch.jit.is_tracing() or torch.compiler.is_compiling()


def _fits(conv: nn.Conv2d) -> bool:
    rows, columns = conv.kernel_size
    is_depthwise = conv.groups == conv.in_channels == conv.out_channels > 1
    keeps_size = conv.padding == (rows // 2, columns // 2) and conv.padding_mode == 'zeros'
    is_plain = conv.stride == conv.dilation == (1, 1) and rows % 2 == columns % 2 == 1
    return is_depthwise and keeps_size and is_plain and columns > _WIDTH


class _Convolution(torch.autograd.Function):
    """The convolution; its weights ``(C, 1, h, w)`` get their gradient in parts."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.has_bias = bias is not None
        rows, columns = weight.shape[-2:]
        return F.conv2d(x, weight, bias, padding=(rows // 2, columns // 2), groups=len(weight))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        # In mixed precision the gradient has the type that the convolution was computed in.
        x, weight = (each.to(grad.dtype) for each in ctx.saved_tensors)
        needs_x, needs_weight, needs_bias = ctx.needs_input_grad
        grad_x = _gradients(grad, x, weight)[0] if needs_x else None
        grad_weight = _weight_gradient(grad, x, weight) if needs_weight else None
        grad_bias = grad.sum((0, 2, 3)) if needs_bias and ctx.has_bias else None
        return grad_x, grad_weight, grad_bias


def _weight_gradient(grad: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    """Gradient of the weights; a part is that of the columns about one of them, the centre."""
    reach = weight.shape[-1] // 2
    parts = []
    for first in range(-reach, reach + 1, _WIDTH):
        centre = min(first + 1, reach - 1)  # the last part may overlap with the one before
        left, right = max(0, -centre), max(0, centre)
        shifted = F.pad(grad, (right, left)), F.pad(x, (left, right))
        part = _gradients(*shifted, weight[..., :_WIDTH].contiguous(), of_weight=True)[1]
        parts.append(part[..., first - centre + 1 :])
    return torch.cat(parts, dim=-1)


def _gradients(grad: Tensor, x: Tensor, weight: Tensor, of_weight: bool = False) -> Any:
    """Gradients of input, weight and bias: of the input, or of the weight alone."""
    padding = [side // 2 for side in weight.shape[-2:]]
    mask = [not of_weight, of_weight, False]
    return torch.ops.aten.convolution_backward(
        grad, x, weight, None, [1, 1], padding, [1, 1], False, [0, 0], len(weight), mask
    )
