"""Ending a run in order, with its workers, and when the system asks for it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any

from torch.utils.data import DataLoader

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class RunStopped(SystemExit):
    """A run has saved where it was and ends, as a signal asked; its code is 128 + the signal's."""

    code: int


class StopInValidation(Exception):
    """Leaves a validation that will be made again when the run resumes."""


class StopRequest:
    """Remembers that SIGTERM or SIGINT came; the run asks between two iterations.

    A second SIGINT interrupts at once.

    Attributes:
        number: The signal that came to this process; 0 if none did.
    """

    def __init__(self) -> None:
        self.number = 0

    @contextmanager
    def listening(self) -> Generator[None, None, None]:
        """Take the signals for as long as the context lasts; only the main thread can."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._note) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.number == number == signal.SIGINT:
            raise KeyboardInterrupt
        self.number = number


def shield_workers(loader: DataLoader) -> None:
    """Shield a loader's workers from signals: the run needs them until it has saved.

    A terminal, a scheduler or a service manager sends a signal to all processes at once.
    """
    loader.worker_init_fn = partial(_start_worker, loader.worker_init_fn)


def end_workers(loader: Any) -> None:
    """End the workers that a loader keeps between epochs; it starts others when it is used again.

    With the loader they would be ended too, but then torch waits five seconds for each of them if
    it is collected as garbage.
    """
    iterator: Any = getattr(loader, '_iterator', None)
    if hasattr(iterator, '_shutdown_workers'):
        loader._iterator = None
        iterator._shutdown_workers()


def _start_worker(init: Callable[[int], None] | None, worker_id: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, 'sigwaitinfo'):  # on Linux; elsewhere SIGTERM ends a worker
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_obey, args=(os.getppid(),), daemon=True).start()
    if init is not None:
        init(worker_id)


def _obey(parent: int) -> None:
    """End this process when its parent says so; what others say is meant for the parent."""
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != parent:
        pass
    os._exit(0)
