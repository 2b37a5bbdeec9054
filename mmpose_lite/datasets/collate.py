"""Collation: joining samples to a batch."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from mmengine.dataset import pseudo_collate
from torch import Tensor
from torch.utils.data import default_collate, get_worker_info

from mmpose_lite.errors import InputError

# Parts of the messages of torch and the system when workers cannot hand over a batch. GPUs have a
# shared memory of their own, which compiled kernels may exhaust; such messages must not match.
_NO_ROOM = re.compile(
    r'out of shared memory|shared memory object|\(shm\)|killed by signal: Bus error|</torch_\d+'
)
_NO_FILES = re.compile(r'ancdata|DataLoader worker.*Too many open files', re.DOTALL)
_WITHOUT_WORKERS = (
    'load without workers: --cfg-options train_dataloader.num_workers=0 (or val_, test_dataloader)'
)


def collate_samples(samples: Sequence[dict[str, Any]]) -> Any:
    """Join samples as mmengine's ``pseudo_collate`` does: a list of inputs, one of data samples.

    In a worker, ``inputs`` of one shape become one tensor ``(B, ...)``; that of images,
    ``(B, C, H, W)``, has its channels last in memory.
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
    # In a worker, default_collate stacks tensors in shared memory. Without it, torch would copy
    # each tensor there by itself, which at 256x256 takes longer than to make it from a cached crop.
    if inputs[0].dim() != 3:
        return default_collate(inputs)
    return default_collate([image.permute(1, 2, 0) for image in inputs]).permute(0, 3, 1, 2)


@contextmanager
def explaining_workers() -> Iterator[None]:
    """Explain in one line why workers cannot hand over their batches, and name the remedy.

    Raises:
        InputError: If the block ends for want of shared memory, or of open files.
    """
    try:
        yield
    except InputError:
        raise
    except (RuntimeError, OSError) as error:
        if _NO_ROOM.search(str(error)):
            raise InputError(
                f'workers of a loader find no room for a batch in shared memory{_room()}: give a '
                f'container more (docker run --shm-size=8g), or {_WITHOUT_WORKERS}'
            ) from error
        if _NO_FILES.search(str(error)):
            raise InputError(
                'workers of a loader hand over more batches than files may be open: allow more '
                f'(ulimit -n 65536), or {_WITHOUT_WORKERS}'
            ) from error
        raise


def _room() -> str:
    """The size of the system's shared memory, where it is a folder."""
    with suppress(OSError):
        room = shutil.disk_usage('/dev/shm')
        return f' (/dev/shm: {room.free / 2**20:.0f} of {room.total / 2**20:.0f} MiB are free)'
    return ''
