"""Tensors and arrays, their devices and precision, and models inside wrappers."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

import numpy as np
import torch
from mmengine.model import is_model_wrapper
from torch import Tensor, nn


def to_numpy(x: Any, return_device: bool = False, unzip: bool = False) -> Any:
    """Turn a tensor, or a sequence of tensors, into arrays.

    Args:
        x: A tensor, or a sequence of tensors or of sequences of them.
        return_device: Return the (first) tensor's device too.
        unzip: For a sequence of sequences: return one list a position.

    Raises:
        TypeError: If ``x`` is none of these.
    """
    if isinstance(x, Tensor):
        arrays: Any = x.detach().cpu().numpy()
        device = x.device
    elif isinstance(x, np.ndarray):
        arrays, device = x, torch.device('cpu')
    elif isinstance(x, Sequence) and x:
        device = x[0].device if isinstance(x[0], Tensor) else to_numpy(x[0], return_device=True)[1]
        if unzip:
            arrays = [[to_numpy(each) for each in group] for group in zip(*x, strict=True)]
        else:
            arrays = [to_numpy(each) for each in x]
    else:
        raise TypeError(f'expected a tensor or a sequence of tensors, got {type(x)}')
    return (arrays, device) if return_device else arrays


def to_tensor(x: Any, device: Any = None) -> Any:
    """Turn an array, or a sequence of arrays, into tensors.

    Raises:
        TypeError: If ``x`` is neither.
    """
    if isinstance(x, np.ndarray):
        return torch.tensor(x, device=device)
    if isinstance(x, Sequence) and not isinstance(x, str):
        return [to_tensor(each, device) for each in x]
    raise TypeError(f'expected an array or a sequence of arrays, got {type(x)}')


def send(tensor: Tensor, device: torch.device) -> Tensor:
    """Bring a tensor of the host to a device, without waiting for what the device still does."""
    if device.type == 'cuda' and tensor.device.type == 'cpu':
        # From ordinary memory the copy would begin only when the device has nothing left to do.
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def host_buffer(shape: int | tuple[int, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """Uninitialised host memory that copies to a device start from: pinned for CUDA."""
    return torch.empty(shape, dtype=dtype, pin_memory=device.type == 'cuda')


def join_on(parts: list[Tensor], device: torch.device, non_blocking: bool) -> Tensor:
    """Concatenate tensors ``(n_i,)`` of one type, all on the host or the device, on the device."""
    if device.type != 'cuda' or parts[0].is_cuda:
        return torch.cat(parts).to(device)
    sizes = [len(part) for part in parts]
    if not parts[0].is_pinned():
        # A copy from ordinary memory would make the host wait.
        staged = host_buffer(sum(sizes), parts[0].dtype, device)
        return torch.cat(parts, out=staged).to(device, non_blocking=non_blocking)
    joined = torch.empty(sum(sizes), dtype=parts[0].dtype, device=device)
    for place, part in zip(joined.split(sizes), parts, strict=True):
        place.copy_(part, non_blocking=non_blocking)
    return joined


def constant(values: Any, like: Tensor) -> Tensor:
    """A tensor of a few numbers, of another's type and on its device; see :func:`send`."""
    return send(torch.as_tensor(values, dtype=like.dtype), like.device)


def in_full_precision(layer: nn.Linear, x: Tensor) -> Tensor:
    """Apply a layer in the precision of its weights, whatever the precision of the run."""
    with torch.autocast(x.device.type, enabled=False):
        return layer(x.to(layer.weight.dtype))


def to_cpu(value: Any) -> Any:
    """Bring all tensors of nested dicts, lists and tuples to the CPU; containers are new ones."""
    if isinstance(value, Tensor):
        return value.detach().cpu()
    if isinstance(value, dict):
        copied = copy(value)  # of the same kind, be it a Counter
        for key, item in value.items():
            copied[key] = to_cpu(item)
        return copied
    if type(value) in (list, tuple):
        return type(value)(to_cpu(item) for item in value)
    return value


def unwrap_model(model: Any) -> Any:
    """Return the model inside a wrapper of distributed training; any other one is that itself."""
    return model.module if is_model_wrapper(model) else model
