"""Threads of a process: no more than it has cores, and none that spins while it waits.

torch counts the cores of the host, where a container may use a few of them; its threads wait by
spinning, so on cores that other processes use, too, they keep each other from working.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Collection, Iterator, MutableMapping
from pathlib import Path
from typing import NamedTuple

# By variable of an OpenMP runtime: how long a thread waits at a barrier before it sleeps. GNU's
# spins 300,000 times by itself, which takes milliseconds; 2,000 outlast the barriers of a network
# whose threads all have cores. Intel's and LLVM's count in milliseconds, 200 by themselves.
_WAITING = {'GOMP_SPINCOUNT': '2000', 'KMP_BLOCKTIME': '1'}
# How often to look at what other processes do, and how often a change for more has to hold.
_LOOK_EVERY_S = 5.0
_QUIET_LOOKS = 2


class Cores(NamedTuple):
    """The cores that a process may use.

    Attributes:
        machine: All cores of the machine.
        allowed: Those that the affinity of the process (``taskset``, a cpuset) leaves.
        quota: How many cores' time its control groups grant; infinite without a limit.
    """

    machine: int
    allowed: Collection[int]
    quota: float

    @property
    def usable(self) -> int:
        """Number of threads that have a core: the quota is rounded down, and one is always left."""
        return max(1, int(min(len(self.allowed), self.quota)))

    def __str__(self) -> str:
        quota = '' if self.quota == float('inf') else f', a quota of {self.quota:g}'
        return f'{self.usable} of {self.machine} (affinity to {len(self.allowed)}{quota})'


def find_cores(root: str | Path = '/') -> Cores:
    """Find the cores that this process may use.

    Args:
        root: Where ``proc`` and ``sys`` are.
    """
    machine = os.cpu_count() or 1
    affinity = os.sched_getaffinity(0) if hasattr(os, 'sched_getaffinity') else range(machine)
    return Cores(machine, affinity, cpu_quota(root))


def cpu_quota(root: str | Path = '/') -> float:
    """The cores' time that control groups, version 1 or 2, grant this process; inf without a limit.

    Args:
        root: Where ``proc`` and ``sys`` are.
    """
    groups = Path(root) / 'proc/self/cgroup'
    try:
        lines = groups.read_text().splitlines()
    except OSError:  # not Linux
        return float('inf')
    quotas = [_quota(folder) for line in lines for folder in _folders(line, Path(root))]
    return min(quotas, default=float('inf'))


def _folders(line: str, root: Path) -> Iterator[Path]:
    """Yield the folders that may limit a line ``ID:CONTROLLERS:GROUP``: its own and the parents'.

    In a container the line may name the group by the host's path, of which nothing is mounted but
    the end: the folders that are not there have no limits.
    """
    _, controllers, group = line.split(':', 2)
    mounts = [controllers, 'cpu'] if controllers else ['', 'unified']
    if controllers and 'cpu' not in controllers.split(','):
        return
    for mount in mounts:
        folder = root / 'sys/fs/cgroup' / mount
        below = folder / group.strip('/')
        yield from (each for each in (below, *below.parents) if each.is_relative_to(folder))


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
        if each == 1:
            load.begin(int(environ['OMP_NUM_THREADS']))
    environ.setdefault('MKL_NUM_THREADS', environ['OMP_NUM_THREADS'])


def _granted(environ: MutableMapping[str, str]) -> int:
    """The cores of this process; Slurm may grant a task fewer than it can see."""
    asked = environ.get('SLURM_CPUS_PER_TASK', '') if 'SLURM_PROCID' in environ else ''
    count = find_cores().usable
    return min(count, int(asked)) if asked.isdigit() and int(asked) else count


class Load:
    """What other processes leave of the cores, seen every few seconds.

    Two threads of which one has to wait for its core are slower than one thread alone, as all wait
    at the end of each operation. So under load there are half as many threads, a quarter of
    them, and so on down to one. Loader workers count as the other processes they are.

    Args:
        root: Where ``proc`` and ``sys`` are.

    Attributes:
        threads: The number chosen last; 0 while nothing has been.
    """

    def __init__(self, root: str | Path = '/') -> None:
        self.threads = 0
        self._root = Path(root)
        self._seen = (0.0, 0.0, 0.0)
        self._quiet = 0

    def begin(self, threads: int) -> None:
        """Begin to look, with so many threads."""
        self.threads = threads
        self._seen = (time.monotonic(), time.process_time(), self._busy(find_cores(self._root)))

    def choose(self, now: float, own: float) -> int:
        """Choose the number of threads for the next seconds.

        Args:
            now: The time, in seconds.
            own: CPU time that this process has taken so far, in seconds.
        """
        past, own_past, busy_past = self._seen
        if now - past < _LOOK_EVERY_S:
            return self.threads
        cores = find_cores(self._root)
        busy = self._busy(cores)
        self._seen = (now, own, busy)
        others = (busy - busy_past - (own - own_past)) / (now - past)
        wanted = fitting_threads(cores.usable, len(cores.allowed) - others)
        # A moment in which the others wait for a disk is no end of their work.
        self._quiet = self._quiet + 1 if wanted > self.threads else 0
        if wanted < self.threads or self._quiet == _QUIET_LOOKS:
            self._quiet = 0
            self.threads = wanted
        return self.threads

    def _busy(self, cores: Cores) -> float:
        return busy_seconds(self._root / 'proc/stat', cores.allowed)


def fitting_threads(most: int, free: float) -> int:
    """The largest of ``most``, a half of it, a quarter, ... that fits into the free cores.

    A quarter of the cores may be busy: background work on some would halve the threads for nothing.
    """
    threads = most
    while threads > 1 and free < 0.75 * threads:
        threads //= 2
    return threads


def busy_seconds(stat: Path, cores: Collection[int]) -> float:
    """CPU time that some cores have worked, or that a host gave to others, since they started.

    Args:
        stat: The file ``/proc/stat``; without it, 0.
        cores: The cores.
    """
    try:
        text = stat.read_text()
    except OSError:
        return 0.0
    ticks = 0
    for core, numbers in re.findall(r'^cpu(\d+) (.*)$', text, flags=re.MULTILINE):
        if int(core) in cores:
            user, nice, system, _, _, *more = map(int, numbers.split())
            ticks += user + nice + system + sum(more[:3])  # interrupts and what was stolen
    return ticks / os.sysconf('SC_CLK_TCK')


load = Load()
"""That of this process."""


def follow_load() -> str | None:
    """Adapt this process's threads to what other processes leave of the cores.

    It is called between two steps. It changes nothing where ``OMP_NUM_THREADS`` says how many
    threads there are, no command has started the process, results are asked to be deterministic,
    or there is no ``/proc/stat``.

    Returns:
        A line for the log where the number has changed: sums may then differ in their last bits.
    """
    import torch

    before = torch.get_num_threads()
    # 0: it is not ours to choose; another number than ours: somebody else has chosen since.
    if before != load.threads or torch.are_deterministic_algorithms_enabled():
        return None
    after = load.choose(time.monotonic(), time.process_time())
    if after == before:
        return None
    torch.set_num_threads(after)
    why = 'other processes are busy' if after < before else 'other processes leave more cores'
    return (
        f'{after} instead of {before} threads: {why}. The last bits of sums depend on the number; '
        f'OMP_NUM_THREADS={before} keeps it'
    )
