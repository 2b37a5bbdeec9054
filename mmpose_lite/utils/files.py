"""Writing files that others may be reading, in folders that others may write to."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

PART = '.part'
"""The ending of the names of files that are being written."""


@contextmanager
def replacing(path: str | Path, durable: bool = False) -> Iterator[BinaryIO]:
    """Write a file beside its place, and move it there when the block ends well.

    The name beside is one that nobody can foresee, so nobody can put a link there, and two
    processes do not write into each other's. What was at the place stays until then.

    Args:
        path: The place. A link there is replaced, not followed.
        durable: Whether the content must be on the disk before the file is moved.

    Yields:
        The open file, binary.
    """
    path = Path(path)
    part = path.with_name(f'{path.name}.{secrets.token_hex(8)}{PART}')
    try:
        with part.open('xb') as file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def remove_parts(path: str | Path) -> None:
    """Remove what writers of a file have left that were killed; only while none is at work."""
    path = Path(path)
    for part in path.parent.iterdir():
        if part.name.startswith(f'{path.name}.') and part.name.endswith(PART):
            part.unlink(missing_ok=True)
