"""Training loops that can stop and go on at any iteration.

A run that goes on is the run that was interrupted: its loop starts at the batch that came next,
with the generators in the state that they had, and makes up for a validation that was due.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from mmengine.dataset import InfiniteSampler
from mmengine.runner import BaseLoop
from mmengine.runner import EpochBasedTrainLoop as _EpochBasedTrainLoop
from mmengine.runner import IterBasedTrainLoop as _IterBasedTrainLoop
from mmengine.runner.utils import calc_dynamic_intervals
from torch import nn
from torch.utils.data import BatchSampler, DataLoader

from mmpose_lite.registry import LOOPS
from mmpose_lite.utils import InputError

from .resumable_loop import ResumableLoop
from .run_state import Position


@LOOPS.register_module()
class EpochBasedTrainLoop(ResumableLoop, _EpochBasedTrainLoop):
    """mmengine's loop over epochs, which can stop and go on at any iteration.

    Args:
        max_epochs: Epochs in all.
        val_begin: The first epoch that may be followed by a validation.
        val_interval: Epochs between validations.
        dynamic_intervals: Milestones and the intervals from there on.
        max_nonfinite_losses: How many iterations whose loss is not finite are skipped before the
            run stops.

    Raises:
        InputError: If a number is no count.
    """

    def __init__(
        self,
        runner: Any,
        dataloader: DataLoader | dict,
        max_epochs: int,
        val_begin: int = 1,
        val_interval: int = 1,
        dynamic_intervals: list[tuple[int, int]] | None = None,
        max_nonfinite_losses: int = 0,
    ) -> None:
        _check_counts(max_epochs=max_epochs, val_interval=val_interval)
        super().__init__(runner, dataloader, max_epochs, val_begin, val_interval, dynamic_intervals)
        self._prepare(max_nonfinite_losses)

    def resume(self, position: Position, random: dict[str, Any] | None) -> None:
        """Go on from a position; epochs that are over may have been of another length."""
        super().resume(position, random)
        left = (self._max_epochs - position.epoch) * len(self.dataloader) - position.batch
        self._max_iters = position.iter + left

    def run(self) -> nn.Module:
        """Train until the last epoch is over, or a signal asks to stop."""
        self._begin()
        with self._stop.listening():
            self._validate_if_due()
            while self._epoch < self._max_epochs and not self.stop_training:
                self.run_epoch()
                self._validate_if_due()
        self.runner.call_hook('after_train')
        return self.runner.model

    def run_epoch(self) -> None:
        """Train for an epoch, or for what is left of it."""
        done = self.position.batch
        if not done:
            self._use_random_state()
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        batches = start_loader(self.dataloader, done)
        self._use_random_state()
        for idx, data_batch in enumerate(batches, start=done):
            self.run_iter(idx, data_batch)
            self._end_if_asked()
        epoch = self._epoch + 1
        self.position = Position(
            epoch, self._iter, validated=not self._is_due(epoch, self._max_epochs)
        )
        self.runner.call_hook('after_train_epoch')
        self._epoch = epoch

    def run_iter(self, idx: int, data_batch: Sequence[dict]) -> None:
        """Train on one batch."""
        self._train_on(idx, data_batch, Position(self._epoch, self._iter + 1, idx + 1))


@LOOPS.register_module()
class IterBasedTrainLoop(ResumableLoop, _IterBasedTrainLoop):
    """mmengine's loop over iterations, which can stop and go on at any of them.

    Args:
        max_iters: Iterations in all.
        val_begin: The first iteration that may be followed by a validation.
        val_interval: Iterations between validations.
        dynamic_intervals: Milestones and the intervals from there on.
        max_nonfinite_losses: How many iterations whose loss is not finite are skipped before the
            run stops.

    Raises:
        InputError: If a number is no count.
    """

    def __init__(
        self,
        runner: Any,
        dataloader: DataLoader | dict,
        max_iters: int,
        val_begin: int = 1,
        val_interval: int = 1000,
        dynamic_intervals: list[tuple[int, int]] | None = None,
        max_nonfinite_losses: int = 0,
    ) -> None:
        _check_counts(max_iters=max_iters, val_interval=val_interval)
        # mmengine's own would start the loader now, at its beginning.
        BaseLoop.__init__(self, runner, dataloader)
        self._max_iters, self._max_epochs = int(max_iters), 1
        self._iter = self._epoch = 0
        self.val_begin, self.val_interval = val_begin, val_interval
        self.stop_training = False  # for mmengine's EarlyStoppingHook
        self.dynamic_milestones, self.dynamic_intervals = calc_dynamic_intervals(
            val_interval, dynamic_intervals
        )
        runner.visualizer.dataset_meta = getattr(self.dataloader.dataset, 'metainfo', None)
        self._prepare(max_nonfinite_losses)

    def run(self) -> nn.Module:
        """Train until the last iteration is over, or a signal asks to stop."""
        self._begin()
        self.runner.call_hook('before_train_epoch')
        with self._stop.listening():
            batches = endless(self.dataloader, self.position.iter)
            self._validate_if_due()
            self._use_random_state()
            while self._iter < self._max_iters and not self.stop_training:
                self.runner.model.train()
                self.run_iter(next(batches))
                self._end_if_asked()
                self._validate_if_due()
        self.runner.call_hook('after_train_epoch')
        self.runner.call_hook('after_train')
        return self.runner.model

    def run_iter(self, data_batch: Sequence[dict]) -> None:
        """Train on one batch."""
        after = Position(0, self._iter + 1)
        after = replace(after, validated=not self._is_due(after.iter, self._max_iters))
        self._train_on(self._iter, data_batch, after)


def _check_counts(**counts: Any) -> None:
    """Check settings of a loop that are counts from 1 on, which may be written as floats."""
    for name, value in counts.items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or value < 1 or value % 1:
            raise InputError(f'train_cfg.{name}={value!r} is no count from 1 on')


def start_loader(loader: DataLoader, done: int) -> Iterator:
    """Start a loader behind its first batches.

    Samplers of this package step over indices; of others, the batches are loaded and dropped.
    """
    sampler = loader.sampler
    if done and hasattr(sampler, 'skip') and type(loader.batch_sampler) is BatchSampler:
        sampler.skip(done * (loader.batch_size or 1))
        return iter(loader)
    batches = iter(loader)
    for _ in range(done):
        next(batches)
    return batches


def endless(loader: DataLoader, done: int) -> Iterator:
    """Iterate a loader again and again, a new epoch of its sampler each time."""
    if isinstance(loader.sampler, InfiniteSampler):
        yield from start_loader(loader, done)
        return
    epoch, done = divmod(done, len(loader))
    while True:
        if hasattr(loader.sampler, 'set_epoch'):
            loader.sampler.set_epoch(epoch)
        yield from start_loader(loader, done)
        epoch, done = epoch + 1, 0
