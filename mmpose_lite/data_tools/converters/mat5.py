"""Reading MATLAB's files of version 5: arrays of numbers, texts, and cells of texts.

Files may come from anybody, and be damaged. No more room is made than a file has content, unpacked,
and no more of that than :data:`MOST_BYTES`.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from numpy import ndarray

from mmpose_lite.utils import InputError, MissingFileError

MOST_BYTES = 1 << 28
"""Of a file, unpacked."""

_HEADER = 128
_MATRIX, _PACKED = 14, 15
_CELL, _CHAR, _NUMBERS, _COMPLEX = 1, 4, range(6, 16), 0x800
_DTYPES = {
    1: 'i1',
    2: 'u1',
    3: 'i2',
    4: 'u2',
    5: 'i4',
    6: 'u4',
    7: 'f4',
    9: 'f8',
    12: 'i8',
    13: 'u8',
}
_ENCODINGS = {
    **dict.fromkeys((1, 2), 'latin1'),
    **dict.fromkeys((4, 17), 'utf-16-{}'),
    16: 'utf-8',
    18: 'utf-32-{}',
}

Part = tuple[int, memoryview]


def read_mat5(path: str | Path, names: Collection[str]) -> dict[str, ndarray]:
    """Read variables of a file.

    Args:
        path: The file.
        names: The variables; others are passed over.

    Returns:
        Those that are there: numbers in their shape, texts and cells as arrays of str: the rows of
        a text, the first row of each cell.

    Raises:
        MissingFileError: If there is no such file.
        InputError: If it is no such file, or is damaged, or a variable is neither numbers nor text;
            the message names it.
    """
    if not Path(path).is_file():
        raise MissingFileError(f"mat='{path}' does not exist")
    content = memoryview(Path(path).read_bytes())
    if b'7.3' in bytes(content[:_HEADER]):
        raise InputError(f'{path}: a file of MATLAB 7.3, not of version 5')
    order = {b'IM': '<', b'MI': '>'}.get(bytes(content[_HEADER - 2 : _HEADER]))
    if order is None:
        raise InputError(f'{path}: no MATLAB file of version 5')
    found: dict[str, ndarray] = {}
    place = 'no MATLAB file, or a damaged one:'
    try:
        for part in _unpacked(content[_HEADER:], order):
            matrix = _Matrix(part, order)
            if matrix.name in names:
                place = f"'{matrix.name}'"
                found[matrix.name] = matrix.values()
                place = f"is damaged behind '{matrix.name}':"
    except (ValueError, zlib.error, struct.error) as error:
        raise InputError(f'{path}: {place} {error}') from error
    return found


def _unpacked(content: memoryview, order: str) -> Iterator[memoryview]:
    """The variables of a file."""
    left = MOST_BYTES
    for kind, part in _parts(content, order):
        if kind == _PACKED:
            part = memoryview(zlib.decompressobj().decompress(part, left))
        left -= len(part)
        if left <= 0:
            raise ValueError(f'more than {MOST_BYTES} bytes, unpacked')
        if kind == _PACKED:
            kind, part = next(_parts(part, order), (0, part))
        if kind == _MATRIX:
            yield part


def _parts(content: memoryview, order: str) -> Iterator[Part]:
    """The parts that follow each other in a piece of a file: kinds and contents."""
    place = 0
    while place + 8 <= len(content):
        kind, size = struct.unpack_from(f'{order}II', content, place)
        begin = place + 8
        if kind >> 16:  # up to four bytes stand in the place of their number
            kind, size, begin = kind & 0xFFFF, kind >> 16, place + 4
        if size > len(content) - begin:
            raise ValueError('it ends early')
        yield kind, content[begin : begin + size]
        place = begin + size
        place += -place % 8 if kind != _PACKED else 0


class _Matrix:
    """A variable, or a cell: its name, its class, its sides, and the parts that hold its values."""

    def __init__(self, content: memoryview, order: str) -> None:
        self._order, self._parts = order, _parts(content, order)
        (_, flags), (_, sides), (_, name) = islice(self._parts, 3)
        (self._flags,) = struct.unpack_from(f'{order}I', flags)
        self._class = self._flags & 0xFF
        self.sides = struct.unpack(f'{order}{len(sides) // 4}i', sides[: len(sides) // 4 * 4])
        self.name = bytes(name).decode('latin1')

    def values(self) -> ndarray:
        """The values that it holds; see :func:`read_mat5`."""
        if self._class == _CELL:
            return np.array(self._cells(), dtype=str)
        return np.array(self._texts(), dtype=str) if self._class == _CHAR else self._numbers()

    def _cells(self) -> list[str]:
        cells = [_Matrix(part, self._order) for kind, part in self._parts if kind == _MATRIX]
        self._check_count(len(cells))
        return [next(iter(cell._texts()), '') for cell in cells]

    def _texts(self) -> list[str]:
        """The rows of a text."""
        if self._class != _CHAR and math.prod(self.sides):
            raise ValueError('does not hold names')
        kind, content = next(self._parts, (2, memoryview(b'')))
        encoding = _ENCODINGS.get(kind)
        if encoding is None:
            raise ValueError(f'has text of the kind {kind}')
        text = bytes(content).decode(encoding.format({'<': 'le', '>': 'be'}[self._order]))
        self._check_count(len(text))
        rows = self.sides[0] if text else 0
        return [text[row::rows] for row in range(rows)]

    def _numbers(self) -> ndarray:
        if self._class not in _NUMBERS or self._flags & _COMPLEX:
            raise ValueError('does not hold real numbers')
        kind, content = next(self._parts, (9, memoryview(b'')))
        if kind not in _DTYPES:
            raise ValueError(f'has numbers of the kind {kind}')
        values = np.frombuffer(content, self._order + _DTYPES[kind])
        self._check_count(len(values))
        return values.reshape(self.sides, order='F')

    def _check_count(self, found: int) -> None:
        if min(self.sides, default=0) < 0 or math.prod(self.sides) != found:
            raise ValueError(f'is said to be {self.sides}, and holds {found} values')
