"""Reading a split's annotations to the end, whatever is wrong with some of them."""

from __future__ import annotations

import os.path as osp
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mmpose_lite.datasets.datasets.base.annotations import (
    AnnotationError,
    Record,
    file_problems,
    has_id,
    is_number,
    lacks_bbox,
    read_detections,
    read_json,
    short,
    tidy,
)
from mmpose_lite.datasets.datasets.base.plausibility import FaceArrays, implausible
from mmpose_lite.datasets.datasets.base.subsets import of_category
from mmpose_lite.utils import InputError

from .findings import Finding
from .splits import Split


@dataclass
class Faces(FaceArrays):
    """The usable faces of a split.

    Attributes:
        records: Their records.
    """

    records: list[Record]


@dataclass
class SplitContent:
    """What a split's annotation file holds.

    Attributes:
        images: The entries of ``images`` that have a name, each file once.
        count: How many annotations there are.
        faces: The usable ones; None if there is none.
        findings: What is wrong.
    """

    images: list[dict] = field(default_factory=list)
    count: int = 0
    faces: Faces | None = None
    findings: list[Finding] = field(default_factory=list)


def read_split(split: Split) -> SplitContent:
    """Read a split's annotations, and say what is wrong with each."""
    found = SplitContent()
    file = osp.basename(split.ann_file)

    def add(problem: str, kind: str = 'annotations', is_fault: bool = True) -> None:
        text = problem.removeprefix(f'{split.ann_file}: ')
        found.findings.append(Finding(split.name, kind, file, text, is_fault))

    try:
        content = tidy(read_json(split.ann_file))
    except InputError as error:
        add(str(error))
        return found
    for problem in file_problems(split.ann_file, content):
        add(str(problem))
    if not _has_lists(content):
        return found
    images = {
        image['id']: image
        for image in reversed(content['images'])  # of an id that stands twice, the first
        if has_id(image) and isinstance(image.get('file_name'), str)
    }
    found.images = list(_each_file_once(reversed(images.values()), add))
    records = _of_category(split, content, images, add)
    found.count = len(content['annotations'] if split.dataset.category is None else records)
    found.faces = _faces(split, records, add)
    _check_use(records, images, add)
    if split.dataset.bbox_file:
        path = osp.join(split.dataset.data_root or '', split.dataset.bbox_file)
        try:
            read_detections(path, list(images.values()), split.dataset.photographs.path)
        except InputError as error:
            add(str(error))
    return found


def _has_lists(content: Any) -> bool:
    return isinstance(content, dict) and all(
        isinstance(content.get(key), list) for key in ('images', 'annotations')
    )


def _each_file_once(images: Any, add: Any) -> Iterator[dict]:
    first: dict[str, dict] = {}
    for image in images:
        name = osp.normpath(image['file_name'])
        known = first.setdefault(name, image)
        if known is image:
            yield image
        else:
            add(
                f'image {image["file_name"]!r} is listed twice, as image id '
                f'{short(known["id"])} and {short(image["id"])}'
            )


def _records(path: str, annotations: list, images: dict) -> Iterator[Record]:
    for annotation in annotations:
        if has_id(annotation):
            image_id = annotation.get('image_id')
            if not isinstance(image_id, bool | list | dict) and image_id in images:
                yield Record(path, annotation, images[image_id])


def _of_category(split: Split, content: dict, images: dict, add: Any) -> list[Record]:
    """The records that the data set uses, and what their points are called elsewhere."""
    records = list(_records(split.ann_file, content['annotations'], images))
    try:
        records = of_category(records, content, split.dataset.category, split.ann_file)
        problem = split.dataset.about_points(records, content)
    except AnnotationError as error:
        add(str(error))
        return records
    if problem is not None:
        text, is_sure = problem
        add(text, 'points', is_fault=is_sure)
    return records


def _faces(split: Split, records: list[Record], add: Any) -> Faces | None:
    kept, rows = [], []
    dropped: Counter[str] = Counter()
    for record in records:
        try:
            reason = split.dataset.reason_to_drop(record)
            if reason:
                dropped[reason] += 1
                continue
            _check_unused_fields(record)
            rows.append(
                split.dataset.parse_data_info(
                    {'raw_ann_info': record.annotation, 'raw_img_info': record.image}
                )
            )
            kept.append(record)
        except AnnotationError as error:
            add(str(error), 'points' if "'keypoints'" in str(error) else 'box')
    for reason, count in dropped.items():
        add(f'{count} annotations are left out: {reason}', is_fault=False)
    if not rows:
        add('no annotation can be used')
        return None
    for line in split.dataset.about_reading(rows):
        add(line, is_fault=False)
    annotations = [record.annotation for record in kept]
    faces = Faces(records=kept, **FaceArrays.arrays_of(rows, annotations))
    problem = implausible(faces)
    if problem is not None:
        add(problem, 'set')
    return faces


def _check_unused_fields(record: Record) -> None:
    """Check boxes that this data set may not read, and other programs do."""
    if not lacks_bbox(record.annotation):
        x, y, width, height = record.numbers('bbox', 4)
        if min(width, height) <= 0:
            raise record.error('bbox', f'has no area: {short([x, y, width, height])}')
    if record.annotation.get('box_size') is not None:
        record.positive('box_size')


def _check_use(records: list[Record], images: dict, add: Any) -> None:
    used = {record.annotation['image_id'] for record in records}
    idle = [image for image_id, image in images.items() if image_id not in used]
    if idle:
        name = idle[-1]['file_name']
        add(f'{len(idle)} images have no face, such as {name!r}', is_fault=False)
    seen: dict[tuple, Record] = {}
    for record in records:
        points = record.annotation.get('keypoints')
        if not isinstance(points, list) or not all(map(is_number, points)) or not points:
            continue
        first = seen.setdefault((record.image['id'], *points), record)
        if first is not record:
            ids = f'{short(first.annotation["id"])} and {short(record.annotation["id"])}'
            add(f'annotation ids {ids} are the same face of image {record.image["file_name"]!r}')
