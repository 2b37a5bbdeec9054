"""A process on Linux: the control groups that limit it, and its freed memory."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from functools import cache
from pathlib import Path

# Names of glibc's parameters, see mallopt(3).
_TRIM_THRESHOLD = -1
_MMAP_MAX = -4

# A free end of the heap of this size goes back to the system: larger ones make a run's peak as
# high as the sum of the peaks of its parts, smaller ones make it fault its pages in again. What 1
# GiB gains and costs is in docs/performance.md.
_KEPT_BYTES = 2**28


def group_folders(controller: str, root: str | Path = '/') -> Iterator[Path]:
    """Yield the folders of this process's control groups (version 1 or 2), nearest first.

    The parents of a group limit it too, and follow it. Other systems have none.

    Args:
        controller: Such as ``'cpu'`` or ``'memory'``.
        root: Where ``proc`` and ``sys`` are.
    """
    try:
        lines = (Path(root) / 'proc/self/cgroup').read_text().splitlines()
    except OSError:  # not Linux
        return
    for line in lines:
        yield from _folders(line, controller, Path(root))


def _folders(line: str, controller: str, root: Path) -> Iterator[Path]:
    """Yield the folders of a line ``ID:CONTROLLERS:GROUP``."""
    # In a container the line may name the group by the host's path, of which nothing is mounted
    # but the end: the folders that are not there have no limits.
    _, controllers, group = line.split(':', 2)
    mounts = [controllers, controller] if controllers else ['', 'unified']
    if controllers and controller not in controllers.split(','):
        return
    for mount in dict.fromkeys(mounts):
        folder = root / 'sys/fs/cgroup' / mount
        below = folder / group.strip('/')
        yield from (each for each in (below, *below.parents) if each.is_relative_to(folder))


@cache
def keep_freed_memory() -> bool:
    """Make the C library reuse freed memory instead of giving it back; False if it is not glibc.

    glibc asks the system for every large block and returns it when it is freed. A network
    allocates its feature maps anew at each step, and a renderer its pictures; either would spend up
    to half of its time on the faults of their fresh pages. It is set once a process; those that
    are forked later inherit it.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return bool(mallopt(_MMAP_MAX, 0) and mallopt(_TRIM_THRESHOLD, _KEPT_BYTES))
