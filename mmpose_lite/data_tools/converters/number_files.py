"""Points as plain numbers: folders of ``.pts``, and tables (CSV), Kaggle's among them."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from mmpose_lite.errors import InputError, short
from mmpose_lite.utils.images import APPLIED

from .face_300w import read_pts
from .labelled import (
    HIDDEN,
    NOT_LABELLED,
    VISIBLE,
    LabelledFace,
    LabelledPicture,
    Labels,
    ReadOptions,
    label_files,
    number,
    read_text,
)
from .report import ConversionReport

# Places that stand for none, as they are written.
_NOWHERE = ((0.0, 0.0), (-1.0, -1.0))
_FILE_COLUMNS = (
    'filename',
    'file_name',
    'file',
    'image',
    'image_path',
    'image_name',
    'path',
    'name',
)
_BEFORE = re.compile(r'([xyv])(?:[_ .-](\w+)|(\d+))', re.IGNORECASE)  # x_nose, x1
_AFTER = re.compile(r'(.*?)[_ .-]([xyvwh])', re.IGNORECASE)  # nose_x, bbox_w


def read_pts_folder(path: Path, options: ReadOptions, report: ConversionReport) -> Labels:
    """Read iBUG's ``.pts`` files, each beside its photograph or of the same name.

    Args:
        path: A folder of them, or one.
        options: ``origin`` must say what the first pixel's coordinate is.
        report: Gets points that stand at 0, 0 or -1, -1, or are NaN: they are not labelled.

    Raises:
        InputError: If ``origin`` is missing, or a file has another number of points.
    """
    if options.origin not in (0, 1):
        raise InputError(
            '--origin is needed: .pts files count pixels from 1 (iBUG, MATLAB) or from 0'
        )
    labels, files = Labels(), label_files(path, ('.pts',))
    for file in files:
        points = read_pts(file)
        names = [str(i + 1) for i in range(len(points))]
        if labels.names and labels.names != names:
            raise InputError(
                f'{file}: has {len(names)} points, and {files[0]} has {len(labels.names)}'
            )
        labels.names = names
        where = file.name if path.is_file() else file.relative_to(path).as_posix()
        found = {
            name: _point(x, y, options.origin, f'{where}: {name}', report)
            for name, (x, y) in zip(names, points.tolist(), strict=True)
        }
        name = where.removesuffix(file.suffix)
        labels.pictures.append(LabelledPicture([name], where, [LabelledFace(where, found)]))
    return labels


def _point(
    x: float, y: float, origin: int, where: str, report: ConversionReport
) -> tuple[float, float, int]:
    if math.isnan(x) or math.isnan(y) or (x, y) in _NOWHERE:
        report.note('a point that is nowhere (0 0, -1 -1, NaN, nothing) is not labelled', where)
        return 0.0, 0.0, NOT_LABELLED
    return x - origin, y - origin, VISIBLE


def read_csv(path: Path, options: ReadOptions, report: ConversionReport) -> Labels:
    """Read a table of faces: a row per face, with the picture's name or Kaggle's pixels.

    Columns are ``NAME_x`` and ``NAME_y``, or ``x1`` and ``y1``; a third, ``NAME_v`` or ``v1``, is
    COCO's flag; one with ``_w`` and ``_h`` as well is the box. Tables of predictions tell by a
    column that EXIF was applied. Without titles, a name is followed by x and y of each point.

    Args:
        path: The file.
        options: ``origin``: the first pixel's coordinate, 0 by default.
        report: Gets points that are not labelled.

    Raises:
        InputError: If a row or a title cannot be used.
    """
    labels = Labels()
    for file in label_files(path, ('.csv', '.tsv', '.txt')):
        titles, rows = _table(file)
        image, places, box = _columns(file, titles)
        if labels.names and labels.names != list(places):
            raise InputError(f'{file}: has other points than the files before: {", ".join(places)}')
        labels.names = list(places)
        columns = [*places.values(), *([box] if box else [])]
        frame = _frame_columns(titles)
        used = {image, *frame, *(place for each in columns for place in each.values())}
        others = [title for i, title in enumerate(titles) if i not in used]
        if others:
            report.remarks.append(f'{file}: columns that are not read: {", ".join(others)}')
        for i, row in rows:
            where = f'{file.name}: row {i}'
            if len(row) != len(titles):
                raise InputError(
                    f'{where} has {len(row)} values, and there are {len(titles)} columns'
                )
            face = _row_face(row, places, box, options.origin or 0, where, report)
            picture = _row_picture(row[image], titles[image], face, i, where)
            labels.pictures.append(_framed(picture, [row[place] for place in frame]))
    return labels


_LONGEST = 9  # digits of a number of pixels


def _frame_columns(titles: Sequence[str]) -> list[int]:
    """The columns by which a table of predictions tells the pixels; none in other tables."""
    names = ['width', 'height', APPLIED]
    return [titles.index(name) for name in names] if set(names) <= set(titles) else []


def _framed(picture: LabelledPicture, values: Sequence[str]) -> LabelledPicture:
    """A picture whose row says how large it was, and whether EXIF was applied."""
    if not values or not all(each.isdecimal() and len(each) < _LONGEST for each in values):
        return picture
    width, height, orientation = map(int, values)
    return replace(picture, size_wh=(width, height), is_upright=True if orientation != 1 else None)


def _table(file: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The titles of a table, and its rows with their numbers."""
    csv.field_size_limit(1 << 30)  # Kaggle's pixels are one value
    lines = read_text(file).splitlines()
    first = next((line for line in lines if line.strip()), '')
    delimiter = max(',;\t', key=first.count)
    rows = [
        (i, [value.strip() for value in row])
        for i, row in enumerate(csv.reader(lines, delimiter=delimiter), 1)
        if any(row)
    ]
    if not rows or len(rows[0][1]) < 3:
        raise InputError(f'{file}: is not a table of a name and points')
    titles = rows[0][1]
    if re.fullmatch(r'-?[\d.]+', titles[1]):  # no titles, but a face
        count, is_odd = divmod(len(titles) - 1, 2)
        if is_odd:
            raise InputError(f'{file}: row 1 must have a name, and x and y of each point')
        return ['filename', *(f'{axis}{i + 1}' for i in range(count) for axis in 'xy')], rows
    return titles, rows[1:]


def _columns(
    file: Path, titles: Sequence[str]
) -> tuple[int, dict[str, dict[str, int]], dict[str, int] | None]:
    """The columns of the picture, of x, y and perhaps v of each point, and of x, y, w, h."""
    lower = [title.lower() for title in titles]
    image = next((lower.index(name) for name in _FILE_COLUMNS if name in lower), 0)
    places: dict[str, dict[str, int]] = {}
    for i, title in enumerate(titles):
        before, after = _BEFORE.fullmatch(title), _AFTER.fullmatch(title)
        if i == image or not (before or after):
            continue
        name = after[1] if after else before[2] or before[3]  # type: ignore[index]
        axis = after[2] if after else before[1]  # type: ignore[index]
        if axis.lower() in places.setdefault(name, {}):
            raise InputError(f'{file}: the column {title!r} appears twice')
        places[name][axis.lower()] = i
    box = next((places.pop(name) for name in [*places] if {*'xywh'} <= set(places[name])), None)
    places = {name: columns for name, columns in places.items() if {'x', 'y'} & set(columns)}
    lame = [name for name, columns in places.items() if not {'x', 'y'} <= set(columns)]
    if lame or not places:
        problem = f'{lame[0]!r} has no x or no y' if lame else 'none are x and y of a point'
        raise InputError(f'{file}: of its columns {problem}: {short(", ".join(titles))}')
    return image, places, box


def _row_face(
    row: Sequence[str],
    places: dict[str, dict[str, int]],
    box: dict[str, int] | None,
    origin: int,
    where: str,
    report: ConversionReport,
) -> LabelledFace:
    points = {}
    for name, columns in places.items():
        texts = [row[columns[axis]] for axis in 'xy']
        x, y = (math.nan if _is_hole(text) else number(text, where, name) for text in texts)
        flag = row[columns['v']] if 'v' in columns else str(VISIBLE)
        if flag not in ('', '0', '1', '2'):
            raise InputError(f'{where}: {name}_v={short(flag)} is not 0, 1 or 2')
        if flag in ('', '0'):
            points[name] = (0.0, 0.0, NOT_LABELLED)
            continue
        x, y, found = _point(x, y, origin, f'{where}: {name}', report)
        points[name] = (x, y, HIDDEN if found and flag == '1' else found)
    if box is None:
        return LabelledFace(where, points)
    x, y, width, height = (number(row[box[side]], where, side) for side in 'xywh')
    x, y = x - origin, y - origin
    return LabelledFace(where, points, (x, y, x + width, y + height))


def _is_hole(text: str) -> bool:
    return text.lower() in ('', 'nan', 'na', 'none', 'null')


def _row_picture(
    text: str, title: str, face: LabelledFace, number_of_row: int, where: str
) -> LabelledPicture:
    """The picture of a row: a file, or the levels of a square of pixels."""
    if text.count(' ') < 8 or not re.fullmatch(r'[\d ]+', text):
        if not text:
            raise InputError(f'{where}: {title!r} names no image')
        return LabelledPicture([text], where, [face])
    levels = np.array(text.split(), dtype=np.int64)
    side = math.isqrt(len(levels))
    if side * side != len(levels) or levels.max() > 255:
        raise InputError(
            f'{where}: {title} holds {len(levels)} values up to {levels.max()}, and no square of '
            'levels from 0 to 255'
        )
    pixels = levels.astype(np.uint8).reshape(side, side)
    return LabelledPicture(
        [f'row{number_of_row:05d}.png'],
        where,
        [face],
        (side, side),
        content=partial(_png, pixels),
        has_file=False,
    )


def _png(pixels: np.ndarray) -> bytes:
    return cv2.imencode('.png', pixels)[1].tobytes()
