"""Parameters that a distributed run would wait for in vain."""

from __future__ import annotations

from typing import Any

from mmengine.hooks import Hook
from mmengine.optim import OptimWrapperDict
from torch import nn

from mmpose_lite.utils import InputError

_NAMED = 10


class UnusedParametersHook(Hook):
    """Names the parameters without a gradient before the first step of a distributed run.

    A rank that has some leaves sums of gradients open, for which the others wait; if all have
    them, torch complains one iteration later, without names.
    """

    priority = 'LOW'

    def before_train(self, runner: Any) -> None:
        """Have the optimizers look before their first step, where the model is distributed."""
        model, wrapper = runner.model, runner.optim_wrapper
        if getattr(model, 'find_unused_parameters', True):
            return
        wrappers = wrapper.values() if isinstance(wrapper, OptimWrapperDict) else [wrapper]
        handles: list[Any] = []

        def look(*_: Any) -> None:
            while handles:
                handles.pop().remove()
            check_gradients(model.module)

        handles += [each.optimizer.register_step_pre_hook(look) for each in wrappers]


def check_gradients(model: nn.Module) -> None:
    """Check after a backward pass that it has reached all parameters.

    Raises:
        InputError: If it has not; the message names the first ten parameters.
    """
    missed = [
        name
        for name, parameter in model.named_parameters()
        if parameter.requires_grad and parameter.grad is None
    ]
    if missed:
        named = ', '.join(missed[:_NAMED]) + (', ...' if len(missed) > _NAMED else '')
        raise InputError(
            f'{len(missed)} parameters get no gradient, for which distributed training waits: '
            f'{named}; leave them out of the model, freeze them (requires_grad=False), or set '
            'find_unused_parameters=True in the config'
        )
