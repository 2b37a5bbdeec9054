"""Looking at a checkpoint file without running anything of it, and before room is made for it.

``torch.load(weights_only=True)`` alone runs no code, but it unpacks small files to huge ones, makes
tensors larger than their content, and knows more types than checkpoints need. Here the file is
followed step by step first, with stand-ins for everything; see :mod:`.dry_run`.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any, BinaryIO

from .archive import Archive
from .dry_run import LONGEST_PICKLE, DryRun
from .refusals import RefusedError, UnreadableError
from .stand_ins import Storage

_MAGIC = 0x1950A86A20F9469CFC6C  # of torch's files before they were zips
_PROTOCOL = 1001
_MOST_NESTED = 60
_MOST_ENTRIES = 4_000_000
_ZIP = b'PK\3\4'
_PICKLE = b'\x80'


def inspect_file(file: BinaryIO, check_sums: bool = True) -> Any:
    """Check that a file holds tensors and plain data, all of it in the file.

    Args:
        file: The file; its position is anywhere afterwards.
        check_sums: Whether a zip's members are compared with their checksums.

    Returns:
        Its content, with stand-ins for tensors and arrays.

    Raises:
        RefusedError: If it holds anything else; the message names the type or the field.
        UnreadableError: If it is no checkpoint, or a damaged one.
    """
    size = file.seek(0, 2)
    file.seek(0)
    is_zip = file.read(4) == _ZIP
    content = _inspect_zip(file, check_sums) if is_zip else _inspect_old(file, size)
    _check_extent(content)
    return content


def _inspect_zip(file: BinaryIO, check_sums: bool) -> Any:
    archive = Archive(file)

    def check(storage: Storage, size: int) -> None:
        there = archive.storages.get(storage.key)
        if there != size:
            raise RefusedError(
                f'the storage {storage.key} of {size} bytes, and the file has {there}'
            )

    content = _whole(DryRun(stream := io.BytesIO(archive.open_pickle()), check), stream)
    if check_sums:
        archive.check_sums()
    return content


def _whole(run: DryRun, stream: BinaryIO) -> Any:
    content = run.load()
    if stream.read(1):
        raise RefusedError('a pickle with something behind its end')
    return content


def _inspect_old(file: BinaryIO, size: int) -> Any:
    """Files of torch before 1.6: four pickles in a row, and the storages behind a fifth."""
    file.seek(257)
    if file.read(5) == b'ustar':
        raise RefusedError('a tar file')
    file.seek(0)
    storages: dict[str, int] = {}

    def check(storage: Storage, length: int) -> None:
        storages[storage.key] = length
        if sum(storages.values()) > size:
            raise RefusedError(f'a storage of {length} bytes, and the file has {size} in all')

    stream = _Clamped(file, size)
    try:
        is_torch = DryRun(stream).load() == _MAGIC
    except UnreadableError:
        file.seek(0)
        if file.read(1) == _PICKLE:
            raise
        is_torch = False
    if not is_torch or DryRun(stream).load() != _PROTOCOL:
        raise UnreadableError('it is no file of torch')
    DryRun(stream).load()
    content = DryRun(stream, check, fields=6).load()
    keys = DryRun(stream).load()
    good = type(keys) is list and all(type(key) is str for key in keys)
    if not good or sorted(keys) != sorted(storages):
        raise RefusedError('a list of storages that are not those of its tensors')
    _check_storages(file, ((key, storages[key]) for key in keys), size)
    return content


class _Clamped:
    """A file that makes no room for more bytes than it has, whatever length a pickle names."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self.tell = file.tell

    def read(self, count: int) -> bytes:
        return self._file.read(min(count, self._size - self._file.tell(), LONGEST_PICKLE))

    def readline(self) -> bytes:
        return self._file.readline(LONGEST_PICKLE)


def _check_storages(file: BinaryIO, storages: Iterable[tuple[str, int]], size: int) -> None:
    """Each is its number of elements in eight bytes, and then the elements."""
    position = file.tell()
    for key, length in storages:
        file.seek(position)
        count = int.from_bytes(file.read(8), 'little', signed=True)
        if length and (count <= 0 or length % count or length // count not in (1, 2, 4, 8)):
            raise RefusedError(f'the storage {key} of {length} bytes with {count} elements')
        position += 8 + length
    if position > size:
        raise UnreadableError('it is cut short')


def _check_extent(content: Any) -> None:
    """Refuse what is small in the file and endless to walk: cycles, depth, and shared parts."""
    entries: dict[int, int] = {}
    above: set[int] = set()
    todo: list[tuple[Any, bool]] = [(content, False)]
    while todo:
        value, is_done = todo.pop()
        children = _children(value)
        if is_done:
            above.discard(id(value))
            entries[id(value)] = 1 + sum(entries.get(id(child), 1) for child in children)
            if entries[id(value)] > _MOST_ENTRIES:
                raise RefusedError('parts that hold each other many times over')
        elif id(value) in above:
            raise RefusedError('a part that holds itself')
        elif id(value) not in entries:
            above.add(id(value))
            if len(above) > _MOST_NESTED:
                raise RefusedError(f'parts nested more than {_MOST_NESTED} deep')
            todo.append((value, True))
            todo += [(child, False) for child in children if _children(child)]


def _children(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list | tuple | set) else ()
