"""300W-LP: from its views of photographs and files of MATLAB to MMPose's annotation files."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from filecmp import cmp
from pathlib import Path
from shutil import copyfile

import numpy as np
from numpy import ndarray

from mmpose_lite.datasets.datasets.base.split import TrainValSplit
from mmpose_lite.errors import InputError, MissingFileError, MissingKeyError, first_few

from .aflw_lists import read_mat5
from .annotation_files import (
    Face,
    are_coordinates,
    points_of,
    report_places,
    visible_face,
    write_sets,
)
from .photographs import Photograph, Progress, by_stem, photograph
from .report import ConversionReport, WrittenSet

PUBLISHED: Mapping[str, int | None] = {
    'train': None,
    'valid': None,
    'test': None,
    'afw': 5207,
    'helen': 37676,
    'ibug': 1786,
    'lfpw': 16556,
}
"""Numbers of views of the four sources; of sets none are published."""

# The folders of photographs of the sets, in which MMPose's configs look.
_FOLDERS = {'train': 'train', 'valid': 'val', 'test': 'test'}
_SOURCES = ('AFW', 'HELEN', 'IBUG', 'LFPW')
_NUM_POINTS = 68
# Photograph, face (LFPW's names have none), view.
_VIEW = re.compile(r'(.+?)(?:_\d{1,2})?_\d+')
_SHARE = 0.1
_NAMED = 3  # files that a message names


def convert_300wlp(
    source: str | Path,
    out: str | Path,
    expected: Mapping[str, int | None] = PUBLISHED,
    progress: Progress = lambda each, total: each,
) -> ConversionReport:
    """Write ``out/annotations/face_landmarks_300wlp_{train,valid,test}.json``.

    The views are linked (or copied) into ``out/{train,val,test}``, where MMPose's configs look. A
    tenth of the photographs is for validation, a tenth for the test; all faces and views of a
    photograph are in one set, and the sets are the same on all machines. MMPose's converter draws
    single views by chance, so that its test has views of photographs that were trained on.

    Args:
        source: Folder of ``AFW``, ``HELEN``, ``IBUG``, ``LFPW`` and ``landmarks``, in which each
            of these has a file ``NAME_pts.mat`` with ``pts_2d`` a view; or the folder above.
            Mirrored views (``AFW_Flip``) are not used: training mirrors faces itself.
        out: Folder to write to.
        expected: How many views there must be.
        progress: Wraps the views.

    Raises:
        MissingFileError: If there is no such folder.
        InputError: If another file is where a view is to be.
    """
    root, out, report = _find_root(Path(source)), Path(out), ConversionReport('300wlp')
    views = {name: sorted(by_stem(root / name, report).values()) for name in _SOURCES}
    _check_places([path for paths in views.values() for path in paths], out)
    placed: dict[str, Photograph | str] = {}
    sets: dict[str, list[Face]] = {name: [] for name in _FOLDERS}
    total = sum(map(len, views.values()))
    for name, path in progress([(n, p) for n, paths in views.items() for p in paths], total):
        face = _read_face(root, name, path, report)
        if face is not None:
            part = _set_of(path.stem)
            sets[part].append(face)
            placed[face.image] = _place(path, out / _FOLDERS[part], report)
    report_places(sets, placed, report)
    stem = out / 'annotations' / 'face_landmarks_300wlp'
    info = {'sources': ['landmarks/*/*_pts.mat, pts_2d']}
    write_sets(stem, sets, placed, info, expected, report)
    for name, folder in _FOLDERS.items():
        report.remarks.append(f'the photographs of {name} are in {out / folder}')
    for name, paths in views.items():
        sources = {photograph_of(path.stem) for path in paths}
        count = expected.get(name.lower())
        known = WrittenSet(name.lower(), str(root / name), len(paths), len(sources), count)
        report.sets.append(known)
    return report


def _find_root(folder: Path) -> Path:
    """The folder of the landmarks: this one, or one in it."""
    inner = sorted(folder.iterdir()) if folder.is_dir() else []
    for each in (folder, *inner):
        if (each / 'landmarks').is_dir():
            return each
    raise MissingFileError(
        f"source='{folder}' has no folder of 300W-LP: {', '.join(_SOURCES)} and landmarks"
    )


def photograph_of(view: str) -> str:
    """The photograph that a view was made of: AFW_134212 of its face 1 in AFW_134212_1_0."""
    found = _VIEW.fullmatch(view)
    return found[1] if found else view


def _set_of(view: str) -> str:
    """The set that a view belongs to."""
    name = photograph_of(view)
    parts = {'val': 'valid', 'test': 'test'}
    split = (part for part in parts if TrainValSplit(part, _SHARE, _SHARE).has(name))
    return parts.get(next(split, ''), 'train')


def _read_face(root: Path, name: str, view: Path, report: ConversionReport) -> Face | None:
    path = root / 'landmarks' / name / f'{view.stem}_pts.mat'
    points = points_of(path, read_points, report)
    return None if points is None else visible_face(view.name, f'{name}/{view.name}', points)


def read_points(path: Path) -> ndarray:
    """Read the points of a view.

    Args:
        path: A file of MATLAB 5 with ``pts_2d``.

    Returns:
        ``(68, 2)``, as they stand there.

    Raises:
        MissingFileError: If there is no such file.
        MissingKeyError: If it lacks ``pts_2d``.
        InputError: If it is no such file, or the points are none.
    """
    found = read_mat5(path, ['pts_2d'])
    if 'pts_2d' not in found:
        raise MissingKeyError(f"{path}: lacks 'pts_2d'")
    points = found['pts_2d']
    if points.dtype.kind not in 'biuf' or points.shape != (_NUM_POINTS, 2):
        raise InputError(f"{path}: 'pts_2d' must be ({_NUM_POINTS}, 2) numbers: {points.shape}")
    if not are_coordinates(points):
        raise InputError(
            f"{path}: 'pts_2d' has a point that is not a finite number, or in no image"
        )
    return points.astype(np.float64)


def _check_places(views: Sequence[Path], out: Path) -> None:
    """Check that no file but a link, or a copy of the view, is where a view is to be."""
    pairs = [(out / _FOLDERS[_set_of(view.stem)] / view.name, view) for view in views]
    others = [
        str(target)
        for target, view in pairs
        if not target.is_symlink()
        and target.exists()
        and not (target.is_file() and cmp(target, view, shallow=False))
    ]
    if others:
        raise InputError(
            f'other files are where views of photographs are to be: {first_few(others, _NAMED)}; '
            'move them away, or write to another folder'
        )


def _place(view: Path, folder: Path, report: ConversionReport) -> Photograph | str:
    """Put a view into the folder of its set, as a link where that can be."""
    photo = photograph(view, view.parent, report)
    if isinstance(photo, str):
        return photo
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / view.name
    if target.exists() and target.samefile(view):
        return photo
    with suppress(FileNotFoundError):
        target.unlink()
    try:
        target.symlink_to(os.path.relpath(view.resolve(), folder.resolve()))
    except (OSError, NotImplementedError):  # a file system, or a system, without links
        copyfile(view, target)
    return photo
