"""What the sums of gradients over the ranks need: a gradient of every parameter, and one order."""

from __future__ import annotations

from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapperDict
from torch import nn

from mmpose_lite.utils import InputError

_NAMED = 10


class GradientSyncHook(Hook):
    """Prepares a distributed model for its training.

    - Parameters without a gradient are named before the first step. A rank that has some leaves
      sums open, for which the others wait; if all have them, torch complains one iteration later,
      without names.
    - Gradients are summed in the same order in every iteration, see :func:`settle_buckets`.
    """

    priority = 'LOW'

    def before_train(self, runner: Any) -> None:
        """Prepare the model, and have the optimizers look before their first step."""
        model = runner.model
        if not is_model_wrapper(model) or getattr(model, 'find_unused_parameters', True):
            return
        settle_buckets(model)
        wrapper = runner.optim_wrapper
        wrappers = wrapper.values() if isinstance(wrapper, OptimWrapperDict) else [wrapper]
        handles: list[Any] = []

        def look(*_: Any) -> None:
            while handles:
                handles.pop().remove()
            check_gradients(model.module)

        handles += [each.optimizer.register_step_pre_hook(look) for each in wrappers]


def settle_buckets(model: nn.parallel.DistributedDataParallel) -> None:
    """Have torch lay out its buckets of gradients before the first iteration instead of after it.

    After its first backward pass torch lays them out anew, by the order in which gradients came.
    Where an element lies decides in which order more than two ranks add it up, so a run that goes
    on would differ from one that was never stopped, by the last bits of its first step.
    """
    module = model.module
    # From the last to the first, as in a real pass: the terms made last come first.
    terms = [each.sum() * 0 for each in module.parameters() if each.requires_grad]
    if not terms:
        return
    module.forward = lambda: torch.stack([term.float() for term in terms]).sum()
    try:
        model().backward()
    finally:
        del module.forward
    for parameter in module.parameters():
        parameter.grad = None


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
