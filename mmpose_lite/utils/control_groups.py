"""Control groups of Linux, versions 1 and 2: the folders that may limit this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path


def group_folders(controller: str, root: str | Path = '/') -> Iterator[Path]:
    """Yield the folders of this process's groups and their parents, nearest first; none elsewhere.

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
