"""Moving cached crops to the device, before a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from mmpose_lite.datasets import BaseCocoStyleDataset
from mmpose_lite.datasets.crop_cache import CropCache
from mmpose_lite.datasets.transforms import PackPoseInputs, TopdownAffine
from mmpose_lite.errors import InputError
from mmpose_lite.registry import HOOKS
from mmpose_lite.utils.nested_datasets import Nest, walk_datasets
from mmpose_lite.utils.tensor_utils import unwrap_model

from ..run_state import find_hooks
from .pipeline_switch_hook import PipelineSwitchHook

_PORTION = 2**28  # bytes that are copied at a time


@HOOKS.register_module()
class ResidentCropsHook(Hook):
    """Moves the crop caches of a run to the device, before its first batch.

    From then on samples carry the index of their crop, and the data preprocessor warps it there.

    Args:
        mode: ``'resident'``: always; ``'auto'``: only if they take at most half of the memory that
            is free on a GPU. Otherwise samples bring their pixels as before.
    """

    def __init__(self, mode: str = 'auto') -> None:
        self.mode = mode
        self._done: set[int] = set()

    def before_train(self, runner: Runner) -> None:
        """Move the crops for training and validation."""
        self._move(runner, (runner.train_dataloader, getattr(runner.val_loop, 'dataloader', None)))

    def before_val(self, runner: Runner) -> None:
        """Move the crops for a validation that is run by itself."""
        self._move(runner, (runner.val_dataloader,))

    def before_test(self, runner: Runner) -> None:
        """Move the crops for a test."""
        self._move(runner, (runner.test_dataloader,))

    def _move(self, runner: Runner, loaders: Sequence[DataLoader | None]) -> None:
        nests = [
            nest for loader in loaders if loader for nest in _annotated_datasets(loader.dataset)
        ]
        datasets = [nest[-1] for nest in nests]
        if {id(dataset) for dataset in datasets} <= self._done:
            return
        self._done = {id(dataset) for dataset in datasets}
        caches = [each.crops for each in datasets if each.crops is not None]
        size = sum(len(cache.file.pixels) for cache in caches)
        device = next(runner.model.parameters()).device
        pipelines = [
            *map(_all_transforms, nests),
            *(hook.pipeline.transforms for hook in find_hooks(runner, PipelineSwitchHook)),
        ]
        obstacle = _find_obstacle(datasets, pipelines)
        if obstacle is not None and self.mode == 'resident':
            raise InputError(f"augment_on_device='resident': {obstacle}")
        if obstacle is not None or (self.mode == 'auto' and not _fits(size, device)):
            reason = obstacle or f'they take {size / 1e9:.1f} GB'
            print_log(f'crops stay in main memory: {reason}', 'current')
            return
        unwrap_model(runner.model).data_preprocessor.hold_crops(*_gather(caches, size, device))
        for transform in chain.from_iterable(pipelines):
            if isinstance(transform, PackPoseInputs):
                transform.pack_pixels = False
        print_log(f'crops of {size / 1e9:.1f} GB are on {device}', 'current')


def _find_obstacle(
    datasets: Sequence[BaseCocoStyleDataset], pipelines: Sequence[Sequence[Callable]]
) -> str | None:
    """Tell why crops cannot be on the device; None if they can."""
    for steps in pipelines:
        crop_waits = False
        for transform in steps[:-1]:
            may_follow = crop_waits and getattr(transform, 'can_wait', False)
            if not may_follow and not getattr(transform, 'leaves_pixels_alone', False):
                return f'{type(transform).__name__} changes pixels, which are not there'
            crop_waits |= isinstance(transform, TopdownAffine) and not transform.warp
    if any(dataset.crops is None for dataset in datasets):
        return 'a data set has no crop cache'
    return None


def _gather(
    caches: Sequence[CropCache], size: int, device: torch.device
) -> tuple[Tensor, Tensor, Tensor]:
    """Put the crops of several caches behind one another: pixels, offsets and shapes."""
    pixels = torch.empty(size, dtype=torch.uint8, device=device)
    offsets, shapes_hw, begin, first = [], [], 0, 0
    for cache in caches:
        cache.verify()
        file = cache.file
        for part in range(0, len(file.pixels), _PORTION):
            portion = torch.from_numpy(file.pixels[part : part + _PORTION].copy())
            pixels[begin + part : begin + part + len(portion)] = portion
        offsets.append(file.offsets + begin)
        shapes_hw.append(file.shapes_hw)
        cache.leave_pixels(first)
        begin += len(file.pixels)
        first += len(file)
    return (
        pixels,
        torch.from_numpy(np.concatenate(offsets)),
        torch.from_numpy(np.concatenate(shapes_hw)),
    )


def _fits(size: int, device: torch.device) -> bool:
    return device.type == 'cuda' and 2 * size <= torch.cuda.mem_get_info(device)[0]


def _annotated_datasets(dataset: Dataset) -> Iterator[Nest]:
    """Find the data sets that read annotations, each behind those that it is part of."""
    nests = (nest for _, nest in walk_datasets(dataset))
    return (nest for nest in nests if isinstance(nest[-1], BaseCocoStyleDataset))


def _all_transforms(nest: Nest) -> list[Callable]:
    """The transforms that a sample of the innermost data set goes through."""
    holders = [each for each in reversed(nest) if hasattr(each, 'pipeline')]
    return [step for each in holders for step in each.pipeline.transforms]
