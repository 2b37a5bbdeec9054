"""300W: from photographs with ``.pts`` files beside them to MMPose's annotation files."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
from numpy import ndarray

from mmpose_lite.errors import InputError

from .annotation_files import (
    Face,
    are_coordinates,
    points_of,
    remark_on_folder,
    report_idle,
    report_places,
    square_about,
    write_sets,
)
from .photographs import Photograph, Progress, files_below, images_below, photograph
from .report import ConversionReport

PUBLISHED = {
    'train': 3148,
    'valid': 689,
    'valid_common': 554,
    'valid_challenge': 135,
    'test': 600,
}
"""Numbers of faces of the sets on which results are published."""

# The parts, by folders of their paths, in the order in which they follow each other in a set.
_PARTS = {
    'train': (('afw',), ('helen', 'trainset'), ('lfpw', 'trainset')),
    'valid_common': (('helen', 'testset'), ('lfpw', 'testset')),
    'valid_challenge': (('ibug',),),
    'test': (('01_indoor',), ('02_outdoor',)),
}
_NUM_POINTS = 68


def convert_300w(
    images: str | Path,
    out: str | Path,
    expected: Mapping[str, int] = PUBLISHED,
    progress: Progress = lambda each, total: each,
) -> ConversionReport:
    """Write ``out/annotations/face_landmarks_300w_{train,valid,...}.json``.

    Args:
        images: Folder of ``afw``, ``helen/{train,test}set``, ``ibug``, ``lfpw/{train,test}set``
            and ``Test/{01_Indoor,02_Outdoor}``, with a ``.pts`` file beside each photograph.
        out: Folder to write to.
        expected: How many faces there must be.
        progress: Wraps the files of points.

    Raises:
        InputError: If there is no such folder, or nothing of 300W in it.
    """
    root, out, report = Path(images), Path(out), ConversionReport('300w')
    parts = _find_parts(root, report)
    photographs = {str(path.with_suffix('')): path for path in reversed(images_below(root))}
    placed: dict[str, Photograph | str] = {}
    sets: dict[str, list[Face]] = {name: [] for name in _PARTS}
    total = sum(map(len, parts.values()))
    for name, path in progress([(n, p) for n, paths in parts.items() for p in paths], total):
        face = _read_face(path, root, report)
        if face is not None:
            sets[name].append(face)
            photo = photographs.pop(str(path.with_suffix('')), None)
            placed[face.image] = photograph(photo, root, report)
    report_idle(photographs.values(), report)
    report_places(sets, placed, report)
    sets['valid'] = sets['valid_common'] + sets['valid_challenge']
    sets = {name: sets[name] for name in PUBLISHED}
    info = {'sources': ['.pts files beside the photographs']}
    stem = out / 'annotations' / 'face_landmarks_300w'
    write_sets(stem, sets, placed, info, {**PUBLISHED, **expected}, report)
    report.remarks += remark_on_folder(out, placed)
    return report


def _find_parts(root: Path, report: ConversionReport) -> dict[str, list[Path]]:
    """The files of points of each set."""
    found: dict[tuple[str, int], list[Path]] = {}
    for path in files_below(root, ('.pts',)):
        place = _place(path.relative_to(root))
        if place is None:
            report.note('the file of points is in none of the folders of 300W', str(path))
        else:
            found.setdefault(place, []).append(path)
    if not found:
        raise InputError(
            f"images='{root}': there are no .pts files in folders of 300W (afw, helen/trainset, "
            'helen/testset, ibug, lfpw/trainset, lfpw/testset, 01_Indoor, 02_Outdoor)'
        )
    return {
        name: [path for k in range(len(parts)) for path in found.get((name, k), [])]
        for name, parts in _PARTS.items()
    }


def _place(path: Path) -> tuple[str, int] | None:
    """The set that a file belongs to, and the number of its part there."""
    folders = {part.lower() for part in path.parts[:-1]}
    for name, parts in _PARTS.items():
        for k, needed in enumerate(parts):
            if folders.issuperset(needed):
                return name, k
    return None


def _read_face(path: Path, root: Path, report: ConversionReport) -> Face | None:
    where = path.relative_to(root).as_posix()
    points = points_of(path, partial(read_pts, num_points=_NUM_POINTS), report)
    if points is None:
        return None
    center, side = square_about(points)
    flags = np.ones(_NUM_POINTS, dtype=np.int64)
    return Face(where.removesuffix('.pts'), where, points, flags, center, side)


def read_pts(path: Path, num_points: int | None = None) -> ndarray:
    """Read the points of a face from iBUG's form.

    Args:
        path: A text file: lines ``key: value``, ``n_points`` among them, then ``x y`` lines
            between braces.
        num_points: How many there must be; as many as the file says where None.

    Returns:
        ``(num_points, 2)``, as they stand there; NaN only where ``num_points`` is None.

    Raises:
        InputError: If it is no such file, or has another number of points.
    """
    try:
        text = path.read_text(encoding='utf-8-sig')
    except (OSError, ValueError) as error:
        raise InputError(f'{path}: cannot be read: {error}') from error
    head, opened, body = text.partition('{')
    body, closed, _ = body.partition('}')
    if not (opened and closed):
        raise InputError(f'{path}: has no points between braces')
    declared = [line.split(':')[1] for line in head.splitlines() if line.startswith('n_points:')]
    try:
        rows = [[float(value) for value in line.split()] for line in body.splitlines() if line]
        points = np.array([row for row in rows if row])
        counts = {len(points), *map(int, declared)}
    except ValueError as error:
        raise InputError(f'{path}: a line is not a point: {error}') from error
    wanted = max(counts) if num_points is None else num_points
    if points.shape != (wanted, 2) or counts != {wanted}:
        raise InputError(f'{path}: must hold {wanted} points, n_points: {sorted(counts)}')
    holes = np.isnan(points) if num_points is None else np.False_
    if not are_coordinates(np.where(holes, 0, points)):
        raise InputError(f'{path}: a point is not a finite number, or in no image')
    return points
