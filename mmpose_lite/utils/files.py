"""Writing and locking files that others may be reading, in folders that others may write to."""

from __future__ import annotations

import glob
import hashlib
import json
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from mmpose_lite.errors import InputError

if TYPE_CHECKING:  # it loads asyncio, which a command that only writes a file does without
    from filelock import FileLock

PART = '.part'
"""The ending of the names of files that are being written."""

_CHUNK = 1 << 20


@contextmanager
def replacing(path: str | Path, durable: bool = False) -> Iterator[BinaryIO]:
    """Write a file, binary, beside its place, and move it there when the block ends well.

    What was at the place stays until then; a link there is replaced, not followed. With
    ``durable`` the content is on the disk before the file is moved, and its name after. See
    :func:`beside`.
    """
    with beside(path, durable) as part, open(part, 'xb') as file:
        yield file
        file.flush()
        if durable:
            os.fsync(file.fileno())


@contextmanager
def beside(path: str | Path, durable: bool = False) -> Iterator[Path]:
    """Move what the block makes beside a place to that place when the block ends well.

    Yields the name beside, where nothing is yet. Nobody can foresee it, so nobody can put a link
    there, and two processes do not write into each other's. With ``durable`` the new name is on
    the disk in the end.
    """
    path = Path(path)
    part = path.with_name(f'.{path.name}.{secrets.token_hex(8)}{PART}')
    try:
        yield part
        os.replace(part, path)
        if durable:
            flush(path.parent)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


def write_json(path: str | Path, content: Any, **options: Any) -> None:
    """Write a JSON file whole or not at all; of the options see :func:`json.dumps`.

    Raises:
        TypeError: If the content is not plain data.
    """
    with replacing(path) as file:
        file.write(f'{json.dumps(content, **options)}\n'.encode())


def find_parts(folder: str | Path, name: str | None = None) -> list[Path]:
    """List what killed writers of a file, by default of any, have left, or are still writing."""
    pattern = f'.*{PART}' if name is None else f'.{glob.escape(name)}.*{PART}'
    return [path for path in sorted(Path(folder).glob(pattern)) if not path.is_dir()]


def remove_parts(path: str | Path) -> None:
    """Remove what writers of a file have left that were killed; only while none is at work."""
    for part in find_parts(Path(path).parent, Path(path).name):
        part.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Flush a file's content or a folder's names to the disk; Windows opens no folder."""
    if os.name == 'nt' and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def lock_file(path: str | Path) -> FileLock:
    """A lock by a file that is not there yet, or a regular one.

    Old releases of filelock empty what a link at its place leads to.

    Raises:
        InputError: If something else is at the place.
    """
    from filelock import FileLock

    if os.path.lexists(path) and not stat.S_ISREG(os.lstat(path).st_mode):
        raise InputError(f"'{path}' was not written as a lock: remove it")
    return FileLock(path)


def sha256(path: str | Path, size: int | None = None) -> str:
    """Compute the SHA-256 of a file, or of so many bytes at its start, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        left = os.fstat(file.fileno()).st_size if size is None else size
        while chunk := file.read(min(left, _CHUNK)):
            digest.update(chunk)
            left -= len(chunk)
    return digest.hexdigest()
