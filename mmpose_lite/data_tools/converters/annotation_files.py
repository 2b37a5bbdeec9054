"""Faces of any source, and the annotation files that they become."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray

from mmpose_lite.errors import InputError
from mmpose_lite.structures.keypoint.transforms import FARTHEST
from mmpose_lite.utils.files import write_json
from mmpose_lite.utils.images import APPLIED

from .photographs import Photograph
from .report import ConversionReport, WrittenSet

_MARGIN = 0.1  # of the points' box at each side, in MMPose's files
LISTED_TWICE = 'the face is listed twice'
"""The note on a face that a set has twice."""


@dataclass(frozen=True)
class Face:
    """A face as a source has it; K points, pixels of the photograph.

    Attributes:
        image: The photograph's name in the source.
        where: The record, for messages: file and row.
        points: ``(K, 2)``.
        flags: ``(K,)``: 2 or 1 where the point is annotated, 0 where it is not.
        center: The middle of the square box; None where the set has none.
        side: The square's side.
        corner: Left and top of the box as the source has it, by which AFLW's sources are joined.
        bbox_xywh: The box; made from the points where None.
        extra: Further fields of the annotation.
    """

    image: str
    where: str
    points: ndarray
    flags: ndarray
    center: tuple[float, float] | None = None
    side: float = 0.0
    corner: tuple[float, float] = (0.0, 0.0)
    bbox_xywh: tuple[float, float, float, float] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The face's name in reports."""
        return f'{self.image} ({self.where})'


def are_coordinates(*values: Any) -> bool:
    """Tell whether all values are finite numbers that some image's pixels may have."""
    return all((np.abs(np.asarray(each, dtype=np.float64)) <= FARTHEST).all() for each in values)


def points_of(
    path: Path, read: Callable[[Path], ndarray], report: ConversionReport
) -> ndarray | None:
    """Read the points of a face from a file of its own; None, and reported, if it has none.

    Args:
        path: The file.
        read: Reads it; raises :class:`InputError` where it cannot be used.
        report: Gets the face as left out.
    """
    try:
        return read(path)
    except InputError as error:
        report.leave_out('its file of points cannot be used', str(error))
        return None


def visible_face(image: str, where: str, points: ndarray) -> Face:
    """A face of K visible points and their box, as MMPose's files of LaPa and 300W-LP have it.

    Args:
        image: The photograph's name in the source.
        where: The record, for messages.
        points: ``(K, 2)``.
    """
    (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    flags = np.full(len(points), 2, dtype=np.int64)
    return Face(image, where, points, flags, bbox_xywh=(left, top, right - left, bottom - top))


def square_about(points: ndarray) -> tuple[tuple[float, float], float]:
    """The square that HRNet and MMPose put about the points of 300W and WFLW.

    Args:
        points: ``(K, 2)``.

    Returns:
        The middle of the points' box, with its corners rounded outward to whole pixels, and the
        longer of its sides.
    """
    low, high = np.floor(points.min(axis=0)), np.ceil(points.max(axis=0))
    x, y = ((low + high) / 2).tolist()
    return (x, y), float((high - low).max())


def padded_box(points: ndarray, size_wh: tuple[int, int]) -> list[float]:
    """The points' box (x, y, w, h), enlarged by a tenth at each side, clipped to the photograph.

    Args:
        points: ``(K, 2)``.
        size_wh: Size of the photograph.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    margin = _MARGIN * (high - low)
    low, high = np.clip(low - margin, 0, size_wh), np.clip(high + margin, 0, size_wh)
    return [*low.tolist(), *(high - low).tolist()]


def annotation(face: Face, face_id: int, image_id: int, size_wh: tuple[int, int]) -> dict[str, Any]:
    """The annotation of a face, with MMPose's fields.

    Args:
        face: The face.
        face_id: Its id.
        image_id: The id of its photograph.
        size_wh: Size of the photograph.
    """
    bbox = face.bbox_xywh or padded_box(face.points[face.flags > 0], size_wh)
    if face.center is not None and min(bbox[2:]) <= 0:  # a lone point, or all outside
        x, y = face.center
        bbox = [x - face.side / 2, y - face.side / 2, face.side, face.side]
    points = zip(face.points.tolist(), face.flags.tolist(), strict=True)
    record: dict[str, Any] = {
        'image_id': image_id,
        'id': face_id,
        'keypoints': [value for (x, y), flag in points for value in (x, y, flag)],
        'num_keypoints': int((face.flags > 0).sum()),
        'bbox': list(bbox),
        'iscrowd': 0,
        'area': bbox[2] * bbox[3],
        'category_id': 1,
    }
    if face.center is not None:
        record |= {'center': list(face.center), 'scale': face.side / 200}
    return {**record, **face.extra}


def write_set(
    path: Path,
    faces: Iterable[tuple[int, Face, Photograph]],
    info: Mapping[str, Any],
    name: str = '',
    expected: int | None = None,
    category: Mapping[str, Any] | None = None,
) -> WrittenSet:
    """Write an annotation file.

    Args:
        path: The file.
        faces: Each face with its id and its photograph, whose id is that of its first face.
        info: What the file says about itself.
        name: Name of the set.
        expected: How many faces the published set has.
        category: What the file says of its points: ``keypoints``, ``skeleton``.
    """
    images: dict[str, dict[str, Any]] = {}
    annotations = []
    for face_id, face, photo in faces:
        width, height = photo.size_wh
        entry = {'id': face_id, 'file_name': photo.file_name, 'height': height, 'width': width}
        if photo.applied != 1:
            entry[APPLIED] = photo.applied
        image_id = images.setdefault(photo.file_name, entry)['id']
        annotations.append(annotation(face, face_id, image_id, photo.size_wh))
    points = category or {'keypoints': [], 'skeleton': []}
    content = {
        'info': dict(info),
        'categories': [{'supercategory': 'person', 'id': 1, 'name': 'face', **points}],
        'images': list(images.values()),
        'annotations': annotations,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, content, allow_nan=False)
    return WrittenSet(name, str(path), len(annotations), len(images), expected)


def write_sets(
    stem: Path,
    sets: Mapping[str, Sequence[Face]],
    placed: Mapping[str, Photograph | str],
    info: Mapping[str, Any],
    expected: Mapping[str, int | None],
    report: ConversionReport,
) -> None:
    """Write the annotation files ``STEM_{name}.json`` of several sets.

    Ids are the rows of the set's list, from 0; faces whose photograph is not there are left out.

    Args:
        stem: Path of the files, without ``_{name}.json``.
        sets: The faces of each set, in the order of the report.
        placed: What is known of the photographs.
        info: What each file says about itself; unless it has ``set``, that is the names of the
            report and of the set.
        expected: How many faces the published sets have.
        report: Gets the sets.
    """
    for name, faces in sets.items():
        rows = ((i, face, placed[face.image]) for i, face in enumerate(faces))
        there = [(i, face, photo) for i, face, photo in rows if isinstance(photo, Photograph)]
        file = stem.with_name(f'{stem.name}_{name}.json')
        about = {'set': f'{report.name} {name}', **info}
        report.sets.append(write_set(file, there, about, name, expected.get(name)))


def report_places(
    sets: Mapping[str, Sequence[Face]],
    placed: Mapping[str, Photograph | str],
    report: ConversionReport,
) -> None:
    """Report faces without a photograph, boxes that leave it, and faces that are there again.

    A face is known by its photograph and its square box; of one that has none its points are
    looked at.

    Args:
        sets: The faces of each set, without sets that are parts of others.
        placed: What is known of the photographs.
        report: Gets what is found.
    """
    listed: dict[tuple, dict[str, Face]] = {}
    for name, face in ((name, face) for name, faces in sets.items() for face in faces):
        photo = placed[face.image]
        if not isinstance(photo, Photograph):
            report.leave_out(photo, face.label)
        elif face.center is not None:
            if _leaves(face, face.center, photo.size_wh):
                report.note('the box leaves its photograph, and stays as it is', face.label)
            same = listed.setdefault((photo.file_name, face.center, face.side), {})
            _report_again(name, face, same, report)
            same.setdefault(name, face)
        elif (face.points < 0).any() or (face.points > photo.size_wh).any():
            report.note('a point is outside its photograph, and stays there', face.label)


def _leaves(face: Face, center: tuple[float, float], size_wh: tuple[int, int]) -> bool:
    (x, y), half, (width, height) = center, face.side / 2, size_wh
    return x < half or y < half or x + half > width or y + half > height


def _report_again(
    name: str, face: Face, same: Mapping[str, Face], report: ConversionReport
) -> None:
    """Report a face of a set that is already in the same or in other sets, one face each."""
    if name in same:
        report.note(LISTED_TWICE, both_labels(same[name], face))
        return
    for other, first in same.items():
        report.note(f'the face is in {other} and in {name}', both_labels(first, face))


def both_labels(first: Face, again: Face) -> str:
    """The name in reports of a face that is there again."""
    return f'{first.image} ({first.where}; {again.where})'


def report_idle(photographs: Iterable[Path], report: ConversionReport) -> None:
    """Report photographs without points."""
    for path in sorted(photographs):
        report.note('the photograph has no points', str(path))


def remark_on_folder(out: Path, placed: Mapping[str, Photograph | str]) -> Iterable[str]:
    """Say how photographs get to where a data set looks for them, unless they are there."""
    photo = next((each for each in placed.values() if isinstance(each, Photograph)), None)
    if photo is None or (out / 'images' / photo.file_name).exists():
        return
    parts = Path(photo.file_name).parts
    target, depth = out / 'images', len(parts)
    if photo.path.absolute().parts[-depth:] != parts:  # a folder of another name on disk
        target, depth = target / parts[0], depth - 1
    source = photo.path.absolute().parents[depth - 1]
    yield (
        f'configs look for {out / "images" / photo.file_name}; one way to have it there: '
        f"mkdir -p '{target.parent}' && ln -s '{source}' '{target}'"
    )
