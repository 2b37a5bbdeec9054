"""Threads of a process: no more than it has cores, and none that spins while it waits.

torch counts the cores of the host, where a container may use a few of them; its threads wait by
spinning, so on cores that other processes use, too, they keep each other from working.
"""

from __future__ import annotations

import os
from collections.abc import Collection, MutableMapping
from pathlib import Path
from typing import NamedTuple

from .control_groups import group_folders

# By variable of an OpenMP runtime: how long a thread waits at a barrier before it sleeps. GNU's
# spins 300,000 times by itself, which takes milliseconds; 2,000 outlast the barriers of a network
# whose threads all have cores. Intel's and LLVM's count in milliseconds, 200 by themselves.
_WAITING = {'GOMP_SPINCOUNT': '2000', 'KMP_BLOCKTIME': '1'}


class Cores(NamedTuple):
    """The cores that a process may use."""

    machine: int  # all that there are
    allowed: Collection[int]  # by the affinity of the process (`taskset`, a cpuset)
    quota: float  # how many cores' time its control groups grant; infinite without a limit

    @property
    def usable(self) -> int:
        """Number of threads that have a core: the quota is rounded down, and one is always left."""
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
    """The cores' time that control groups, version 1 or 2, grant this process; inf if no limit."""
    return min(map(_quota, group_folders('cpu', root)), default=float('inf'))


def _quota(folder: Path) -> float:
    """The limit of one control group; a machine without a limit says ``max`` or -1."""
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


def limit_threads(
    processes: int | None = None,
    cores: int | None = None,
    environ: MutableMapping[str, str] = os.environ,
) -> None:
    """Set the variables by which OpenMP and MKL have as many threads as cores; before torch loads.

    What the environment says already stands. Nothing but the commands calls this: a program that
    imports the package has the threads that it chose.

    Args:
        processes: How many processes share the cores; by default what the launcher says.
        cores: How many cores there are to share; by default those of :func:`find_cores`.
        environ: The environment.
    """
    if 'OMP_WAIT_POLICY' not in environ:
        for name, value in _WAITING.items():
            environ.setdefault(name, value)
    if 'OMP_NUM_THREADS' not in environ:
        each = processes or int(environ.get('LOCAL_WORLD_SIZE', 1))
        environ['OMP_NUM_THREADS'] = str(max(1, (cores or _granted(environ)) // each))
    environ.setdefault('MKL_NUM_THREADS', environ['OMP_NUM_THREADS'])


def _granted(environ: MutableMapping[str, str]) -> int:
    """The cores of this process; Slurm may grant a task fewer than it can see."""
    asked = environ.get('SLURM_CPUS_PER_TASK', '') if 'SLURM_PROCID' in environ else ''
    count = find_cores().usable
    return min(count, int(asked)) if asked.isdigit() and int(asked) else count
