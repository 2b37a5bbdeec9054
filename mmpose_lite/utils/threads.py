"""Threads and workers of a process: no more than it has cores for, and none that spins for long.

torch counts the cores of the host, even if a container may use only a few of them. Its threads wait
by spinning, so on cores that other processes use as well they keep each other from working. Even if
they sleep instead, each barrier waits for the thread whose core is taken.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, MutableMapping
from pathlib import Path
from typing import NamedTuple

from .linux import group_folders

# How long a thread spins at a barrier before it sleeps, by the variable of an OpenMP runtime. GNU's
# default is 300,000 rounds, which take milliseconds; 2,000 outlast the barriers of a network whose
# threads all have cores. Intel's and LLVM's count in milliseconds; their default is 200.
_WAITING = {'GOMP_SPINCOUNT': '2000', 'KMP_BLOCKTIME': '1'}

# The cores' working time when this process chose its number of threads; None if the environment or
# a caller chose it.
_at_start: CoreTime | None = None
_has_shared = False  # cores with others: this is decided once


class Cores(NamedTuple):
    """The cores that a process may use."""

    machine: int  # cores of the machine
    allowed: Collection[int]  # those in the affinity of the process (`taskset`, a cpuset)
    quota: float  # cores' worth of time that its control groups grant; infinite without a limit

    @property
    def usable(self) -> int:
        """Number of threads that have a core: at least 1, and a quota is rounded down."""
        return max(1, int(min(len(self.allowed), self.quota)))

    def __str__(self) -> str:
        quota = '' if self.quota == float('inf') else f', a quota of {self.quota:g}'
        return f'{self.usable} of {self.machine} (affinity to {len(self.allowed)}{quota})'


def find_cores(root: str | Path = '/') -> Cores:
    """Find the cores that this process may use; ``root`` is where ``proc`` and ``sys`` are."""
    machine = os.cpu_count() or 1
    affinity = os.sched_getaffinity(0) if hasattr(os, 'sched_getaffinity') else range(machine)
    return Cores(machine, affinity, cpu_quota(root))


def cpu_quota(root: str | Path = '/') -> float:
    """Cores' worth of time that control groups (v1 or v2) grant this process; inf: no limit."""
    return min(map(_quota, group_folders('cpu', root)), default=float('inf'))


def _quota(folder: Path) -> float:
    """The limit of one control group; ``max`` or -1 in its files means none."""
    try:
        if (folder / 'cpu.max').is_file():
            quota, period = (folder / 'cpu.max').read_text().split()
        else:
            quota, period = (
                (folder / f'cpu.cfs_{name}_us').read_text().strip() for name in ('quota', 'period')
            )
        limit = int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return float('inf')
    return limit if limit > 0 else float('inf')


class CoreTime(NamedTuple):
    """A moment, and the seconds that cores have worked up to it."""

    moment: float
    all: float  # for all processes, except those that yield to others (`nice`)
    own: float  # for this process and its children

    @classmethod
    def now(cls, allowed: Collection[int], root: str | Path = '/') -> CoreTime | None:
        """Read the times of some cores; None if the system does not provide them."""
        try:
            rows = [line.split() for line in (Path(root) / 'proc/stat').read_text().splitlines()]
            names = {f'cpu{core}' for core in allowed}
            # user, nice, system, idle, iowait, irq, softirq; see proc_stat(5)
            work = sum(int(row[i]) for row in rows if row and row[0] in names for i in (1, 3, 6, 7))
            seconds = work / os.sysconf('SC_CLK_TCK')
        except (AttributeError, IndexError, OSError, ValueError):
            return None
        return cls(time.monotonic(), seconds, sum(os.times()[:4]))

    def others_since(self, earlier: CoreTime) -> int:
        """The number of cores that other processes have kept busy since an earlier moment."""
        work = (self.all - earlier.all) - (self.own - earlier.own)
        return max(0, round(work / max(self.moment - earlier.moment, 1e-9)))


def limit_threads(
    processes: int | None = None,
    cores: int | None = None,
    environ: MutableMapping[str, str] = os.environ,
) -> None:
    """Give OpenMP and MKL as many threads as there are cores; call it before torch is loaded.

    It sets environment variables, and leaves those that are set. Only the commands call it: a
    program that imports the package keeps the threads that it chose.

    Args:
        processes: Number of processes that share the cores; by default the launcher's.
        cores: Number of cores to share; by default that of :func:`find_cores`.
        environ: The environment.
    """
    if 'OMP_WAIT_POLICY' not in environ:
        for name, value in _WAITING.items():
            environ.setdefault(name, value)
    if 'OMP_NUM_THREADS' not in environ:
        if environ is os.environ and processes is None and 'LOCAL_WORLD_SIZE' not in environ:
            global _at_start
            _at_start = CoreTime.now(find_cores().allowed)
        environ['OMP_NUM_THREADS'] = str(_share(environ, processes, cores))
    environ.setdefault('MKL_NUM_THREADS', environ['OMP_NUM_THREADS'])


def limit_workers(asked: int, environ: MutableMapping[str, str] = os.environ) -> int:
    """Give a loader at most as many workers as this process has cores.

    From a local disk, more load no faster, and each takes memory and time to start. What they load
    does not depend on their number.
    """
    return min(asked, _share(environ))


def share_cores() -> str:
    """Leave half of each core that other processes keep busy to them; call it with torch loaded.

    Busy cores are those that others kept busy since :func:`limit_threads`, while libraries loaded;
    a later call changes nothing, for then there are workers of this process. On two cores beside
    two busy loops, one thread is faster than two that wait for each other at every barrier. A
    process whose quota gives it fewer threads than cores leaves cores to others already. Nothing
    changes if the number of threads was not this process's choice.

    Returns:
        A sentence for the log; empty if nothing changes.
    """
    import torch

    global _has_shared
    cores, threads = find_cores().allowed, torch.get_num_threads()
    now = CoreTime.now(cores) if _at_start and not _has_shared else None
    busy = min(now.others_since(_at_start), len(cores)) if _at_start and now else 0
    kept = max(1, min(threads, len(cores) - (busy + 1) // 2))
    _has_shared = True
    if kept == threads:
        return ''
    torch.set_num_threads(kept)
    return (
        f'other processes keep {busy} of {len(cores)} cores busy: {kept} of {threads} threads are '
        f'used (OMP_NUM_THREADS={threads} uses all)'
    )


def resume_threads(count: int) -> str:
    """Use as many threads as a resumed run did before, if their number is this process's choice.

    The last bits of sums depend on it.

    Returns:
        A sentence for the log; empty if nothing changes.
    """
    import torch

    threads, usable = torch.get_num_threads(), find_cores().usable
    if count == threads:
        return ''
    if _at_start is None or count > usable:
        return (
            f'the run that is resumed had {count} thread(s), and this one has {threads}: the last '
            'bits of its numbers may be others'
        )
    torch.set_num_threads(count)
    return (
        f'{count} of {max(threads, usable)} threads are used, as many as by the run that is '
        f'resumed: the last bits of its numbers depend on it (OMP_NUM_THREADS={usable} uses all)'
    )


def _share(
    environ: MutableMapping[str, str], processes: int | None = None, cores: int | None = None
) -> int:
    """Number of cores of each process that shares them, at least 1."""
    each = processes or int(environ.get('LOCAL_WORLD_SIZE', 1))
    return max(1, (cores or _granted(environ)) // each)


def _granted(environ: MutableMapping[str, str]) -> int:
    """Number of cores of this process; Slurm may grant a task fewer than it can see."""
    asked = environ.get('SLURM_CPUS_PER_TASK', '') if 'SLURM_PROCID' in environ else ''
    count = find_cores().usable
    return min(count, int(asked)) if asked.isdigit() and int(asked) else count
