"""How fast a training is, and what memory it takes, for its log."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmpose_lite.engine.run_log import is_logged
from mmpose_lite.registry import HOOKS
from mmpose_lite.utils.cpu_memory import peak_memory_mb


@HOOKS.register_module()
class SpeedHook(Hook):
    """Logs ``images_per_s``, and on a CPU ``memory``, with each line of a training.

    The images are those of all ranks since the last line; the time is that of the iterations, with
    loading, without validations. ``memory`` is the most that the process has had, MB (on a GPU,
    mmengine logs the most that tensors have taken there).
    """

    priority = 'NORMAL'

    def __init__(self) -> None:
        self._images, self._seconds, self._since = 0, 0.0, 0.0

    def before_train_epoch(self, runner: Runner) -> None:
        """Start the clock."""
        self._since = perf_counter()

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Start the clock again: a validation between iterations is not theirs."""
        self._since = perf_counter()

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict | None = None,
    ) -> None:
        """Count a batch."""
        now = perf_counter()
        self._seconds, self._since = self._seconds + now - self._since, now
        # Ranks have batches of one size: their samplers round up.
        self._images += _count(data_batch) * runner.world_size
        if not is_logged(runner, batch_idx):
            return
        hub = runner.message_hub
        # A machine's numbers: they do not go into checkpoints.
        if self._images:
            hub.update_scalar('train/images_per_s', self._images / self._seconds, resumed=False)
        memory = None if torch.cuda.is_available() else peak_memory_mb()
        if memory is not None:
            hub.update_scalar('train/memory', memory, resumed=False)
        self._images, self._seconds = 0, 0.0


def _count(data_batch: Any) -> int:
    """How many images a batch has."""
    return len(data_batch.get('inputs', ())) if isinstance(data_batch, dict) else 0
