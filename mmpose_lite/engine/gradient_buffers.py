"""Gradients that keep their memory between steps."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class GradientBuffers:
    """Holds the gradients of parameters in memory that is allocated once.

    Fresh gradients would be scattered among what the backward pass frees, and keep a process
    from using that memory again: on a CPU the peak is about a tenth higher. The step is the same:
    a parameter that no gradient has reached since the last :meth:`clear` has none.

    Args:
        parameters: The parameters of an optimizer; those that need no gradient are left alone.
    """

    def __init__(self, parameters: Sequence[nn.Parameter]) -> None:
        self._parameters = list(parameters)
        self._reached: set[nn.Parameter] = set()
        self._buffers: dict[nn.Parameter, Tensor] = {}
        for parameter in parameters:
            if parameter.requires_grad:
                self._buffers[parameter] = torch.zeros_like(parameter)
                parameter.register_post_accumulate_grad_hook(self._reached.add)
        self._attach()

    def has_reached(self, parameter: nn.Parameter) -> bool:
        """Whether a gradient has reached a parameter since the last :meth:`clear`."""
        return parameter in self._reached

    def fill(self, parameter: nn.Parameter, gradient: Tensor) -> None:
        """Have a gradient as if it had reached a parameter."""
        self._buffers[parameter].copy_(gradient)
        self._reached.add(parameter)

    def hide_unreached(self) -> None:
        """Take the zeros away from parameters that no gradient has reached; before a step."""
        for parameter in self._buffers.keys() - self._reached:
            parameter.grad = None

    def clear(self) -> None:
        """Make all gradients zero; after a step."""
        if self._buffers:
            torch._foreach_zero_(list(self._buffers.values()))
        self._reached.clear()
        self._attach()

    def _attach(self) -> None:
        for parameter in self._parameters:
            # One that was frozen at first and no longer is gets a new gradient each time.
            parameter.grad = self._buffers.get(parameter)
