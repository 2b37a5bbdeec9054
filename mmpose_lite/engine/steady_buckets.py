"""Sums of gradients in one order from the first iteration on."""

from __future__ import annotations

from typing import Any

import torch
from mmengine.hooks import Hook
from torch import nn


class SteadyBucketsHook(Hook):
    """Has a run that goes on add gradients up in the order of one that was never stopped."""

    priority = 'LOW'

    def before_train(self, runner: Any) -> None:
        """Lay out the buckets, where torch would do so after the first iteration."""
        # With find_unused_parameters torch never lays them out anew.
        if not getattr(runner.model, 'find_unused_parameters', True):
            settle_buckets(runner.model)


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
    # A run that goes on in the middle of a step has some already; the pass would change them.
    gradients = [each.grad for each in module.parameters()]
    module.zero_grad(set_to_none=True)
    former = vars(module).get('forward')  # a compiler's, or the user's own
    module.forward = lambda: torch.stack([term.float() for term in terms]).sum()
    try:
        model().backward()
    finally:
        del module.forward
        if former is not None:
            module.forward = former
    for parameter, gradient in zip(module.parameters(), gradients, strict=True):
        parameter.grad = gradient
