"""A hook that writes down when things begin and end; configs of both sides name it."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import get_world_size, is_main_process
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner


@HOOKS.register_module()
class Stopwatch(Hook):
    """Notes times of iterations and of a test, and ends a training after some iterations.

    Times are seconds of the machine's monotonic clock, which all processes share. Iterations are
    the ranks' common ones, with ``batch`` images over all ranks.

    Args:
        out_file: JSON file to write: ``batch``, ``parameters``, ``warmup``, ``begun`` and ``done``
            (one time an iteration), or ``faces``, ``test_begun`` and ``test_done``.
        iterations: A training ends after so many; 0: as its first one begins, with the first
            batch at hand; None: when it is over.
        warmup: How many of them come before what is timed.
        each: On a GPU, wait for it before every time that is noted; otherwise only where what is
            timed begins and ends, so that the work of an iteration overlaps with the next one's.
    """

    priority = 'LOWEST'

    def __init__(
        self, out_file: str, iterations: int | None = None, warmup: int = 0, each: bool = False
    ) -> None:
        self.out_file = Path(out_file)
        self.iterations = iterations
        self.each = each
        self._edges = {warmup, iterations}
        self._notes: dict[str, Any] = {'warmup': warmup, 'begun': [], 'done': []}

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        self._notes['begun'].append(self._time(wait=self.each))
        if self.iterations == 0:
            self._end_training(runner)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        count = len(self._notes['begun'])
        self._notes['done'].append(self._time(wait=self.each or count in self._edges))
        if count == self.iterations:
            self._end_training(runner)

    def after_train(self, runner: Runner) -> None:
        self._notes['batch'] = runner.train_dataloader.batch_size * get_world_size()
        self._notes['parameters'] = sum(each.numel() for each in runner.model.parameters())
        self._write()

    def before_test_epoch(self, runner: Runner) -> None:
        self._notes['test_begun'] = self._time(wait=True)

    def after_test_epoch(self, runner: Runner, metrics: Any = None) -> None:
        self._notes['test_done'] = self._time(wait=True)
        self._notes['faces'] = len(runner.test_dataloader.dataset)
        self._write()

    def _end_training(self, runner: Runner) -> None:
        self.after_train(runner)
        sys.exit(0)

    def _write(self) -> None:
        if is_main_process():
            self.out_file.write_text(json.dumps(self._notes), encoding='utf-8')

    @staticmethod
    def _time(wait: bool) -> float:
        if wait and torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.monotonic()
