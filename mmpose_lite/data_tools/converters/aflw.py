"""AFLW: from what its authors, Zhu et al. and HRNet released to MMPose's annotation files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mmpose_lite.utils import InputError

from .aflw_csv import read_csv
from .aflw_mat import NUM_POINTS, read_mat
from .aflw_sqlite import FEATURE_IDS, ReleasedFace, place_of, read_release
from .photographs import Photographs, Progress, place
from .places import placed_faces, remark_on_folder, report_places
from .records import Face, write_set
from .report import ConversionReport

PUBLISHED = {'train': 20000, 'test': 4386, 'test_frontal': 1314}
"""How many faces the sets have on which results are published."""

_SOURCES = ({'mat'}, {'csv'}, {'sqlite'}, {'sqlite', 'mat'})
_INFO = {
    'visibility': '1: the point can be seen; 0: it is hidden.',
    'yaw, pitch, roll': 'Radians, from aflw.sqlite; the head is turned by '
    'Rz(roll) Rx(pitch) Ry(yaw).',
    'sex, glasses, occluded': "From aflw.sqlite: 'm' or 'f'; 1 for yes.",
}
_NOT_COMPARABLE = (
    "aflw-visible: only the points that can be seen, a split of one's own; numbers on it are NOT "
    'comparable with published ones'
)


def convert_aflw(
    images: str | Path,
    out: str | Path,
    mat: str | Path | None = None,
    csv: str | Path | None = None,
    sqlite: str | Path | None = None,
    test_list: str | Path | None = None,
    expected: Mapping[str, int] = PUBLISHED,
    progress: Progress = lambda each, total: each,
) -> ConversionReport:
    """Write ``out/annotations/face_landmarks_aflw_{train,test,test_frontal}.json``.

    The points come from one of three sources. From ``mat`` or ``csv`` they are all 19, and the
    split is the published one. From ``sqlite`` alone they are those that can be seen; the files
    are named ``aflw-visible``. With ``mat`` the ``sqlite`` gives pose and attributes only.

    Args:
        images: Folder of the photographs ``0/*``, ``2/*``, ``3/*``, or any folder above.
        out: Folder to write to.
        mat: ``AFLWinfo_release.mat``.
        csv: Folder of HRNet's three lists.
        sqlite: ``aflw.sqlite``.
        test_list: For ``sqlite`` alone: a text file that names the test faces, each line a
            ``face_id`` or ``filepath,x,y`` with the rectangle's corner. Without it all faces go
            to one file, ``..._all.json``.
        expected: How many faces there must be; ``train`` also splits the ``mat``.
        progress: Wraps the photographs.

    Raises:
        InputError: If sources do not go together or cannot be used, or no photograph is found.
        MissingFileError: If a file or folder is missing.
    """
    sources = {'mat': mat, 'csv': csv, 'sqlite': sqlite}
    named = {key for key, path in sources.items() if path is not None}
    if named not in _SOURCES:
        raise InputError('aflw: name one source: --mat, --csv, --sqlite, or --sqlite with --mat')
    if test_list is not None and named != {'sqlite'}:
        raise InputError('aflw: --test-list is for --sqlite alone; other sources have their split')
    report = ConversionReport('aflw')
    if mat is not None:
        train, test = read_mat(mat, expected['train'], report)
        sets = {'train': train, 'test': test}
        if sqlite is not None:
            sets = _with_attributes(sets, read_release(sqlite, report), report)
    elif csv is not None:
        sets = read_csv(csv, report)
    elif sqlite is not None:
        report.name = 'aflw-visible'
        sets = _visible_sets(read_release(sqlite, report), test_list, report)
    if 'test' in sets and 'test_frontal' not in sets:
        sets['test_frontal'] = [face for face in sets['test'] if all(_visibility(face))]
    info = {'sources': [Path(path).name for path in sources.values() if path is not None], **_INFO}
    _write(sets, Photographs(images), Path(out), info, expected, report, progress)
    return report


def _visibility(face: Face) -> Sequence[int]:
    return face.extra.get('visibility', face.flags)


def _write(
    sets: Mapping[str, Sequence[Face]],
    photographs: Photographs,
    out: Path,
    info: Mapping[str, Any],
    expected: Mapping[str, int],
    report: ConversionReport,
    progress: Progress,
) -> None:
    whole = {name: faces for name, faces in sets.items() if name != 'test_frontal'}
    names = [face.image for faces in whole.values() for face in faces]
    placed = place(names, photographs, _file_name, report, progress)
    report_places(whole, placed, report)
    info = {'set': report.name, **info}
    if report.name != 'aflw':
        info['warning'] = _NOT_COMPARABLE
        report.remarks.append(_NOT_COMPARABLE)
        expected = {}
    for name, faces in sets.items():
        path = out / 'annotations' / f'face_landmarks_{report.name}_{name}.json'
        rows = placed_faces(faces, placed)
        report.sets.append(write_set(path, rows, info, name, expected.get(name)))
    report.remarks += remark_on_folder(out, placed)


def _file_name(_: str, path: Path) -> str:
    """MMPose's name of a photograph, below the folder of images."""
    return f'flickr/{path.absolute().parent.name}/{path.name}'


def _with_attributes(
    sets: Mapping[str, Sequence[Face]], released: Sequence[ReleasedFace], report: ConversionReport
) -> dict[str, list[Face]]:
    """Add the release's pose and attributes to faces with the same photograph and corner."""
    by_place = {each.place: each for each in released if each.place is not None}
    for each in released:
        if each.place is None:
            report.note('the face has no rectangle in the sqlite', each.label)

    def join(face: Face) -> Face:
        found = by_place.get(place_of(face.image, *face.corner))
        if found is None:
            report.note('the sqlite lacks the face: no pose, no attributes', face.label)
            return face
        return replace(face, extra={**face.extra, **found.attributes})

    return {name: [join(face) for face in faces] for name, faces in sets.items()}


def _visible_sets(
    released: Sequence[ReleasedFace], test_list: str | Path | None, report: ConversionReport
) -> dict[str, list[Face]]:
    tested = None if test_list is None else _read_test_list(Path(test_list), released)
    if tested is None:
        report.remarks.append('no --test-list was named: all faces are in one file')
    sets: dict[str, list[Face]] = {'all': []} if tested is None else {'train': [], 'test': []}
    for each in released:
        face = _visible_face(each, report)
        if face is not None:
            name = 'all' if tested is None else 'test' if each.face_id in tested else 'train'
            sets[name].append(face)
    return sets


def _visible_face(released: ReleasedFace, report: ConversionReport) -> Face | None:
    """A face with the points that can be seen; the others are 0 and not annotated."""
    found = [released.points.get(feature) for feature in FEATURE_IDS]
    if released.rect_xywh is None:
        report.leave_out('it has no rectangle', released.label)
        return None
    if not any(found):
        report.leave_out('none of its 19 points can be seen', released.label)
        return None
    x, y, width, height = released.rect_xywh
    side = max(width, height)
    flags = np.array([point is not None for point in found], dtype=np.int64)
    return Face(
        image=released.image,
        where=f'face_id {released.face_id}',
        points=np.array([point or (0.0, 0.0) for point in found]).reshape(NUM_POINTS, 2),
        flags=flags,
        center=(x + width / 2, y + height / 2),
        side=side,
        extra={'box_size': side, 'visibility': flags.tolist(), **released.attributes},
    )


def _read_test_list(path: Path, released: Sequence[ReleasedFace]) -> set[int]:
    """Read the ids of the test faces."""
    known: dict[Any, int] = {each.face_id: each.face_id for each in released}
    known |= {each.place: each.face_id for each in released if each.place is not None}
    try:
        lines = path.read_text(encoding='utf-8').splitlines()
    except (OSError, ValueError) as error:
        raise InputError(f'{path}: cannot be read: {error}') from error
    found = set()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        image, *corner = (part.strip() for part in line.rsplit(',', 2))
        try:
            key: Any = place_of(image, *map(float, corner)) if corner else int(image)
        except (ValueError, TypeError, OverflowError) as error:  # the last for infinity
            raise InputError(
                f"{path}: line {number}: '{line}' is neither a face_id nor filepath,x,y"
            ) from error
        if key not in known:
            raise InputError(f"{path}: line {number}: the sqlite has no face '{line}'")
        found.add(known[key])
    return found
