"""Reading HRNet's lists of AFLW: ``face_landmarks_aflw_{train,test,test_frontal}.csv``."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmpose_lite.utils import InputError, MissingFileError

from .aflw_mat import NUM_POINTS
from .places import LISTED_TWICE, both_labels
from .records import FARTHEST, Face
from .report import ConversionReport

_FIRST_COLUMNS = ['image_name', 'scale', 'box_size', 'center_w', 'center_h']
_NUM_COLUMNS = len(_FIRST_COLUMNS) + 2 * NUM_POINTS
_SPLITS = ('train', 'test', 'test_frontal')
_TOLERANCE = 1e-4  # of box_size; the side stands there twice


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
    sets = {name: _read(path, report) for name, path in paths.items()}
    sets['test_frontal'] = _frontal(sets['test_frontal'], sets['test'], report)
    return sets


def _frontal(
    listed: Sequence[Face], tested: Sequence[Face], report: ConversionReport
) -> list[Face]:
    """The test faces that the list of frontal faces names."""
    known = {_key(face): face for face in tested}
    seen: dict[tuple, Face] = {}
    found = []
    for face in listed:
        key = _key(face)
        if key not in known:
            report.leave_out('it is frontal, and not among the test faces', face.label)
            continue
        if key in seen:
            report.note(LISTED_TWICE, both_labels(seen[key], face))
        seen.setdefault(key, face)
        found.append(known[key])
    return found


def _key(face: Face) -> tuple:
    return face.image, face.center, face.side, face.points.tobytes()


def _read(path: Path, report: ConversionReport) -> list[Face]:
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
    faces = [_face(path, line, row, header) for line, row in enumerate(rows[1:], 2) if row]
    for face in faces:
        if face.side <= 0:
            report.leave_out('its box has no area', face.label)
    return [face for face in faces if face.side > 0]


def _face(path: Path, line: int, row: list[str], header: list[str]) -> Face:
    if len(row) != _NUM_COLUMNS:
        raise InputError(f'{path}: line {line} has {len(row)} columns, not {_NUM_COLUMNS}')
    values = [
        _number(path, line, name, text) for name, text in zip(header[1:], row[1:], strict=True)
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


def _number(path: Path, line: int, name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not abs(value) <= FARTHEST:
        raise InputError(f"{path}: line {line}: '{name}' must be a number, it is '{text}'")
    return value
