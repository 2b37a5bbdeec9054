"""Reading the published lists of AFLW: Zhu et al.'s MATLAB file, and HRNet's three CSV files.

Files of MATLAB (version 5: arrays of numbers, texts, and cells of texts) may come from anybody, and
be damaged. No more room is made than a file has content, unpacked, and no more of that than
:data:`MOST_BYTES`.
"""

from __future__ import annotations

import csv
import math
import struct
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray

from mmpose_lite.errors import InputError, MissingFileError, MissingKeyError
from mmpose_lite.structures.keypoint.transforms import FARTHEST

from .annotation_files import LISTED_TWICE, Face, are_coordinates, both_labels
from .report import ConversionReport

NUM_POINTS = 19
_COLUMNS = {'bbox': 4, 'data': 2 * NUM_POINTS, 'mask_new': NUM_POINTS}
_FIRST_COLUMNS = ['image_name', 'scale', 'box_size', 'center_w', 'center_h']
_NUM_COLUMNS = len(_FIRST_COLUMNS) + 2 * NUM_POINTS
_SPLITS = ('train', 'test', 'test_frontal')
_TOLERANCE = 1e-4  # of box_size; the side stands there twice
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


def read_mat(
    path: str | Path, num_train: int, report: ConversionReport
) -> tuple[list[Face], list[Face]]:
    """Read the faces in the order of the split.

    Args:
        path: The file: ``nameList`` (names below AFLW's ``flickr`` folder), ``bbox`` (left, right,
            top, bottom), ``data`` (all x, then all y), ``mask_new`` (1: visible), ``ra`` (row
            numbers from 1, those of training first).
        num_train: How many of ``ra`` are training faces.
        report: Gets faces that cannot be used, boxes that are no squares, and visibilities that
            are neither 0 nor 1.

    Returns:
        Training and test faces; ``visibility`` and ``box_size`` are extra fields.

    Raises:
        MissingFileError: If there is no such file.
        MissingKeyError: If a field is missing.
        InputError: If it is no such file, or fields do not fit each other.
    """
    content = _load(str(path))
    names = _mat_names(path, content['nameList'])
    tables = {key: _table(path, content, key, len(names)) for key in _COLUMNS}
    order = _order(path, content['ra'], len(names))
    if num_train >= len(names):
        raise InputError(
            f"{path}: 'ra' has {len(names)} faces, none are left for the test after {num_train} "
            'for training; --expect train=N names another number'
        )
    faces: dict[int, Face] = {}
    for row, name in enumerate(names):
        values = {key: table[row] for key, table in tables.items()}
        reason = _mat_fault(name, values)
        if reason:
            report.leave_out(reason, f'row {row + 1} of {path}')
        else:
            faces[row] = _mat_face(f'{Path(path).name}, row {row + 1}', name, values, report)
    train, test = (
        [faces[row] for row in rows if row in faces]
        for rows in (order[:num_train], order[num_train:])
    )
    return train, test


def _load(path: str) -> dict[str, ndarray]:
    keys = ('nameList', 'ra', *_COLUMNS)
    content = read_mat5(path, keys)
    missing = [key for key in keys if key not in content]
    if missing:
        raise MissingKeyError(f"{path}: lacks '{missing[0]}'; has {len(keys) - len(missing)} of it")
    return content


def _mat_names(path: str | Path, cells: ndarray) -> list[str]:
    """The names, '' where a cell is empty."""
    if cells.dtype.kind != 'U':
        raise InputError(f"{path}: 'nameList' does not hold names")
    return [str(name).strip() for name in cells.tolist()]


def _numbers(path: str | Path, key: str, values: Any) -> ndarray:
    """The values as floats; boxes may be stored as small integers."""
    if not isinstance(values, ndarray) or values.dtype.kind not in 'biuf':
        raise InputError(f"{path}: '{key}' does not hold real numbers")
    return values.astype(np.float64)


def _table(path: str | Path, content: dict[str, Any], key: str, rows: int) -> ndarray:
    values = _numbers(path, key, content[key])
    if values.shape != (rows, _COLUMNS[key]):
        raise InputError(f"{path}: '{key}' is {values.shape}, not ({rows}, {_COLUMNS[key]})")
    return values


def _order(path: str | Path, ra: Any, count: int) -> list[int]:
    """Row numbers from 0 in the order of the split."""
    order = _numbers(path, 'ra', ra).ravel() - 1
    if not np.array_equal(np.sort(order), np.arange(count)):
        raise InputError(f"{path}: 'ra' does not hold each number from 1 to {count} once")
    return order.astype(np.int64).tolist()


def _mat_fault(name: str, values: Mapping[str, ndarray]) -> str:
    """Give the reason why a row cannot be used; empty if it can."""
    if not name:
        return 'it names no photograph'
    if not are_coordinates(values['bbox'], values['data']):
        return 'its box or points are not finite numbers, or in no image'
    return '' if max(_sides(values['bbox'])) > 0 else 'its box has no area'


def _sides(box: ndarray) -> tuple[float, float]:
    left, right, top, bottom = box.tolist()
    return right - left, bottom - top


def _mat_face(
    where: str, name: str, values: Mapping[str, ndarray], report: ConversionReport
) -> Face:
    left, right, top, bottom = values['bbox'].tolist()
    width, height = _sides(values['bbox'])
    visible, side = values['mask_new'] > 0, max(width, height)
    face = Face(
        image=name,
        where=where,
        points=values['data'].reshape(2, NUM_POINTS).T,
        flags=np.ones(NUM_POINTS, dtype=np.int64),
        center=((left + right) / 2, (top + bottom) / 2),
        side=side,
        corner=(left, top),
        extra={'box_size': side, 'visibility': visible.astype(int).tolist()},
    )
    if width != height:
        report.note('the box is not a square, the longer side counts', face.label)
    if not np.isin(values['mask_new'], (0, 1)).all():
        report.note("'mask_new' is neither 0 nor 1: what is above 0 can be seen", face.label)
    return face


def read_csv(folder: str | Path, report: ConversionReport) -> dict[str, list[Face]]:
    """Read the three lists.

    Args:
        folder: Where they are.
        report: Gets faces whose box has no area, and frontal faces that are not in the test list
            or stand twice in theirs.

    Returns:
        The faces of each list; ``box_size`` is an extra field. Frontal faces are those of the
        test list that are in the other as well.

    Raises:
        MissingFileError: If a list is missing.
        InputError: If a line cannot be used; the message names file, line and column.
    """
    paths = {name: Path(folder, f'face_landmarks_aflw_{name}.csv') for name in _SPLITS}
    sets = {name: _read_csv_list(path, report) for name, path in paths.items()}
    sets['test_frontal'] = _frontal(sets['test_frontal'], sets['test'], report)
    return sets


def _frontal(
    listed: Sequence[Face], tested: Sequence[Face], report: ConversionReport
) -> list[Face]:
    """The test faces that the list of frontal faces names."""
    known = {_csv_key(face): face for face in tested}
    seen: dict[tuple, Face] = {}
    found = []
    for face in listed:
        key = _csv_key(face)
        if key not in known:
            report.leave_out('it is frontal, and not among the test faces', face.label)
            continue
        if key in seen:
            report.note(LISTED_TWICE, both_labels(seen[key], face))
        seen.setdefault(key, face)
        found.append(known[key])
    return found


def _csv_key(face: Face) -> tuple:
    return face.image, face.center, face.side, face.points.tobytes()


def _read_csv_list(path: Path, report: ConversionReport) -> list[Face]:
    if not path.is_file():
        raise MissingFileError(f"csv='{path.parent}' has no {path.name}")
    try:
        with open(path, encoding='utf-8', newline='') as file:
            rows = list(csv.reader(file))
    except (ValueError, csv.Error) as error:
        raise InputError(f'{path}: no list of values with commas: {error}') from error
    header = [name.strip() for name in rows[0]] if rows else []
    if header[: len(_FIRST_COLUMNS)] != _FIRST_COLUMNS or len(header) != _NUM_COLUMNS:
        raise InputError(
            f'{path}: line 1 must name {_NUM_COLUMNS} columns, first {", ".join(_FIRST_COLUMNS)}; '
            f'it names {len(header)}, first {", ".join(header[:5])}'
        )
    faces = [_csv_face(path, line, row, header) for line, row in enumerate(rows[1:], 2) if row]
    for face in faces:
        if face.side <= 0:
            report.leave_out('its box has no area', face.label)
    return [face for face in faces if face.side > 0]


def _csv_face(path: Path, line: int, row: list[str], header: list[str]) -> Face:
    if len(row) != _NUM_COLUMNS:
        raise InputError(f'{path}: line {line} has {len(row)} columns, not {_NUM_COLUMNS}')
    values = [
        _csv_number(path, line, name, text) for name, text in zip(header[1:], row[1:], strict=True)
    ]
    scale, side, x, y, *points = values
    if side > 0 and abs(200 * scale - side) > _TOLERANCE * side:
        raise InputError(f"{path}: line {line}: 'box_size' is {side:g}, 200 'scale' {200 * scale}")
    return Face(
        image=row[0].strip(),
        where=f'{path.name}, line {line}',
        points=np.array(points).reshape(NUM_POINTS, 2),
        flags=np.ones(NUM_POINTS, dtype=np.int64),
        center=(x, y),
        side=side,
        extra={'box_size': side},
    )


def _csv_number(path: Path, line: int, name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not abs(value) <= FARTHEST:
        raise InputError(f"{path}: line {line}: '{name}' must be a number, it is '{text}'")
    return value


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
