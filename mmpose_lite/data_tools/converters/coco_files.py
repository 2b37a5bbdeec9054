"""COCO keypoints as CVAT, COCO Annotator, Roboflow and others write them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mmpose_lite.datasets.datasets.base.annotations import (
    AnnotationError,
    Record,
    image_fields,
    read_annotations,
)
from mmpose_lite.datasets.datasets.base.subsets import names_of_points, of_category
from mmpose_lite.errors import short

from .labelled import (
    HIDDEN,
    VISIBLE,
    Box,
    LabelledFace,
    LabelledPicture,
    Labels,
    Point,
    ReadOptions,
    label_files,
)
from .report import ConversionReport

# `face_jpg.rf.0a1b2c.jpg` is what Roboflow makes of `face.jpg`, once for each augmentation.
_OF_ROBOFLOW = re.compile(r'(.+)\.rf\.\w+\.\w+')
_TIGHT = 1.0  # px; a box so near to the points' extent was made from them


def read_coco(path: Path, options: ReadOptions, report: ConversionReport) -> Labels:
    """Read a COCO keypoints file, or all of those below a folder.

    Args:
        path: The file or folder.
        options: ``category`` says which one has the faces, if several have points.
        report: Gets oddities.

    Raises:
        InputError: If one is no such file; or several have other points.
    """
    labels = Labels()
    for file in label_files(path, ('.json',)):
        records, content = read_annotations(file)
        try:
            records = of_category(records, content, options.category, str(file))
        except AnnotationError as error:
            raise AnnotationError(f'{error} (--category NAME chooses one)') from None
        names = names_of_points(records, content) or _counted(records)
        if labels.names and names and names != labels.names:
            raise AnnotationError(
                f'{file}: its points are {", ".join(names)}, and those of other files '
                f'{", ".join(labels.names)}'
            )
        labels.names = labels.names or names
        labels.links = labels.links or list(_links(records, content, names))
        labels.pictures += _pictures(file, records, content, names, report)
    _note_copies(labels, report)
    return labels


def _counted(records: list[Record]) -> list[str]:
    """Numbers for names, as many as most faces have points."""
    points = [each.annotation.get('keypoints') for each in records]
    counts = [len(each) // 3 for each in points if each and isinstance(each, list)]
    return [str(i + 1) for i in range(max(counts, key=counts.count, default=0))]


def _links(records: list[Record], content: dict, names: list[str]) -> Iterator[tuple[str, str]]:
    used, listed = [record.category() for record in records], content.get('categories')
    for category in listed if isinstance(listed, list) else ():
        links = category.get('skeleton') if isinstance(category, dict) else None
        if isinstance(links, list) and category.get('id') in used:
            for link in links:
                ends = link if isinstance(link, list) and len(link) == 2 else [0]
                if all(end in range(1, len(names) + 1) for end in ends):  # COCO counts from 1
                    yield names[ends[0] - 1], names[ends[1] - 1]


def _pictures(
    file: Path, records: list[Record], content: dict, names: list[str], report: ConversionReport
) -> Iterator[LabelledPicture]:
    faces: dict[Any, list[LabelledFace]] = {image['id']: [] for image in content['images']}
    for record in records:
        face = _face(record, names, report)
        if face is not None:
            faces[record.image['id']].append(face)
    for image in content['images']:
        known = image_fields(image)
        size = known.get('image_wh')
        yield LabelledPicture(
            # COCO Annotator's name has no folders, and its path has them.
            names=[
                name for name in (image.get('path'), image['file_name']) if isinstance(name, str)
            ],
            where=f'{file.name}: image id {short(image["id"])}',
            faces=faces[image['id']],
            size_wh=None if size is None else (round(size[0]), round(size[1])),
            is_upright=known.get('exif_applied'),
        )


def _face(record: Record, names: list[str], report: ConversionReport) -> LabelledFace | None:
    where = f'{Path(record.file).name}: annotation id {short(record.annotation.get("id"))}'
    if record.annotation.get('deleted') or record.image.get('deleted'):
        report.note('a deleted record is left out', where)
        return None
    if record.annotation.get('iscrowd'):
        report.leave_out('marked iscrowd', where)
        return None
    if not record.annotation.get('keypoints'):
        report.leave_out('it has a box or an outline, and no points', where)
        return None
    values = record.numbers('keypoints')
    if len(values) != 3 * len(names):
        kind = f'it has {len(values) / 3:g} points, and not {len(names)}'
        report.leave_out(kind, where)
        return None
    points = {name: _point(record, values[3 * i : 3 * i + 3]) for i, name in enumerate(names)}
    return LabelledFace(where, points, _box(record, where, points, report))


def _point(record: Record, values: list[float]) -> Point:
    x, y, flag = values
    if flag not in (0, 1, 2):
        raise record.error('keypoints', f'holds a visibility of {short(flag)}, not of 0, 1 or 2')
    return float(x), float(y), int(flag)


def _box(
    record: Record, where: str, points: Mapping[str, Point], report: ConversionReport
) -> Box | None:
    """The box, unless it is missing, empty, or nothing but the extent of the points."""
    if not record.annotation.get('bbox'):
        return None
    x, y, width, height = record.numbers('bbox', 4)
    if min(width, height) <= 0:
        return None
    corners = np.array([[x, y], [x + width, y + height]])
    for least in (HIDDEN, VISIBLE):
        known = np.array([place for *place, flag in points.values() if flag >= least])
        if len(known) and np.abs(corners - [known.min(axis=0), known.max(axis=0)]).max() <= _TIGHT:
            report.note('the box is the extent of the points, which nobody drew', where)
            return None
    return x, y, x + width, y + height


def _note_copies(labels: Labels, report: ConversionReport) -> None:
    found = (_OF_ROBOFLOW.fullmatch(name) for each in labels.pictures for name in each.names)
    for name, count in Counter(match[1] for match in found if match).items():
        if count > 1:
            kind = 'copies of one photograph: a split by names may have it on both sides'
            report.note(kind, f'{name} ({count} copies)')
