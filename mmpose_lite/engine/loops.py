"""Training loops that can stop and resume at any iteration, and the validation between them.

A resumed run continues as if it had not been interrupted: its loop starts at the batch that came
next, with the random generators in their old state, and makes up for a validation that was due.
"""

from __future__ import annotations

import signal
from bisect import bisect
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import cached_property
from typing import Any, NoReturn

from mmengine.dataset import InfiniteSampler
from mmengine.hooks import EMAHook, SyncBuffersHook
from mmengine.runner import BaseLoop
from mmengine.runner import EpochBasedTrainLoop as _EpochBasedTrainLoop
from mmengine.runner import IterBasedTrainLoop as _IterBasedTrainLoop
from mmengine.runner import ValLoop as _ValLoop
from mmengine.runner.utils import calc_dynamic_intervals
from torch import nn
from torch.utils.data import BatchSampler, DataLoader

from mmpose_lite.errors import InputError, first_few
from mmpose_lite.registry import LOOPS
from mmpose_lite.utils.collectives import HostGather
from mmpose_lite.utils.config_utils import check_number

from .distributed import prepare_ddp
from .memory import StepMemory, estimate_memory, explain_no_memory
from .nan_guard import BufferCopies, NanGuard, NonFiniteLossError
from .optim_wrappers import OptimWrapper
from .preemption import RunStopped, StopInValidation, StopRequest, shield_workers
from .preflight import check_training
from .run_state import Position, hook_states, random_state, restore_hook_states, set_random_state

_NAMED = 8  # files of a batch that a message names
_SKIPPED = 'skipped_losses'


class TrainLoop(BaseLoop):
    """Base of the training loops: one iteration, the position, and the end on a signal.

    Attributes:
        position: Where the training is. It is already advanced when the ``after_*`` hooks run;
            mmengine's ``runner.iter`` and ``runner.epoch`` are then still one behind.
        guard: Keeps steps of losses that are not finite away from the weights.
    """

    stop_training: bool
    val_begin: int
    val_interval: int
    dynamic_milestones: list[int]
    dynamic_intervals: list[int]
    _epoch: int
    _iter: int

    def _prepare(self, max_nonfinite_losses: int) -> None:
        """Set what a loop has beside mmengine's attributes; its ``__init__`` ends with this."""
        self.position = Position()
        self.guard = NanGuard(max_nonfinite_losses)
        self._buffer_copies: BufferCopies | None = None
        self._random: dict[str, Any] | None = None
        self._stop, self._ranks = StopRequest(), HostGather()

    def resume(self, position: Position, random: dict[str, Any] | None) -> None:
        """Resume at a position, with the random generators in a given state."""
        self.position, self._random = position, random
        self._epoch, self._iter = position.epoch, position.iter
        self.guard.skipped = self.runner.message_hub.runtime_info.get(_SKIPPED, 0)
        if not position.validated:
            for hook in self.runner.hooks:
                if isinstance(hook, SyncBuffersHook):  # it has run already at the epoch's end
                    hook.called_in_train = position.epoch > 0

    def random_state(self) -> dict[str, Any]:
        """Return the generators' state for the next iteration: the resumed one, or today's."""
        return self._random or random_state()

    @cached_property
    def memory(self) -> StepMemory | None:
        """The memory that a step takes, estimated on first use; None if that is not possible."""
        return estimate_memory(self.runner, self.dataloader)

    def settle(self) -> None:
        """Make sure that all losses so far were finite.

        Raises:
            InputError: If one was not.
        """
        try:
            self.guard.settle()
        except NonFiniteLossError as error:
            # The last iteration is over by now, so the loss is one iteration older.
            raise InputError(self._about_loss(error.ranks, (), error.late + 1)) from error

    def _begin(self) -> None:
        """Check the training, call ``before_train``, and prepare ranks, wrapper and workers."""
        info = self.runner.message_hub.runtime_info
        # RuntimeInfoHook.before_train overwrites these with counters that lag behind in a resumed
        # run; they are put back.
        counters = {key: info[key] for key in ('epoch', 'iter') if key in info}
        check_training(self.runner)
        if hasattr(self.runner, 'log_hooks'):  # mmengine's own runner has logged them
            self.runner.log_hooks()
        self.runner.call_hook('before_train')
        info.update(counters)
        prepare_ddp(self.runner.model, self.runner.optim_wrapper)
        wrapper = self.runner.optim_wrapper
        if isinstance(wrapper, OptimWrapper):
            wrapper.guard = self.guard
        else:
            self.runner.logger.warning(
                f'optim_wrapper is a {type(wrapper).__name__}: losses that are not finite are not '
                'looked for'
            )
        if self.guard.max_skips:
            self._buffer_copies = BufferCopies(self.runner.model)
        for loop in filter(None, (self, self.runner.val_loop)):
            shield_workers(loop.dataloader)

    def _train_on(self, idx: int, data_batch: Sequence[dict], after: Position) -> None:
        """Run one iteration with its hooks; ``after`` is the position behind it."""
        runner = self.runner
        runner.call_hook('before_train_iter', batch_idx=idx, data_batch=data_batch)
        if self._buffer_copies is not None:
            self._buffer_copies.take()
        try:
            # mmengine's BaseModel.train_step: data preprocessor, forward(mode='loss'), the sum of
            # the losses, then update_params of the optimizer's wrapper.
            outputs = runner.model.train_step(data_batch, optim_wrapper=runner.optim_wrapper)
        except NonFiniteLossError as error:
            raise InputError(self._about_loss(error.ranks, data_batch, error.late)) from error
        except (MemoryError, RuntimeError) as error:
            explain_no_memory(error, 'train', self.dataloader, self.memory)
            raise
        if self.guard.refused_ranks:
            self._skip(data_batch)
        self.position = after
        runner.call_hook('after_train_iter', batch_idx=idx, data_batch=data_batch, outputs=outputs)
        self._iter += 1

    def _skip(self, data_batch: Any) -> None:
        """Restore the buffers after a skipped iteration and log it."""
        if self._buffer_copies is not None:
            self._buffer_copies.put_back()
        self.runner.message_hub.update_info(_SKIPPED, self.guard.skipped)
        self.runner.logger.warning(
            f'skipped, {self.guard.skipped} of at most {self.guard.max_skips}: '
            + self._about_loss(self.guard.refused_ranks, data_batch)
        )

    def _is_due(self, count: int, last: int) -> bool:
        """Tell whether to validate after ``count`` of ``last``; also updates ``val_interval``."""
        stage = bisect(self.dynamic_milestones, count + 1)
        self.val_interval = self.dynamic_intervals[stage - 1]
        if self.runner.val_loop is None or count < self.val_begin:
            return False
        return count % self.val_interval == 0 or count == last

    def _validate_if_due(self) -> None:
        """Validate if the position is due for it; a signal undoes one that it interrupts."""
        if self.position.validated or self.runner.val_loop is None:
            return
        self._restore_random_once()
        before = random_state()
        logs = self.runner.message_hub.state_dict()
        logs['resumed_keys'] = dict(logs['resumed_keys'])
        memory = deepcopy(hook_states(self.runner.hooks))
        # Set before it runs, so that a run that resumes from a checkpoint of its hooks does not
        # validate again.
        self.position.validated = True
        try:
            self.runner.val_loop.run()
        except StopInValidation:
            self.position.validated, self._random = False, before
            self._forget_validation(logs, memory)
        self._end_if_asked()

    def _forget_validation(self, logs: dict[str, Any], memory: list[dict[str, Any]]) -> None:
        """Undo all changes that an aborted validation has made."""
        for hook in self.runner.hooks:
            if isinstance(hook, EMAHook):  # the averaged weights are in the model
                hook.after_val_epoch(self.runner)
        hub = self.runner.message_hub
        hub.log_scalars.clear()
        hub._resumed_keys.clear()
        hub.load_state_dict(logs)
        restore_hook_states(self.runner, memory, 'before the validation')

    def _restore_random_once(self) -> None:
        """Set the random generators to the state that a run resumes with, the first time only."""
        if self._random is not None:
            set_random_state(self._random)
            self._random = None

    def leave_validation_if_asked(self) -> None:
        """Leave a validation where a signal asks the run to end; all processes call this.

        Raises:
            StopInValidation: If one does.
        """
        if max(self._ranks.gather(self._stop.number)):
            raise StopInValidation

    def _end_if_asked(self) -> None:
        """Save and end the run if a signal asks for it."""
        number = max(self._ranks.gather(self._stop.number))  # of the signal to any process
        if number:
            self._save_and_end(number)

    def _save_and_end(self, number: int) -> NoReturn:
        path = self.runner.checkpoint_hook.save_position(self.runner)
        self.runner.logger.warning(
            f'stopped by {signal.Signals(number).name} after iteration {self.position.iter}: '
            f"'{path}' is saved, and --resume continues from it"
        )
        raise RunStopped(128 + number)

    def _about_loss(self, ranks: list[int], data_batch: Any, late: int = 0) -> str:
        where = self.position
        iteration = where.iter + 1 - late
        # Counted from 1; the iteration may belong to the previous epoch.
        epoch = where.epoch + (iteration > where.iter - where.batch)
        text = f'the loss of iteration {iteration}, epoch {max(epoch, 1)} is not finite'
        if self.runner.world_size > 1 and ranks:
            text += f' on rank {", ".join(map(str, ranks))}'
        if late or self.runner.rank not in ranks:
            return text
        samples = data_batch.get('data_samples', ()) if isinstance(data_batch, dict) else ()
        files = list(dict.fromkeys(f"'{sample.get('img_path')}'" for sample in samples))
        return f'{text}; images of the batch: {first_few(files, _NAMED)}'


@LOOPS.register_module()
class EpochBasedTrainLoop(TrainLoop, _EpochBasedTrainLoop):
    """mmengine's loop over epochs, with its arguments, which can stop and resume at any iteration.

    Args:
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
        """Resume at a position; epochs that are over may have been of another length."""
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
        # A loader draws random numbers when it starts. The resumed state is from before that draw
        # at the start of an epoch, and from after it inside an epoch; then it is restored below.
        if not done:
            self._restore_random_once()
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        batches = start_loader(self.dataloader, done)
        self._restore_random_once()
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
class IterBasedTrainLoop(TrainLoop, _IterBasedTrainLoop):
    """mmengine's loop over iterations, with its arguments, which can stop and resume at any.

    Args:
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
            batches = _endless(self.dataloader, self.position.iter)
            self._validate_if_due()
            self._restore_random_once()
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


@LOOPS.register_module()
class ValLoop(_ValLoop):
    """mmengine's validation, which a training leaves when told to end, and repeats on resuming."""

    def run_iter(self, idx: int, data_batch: Sequence[dict]) -> None:
        """Validate on one batch; leave the validation then if that is asked for."""
        try:
            super().run_iter(idx, data_batch)
        except (MemoryError, RuntimeError) as error:
            explain_no_memory(error, 'val', self.dataloader)
            raise
        runner = self.runner
        # All processes take part, so each must have such a batch; the last one has the fewest.
        fewest = len(self.dataloader.dataset) // runner.world_size
        is_common = idx < fewest // (self.dataloader.batch_size or 1)
        if getattr(runner, 'is_training', False) and (is_common or runner.world_size == 1):
            runner.train_loop.leave_validation_if_asked()


def _check_counts(**counts: Any) -> None:
    """Check settings of a loop that must be whole numbers from 1 on; 1e5 counts as one."""
    for name, value in counts.items():
        is_whole = isinstance(value, float) and value.is_integer()
        check_number(f'train_cfg.{name}', int(value) if is_whole else value, 1)


def start_loader(loader: DataLoader, done: int) -> Iterator:
    """Start a loader behind its first ``done`` batches.

    Samplers of this package skip the indices; with others the batches are loaded and dropped.
    """
    sampler = loader.sampler
    if done and hasattr(sampler, 'skip') and type(loader.batch_sampler) is BatchSampler:
        sampler.skip(done * (loader.batch_size or 1))
        return iter(loader)
    batches = iter(loader)
    for _ in range(done):
        next(batches)
    return batches


def _endless(loader: DataLoader, done: int) -> Iterator:
    """Iterate over a loader again and again, each time with its sampler's next epoch."""
    if isinstance(loader.sampler, InfiniteSampler):
        yield from start_loader(loader, done)
        return
    epoch, done = divmod(done, len(loader))
    while True:
        if hasattr(loader.sampler, 'set_epoch'):
            loader.sampler.set_epoch(epoch)
        yield from start_loader(loader, done)
        epoch, done = epoch + 1, 0
