"""WFLW: from its lists with attributes to MMPose's annotation files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mmpose_lite.errors import InputError, MissingFileError

from .annotation_files import (
    Face,
    are_coordinates,
    remark_on_folder,
    report_places,
    square_about,
    write_sets,
)
from .photographs import Photographs, Progress, files_below, place
from .report import ConversionReport

PUBLISHED = {
    'train': 7500,
    'test': 2500,
    'test_largepose': 326,
    'test_expression': 314,
    'test_illumination': 698,
    'test_makeup': 206,
    'test_occlusion': 736,
    'test_blur': 773,
}
"""Numbers of faces of the sets on which results are published."""

_ATTRIBUTES = ('largepose', 'expression', 'illumination', 'makeup', 'occlusion', 'blur')
_NUM_POINTS = 98
_NUM_VALUES = 2 * _NUM_POINTS + 4 + len(_ATTRIBUTES)


def convert_wflw(
    images: str | Path,
    lists: str | Path,
    out: str | Path,
    expected: Mapping[str, int] = PUBLISHED,
    progress: Progress = lambda each, total: each,
) -> ConversionReport:
    """Write ``out/annotations/face_landmarks_wflw_{train,test,test_blur,...}.json``.

    The box is the square about the points, as in MMPose's files; the rectangle of the list is an
    extra field, and so are the six attributes.

    Args:
        images: Folder of the photographs, ``WFLW_images``.
        lists: Folder with ``list_98pt_rect_attr_train.txt`` and ``..._test.txt``, or one above.
        out: Folder to write to.
        expected: How many faces there must be.
        progress: Wraps the photographs.

    Raises:
        InputError: If a line cannot be used; the message names file, line and value.
        MissingFileError: If a list, or every photograph, is missing.
    """
    report, out = ConversionReport('wflw'), Path(out)
    sets = {name: _read_list(_find_list(Path(lists), name)) for name in ('train', 'test')}
    names = [face.image for faces in sets.values() for face in faces]
    placed = place(names, Photographs(images), report, progress)
    report_places(sets, placed, report)
    for name in _ATTRIBUTES:
        sets[f'test_{name}'] = [face for face in sets['test'] if face.extra[name]]
    info = {'rect': 'The rectangle of the list: x1, y1, x2, y2.'}
    stem = out / 'annotations' / 'face_landmarks_wflw'
    write_sets(stem, sets, placed, info, {**PUBLISHED, **expected}, report)
    report.remarks += remark_on_folder(out, placed)
    return report


def _find_list(folder: Path, split: str) -> Path:
    name = f'list_98pt_rect_attr_{split}.txt'
    found = [path for path in files_below(folder, ('.txt',)) if path.name == name]
    if len(found) != 1:
        raise MissingFileError(f"lists='{folder}' must hold one {name}, it holds {len(found)}")
    return found[0]


def _read_list(path: Path) -> list[Face]:
    try:
        lines = path.read_text(encoding='utf-8').splitlines()
    except (OSError, ValueError) as error:
        raise InputError(f'{path}: cannot be read: {error}') from error
    return [_face(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]


def _face(path: Path, number: int, line: str) -> Face:
    # Of a name with spaces, all that follows the numbers.
    *texts, image = line.split(maxsplit=_NUM_VALUES)
    if len(texts) != _NUM_VALUES:
        raise InputError(
            f'{path}: line {number} must have {_NUM_VALUES} numbers and a name, it has '
            f'{len(texts) + 1} values'
        )
    try:
        values = np.array([float(text) for text in texts])
    except ValueError as error:
        raise InputError(f'{path}: line {number}: {error}') from error
    points, rect, flags = np.split(values, [2 * _NUM_POINTS, 2 * _NUM_POINTS + 4])
    if not are_coordinates(values) or not np.isin(flags, (0, 1)).all():
        raise InputError(
            f'{path}: line {number}: numbers must be finite and in an image, attributes 0 or 1: '
            f'{flags.tolist()}'
        )
    points = points.reshape(_NUM_POINTS, 2)
    center, side = square_about(points)
    attributes = dict(zip(_ATTRIBUTES, flags.astype(int).tolist(), strict=True))
    return Face(
        image=image.strip(),
        where=f'{path.name}, line {number}',
        points=points,
        flags=np.ones(_NUM_POINTS, dtype=np.int64),
        center=center,
        side=side,
        extra={'rect': rect.tolist(), **attributes},
    )
