"""A training that tells what it is doing, and may end itself there."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Sequence
from typing import Any

from mmengine.hooks import Hook

_CALLS = {'os.rename': 'move', 'os.remove': 'remove'}
# No two writes have the same name; two runs tell the same lines.
_UNIQUE = re.compile(r'\.[0-9a-f]{16}\.part$')


class TellingHook(Hook):
    """Writes a line at each step of a training: what, after how many iterations, which file.

    Args:
        pipe: Where to.
        fatal: Lines at which the process kills itself.
    """

    priority = 'LOWEST'

    def __init__(self, pipe: int, fatal: Sequence[str] = ()) -> None:
        self._pipe = pipe
        self._fatal = set(fatal)
        self._runner: Any = None
        sys.addaudithook(self._on_call)

    def before_train(self, runner) -> None:
        """Tell where the training begins."""
        self._runner = runner
        self._tell('begin')

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """Tell of an iteration."""
        self._tell('iter')

    def before_val_epoch(self, runner) -> None:
        """Tell of a validation's begin."""
        self._tell('validate')

    def after_val_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """Tell of a validation's batch."""
        self._tell('validating', str(batch_idx))

    def after_val_epoch(self, runner, metrics=None) -> None:
        """Tell of a validation's end."""
        self._tell('validated')

    def before_save_checkpoint(self, runner, checkpoint) -> None:
        """Tell of a save."""
        self._tell('save')

    def _on_call(self, event: str, arguments: tuple) -> None:
        """Tell of a call to the file system, before it is made."""
        if self._runner is None or event not in ('open', *_CALLS):
            return
        path = str(arguments[0])
        name = _UNIQUE.sub('.part', os.path.basename(path))
        if event == 'open' and name.endswith('.part'):
            self._tell('write', name)
        elif event in _CALLS and path.startswith(self._runner.work_dir):
            self._tell(_CALLS[event], name)

    def _tell(self, kind: str, detail: str = '') -> None:
        line = f'{kind} {self._runner.train_loop.position.iter} {detail}'.strip()
        os.write(self._pipe, f'{line}\n'.encode())
        if line in self._fatal:
            os.kill(os.getpid(), signal.SIGKILL)
