"""Putting the samples of a batch together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmengine.dataset import pseudo_collate
from torch import Tensor
from torch.utils.data import default_collate, get_worker_info


def collate_samples(samples: Sequence[dict[str, Any]]) -> Any:
    """Join samples as mmengine's ``pseudo_collate`` does: a list of inputs, one of data samples.

    In a worker, inputs of one shape are stacked in shared memory. Each would be copied there by
    itself on its way to the training process: at 256x256 that takes longer than to make it from a
    cached crop.

    Args:
        samples: What ``PackPoseInputs`` makes: ``inputs`` and ``data_samples``.

    Returns:
        The two, as lists. Of a worker, ``inputs`` whose shapes agree are one tensor ``(B, ...)``;
        images ``(B, C, H, W)`` have their channels last in memory.
    """
    batch = pseudo_collate(samples)
    if get_worker_info() is not None and isinstance(batch, dict) and _has_equal_inputs(batch):
        batch['inputs'] = _stack(batch['inputs'])
    return batch


def _has_equal_inputs(batch: dict[str, Any]) -> bool:
    inputs = batch.get('inputs')
    return isinstance(inputs, list) and all(
        isinstance(each, Tensor) and (each.shape, each.dtype) == (inputs[0].shape, inputs[0].dtype)
        for each in inputs
    )


def _stack(inputs: list[Tensor]) -> Tensor:
    # In a worker it is to shared memory that default_collate stacks tensors.
    if inputs[0].dim() != 3:
        return default_collate(inputs)
    return default_collate([image.permute(1, 2, 0) for image in inputs]).permute(0, 3, 1, 2)
