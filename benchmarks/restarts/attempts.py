"""A training in forked processes, which import nothing anew, and which may be killed."""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from helpers import exact_runs

from .moments import START, Moment
from .telling import TellingHook

# How long the partner of a process that was killed is let alone; then a launcher would end it.
_GRACE = 2
# How long that of a process that has failed may take to end by itself.
_PATIENCE = 60
_LOOK_EVERY_S = 0.005


class TrainingError(RuntimeError):
    """A training that nobody killed has failed, or one hangs."""


@dataclass
class Attempt:
    """One start of a training.

    Attributes:
        work_dir: Its folder.
        ranks: How many processes.
        moment: When they are killed; None: never.
        told: What the first process told, with seconds since its start.
        killed: Whether they were killed.
        seconds: How long it took.
    """

    work_dir: Path
    ranks: int
    moment: Moment | None = None
    told: list[tuple[float, str]] = field(default_factory=list)
    killed: bool = False
    seconds: float = 0.0

    def run(self, cfg: Any, resume: bool) -> None:
        """Train to the end, or to the kill.

        Raises:
            TrainingError: If it fails by itself, or hangs.
        """
        reading, writing = os.pipe()
        port = _free_port()
        begun = time.monotonic()
        children = [self._fork(cfg, resume, rank, port, writing) for rank in range(self.ranks)]
        os.close(writing)
        try:
            statuses = self._watch(children, reading, begun)
        finally:
            for child in children:
                _kill_group(child)
            os.close(reading)
        self.seconds = time.monotonic() - begun
        if not self.killed and any(statuses.values()):
            raise TrainingError(f'statuses {statuses}; {self._log(0)}')

    @property
    def begun_at(self) -> int | None:
        """Iterations that were done when it began; None if it did not come so far."""
        found = [event for _, event in self.told if event.startswith('begin')]
        return int(found[0].split()[1]) if found else None

    @property
    def reached(self) -> int:
        """Iterations that were done in the end."""
        return max((int(event.split()[1]) for _, event in self.told), default=0)

    def _fork(self, cfg: Any, resume: bool, rank: int, port: int, pipe: int) -> int:
        child = os.fork()
        if child:
            return child
        status = 1
        try:
            os.setsid()
            log = os.open(self._log_path(rank), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(log, 1)
            os.dup2(log, 2)
            torch.set_num_threads(1)
            if self.ranks > 1:
                os.environ |= _rendezvous(rank, self.ranks, port)
            exact_runs.train(cfg, self.work_dir, resume=resume, hook=self._hook(rank, pipe))
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(status)

    def _hook(self, rank: int, pipe: int) -> TellingHook | None:
        if rank:
            return None
        exact = self.moment is not None and self.moment.is_exact
        return TellingHook(pipe, self.moment.events if exact else ())

    def _watch(self, children: Sequence[int], reading: int, begun: float) -> dict[int, int]:
        """Follow the processes until all have ended; kill them when the moment has come."""
        statuses: dict[int, int] = {}
        due = begun + self.moment.delay if self._starts_with(START) else None
        text, ends = b'', 0.0
        while len(statuses) < len(children):
            wait = _LOOK_EVERY_S if due is None else min(_LOOK_EVERY_S, due - time.monotonic())
            if select.select([reading], [], [], max(wait, 0))[0]:
                text += os.read(reading, 1 << 16)
                *lines, text = text.split(b'\n')
                for line in lines:
                    self.told.append((time.monotonic() - begun, line.decode()))
                    if due is None and self._starts_with(self.told[-1][1]):
                        due = time.monotonic() + self.moment.delay
            statuses |= _ended(set(children) - set(statuses))
            if due is not None and time.monotonic() >= due and not self._is_over(statuses):
                due = None
                self._kill([children[victim] for victim in self.moment.victims])
            self._end_exactly(children, statuses)
            if statuses and not ends:
                ends = time.monotonic() + (_GRACE if self.killed else _PATIENCE)
            if ends and time.monotonic() > ends:
                if not self.killed:
                    raise TrainingError(f'a process hangs after another failed: {self._log(0)}')
                self._kill([child for child in children if child not in statuses])
        return statuses

    def _starts_with(self, event: str) -> bool:
        return self.moment is not None and not self.moment.is_exact and event in self.moment.events

    def _is_over(self, statuses: dict[int, int]) -> bool:
        return self.killed or bool(statuses)

    def _kill(self, children: Sequence[int]) -> None:
        for child in children:
            os.kill(child, signal.SIGKILL)
        self.killed = True

    def _end_exactly(self, children: Sequence[int], statuses: dict[int, int]) -> None:
        """Kill the partner of a process that has killed itself, if it is a victim too."""
        if self.killed or statuses.get(children[0]) != -signal.SIGKILL:
            return
        self._kill([child for child in children if child not in statuses and 1 in self._victims()])

    def _victims(self) -> tuple[int, ...]:
        return self.moment.victims if self.moment is not None else ()

    def _log_path(self, rank: int) -> Path:
        return self.work_dir.with_name(f'{self.work_dir.name}.log{rank}')

    def _log(self, rank: int) -> str:
        return self._log_path(rank).read_text(encoding='utf-8', errors='replace')[-3000:]


def _ended(children: set[int]) -> dict[int, int]:
    """Those processes that have ended, with their statuses."""
    found = {}
    for child in children:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            found[child] = os.waitstatus_to_exitcode(status)
    return found


def _kill_group(child: int) -> None:
    """Kill what a process has left: it leads a group of its own."""
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:
        return


def _rendezvous(rank: int, ranks: int, port: int) -> dict[str, str]:
    return {
        'RANK': str(rank),
        'LOCAL_RANK': str(rank),
        'WORLD_SIZE': str(ranks),
        'MASTER_ADDR': '127.0.0.1',
        'MASTER_PORT': str(port),
        'GLOO_SOCKET_IFNAME': 'lo',
    }


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        return taken.getsockname()[1]
