"""Reading AFLW's own release, ``aflw.sqlite``: boxes, visible points, pose, attributes."""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from mmpose_lite.utils import InputError, MissingFileError

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
            are not finite, which are left out.

    Raises:
        MissingFileError: If there is no such file.
        InputError: If it is no such database, or lacks a table or a column.
    """
    if not Path(path).is_file():
        raise MissingFileError(f"sqlite='{path}' does not exist")
    try:
        # Read-only, so that nothing is made beside a database that others share.
        with closing(sqlite3.connect(f'{Path(path).resolve().as_uri()}?mode=ro', uri=True)) as base:
            images = _images(base, report)
            faces = {row[0]: _face(row, images, report) for row in base.execute(_FACES)}
            _add_rectangles(faces, base.execute(_RECTANGLES), report)
            _add_points(faces, base.execute(_POINTS), report)
            _add_attributes(faces, base, report)
    except (
        sqlite3.Error,
        ValueError,
        TypeError,
    ) as error:  # the latter where text should be numbers
        raise InputError(f"{path}: no database of AFLW's release: {error}") from error
    return list(faces.values())


# Rows that stand there twice come in the order in which the first is taken.
_FACES = 'SELECT face_id, db_id, file_id FROM Faces ORDER BY face_id'
_IMAGES = 'SELECT db_id, file_id, filepath FROM FaceImages ORDER BY image_id'
_RECTANGLES = 'SELECT face_id, x, y, w, h FROM FaceRect ORDER BY rowid'
_POINTS = (
    'SELECT face_id, feature_id, x, y FROM FeatureCoords ORDER BY annot_type_id IS NOT 0, rowid'
)
_POSES = 'SELECT face_id, yaw, pitch, roll FROM FacePose ORDER BY rowid'
_METADATA = 'SELECT face_id, sex, glasses, occluded FROM FaceMetaData ORDER BY rowid'
_ATTRIBUTES = ('sex', 'glasses', 'occluded')


def _images(base: sqlite3.Connection, report: ConversionReport) -> dict[tuple, str]:
    images: dict[tuple, str] = {}
    for db_id, file_id, filepath in base.execute(_IMAGES):
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
        if not _are_finite(x, y, width, height):
            report.note('the rectangle is no finite number, and is left out', face.label)
        elif face.rect_xywh is not None:
            report.note('the face has several rectangles, the first is taken', face.label)
        elif width > 0 and height > 0:
            face.rect_xywh = (float(x), float(y), float(width), float(height))


def _add_points(
    faces: dict[int, ReleasedFace], rows: Iterable[tuple], report: ConversionReport
) -> None:
    repeated: Counter[str] = Counter()
    for face, feature, x, y in _known(faces, rows):
        if not _are_finite(x, y):
            report.note('a point is no finite number, and is left out', face.label)
        elif feature in face.points:
            repeated[face.label] += 1
        else:
            face.points[feature] = (float(x), float(y))
    for label in repeated:
        report.note('the face has a point twice, the first is taken', label)


def _add_attributes(
    faces: dict[int, ReleasedFace], base: sqlite3.Connection, report: ConversionReport
) -> None:
    for face, *angles in _known(faces, base.execute(_POSES)):
        for name, angle in zip(('yaw', 'pitch', 'roll'), angles, strict=True):
            _add_attribute(face, name, float(angle), report)
    for face_id, sex, *yes_or_no in base.execute(_METADATA):
        for name, value in zip(_ATTRIBUTES, (sex or None, *yes_or_no), strict=True):
            if face_id in faces and value is not None:
                _add_attribute(faces[face_id], name, value, report)


def _add_attribute(face: ReleasedFace, name: str, value: Any, report: ConversionReport) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        report.note(f"its '{name}' is no finite number, and is left out", face.label)
    else:
        face.attributes.setdefault(name, value)


def _are_finite(*values: Any) -> bool:
    return all(math.isfinite(float(value)) for value in values)
