"""What training loops need to stop and go on at any iteration."""

from __future__ import annotations

import signal
from bisect import bisect
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from mmengine.hooks import EMAHook, SyncBuffersHook
from mmengine.runner import BaseLoop

from mmpose_lite.utils import InputError
from mmpose_lite.utils.threads import follow_load

from .loss_guard import BufferCopies, LossGuard, NonFiniteLossError
from .optim_wrappers import OptimWrapper
from .run_state import Position, hook_states, random_state, restore_hook_states, set_random_state
from .stopping import RunStopped, StopInValidation, StopRequest, shield_workers

_NAMED = 8  # files of a batch that a message names
_SKIPPED = 'skipped_losses'


class ResumableLoop(BaseLoop):
    """What the loops share: where they are, and how they stop.

    Attributes:
        position: Where the training is; right within hooks too, which mmengine's counters are not.
        guard: What looks at the losses.
    """

    stop_training: bool
    val_begin: int
    val_interval: int
    dynamic_milestones: list[int]
    dynamic_intervals: list[int]
    _epoch: int
    _iter: int

    def _prepare(self, max_nonfinite_losses: int) -> None:
        self.position = Position()
        self.guard = LossGuard(max_nonfinite_losses)
        self._buffers: BufferCopies | None = None
        self._random: dict[str, Any] | None = None
        self._stop = StopRequest()

    def resume(self, position: Position, random: dict[str, Any] | None) -> None:
        """Go on from a position, with the generators in a state."""
        self.position, self._random = position, random
        self._epoch, self._iter = position.epoch, position.iter
        self.guard.skipped = self.runner.message_hub.runtime_info.get(_SKIPPED, 0)
        if not position.validated:
            for hook in self.runner.hooks:
                if isinstance(hook, SyncBuffersHook):  # at an epoch's end it did so already
                    hook.called_in_train = position.epoch > 0

    def random_state(self) -> dict[str, Any]:
        """The state of the generators; during a validation, of the moment before it."""
        return self._random or random_state()

    def settle(self) -> None:
        """Make sure that all losses so far were finite.

        Raises:
            InputError: If one was not.
        """
        try:
            self.guard.settle()
        except NonFiniteLossError as error:
            # The iteration that was last is over by now.
            raise InputError(self._about_loss(error.ranks, (), error.late + 1)) from error

    def validation_is_over(self) -> None:
        """Note that what is saved from now on follows the validation."""
        self.position.validated = True
        self._random = None

    def stop_in_validation(self) -> None:
        """Leave a validation if a signal asks for it.

        Raises:
            StopInValidation: If one does.
        """
        if self._stop.agreed():
            raise StopInValidation

    def _use_random_state(self) -> None:
        if self._random is not None:
            set_random_state(self._random)
            self._random = None

    def _begin(self) -> None:
        info = self.runner.message_hub.runtime_info
        # mmengine's hook counts on from here, and so would differ from a run without a break.
        counters = {key: info[key] for key in ('epoch', 'iter') if key in info}
        self.runner.call_hook('before_train')
        info.update(counters)
        if isinstance(self.runner.optim_wrapper, OptimWrapper):
            self.runner.optim_wrapper.guard = self.guard
        if self.guard.max_skips:
            self._buffers = BufferCopies(self.runner.model)
        for loop in filter(None, (self, self.runner.val_loop)):
            shield_workers(loop.dataloader)

    def _validate_if_due(self) -> None:
        if self.position.validated or self.runner.val_loop is None:
            return
        self._use_random_state()
        self._random = random_state()
        logs = self.runner.message_hub.state_dict()
        logs['resumed_keys'] = dict(logs['resumed_keys'])
        memory = deepcopy(hook_states(self.runner.hooks))
        try:
            self.runner.val_loop.run()
        except StopInValidation:
            self._forget_validation(logs, memory)
            self._end_if_asked()
        self.validation_is_over()
        self._end_if_asked()

    def _forget_validation(self, logs: dict[str, Any], memory: list[dict[str, Any]]) -> None:
        """Have everything as it was before a validation that is broken off."""
        for hook in self.runner.hooks:
            if isinstance(hook, EMAHook):  # the averaged weights are in the model
                hook.after_val_epoch(self.runner)
        hub = self.runner.message_hub
        hub.log_scalars.clear()
        hub._resumed_keys.clear()
        hub.load_state_dict(logs)
        restore_hook_states(self.runner, memory, 'before the validation')

    def _is_due(self, count: int, last: int) -> bool:
        """Whether a validation follows so many epochs or iterations of the last one."""
        stage = bisect(self.dynamic_milestones, count + 1)
        self.val_interval = self.dynamic_intervals[stage - 1]
        if self.runner.val_loop is None or count < self.val_begin:
            return False
        return count % self.val_interval == 0 or count == last

    def _train_on(self, idx: int, data_batch: Sequence[dict], after: Position) -> None:
        """Make one iteration, with its hooks."""
        runner = self.runner
        if (change := follow_load()) is not None:
            runner.logger.info(change)
        runner.call_hook('before_train_iter', batch_idx=idx, data_batch=data_batch)
        if self._buffers is not None:
            self._buffers.take()
        try:
            outputs = runner.model.train_step(data_batch, optim_wrapper=runner.optim_wrapper)
        except NonFiniteLossError as error:
            raise InputError(self._about_loss(error.ranks, data_batch, error.late)) from error
        if self.guard.refused:
            if self._buffers is not None:
                self._buffers.put_back()
            runner.message_hub.update_info(_SKIPPED, self.guard.skipped)
            runner.logger.warning(
                f'skipped, {self.guard.skipped} of at most {self.guard.max_skips}: '
                + self._about_loss(self.guard.refused, data_batch)
            )
        self.position = after
        runner.call_hook('after_train_iter', batch_idx=idx, data_batch=data_batch, outputs=outputs)
        self._iter += 1

    def _end_if_asked(self) -> None:
        """Save and end the run if a signal asks for it.

        Raises:
            RunStopped: If one does.
        """
        number = self._stop.agreed()
        if not number:
            return
        path = self.runner.save_position()
        self.runner.logger.warning(
            f'stopped by {signal.Signals(number).name} after iteration {self.position.iter}: '
            f"'{path}' is saved, and --resume goes on from it"
        )
        raise RunStopped(128 + number)

    def _about_loss(self, ranks: list[int], data_batch: Any, late: int = 0) -> str:
        where = self.position
        iteration = where.iter + 1 - late
        epoch = where.epoch + (iteration > where.iter - where.batch)  # or it was the one before
        text = f'the loss of iteration {iteration}, epoch {max(epoch, 1)} is not finite'
        if self.runner.world_size > 1 and ranks:
            text += f' on rank {", ".join(map(str, ranks))}'
        if late or self.runner.rank not in ranks:
            return text
        samples = data_batch.get('data_samples', ()) if isinstance(data_batch, dict) else ()
        files = list(dict.fromkeys(str(sample.get('img_path')) for sample in samples))
        named = ', '.join(f"'{file}'" for file in files[:_NAMED])
        more = f' and {len(files) - _NAMED} more' if len(files) > _NAMED else ''
        return f'{text}; images of the batch: {named}{more}'
