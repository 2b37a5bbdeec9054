"""Reading Zhu et al.'s ``AFLWinfo_release.mat``: 19 points a face, boxes, visibility, split."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray

from mmpose_lite.utils import InputError, MissingKeyError

from .mat5 import read_mat5
from .records import Face, are_coordinates
from .report import ConversionReport

NUM_POINTS = 19
_COLUMNS = {'bbox': 4, 'data': 2 * NUM_POINTS, 'mask_new': NUM_POINTS}


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
    names = _names(path, content['nameList'])
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
        reason = _fault(name, values)
        if reason:
            report.leave_out(reason, f'row {row + 1} of {path}')
        else:
            faces[row] = _face(f'{Path(path).name}, row {row + 1}', name, values, report)
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


def _names(path: str | Path, cells: ndarray) -> list[str]:
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


def _fault(name: str, values: Mapping[str, ndarray]) -> str:
    """Why a row cannot be used; empty if it can."""
    if not name:
        return 'it names no photograph'
    if not are_coordinates(values['bbox'], values['data']):
        return 'its box or points are no finite numbers, or in no image'
    return '' if max(_sides(values['bbox'])) > 0 else 'its box has no area'


def _sides(box: ndarray) -> tuple[float, float]:
    left, right, top, bottom = box.tolist()
    return right - left, bottom - top


def _face(where: str, name: str, values: Mapping[str, ndarray], report: ConversionReport) -> Face:
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
        report.note('the box is no square, the longer side counts', face.label)
    if not np.isin(values['mask_new'], (0, 1)).all():
        report.note("'mask_new' is neither 0 nor 1: what is above 0 can be seen", face.label)
    return face
