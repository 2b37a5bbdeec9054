"""LaPa: from photographs with text files of points to MMPose's annotation files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy import ndarray

from mmpose_lite.errors import InputError, MissingFileError

from .annotation_files import (
    Face,
    are_coordinates,
    points_of,
    report_idle,
    report_places,
    visible_face,
    write_sets,
)
from .photographs import (
    Photograph,
    Progress,
    by_stem,
    files_below,
    photograph,
)
from .report import ConversionReport

PUBLISHED: Mapping[str, int | None] = {
    'train': 18176,
    'val': 2000,
    'test': 2000,
    'trainval': 20176,
}
"""Numbers of faces of the sets on which results are published."""

_PARTS = ('train', 'val', 'test')
_NUM_POINTS = 106


def convert_lapa(
    source: str | Path,
    out: str | Path,
    expected: Mapping[str, int | None] = PUBLISHED,
    progress: Progress = lambda each, total: each,
) -> ConversionReport:
    """Write ``out/annotations/lapa_{train,val,test,trainval}.json``.

    Names of photographs begin with the set, ``train/images/...``. The box is that of the points,
    as in MMPose's files, and all points can be seen.

    Args:
        source: Folder of ``train``, ``val`` and ``test``, each with ``images`` and ``landmarks``:
            for each photograph a text file of the number of points, 106, and a line ``x y`` each.
        out: Folder to write to.
        expected: How many faces there must be.
        progress: Wraps the files of points.

    Raises:
        MissingFileError: If there is no such folder.
    """
    root, out, report = Path(source), Path(out), ConversionReport('lapa')
    files = {name: files_below(root / name / 'landmarks', ('.txt',)) for name in _PARTS}
    for name, found in files.items():
        if not found:
            raise MissingFileError(f"source='{root}' has no {name}/landmarks with text files")
    images = {name: by_stem(root / name / 'images', report) for name in _PARTS}
    placed: dict[str, Photograph | str] = {}
    sets: dict[str, list[Face]] = {name: [] for name in _PARTS}
    total = sum(map(len, files.values()))
    for name, path in progress([(n, p) for n, paths in files.items() for p in paths], total):
        photo = images[name].pop(path.stem, None)
        face = _read_face(path, f'{name}/images/{path.stem}', report)
        if face is not None:
            sets[name].append(face)
            placed[face.image] = photograph(photo, root, report)
    report_idle([path for left in images.values() for path in left.values()], report)
    report_places(sets, placed, report)
    sets['trainval'] = sets['train'] + sets['val']
    stem = out / 'annotations' / 'lapa'
    write_sets(stem, sets, placed, {'sources': ['landmarks/*.txt']}, expected, report)
    report.remarks += _about_folders(root, out)
    return report


def _read_face(path: Path, image: str, report: ConversionReport) -> Face | None:
    points = points_of(path, read_points, report)
    return None if points is None else visible_face(image, path.name, points)


def read_points(path: Path) -> ndarray:
    """Read the points of a face.

    Args:
        path: A text file: a line with the number of points, 106, and a line ``x y`` each.

    Returns:
        ``(106, 2)``, as they stand there.

    Raises:
        InputError: If it is no such file, or ends early; the message names file and line.
    """
    try:
        lines = path.read_text(encoding='utf-8-sig').split('\n')
    except (OSError, ValueError) as error:
        raise InputError(f'{path}: cannot be read: {error}') from error
    rows = [(i, line.split()) for i, line in enumerate(lines, 1) if line.strip()]
    if not rows or rows[0][1] != [str(_NUM_POINTS)]:
        raise InputError(f'{path}: line 1 must be {_NUM_POINTS}, the number of points')
    if len(rows) - 1 != _NUM_POINTS:
        raise InputError(f'{path}: must hold {_NUM_POINTS} points, it holds {len(rows) - 1}')
    points = []
    for i, row in rows[1:]:
        try:
            x, y = map(float, row)
        except ValueError as error:
            raise InputError(f'{path}: line {i} is not a point: {error}') from error
        if not are_coordinates((x, y)):
            raise InputError(f'{path}: line {i} is not a finite number, or in no image')
        points.append((x, y))
    return np.array(points)


def _about_folders(root: Path, out: Path) -> Iterator[str]:
    """Say how photographs get to where configs look for them, unless they are there."""
    if not (out / 'train' / 'images').is_dir():
        parts = ' '.join(f"'{root.absolute() / name}'" for name in _PARTS)
        yield (
            f'configs look for {out / "train" / "images"}; one way to have it there: '
            f"ln -s {parts} '{out}'"
        )
