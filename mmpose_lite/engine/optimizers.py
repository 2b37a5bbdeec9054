"""How an optimizer computes its step: the same update, in fewer passes over memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch.optim import SGD, Adam, AdamW, Optimizer

from mmpose_lite.registry import OPTIMIZERS, require_type

# Classes and devices that have a fused step.
_FUSED_TYPES = (Adam, AdamW, SGD)
_FUSED_DEVICES = ('cuda', 'cpu')
# How a step is computed; torch keeps it among the settings that a checkpoint holds.
_IMPLEMENTATION = ('fused', 'foreach')


def prefer_fused(optimizer: Mapping[str, Any], device: str) -> dict[str, Any]:
    """Choose the fused step where the class has one and the config says nothing.

    Besides being faster, it scales gradients of float16 without asking the device whether they
    overflowed.

    Args:
        optimizer: Config of the optimizer.
        device: Kind of device that the model is on.
    """
    silent = not any(key in optimizer for key in (*_IMPLEMENTATION, 'differentiable'))
    kind = optimizer.get('type')
    if isinstance(kind, str):
        kind = require_type(OPTIMIZERS, kind)  # mmengine does not say what is missing
    if silent and kind in _FUSED_TYPES and device in _FUSED_DEVICES:
        return {**optimizer, 'fused': True}
    return dict(optimizer)


def load_optimizer_state(optimizer: Optimizer, state_dict: Mapping[str, Any]) -> None:
    """Load an optimizer's state, of this implementation and memory layout or of another.

    Args:
        optimizer: The optimizer.
        state_dict: What an optimizer's ``state_dict`` gave, by whatever implementation.
    """
    own, given = optimizer.param_groups, state_dict['param_groups']
    if len(own) == len(given):  # else torch says what is wrong
        kept = [{key: group[key] for key in _IMPLEMENTATION if key in group} for group in own]
        groups = [{**theirs, **ours} for theirs, ours in zip(given, kept, strict=True)]
        state_dict = {**state_dict, 'param_groups': groups}
    optimizer.load_state_dict(dict(state_dict))
    for parameter, state in optimizer.state.items():
        for name, value in state.items():
            if isinstance(value, torch.Tensor) and value.shape == parameter.shape:
                # The fused step on CPUs walks through memory as if all were laid out alike.
                state[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
