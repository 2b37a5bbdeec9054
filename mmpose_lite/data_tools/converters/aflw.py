"""AFLW: from what its authors, Zhu et al. and HRNet released to MMPose's annotation files.

The lists of the latter two are read by :mod:`.aflw_lists`; the authors' own release,
``aflw.sqlite``, has boxes, the points that can be seen, pose and attributes.
"""

from __future__ import annotations

import math
import reprlib
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from mmpose_lite.errors import InputError, MissingFileError

from .aflw_lists import NUM_POINTS, read_csv, read_mat
from .annotation_files import (
    Face,
    are_coordinates,
    remark_on_folder,
    report_places,
    write_sets,
)
from .photographs import Photographs, Progress, place
from .report import ConversionReport

PUBLISHED = {'train': 20000, 'test': 4386, 'test_frontal': 1314}
"""Numbers of faces of the sets on which results are published."""

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

FEATURE_IDS = (*range(1, 13), 14, 15, 16, 18, 19, 20, 21)
"""The release's ids of the 19 points, in their order: its 21 without the ears (13 and 17)."""

_WHOLE, _NUMBER, _TEXT, _KEY = (int,), (int, float), (str,), (int, str)
_ANGLES, _ATTRIBUTES = ('yaw', 'pitch', 'roll'), ('sex', 'glasses', 'occluded')
# The types of columns, and the order of rows; of rows that stand there twice the first is taken.
_TABLES: dict[str, tuple[dict[str, tuple[type, ...]], str]] = {
    'Faces': ({'face_id': _WHOLE, 'db_id': _KEY, 'file_id': _KEY}, 'face_id'),
    'FaceImages': ({'db_id': _KEY, 'file_id': _KEY, 'filepath': _TEXT}, 'image_id'),
    'FaceRect': ({'face_id': _WHOLE, **dict.fromkeys('xywh', _NUMBER)}, 'rowid'),
    'FeatureCoords': (
        {'face_id': _WHOLE, 'feature_id': _WHOLE, 'x': _NUMBER, 'y': _NUMBER},
        'annot_type_id IS NOT 0, rowid',
    ),
    'FacePose': ({'face_id': _WHOLE, **dict.fromkeys(_ANGLES, _NUMBER)}, 'rowid'),
    'FaceMetaData': (
        {'face_id': _WHOLE, 'sex': _TEXT, 'glasses': _NUMBER, 'occluded': _NUMBER},
        'rowid',
    ),
}


@dataclass
class ReleasedFace:
    """A face of the release.

    Attributes:
        face_id: Its id.
        image: Its photograph, ``folder/file``.
        rect_xywh: Its rectangle, unclipped; None if it has none.
        points: ``{feature id: (x, y)}``, those that are visible.
        attributes: ``face_id``; ``yaw``, ``pitch``, ``roll``, ``sex``, ``glasses`` and
            ``occluded`` where the release has them.
    """

    face_id: int
    image: str
    rect_xywh: tuple[float, float, float, float] | None = None
    points: dict[int, tuple[float, float]] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The face's name in reports."""
        return f'{self.image} (face_id {self.face_id})'

    @property
    def place(self) -> tuple[str, int, int] | None:
        """A key of the face: its photograph, and its rectangle's corner in whole pixels."""
        return None if self.rect_xywh is None else place_of(self.image, *self.rect_xywh[:2])


def place_of(image: str, x: float, y: float) -> tuple[str, int, int]:
    """Tell a face by its photograph, whatever its extension, and its box's corner."""
    path = PurePosixPath(image.replace('\\', '/'))
    return f'{path.parent.name}/{path.stem}', int(x), int(y)


def read_release(path: str | Path, report: ConversionReport) -> list[ReleasedFace]:
    """Read all faces, in the order of their ids.

    Args:
        path: The database.
        report: Gets photographs, rectangles and points that stand there twice, and numbers that
            no image's pixels have, which are left out.

    Raises:
        MissingFileError: If there is no such file.
        InputError: If it is no such database, lacks a table or a column, or a value is of another
            type; the message names it.
    """
    if not Path(path).is_file():
        raise MissingFileError(f"sqlite='{path}' does not exist")
    try:
        # Read-only, so that nothing is made beside a database that others share.
        uri = f'{Path(path).resolve().as_uri()}?mode=ro'
        with closing(sqlite3.connect(uri, uri=True)) as base:
            tables = {name: _rows(base, path, name) for name in _TABLES}
            images = _images(tables['FaceImages'], report)
            faces = {row[0]: _face(row, images, report) for row in tables['Faces']}
            _add_rectangles(faces, tables['FaceRect'], report)
            _add_points(faces, tables['FeatureCoords'], report)
            _add_angles(faces, tables['FacePose'], report)
            _add_attributes(faces, tables['FaceMetaData'], report)
    # A damaged file may hold what is not text, or name more bytes than there are.
    except (sqlite3.Error, UnicodeError, MemoryError) as error:
        reason = ' '.join(str(error).split())[:200]  # it may quote the file
        raise InputError(f"{path}: no database of AFLW's release: {reason}") from error
    return list(faces.values())


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
    placed = place(names, photographs, report, progress, prefix='flickr/')
    report_places(whole, placed, report)
    info = {'set': report.name, **info}
    if report.name != 'aflw':
        info['warning'] = _NOT_COMPARABLE
        report.remarks.append(_NOT_COMPARABLE)
        expected = {}
    stem = out / 'annotations' / f'face_landmarks_{report.name}'
    write_sets(stem, sets, placed, info, expected, report)
    report.remarks += remark_on_folder(out, placed)


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


def _rows(base: sqlite3.Connection, path: str | Path, table: str) -> Iterator[tuple]:
    """The rows of a table of the database at a path.

    Raises:
        InputError: If it is no plain table, or a value is of another type; the message names table,
            column and value.
    """
    _check_plain(base, path, table)
    columns, order = _TABLES[table]
    for row in base.execute(f'SELECT {", ".join(columns)} FROM {table} ORDER BY {order}'):
        for (name, kinds), value in zip(columns.items(), row, strict=True):
            if value is not None and not isinstance(value, kinds):
                wanted = ' or '.join(kind.__name__ for kind in kinds)
                raise InputError(
                    f'{path}: {table}.{name} is {reprlib.repr(value)}, not {wanted}, in the row of '
                    f'{next(iter(columns))} {reprlib.repr(row[0])}'
                )
        yield row


def _check_plain(base: sqlite3.Connection, path: str | Path, table: str) -> None:
    """Refuse a view, or columns that are computed: they may take for ever."""
    kinds = base.execute(
        'SELECT type, sql FROM sqlite_master WHERE name = ? COLLATE NOCASE', (table,)
    ).fetchall()
    plain = [(kind, str(sql).upper().startswith('CREATE TABLE')) for kind, sql in kinds]
    computed = base.execute(f"SELECT 1 FROM pragma_table_xinfo('{table}') WHERE hidden")
    if kinds and (plain != [('table', True)] or computed.fetchone()):
        raise InputError(f"{path}: '{table}' is not a plain table, but a view or the like")


def _images(rows: Iterable[tuple], report: ConversionReport) -> dict[tuple, str]:
    images: dict[tuple, str] = {}
    for db_id, file_id, filepath in rows:
        first = images.setdefault((db_id, file_id), filepath)
        if first is not filepath:
            report.note('the photograph is listed twice', f'{first}, {filepath}')
    return images


def _face(row: tuple, images: dict[tuple, str], report: ConversionReport) -> ReleasedFace:
    face_id, db_id, file_id = row
    image = images.get((db_id, file_id))
    if image is None:
        image = str(file_id)
        report.note('FaceImages lacks the photograph', f'{image} (face_id {face_id})')
    return ReleasedFace(face_id, image, attributes={'face_id': face_id})


def _known(faces: dict[int, ReleasedFace], rows: Iterable[tuple]) -> Iterator[tuple]:
    """The rows of known faces that hold a value in each column, with their face."""
    for face_id, *values in rows:
        if face_id in faces and None not in values:
            yield (faces[face_id], *values)


def _add_rectangles(
    faces: dict[int, ReleasedFace], rows: Iterable[tuple], report: ConversionReport
) -> None:
    for face, x, y, width, height in _known(faces, rows):
        if not are_coordinates(x, y, width, height):
            report.note('the rectangle is in no image, and is left out', face.label)
        elif face.rect_xywh is not None:
            report.note('the face has several rectangles, the first is taken', face.label)
        elif width > 0 and height > 0:
            face.rect_xywh = (float(x), float(y), float(width), float(height))


def _add_points(
    faces: dict[int, ReleasedFace], rows: Iterable[tuple], report: ConversionReport
) -> None:
    repeated: Counter[str] = Counter()
    for face, feature, x, y in _known(faces, rows):
        if not are_coordinates(x, y):
            report.note('a point is in no image, and is left out', face.label)
        elif feature in face.points:
            repeated[face.label] += 1
        else:
            face.points[feature] = (float(x), float(y))
    for label in repeated:
        report.note('the face has a point twice, the first is taken', label)


def _add_angles(
    faces: dict[int, ReleasedFace], rows: Iterable[tuple], report: ConversionReport
) -> None:
    for face, *angles in _known(faces, rows):
        for name, angle in zip(_ANGLES, angles, strict=True):
            _add_attribute(face, name, float(angle), report)


def _add_attributes(
    faces: dict[int, ReleasedFace], rows: Iterable[tuple], report: ConversionReport
) -> None:
    for face_id, sex, *yes_or_no in rows:
        for name, value in zip(_ATTRIBUTES, (sex or None, *yes_or_no), strict=True):
            if face_id in faces and value is not None:
                _add_attribute(faces[face_id], name, value, report)


def _add_attribute(face: ReleasedFace, name: str, value: Any, report: ConversionReport) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        report.note(f"its '{name}' is not a finite number, and is left out", face.label)
    else:
        face.attributes.setdefault(name, value)
