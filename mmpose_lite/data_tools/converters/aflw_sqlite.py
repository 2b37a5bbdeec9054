"""Reading AFLW's own release, ``aflw.sqlite``: boxes, visible points, pose, attributes."""

from __future__ import annotations

import math
import reprlib
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from mmpose_lite.utils import InputError, MissingFileError

from .records import are_coordinates
from .report import ConversionReport

FEATURE_IDS = (*range(1, 13), 14, 15, 16, 18, 19, 20, 21)
"""The release's ids of the 19 points, in their order: its 21 without the ears (13 and 17)."""


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
        """What no other face has: the photograph, and the rectangle's corner in whole pixels."""
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
        with closing(_Database(path)) as base:
            images = _images(base.rows('FaceImages'), report)
            faces = {row[0]: _face(row, images, report) for row in base.rows('Faces')}
            _add_rectangles(faces, base.rows('FaceRect'), report)
            _add_points(faces, base.rows('FeatureCoords'), report)
            _add_angles(faces, base.rows('FacePose'), report)
            _add_attributes(faces, base.rows('FaceMetaData'), report)
    # A damaged file may hold what is no text, or name more bytes than there are.
    except (sqlite3.Error, UnicodeError, MemoryError) as error:
        reason = ' '.join(str(error).split())[:200]  # it may quote the file
        raise InputError(f"{path}: no database of AFLW's release: {reason}") from error
    return list(faces.values())


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


class _Database:
    """A database whose tables are plain ones, and whose values have the types they should have."""

    def __init__(self, path: str | Path) -> None:
        self.path = path
        # Read-only, so that nothing is made beside a database that others share.
        self._base = sqlite3.connect(f'{Path(path).resolve().as_uri()}?mode=ro', uri=True)

    def close(self) -> None:
        """Close the database."""
        self._base.close()

    def rows(self, table: str) -> Iterator[tuple]:
        """The rows of a table.

        Raises:
            InputError: If it is no plain table, or a value is of another type; the message names
                table, column and value.
        """
        self._check_plain(table)
        columns, order = _TABLES[table]
        for row in self._base.execute(f'SELECT {", ".join(columns)} FROM {table} ORDER BY {order}'):
            for (name, kinds), value in zip(columns.items(), row, strict=True):
                if value is not None and not isinstance(value, kinds):
                    wanted = ' or '.join(kind.__name__ for kind in kinds)
                    raise InputError(
                        f'{self.path}: {table}.{name} is {reprlib.repr(value)}, not {wanted}, in '
                        f'the row of {next(iter(columns))} {reprlib.repr(row[0])}'
                    )
            yield row

    def _check_plain(self, table: str) -> None:
        """Refuse a view, or columns that are computed: they may take for ever."""
        kinds = self._base.execute(
            'SELECT type, sql FROM sqlite_master WHERE name = ? COLLATE NOCASE', (table,)
        ).fetchall()
        plain = [(kind, str(sql).upper().startswith('CREATE TABLE')) for kind, sql in kinds]
        computed = self._base.execute(f"SELECT 1 FROM pragma_table_xinfo('{table}') WHERE hidden")
        if kinds and (plain != [('table', True)] or computed.fetchone()):
            raise InputError(f"{self.path}: '{table}' is no plain table, but a view or the like")


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
        report.note(f"its '{name}' is no finite number, and is left out", face.label)
    else:
        face.attributes.setdefault(name, value)
