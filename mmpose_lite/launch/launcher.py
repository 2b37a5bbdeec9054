"""Torchrun's agent with a watch over it: one rank's end is every rank's, and is told in one line.

torchrun starts the processes and brings those of several machines together. By itself it takes a
rank that ends with status 0 for one that is done, gives the others half a minute to end, blames
whichever it finds first, and leaves the workers of a killed rank behind.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from . import rank as rank_script
from .verdict import Ending, Verdict, find_verdict, read_notes

# torchrun looks as often as every 0.1 s.
_POLL = 0.05
# Ranks that lost one of theirs have nothing to save; what is left of them after this is stuck.
_GRACE = 5.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Launcher:
    """Runs a command in several processes of this machine.

    Args:
        config: A :class:`torch.distributed.launcher.LaunchConfig`.
        command: The script and its arguments, or ``-m``, a module and its arguments.
        stop_seconds: How long ranks may take to save after a signal has asked them to stop.
    """

    def __init__(self, config: Any, command: list[str], stop_seconds: float) -> None:
        self._config = config
        self._command = command
        self._stop_seconds = stop_seconds
        self._notes: dict[int, dict[str, Any]] = {}
        self._endings: dict[int, Ending] = {}
        self._asked: set[int] = set()  # the ranks that know of the signal
        self._signal = 0
        self._kill_at = float('inf')
        self._broken = False
        self._killed = False
        self._error: BaseException | None = None

    def run(self) -> int:
        """Run until every process has ended; return the exit status."""
        folder = Path(tempfile.mkdtemp(prefix='mmpose_lite-'))
        os.environ.update({rank_script.NOTES: str(folder), rank_script.LAUNCHER: str(os.getpid())})
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
                signal.signal(number, self._note_signal)
        # Off the main thread, torchrun leaves the signals to us.
        agent = threading.Thread(target=self._run_agent, daemon=True)
        agent.start()
        try:
            while agent.is_alive() and not self._is_over_early():
                agent.join(_POLL)
                self._look(folder)
            self._look(folder)
            return self._conclude()
        finally:
            self._kill()  # loaders' workers whose rank was killed
            shutil.rmtree(folder, ignore_errors=True)

    def _run_agent(self) -> None:
        from torch.distributed.launcher.api import elastic_launch

        logging.disable(logging.CRITICAL)
        try:
            elastic_launch(self._config, sys.executable)('-u', rank_script.__file__, *self._command)
        except BaseException as error:
            self._error = error

    def _look(self, folder: Path) -> None:
        """See what became of the ranks, pass a signal on, and end what is stuck."""
        if not self._killed:
            self._find_endings()
        # After the endings: a rank that is gone has written its last note.
        self._notes = read_notes(folder)
        if self._signal:
            self._pass_on()
        if not self._broken and find_verdict(self._notes, self._endings) is not None:
            self._broken = True
            self._kill_at = min(self._kill_at, time.monotonic() + _GRACE)
        if time.monotonic() > self._kill_at:
            self._kill()

    def _find_endings(self) -> None:
        now = time.monotonic()  # which of those found together was the first is not known
        for rank, note in self._notes.items():
            if rank in self._endings:
                continue
            status = _status_of(note['pid'])
            if status is not None:
                self._endings[rank] = Ending(now, status)

    def _pass_on(self) -> None:
        for rank, note in self._notes.items():
            if rank not in self._asked and rank not in self._endings:
                self._asked.add(rank)
                _send(os.kill, note['pid'], self._signal)

    def _note_signal(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        self._kill_at = min(self._kill_at, now if self._signal else now + self._stop_seconds)
        self._signal = self._signal or number

    def _is_over_early(self) -> bool:
        """Whether a signal came before there was a rank, as while other machines are awaited."""
        return bool(self._signal) and not self._notes

    def _kill(self) -> None:
        self._killed = True
        for note in self._notes.values():
            _send(os.killpg, note['pid'], signal.SIGKILL)

    def _conclude(self) -> int:
        """Say what ended the run; return the exit status."""
        for rank, failure in getattr(self._error, 'failures', {}).items():
            known = self._endings.get(rank)
            late = time.monotonic() if known is None else known.time
            if not self._killed or known is not None:
                self._endings[rank] = Ending(late, failure.exitcode)
        verdict = find_verdict(self._notes, self._unasked_endings())
        if verdict is not None and (verdict.is_cause or not self._signal):
            return self._say(verdict)
        if self._signal or self._stopped():
            return self._conclude_stop()
        if self._error is not None:
            _print(f'error: {self._why_not_started(str(self._error))}')
            return 1
        return 0

    def _unasked_endings(self) -> dict[int, Ending]:
        """The endings but those that a signal to all has brought about."""
        if not self._signal:
            return self._endings
        asked = (-self._signal, -signal.SIGTERM)
        return {rank: end for rank, end in self._endings.items() if end.status not in asked}

    def _stopped(self) -> list[dict[str, Any]]:
        return [note for _, note in sorted(self._notes.items()) if note['state'] == 'stopped']

    def _conclude_stop(self) -> int:
        """The exit status of a run that a signal has stopped."""
        stopped = self._stopped()
        if self._notes and all(note['state'] == 'done' for note in self._notes.values()):
            return 0
        return stopped[0]['code'] if stopped else 128 + self._signal

    def _say(self, verdict: Verdict) -> int:
        config = self._config
        total = config.max_nodes * config.nproc_per_node
        place = f' (on {os.uname().nodename})' if config.max_nodes > 1 else ''
        if verdict.trace:
            _print(verdict.trace.rstrip())
        elsewhere = '' if verdict.is_cause or not place else "; another machine's launcher says why"
        _print(f'error: rank {verdict.rank} of {total}{place}{verdict.text}{elsewhere}')
        return verdict.code

    def _why_not_started(self, text: str) -> str:
        place = self._config.rdzv_endpoint
        if 'EADDRINUSE' in text or 'Address already in use' in text:
            return f'the port of {place} is in use; PORT or --master_port names another'
        return f'the processes of {place} could not be started: {text}'


def _status_of(pid: int) -> int | None:
    """The exit status or minus the signal of a child, which stays for torchrun to collect."""
    if not hasattr(os, 'waitid'):  # macOS: torchrun alone sees how processes end
        return None
    try:
        ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return 0  # torchrun was faster; if it was no 0, it will say so
    if ended is None:
        return None
    return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status


def _send(send: Any, target: int, number: int) -> None:
    with suppress(ProcessLookupError):
        send(target, number)


def _print(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
