"""Reading Zhu et al.'s ``AFLWinfo_release.mat``: 19 points a face, boxes, visibility, split."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray

from mmpose_lite.utils import InputError, MissingFileError, MissingKeyError

from .optional import import_reader
from .records import Face
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
        report: Gets faces that cannot be used, and boxes that are no squares.

    Returns:
        Training and test faces; ``visibility`` and ``box_size`` are extra fields.

    Raises:
        MissingFileError: If there is no such file.
        MissingKeyError: If a field is missing.
        InputError: If it is no such file, or fields do not fit each other.
    """
    content = _load(str(path))
    names = content['nameList'].ravel()
    tables = {key: _table(path, content, key, len(names)) for key in _COLUMNS}
    order = _order(path, content['ra'], len(names))
    if num_train >= len(names):
        raise InputError(
            f"{path}: 'ra' has {len(names)} faces, none are left for the test after {num_train} "
            'for training; --expect train=N names another number'
        )
    visible = tables['mask_new'] > 0
    faces: dict[int, Face] = {}
    for row in range(len(names)):
        face = _face(path, row, names[row], tables['bbox'][row], tables['data'][row], visible[row])
        if face is None:
            report.leave_out('its box or points are no finite numbers', f'row {row + 1} of {path}')
            continue
        faces[row] = face
        left, right, top, bottom = tables['bbox'][row]
        if right - left != bottom - top:
            report.note('the box is no square, the longer side counts', face.label)
    train, test = (
        [faces[row] for row in rows if row in faces]
        for rows in (order[:num_train], order[num_train:])
    )
    return train, test


def _load(path: str) -> dict[str, Any]:
    reader = import_reader('scipy.io', path)
    keys = ('nameList', 'ra', *_COLUMNS)
    try:
        content = reader.loadmat(path, appendmat=False, variable_names=keys)
    except FileNotFoundError as error:
        raise MissingFileError(f"mat='{path}' does not exist") from error
    except NotImplementedError as error:
        raise InputError(f'{path}: a file of MATLAB 7.3; the release of Zhu et al. is none') from (
            error
        )
    # What scipy raises for other files depends on where it notices.
    except Exception as error:
        raise InputError(f'{path}: no MATLAB file: {error}') from error
    missing = [key for key in keys if key not in content]
    if missing:
        raise MissingKeyError(f"{path}: lacks '{missing[0]}'; has {len(keys) - len(missing)} of it")
    return content


def _table(path: str | Path, content: dict[str, Any], key: str, rows: int) -> ndarray:
    values = content[key]
    if values.shape != (rows, _COLUMNS[key]):
        raise InputError(f"{path}: '{key}' is {values.shape}, not ({rows}, {_COLUMNS[key]})")
    return values.astype(np.float64)  # boxes may be stored as small integers


def _order(path: str | Path, ra: ndarray, count: int) -> list[int]:
    """Row numbers from 0 in the order of the split."""
    order = ra.ravel().astype(np.int64) - 1
    if not np.array_equal(np.sort(order), np.arange(count)):
        raise InputError(f"{path}: 'ra' does not hold each number from 1 to {count} once")
    return order.tolist()


def _face(
    path: str | Path, row: int, name: ndarray, box: ndarray, data: ndarray, visible: ndarray
) -> Face | None:
    if not (np.isfinite(box).all() and np.isfinite(data).all()):
        return None
    left, right, top, bottom = box.tolist()
    side = max(right - left, bottom - top)
    if side <= 0:
        raise InputError(f"{path}: row {row + 1}: 'bbox' has no area: {box.tolist()}")
    return Face(
        image=str(np.asarray(name).ravel()[0]).strip(),
        where=f'{Path(path).name}, row {row + 1}',
        points=data.reshape(2, NUM_POINTS).T,
        flags=np.ones(NUM_POINTS, dtype=np.int64),
        center=((left + right) / 2, (top + bottom) / 2),
        side=side,
        corner=(left, top),
        extra={'box_size': side, 'visibility': visible.astype(int).tolist()},
    )
