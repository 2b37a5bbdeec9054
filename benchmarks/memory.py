"""Memory of a process and its children, read from outside."""

from __future__ import annotations

from pathlib import Path

_PROC = Path('/proc')


def is_known() -> bool:
    """Tell whether this system reports memory (Linux does)."""
    return (_PROC / 'self' / 'smaps_rollup').is_file()


def tree_pss_mib(root: int) -> float:
    """Sum the proportional set sizes (PSS) of a process and all below it, in MiB.

    Pages that several processes share, such as those of a forked worker, count once in all.
    """
    return sum(map(pss_mib, _tree(root)))


def children(root: int) -> list[int]:
    """All processes below a process."""
    return _tree(root)[1:]


def _tree(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for path in _PROC.glob('[0-9]*/stat'):
        try:
            # pid (name, which may hold spaces) state parent ...
            parent = int(path.read_text().rpartition(')')[2].split()[1])
        except OSError:  # it ended meanwhile
            continue
        children.setdefault(parent, []).append(int(path.parent.name))
    found = [root]
    for pid in found:  # grows while it is read
        found += children.get(pid, [])
    return found


def pss_mib(pid: int) -> float:
    """The proportional set size of one process, in MiB; 0 if it has ended."""
    return _rollup_mib(pid, 'Pss')


def own_mib(pid: int) -> float:
    """Memory of a process besides mapped files, in MiB; 0 if it has ended.

    It depends neither on what else is running nor on what is still shared with a parent.
    """
    return _rollup_mib(pid, 'Anonymous')


def _rollup_mib(pid: int, kind: str) -> float:
    try:
        lines = (_PROC / str(pid) / 'smaps_rollup').read_text().splitlines()
    except OSError:  # it ended meanwhile
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f'{kind}:')), 0) / 1024
