"""Locks between processes, by files."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from filelock import FileLock

from ..errors import InputError


def lock_file(path: str | Path) -> FileLock:
    """A lock by a file that is not there yet, or a regular one.

    Old releases of filelock empty what a link at its place leads to.

    Raises:
        InputError: If something else is at the place.
    """
    if os.path.lexists(path) and not stat.S_ISREG(os.lstat(path).st_mode):
        raise InputError(f"'{path}' was not written as a lock: remove it")
    return FileLock(path)
