"""The log of a run: its scalars, its lines, and which of them are printed."""

from __future__ import annotations

import logging
import os
import sys
from collections import OrderedDict
from typing import Any

import numpy as np
import torch
from mmengine.dist import is_main_process
from mmengine.logging import HistoryBuffer, MessageHub
from mmengine.runner import LogProcessor as _LogProcessor
from mmengine.runner import Runner
from rich.console import Console
from rich.text import Text
from torch import Tensor

from mmpose_lite.registry import LOG_PROCESSORS
from mmpose_lite.utils.progress import lasting_console

# Number of updates after which a history is read even if nobody asks for it.
_MOST_PENDING = 1000
# For `logger.info(..., extra=FILE_ONLY)`: records that are of no use on the screen.
FILE_ONLY = {'file_only': True}
# Deprecations inside mmengine that no user can mend, and its list of hooks, which a run may still
# sort and add to.
_NOT_FOR_USERS = ('"FileClient" will', '"HardDiskBackend" is', 'Hooks will be executed')
# A run prints its whole log, as `verbose=True` in its config has it.
VERBOSE = 'MMPOSE_LITE_VERBOSE'
_LOGGING_MODULES = (__name__, 'logging', 'mmengine.logging.logger')


class DeferredMessageHub(MessageHub):
    """A message hub that reads tensors when their history is asked for, not when they come.

    mmengine's hub reads every loss at every iteration, and each time the host waits for the device.
    Here updates are kept until a log, a checkpoint or a hook reads a history: then all are
    transferred at once, and the values are those of mmengine's hub.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._pending: dict[str, list[tuple[Any, int]]] = {}

    @classmethod
    def get_instance(cls, name: str) -> DeferredMessageHub:
        """Return the hub of a name; a new one becomes the current one."""
        hub = super().get_instance(name)
        # mmengine's optimizer wrappers and others ask for the current instance of its own class.
        MessageHub._instance_dict[name] = hub  # type: ignore[attr-defined]
        return hub

    def update_scalar(self, key: str, value: Any, count: int = 1, resumed: bool = True) -> None:
        """Add a number, or a tensor or array of one number, to a history; see mmengine."""
        self._set_resumed_keys(key, resumed)
        if isinstance(value, Tensor):
            if value.numel() != 1:
                raise ValueError(f'{key} has the shape {tuple(value.shape)}, not one number')
            # A copy, since the tensor may change later.
            value = value.detach().reshape(()).clone()
        else:
            value = self._get_valid_value(value)
        # An empty history keeps the place: logs list scalars in the order of their first update.
        self._log_scalars.setdefault(key, HistoryBuffer())
        pending = self._pending.setdefault(key, [])
        pending.append((value, count))
        if len(pending) == _MOST_PENDING:
            self._flush([key])

    def get_scalar(self, key: str) -> HistoryBuffer:
        """The history of a name, up to date."""
        self._flush([key])
        return self._log_scalars[key]

    @property
    def log_scalars(self) -> OrderedDict:
        """All histories by name, up to date."""
        self._flush(list(self._pending))
        return self._log_scalars

    def state_dict(self) -> dict:
        """Return the state for a checkpoint; see mmengine."""
        self._flush(list(self._pending))
        return super().state_dict()

    def load_state_dict(self, state_dict: MessageHub | dict) -> None:
        """Take over a state, without what it says of keys that it has not: mmengine warns of each.

        These are of logs whose window was empty when the state was saved.
        """
        if isinstance(state_dict, dict):
            known = {**state_dict['log_scalars'], **state_dict['runtime_info']}
            said = state_dict['resumed_keys'].items()
            state_dict = {**state_dict, 'resumed_keys': {k: v for k, v in said if k in known}}
        super().load_state_dict(state_dict)

    def _flush(self, keys: list[str]) -> None:
        """Bring the kept updates of some histories into them."""
        updates = {key: self._pending.pop(key) for key in keys if key in self._pending}
        values = iter(_read([value for pairs in updates.values() for value, _ in pairs]))
        for key, pairs in updates.items():
            old = self._log_scalars[key]
            new: Any = [next(values) for _ in pairs], [count for _, count in pairs]
            if len(old.data[0]):  # appending to an empty array would make integers floats
                new = [
                    np.append(*both)[-old.max_length :] for both in zip(old.data, new, strict=True)
                ]
            self._log_scalars[key] = HistoryBuffer(*new, old.max_length)


@LOG_PROCESSORS.register_module()
class LogProcessor(_LogProcessor):
    """mmengine's processor, except that a validation's logged loss is of that validation alone.

    mmengine logs the mean of the last ``window_size`` losses, which come from several validations.
    """

    custom_cfg: list[dict[str, Any]]

    def get_log_after_epoch(
        self, runner: Any, batch_idx: int, mode: str, with_non_scalar: bool = False
    ) -> tuple[dict, str]:
        """Collect what a validation or a test logs; see mmengine."""
        own, names = self.custom_cfg, runner.message_hub.log_scalars
        losses = [name[4:] for name in names if name.startswith('val/') and 'loss' in name]
        # What the config says comes later, so it holds.
        self.custom_cfg = [{'data_src': name, 'method_name': 'current'} for name in losses] + own
        try:
            return super().get_log_after_epoch(runner, batch_idx, mode, with_non_scalar)
        finally:
            self.custom_cfg = own


def _read(values: list[Any]) -> list[int | float]:
    """Turn tensors among numbers into numbers, with one transfer per device and type."""
    groups: dict[tuple, list[int]] = {}
    for i, value in enumerate(values):
        if isinstance(value, Tensor):
            groups.setdefault((value.device, value.dtype), []).append(i)
    numbers = list(values)
    for places in groups.values():
        read = torch.stack([values[i] for i in places]).tolist()
        for i, number in zip(places, read, strict=True):
            numbers[i] = number
    return numbers


class ScreenHandler(logging.Handler):
    """Prints what a run logs: warnings, and the information that is for people.

    That is not what mmengine says of itself, nor records marked by :data:`FILE_ONLY`.

    Args:
        console: Where to print.
        level: The least level that is printed.
    """

    def __init__(self, console: Console, level: int = logging.INFO) -> None:
        super().__init__(level)
        self.console = console

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record."""
        is_warning, frame = record.levelno >= logging.WARNING, sys._getframe()
        # The module that logs the record; mmengine's `print_log` only passes it on.
        while frame.f_back and frame.f_globals.get('__name__') in _LOGGING_MODULES:
            frame = frame.f_back
        of_mmengine = frame.f_globals.get('__name__', '').startswith('mmengine.')
        if not is_warning and (of_mmengine or hasattr(record, 'file_only')):
            return
        style = 'yellow' if is_warning else ''
        label = f'{record.levelname}: ' if is_warning else ''
        self.console.print(Text(label + record.getMessage(), style), soft_wrap=True)


def use_screen(logger: logging.Logger, verbose: bool | None) -> None:
    """Make a logger print for people; with ``verbose``, all that it writes.

    Some records of mmengine's are left out of both.

    Args:
        logger: Of a run.
        verbose: None leaves the choice to the environment's ``MMPOSE_LITE_VERBOSE``.
    """
    for handler in logger.handlers:
        handler.addFilter(lambda record: not record.getMessage().startswith(_NOT_FOR_USERS))
    if verbose or (verbose is None and os.environ.get(VERBOSE, '0') != '0'):
        return
    for handler in list(logger.handlers):
        if type(handler) is logging.StreamHandler:
            screen = ScreenHandler(lasting_console(), handler.level)
            screen.filters = handler.filters
            logger.removeHandler(handler)
            logger.addHandler(screen)


def screen_of(runner: Runner) -> Console | None:
    """The console of a run's first process; None if the run prints its whole log."""
    handlers = runner.logger.handlers if is_main_process() else ()
    return next((each.console for each in handlers if isinstance(each, ScreenHandler)), None)
