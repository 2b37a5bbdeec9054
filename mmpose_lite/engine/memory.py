"""Memory of a training step: an estimate before the first one, and errors that name a batch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.device import get_device
from mmengine.dist import get_world_size
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from mmpose_lite.errors import InputError
from mmpose_lite.utils.linux import group_folders
from mmpose_lite.utils.tensor_utils import unwrap_model

from .optimizer_states import state_copies
from .run_state import optim_wrappers, random_state, set_random_state

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

_ROOM = 0.9  # of what is free, for a batch that is advised: an estimate is none to the byte
_STRIDE, _SMALLEST = 32, 64  # px: what networks divide a crop by; the side of one that is tried
_TRIED = (2, 3)  # faces of the two batches that are compared
# What lies idle between the pieces of a heap: HRNetV2-W18 was measured with 1.08 to 1.16 times of
# what is counted, at 128 and 256 px, batches of 8 and 16, float32 and bfloat16.
_WITH_GAPS = 1.1
# What torch and its libraries say where they raise no error of a class of its own.
_SAID = (
    *("can't allocate memory", 'not enough memory', 'out of memory', 'bad_alloc'),
    *('CUBLAS_STATUS_ALLOC_FAILED', 'CUDNN_STATUS_ALLOC_FAILED'),
)


@dataclass(frozen=True)
class StepMemory:
    """The peak of a training step's memory in one process, estimated; bytes.

    Attributes:
        weights: Weights and buffers, which are there before the first step.
        constant: What does not depend on the batch: gradients, the optimizer's state, and copies
            of the weights in half precision.
        face: What one face adds: the feature maps that the backward pass needs.
        free: What was free for this process before the first step.
    """

    weights: int
    constant: int
    face: int
    free: int

    def peak(self, faces: int) -> int:
        """The peak of a step on a batch."""
        return self.weights + self.constant + self.face * faces

    def fits(self, faces: int) -> bool:
        """Tell whether a batch should fit into what was free."""
        return self.constant + self.face * faces <= self.free

    def largest(self) -> int:
        """The faces of the largest batch that is sure to fit, if the estimate is about right."""
        return int((_ROOM * self.free - self.constant) // self.face)

    def describe(self, faces: int) -> str:
        """Say what a step takes, and what is free."""
        each = f' in each of {get_world_size()} processes' if get_world_size() > 1 else ''
        return f'about {_size(self.peak(faces))} for a step{each}; {_size(self.free)} free'

    def warning(self, faces: int) -> str | None:
        """Say that a batch will not fit, and which would; None if it should."""
        if self.fits(faces):
            return None
        return (
            f'train_dataloader.batch_size={faces}: a step may not fit into memory, '
            f'{self.describe(faces)}{_advice("train_dataloader", faces, self.largest())}'
        )


def estimate_memory(runner: Runner, loader: Any) -> StepMemory | None:
    """Estimate the peak memory of a training step, by forward passes of a few small crops.

    The run is as before: norms and dropouts are in evaluation mode meanwhile, and the generators
    get their states back.

    Returns:
        The estimate; None where there is none, for whatever reason: a network that is compiled, or
        takes no such crops, or a crop of unknown size.
    """
    with suppress(Exception):  # it is told for convenience: no run ends for it
        model = unwrap_model(runner.model)
        size_wh = model.head.decoder.input_size
        if runner.cfg.get('compile') or not loader.batch_size:
            return None
        weights, constant = sum(map(_bytes, [*model.parameters(), *model.buffers()])), 0
        for wrapper in optim_wrappers(runner).values():
            copies = 1 + state_copies(wrapper.optimizer)
            given = (each for group in wrapper.optimizer.param_groups for each in group['params'])
            constant += copies * sum(_bytes(each) for each in given if each.requires_grad)
        dtype = next(
            (getattr(each, 'cast_dtype', None) for each in optim_wrappers(runner).values()), None
        )
        shared, face = _kept_for_backward(model, size_wh, dtype)
        return StepMemory(weights, constant + shared, face, free_memory())
    return None


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def _kept_for_backward(
    model: nn.Module, size_wh: tuple[int, int], dtype: torch.dtype | None
) -> tuple[int, int]:
    """Count the bytes that a forward pass keeps for the backward one.

    Returns:
        Those of any batch, and those of each face.
    """
    # Some heads take maps of one size alone.
    smaller = () if hasattr(model.head, 'in_featuremap_size') else (8, 4, 2)
    tried = [each for each in smaller if all(_divides(each, side) for side in size_wh)]
    with as_it_was(model):
        for divisor in (*tried, 1):
            small_wh = [side // divisor for side in size_wh]
            with nullcontext() if divisor == 1 else suppress(Exception):  # maps may be too small
                passes = [_kept(model, faces, small_wh, dtype) for faces in _TRIED]
                break
    totals, largest = zip(*passes, strict=True)
    each = (totals[1] - totals[0]) // (_TRIED[1] - _TRIED[0])
    # As it goes back through the largest map, the gradients on both sides of a layer are there.
    passing = 2 * largest[1] // _TRIED[1]
    shared = max(0, totals[0] - _TRIED[0] * each)
    return shared, max(1, int(_WITH_GAPS * (each + passing) * divisor**2))


def _divides(divisor: int, side: int) -> bool:
    return side % (divisor * _STRIDE) == 0 and side // divisor >= _SMALLEST


def _kept(
    model: nn.Module, faces: int, size_wh: list[int], dtype: torch.dtype | None
) -> tuple[int, int]:
    """The bytes of all that a forward pass keeps but weights, and of the largest piece."""
    own = {each.untyped_storage().data_ptr() for each in [*model.parameters(), *model.buffers()]}
    kept: dict[int, torch.UntypedStorage] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage  # held: no other one gets its place
        return tensor

    device = next(model.parameters()).device
    crops = torch.zeros(faces, 3, size_wh[1], size_wh[0], device=device)
    cast = torch.autocast(device.type, dtype=dtype, enabled=dtype is not None)
    with torch.enable_grad(), cast, saved_tensors_hooks(note, lambda tensor: tensor):
        model(crops, None, mode='tensor')
    sizes = [each.nbytes() for each in kept.values()]
    return sum(sizes), max(sizes)


@contextmanager
def as_it_was(model: nn.Module) -> Iterator[None]:
    """Put a model into evaluation mode; its modes, and all generators, are put back at the end."""
    modes = {module: module.training for module in model.modules()}
    state, benchmark = random_state(), torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = False  # it would try algorithms for these sizes
    try:
        for module in modes:  # not eval(): some make more of it
            module.training = False
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode
        torch.backends.cudnn.benchmark = benchmark
        set_random_state(state)


def free_memory() -> int:
    """The bytes that this process may still have on its device; on a CPU its share of the host's.

    Raises:
        OSError: If the system does not say.
    """
    if get_device() == 'cuda':
        free, _ = torch.cuda.mem_get_info()
        return free + torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
    if get_device() != 'cpu':
        raise OSError(f'{get_device()} does not say what is free')
    return free_host_memory() // int(os.environ.get('LOCAL_WORLD_SIZE', get_world_size()))


def free_host_memory(root: str | Path = '/') -> int:
    """The bytes that the machine, its control groups and ``ulimit -v`` leave to this process.

    ``root`` is where ``proc`` and ``sys`` are.

    Raises:
        OSError: If the system does not say.
    """
    process = Path(root) / 'proc'
    left = [1024 * int(_numbers(process / 'meminfo')['MemAvailable:'])]
    left += [limit for each in group_folders('memory', root) for limit in _left_of(each)]
    if resource is not None:
        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit != resource.RLIM_INFINITY:
            taken = int((process / 'self/statm').read_text().split()[0]) * resource.getpagesize()
            left.append(limit - taken)
    return max(0, min(left))


def _left_of(folder: Path) -> Iterator[int]:
    """Yield what a control group leaves, if it has a limit; files that it has read make way."""
    for limit, usage, cache in (
        ('memory.max', 'memory.current', 'inactive_file'),
        ('memory.limit_in_bytes', 'memory.usage_in_bytes', 'total_inactive_file'),
    ):
        with suppress(OSError, ValueError, KeyError):  # one without a limit says `max`
            most, used = (int((folder / name).read_text()) for name in (limit, usage))
            yield most - used + int(_numbers(folder / 'memory.stat')[cache])


def _numbers(path: Path) -> dict[str, str]:
    """The first number of each line of a file ``NAME NUMBER``, by its name."""
    lines = (line.split() for line in path.read_text().splitlines())
    return {words[0]: words[1] for words in lines if len(words) > 1}


def explain_no_memory(
    error: BaseException, role: str, loader: Any, estimate: StepMemory | None = None
) -> None:
    """Turn an error for want of memory in a batch into one line; return if it is another error.

    Args:
        error: The error.
        role: ``'train'``, ``'val'`` or ``'test'``.
        loader: The loader of the batch.
        estimate: The estimate of a training.

    Raises:
        InputError: If memory was wanting; the message names the batch and one that would fit.
    """
    text = str(error)
    is_of_batch = 'DataLoader worker' not in text
    is_known = isinstance(error, MemoryError) or any(said in text for said in _SAID)
    if not (is_known and is_of_batch):
        return
    faces, key = loader.batch_size or 1, f'{role}_dataloader'
    takes, most = '', faces // 2
    if estimate is not None:
        takes = f': {estimate.describe(faces)} before the first'
        most = estimate.largest() if estimate.largest() < faces else most
    what = 'a step' if role == 'train' else 'a batch'
    raise InputError(
        f'{key}.batch_size={faces}: {what} does not fit into {_place()}{takes}'
        f'{_advice(key, faces, most)}'
    ) from error


def _place() -> str:
    if get_device() != 'cuda':
        return 'memory'
    whole = _size(torch.cuda.mem_get_info()[1])
    return f'the memory of {torch.cuda.get_device_name()} ({whole})'


def _advice(key: str, faces: int, most: int) -> str:
    """Say which batch would fit instead, as a clause."""
    if most < 1:
        return '; not even one face would fit: use smaller crops, a smaller network or --amp'
    advice = f'; {most} would fit: --cfg-options {key}.batch_size={most}'
    parts = -(-faces // most)
    if key == 'train_dataloader' and parts > 1:
        advice += f' (optim_wrapper.accumulative_counts={parts} adds up {parts} of them a step)'
    return advice


def _size(count: float) -> str:
    return f'{count / 1e9:.1f} GB' if count >= 1e9 else f'{count / 1e6:.0f} MB'
