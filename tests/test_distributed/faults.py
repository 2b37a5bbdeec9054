"""Hooks that break a run on purpose, for tests; a config names them with ``custom_imports``.

``FAULT=kind:place:rank`` chooses what happens where: kinds are ``kill``, ``raise``, ``exit0``,
``nan`` and ``worker``; places are ``init``, ``forward``, ``saving`` and ``validating``.
``FAULT_AT`` is a file for the time at which it did. ``RECORD`` is a folder into which every rank
writes its ids and losses. ``STOP_AFTER`` is the iteration after which a signal asks for the end.
"""

import json
import multiprocessing
import os
import signal
import time
from pathlib import Path

import torch
from mmengine.hooks import Hook

from mmpose_lite.registry import HOOKS

_RANK = int(os.environ.get('RANK', 0))


def _is_chosen(place: str) -> bool:
    fault = os.environ.get('FAULT', '')
    return fault.partition(':')[2] == f'{place}:{_RANK}'


def _write_time() -> None:
    Path(os.environ['FAULT_AT']).write_text(str(time.time()))


def break_off(kind: str) -> None:
    """End this process, or the worker of its loader, having written down when."""
    _write_time()
    if kind == 'kill':
        os.kill(os.getpid(), signal.SIGKILL)
    elif kind == 'raise':
        raise LookupError('made to fail')
    elif kind == 'exit0':
        os._exit(0)
    elif kind == 'worker':
        os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)


class FaultHook(Hook):
    """Breaks the run at one place, once; a NaN is that of the next loss."""

    priority = 'NORMAL'  # before the checkpoint's

    def __init__(self) -> None:
        self._kind = os.environ.get('FAULT', '').partition(':')[0]
        self._poisoned = False

    def _act(self) -> None:
        if self._kind == 'nan':
            self._poisoned = True
        else:
            break_off(self._kind)

    def _in_forward(self, module, inputs):
        if self._poisoned:
            _write_time()
            return tuple(each * float('nan') for each in inputs)
        return self._act()

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        """Act at the start where there was no model or loader before; and in the second epoch."""
        forward = _is_chosen('forward') and runner.epoch == 1 and batch_idx == 0
        if _is_chosen('init') and runner.iter == 0:
            self._act()
        if forward:
            self._poisoned = self._kind == 'nan'
        if self._poisoned or forward:
            model = getattr(runner.model, 'module', runner.model)
            model.backbone.register_forward_pre_hook(self._in_forward)

    def before_save_checkpoint(self, runner, checkpoint) -> None:
        """Act while the first rank saves."""
        if _is_chosen('saving') and _RANK == 0:
            self._act()

    def after_train_epoch(self, runner) -> None:
        """Act when the other ranks come to where the first one saves."""
        if _is_chosen('saving') and _RANK:
            self._act()

    def before_val_epoch(self, runner) -> None:
        """Act before a validation in which this rank has no face."""
        if _is_chosen('validating') and not len(runner.val_dataloader):
            self._act()

    def after_val_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """Act between two batches of a validation."""
        if _is_chosen('validating'):
            self._act()


class RecordHook(Hook):
    """Writes down which faces a rank saw, whether they were mirrored, and their loss."""

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """Add a line."""
        ids = [sample.metainfo['id'] for sample in data_batch['data_samples']]
        flips = [bool(sample.metainfo.get('flip')) for sample in data_batch['data_samples']]
        loss = float(outputs['loss'])
        with (Path(os.environ['RECORD']) / f'{_RANK}.jsonl').open('a') as file:
            file.write(json.dumps({'ids': ids, 'flips': flips, 'loss': loss}) + '\n')


class FrozenNormsHook(Hook):
    """Has batch norms use what they have learnt, as the ranks' batches differ."""

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        """Freeze them again after each ``train()``."""
        for module in runner.model.modules():
            if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                module.eval()


class StopHook(Hook):
    """Asks the first rank to end after an iteration, as a scheduler would."""

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """Send the signal."""
        if _RANK == 0 and runner.iter + 1 == int(os.environ.get('STOP_AFTER', 0)):
            os.kill(os.getpid(), signal.SIGTERM)


for _hook in (FaultHook, RecordHook, FrozenNormsHook, StopHook):
    HOOKS.register_module(module=_hook)

if _is_chosen('init') and os.environ['FAULT'].startswith(('kill', 'raise', 'exit0')):
    break_off(os.environ['FAULT'].partition(':')[0])
