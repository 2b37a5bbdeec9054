"""Crops that lie on the device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from mmpose_lite.datasets import BaseCocoStyleDataset
from mmpose_lite.datasets.crop_cache import CropCache
from mmpose_lite.datasets.transforms import PackPoseInputs
from mmpose_lite.registry import HOOKS

_PORTION = 2**28  # bytes that are copied at a time


@HOOKS.register_module()
class ResidentCropsHook(Hook):
    """Moves the crop caches of a run to the device, before its first batch.

    From then on samples carry the index of their crop, and the data preprocessor warps it there.

    Args:
        mode: ``'resident'``: always; ``'auto'``: where they take at most half of the memory that
            is free on a GPU, else samples go on to bring their pixels.
    """

    def __init__(self, mode: str = 'auto') -> None:
        self.mode = mode
        self._done = False

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
        if self._done:
            return
        self._done = True
        datasets = [each for loader in loaders if loader for each in _leaves(loader.dataset)]
        caches = [each.crops for each in datasets if each.crops is not None]
        size = sum(len(cache.file.pixels) for cache in caches)
        device = next(runner.model.parameters()).device
        if self.mode == 'auto' and not _fits(size, device):
            print_log(f'crops of {size / 1e9:.1f} GB stay in main memory', 'current')
            return
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        model.data_preprocessor.hold_crops(*_gather(caches, size, device))
        for transform in (step for dataset in datasets for step in dataset.pipeline.transforms):
            if isinstance(transform, PackPoseInputs):
                transform.pack_pixels = False
        print_log(f'crops of {size / 1e9:.1f} GB are on {device}', 'current')


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


def _leaves(dataset: Dataset) -> Iterator[BaseCocoStyleDataset]:
    """The data sets that read annotations, inside those made of others."""
    if isinstance(dataset, BaseCocoStyleDataset):
        yield dataset
    else:
        for part in getattr(dataset, 'datasets', [getattr(dataset, 'dataset', None)]):
            if part is not None:
                yield from _leaves(part)
