"""A split's annotations and faces: read to the end, whatever is wrong with some, and checked."""

from __future__ import annotations

import os.path as osp
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy import ndarray

from mmpose_lite.datasets.datasets.base.annotations import (
    AnnotationError,
    Record,
    file_problems,
    has_id,
    has_image,
    is_number,
    lacks_bbox,
    read_detections,
    read_json,
    tidy,
)
from mmpose_lite.datasets.datasets.base.plausibility import FaceArrays, extent, implausible
from mmpose_lite.datasets.datasets.base.subsets import of_category
from mmpose_lite.errors import InputError, short

from .splits import Finding, Split

# Boxes leave their images, and points their boxes; by this share of a side it is worth a note, and
# by that it is not a face's.
_ODD, _FAR = 0.5, 1.0
# Points that all lie within this share of a side are no face.
_NARROW = 0.02
# Sets whose "left" is the image's: the first point of each pair lies further left.
_IMAGE_LEFT = ('aflw',)
# Fewer faces may all be turned.
_FEWEST = 5
# As shares of the box's side: pairs that are no farther apart have no side, and centres of pairs
# lie within this of each other.
_NO_SIDE, _OFF_CENTRE = 0.01, 0.1
# The mean over faces that agree is nearly that without signs; with a quarter swapped it is half.
_AGREEMENT = 0.5
# A face is another way round where this share of its misfit, or less, is left once it is swapped.
_CLEARLY = 0.5


@dataclass
class Faces(FaceArrays):
    """The usable faces of a split, and their records."""

    records: list[Record]


@dataclass
class SplitContent:
    """The content of a split's annotation file.

    Attributes:
        images: The entries of ``images`` that have a name, each file once.
        count: How many annotations there are.
        faces: The usable ones; None if there is none.
        findings: What is wrong.
    """

    split: Split
    images: list[dict] = field(default_factory=list)
    count: int = 0
    faces: Faces | None = None
    findings: list[Finding] = field(default_factory=list)


def read_split(split: Split) -> SplitContent:
    """Read a split's annotations, and say what is wrong with each."""
    found = SplitContent(split)
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
    lists = ('images', 'annotations')
    if not isinstance(content, dict) or not all(isinstance(content.get(x), list) for x in lists):
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
        path = split.dataset.bbox_path
        try:
            read_detections(path, list(images.values()), split.dataset.photographs.path)
        except InputError as error:
            add(str(error))
    return found


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


def _of_category(split: Split, content: dict, images: dict, add: Any) -> list[Record]:
    """The records that the data set uses, and what their points are called elsewhere."""
    records = [
        Record(split.ann_file, each, images[each['image_id']])
        for each in content['annotations']
        if has_id(each) and has_image(each, images)
    ]
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
            info = {'raw_ann_info': record.annotation, 'raw_img_info': record.image}
            rows.append(split.dataset.parse_data_info(info))
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


def check_faces(split: Split, faces: Faces) -> list[Finding]:
    """Find boxes outside of their images, points far from both, and points all in one place."""
    low, high = faces.bbox_xyxy[:, None, :2], faces.bbox_xyxy[:, None, 2:]
    side = faces.side[:, None]
    beyond_box = _beyond(faces.points, low, high) / side
    # Comparisons with NaN, where no size is known, are false.
    beyond_image = _beyond(faces.points, np.zeros(2), faces.image_wh[:, None]) / side
    outside = np.any((high <= 0) | (low >= faces.image_wh[:, None]), axis=(1, 2))
    in_one_place = (extent(faces) < _NARROW * faces.side) & (faces.labelled.sum(axis=1) > 1)
    found = []
    for kind, index, problem, is_fault in (
        *_name('box', outside, 'its box lies outside of the image'),
        *_far_points(faces, beyond_box, 'box'),
        *_far_points(faces, beyond_image, 'image'),
        *_name('points', in_one_place, 'all of its points lie in one place'),
    ):
        record = faces.records[index]
        where = (
            f'{osp.basename(split.ann_file)}, annotation id {record.annotation["id"]!r} '
            f'(image {record.image["file_name"]!r})'
        )
        found.append(Finding(split.name, kind, where, problem, is_fault))
    return found


def _beyond(points: ndarray, low: ndarray, high: ndarray) -> ndarray:
    """Distances of points from boxes, pixels, ``(N, K)``; 0 inside."""
    return np.maximum(np.maximum(low - points, points - high), 0).max(axis=2)


def _far_points(faces: Faces, beyond: ndarray, what: str) -> Iterator[tuple[str, int, str, bool]]:
    beyond = np.nan_to_num(np.where(faces.labelled, beyond, 0))
    for index in np.flatnonzero((beyond > _ODD).any(axis=1)):
        k = int(beyond[index].argmax())
        x, y = faces.points[index, k]
        far = beyond[index, k]
        problem = f'point {k} at ({x:.6g}, {y:.6g}) is {far:.3g} sides outside of the {what}'
        yield 'points', int(index), problem, bool(far > _FAR)


def _name(kind: str, is_wrong: ndarray, problem: str) -> Iterator[tuple[str, int, str, bool]]:
    for index in np.flatnonzero(is_wrong):
        yield kind, int(index), problem, True


def check_mirror_pairs(split: Split, faces: Faces) -> tuple[list[Finding], float | None]:
    """Compare the mean face with the mirror pairs, and each face with the mean one.

    Returns:
        What is wrong, and how far apart the points of a pair are in the middle, in sides of the
        box, positive where the first is on the image's left; None where there are too few faces.
    """
    meta = split.dataset.metainfo
    each_once = sorted({tuple(sorted(pair)) for pair in meta['flip_pairs']})
    pairs = np.array(each_once, dtype=int).reshape(-1, 2)
    if len(faces.records) < _FEWEST or not len(pairs):
        return [], None
    names = meta['keypoint_id2name']
    middle = (faces.bbox_xyxy[:, 2:] + faces.bbox_xyxy[:, :2]) / 2
    points = (faces.points - middle[:, None]) / faces.side[:, None, None]
    both = faces.labelled[:, pairs[:, 0]] & faces.labelled[:, pairs[:, 1]]
    used = both.sum(axis=0) >= _FEWEST
    pairs, both = pairs[used], both[:, used]
    if not len(pairs):
        return [], None
    across = points[:, pairs[:, 1]] - points[:, pairs[:, 0]]
    agreement = np.abs(_mean(across, both)) / np.maximum(_mean(np.abs(across), both), 1e-9)
    # Medians: a few points far away must not make a pair look wrong.
    apart = _median(across, both)
    centre = _median(points[:, pairs].mean(axis=2), both)
    problems = _whole_set(meta['dataset_name'], apart[:, 0], agreement[:, 0])
    for k in _no_pairs(apart, centre):
        first, second = (names[i] for i in pairs[k])
        problems.append(
            f'{first} and {second} are not a mirror pair: in the median face they are '
            f'({apart[k, 0]:.2f}, {apart[k, 1]:.2f}) sides apart about '
            f'({centre[k, 0]:.2f}, {centre[k, 1]:.2f})'
        )
    file = osp.basename(split.ann_file)
    found = [Finding(split.name, 'left-right', file, problem) for problem in problems]
    for i in swapped_faces(points, faces.labelled, np.array(meta['flip_indices'])):
        record = faces.records[i]
        where = f'{file}, annotation id {record.annotation["id"]!r}'
        image = record.image['file_name']
        problem = f'left and right may be swapped in image {image!r}: swapped, the face fits better'
        found.append(Finding(split.name, 'left-right', where, problem, is_fault=False))
    return found, float(apart[:, 0].mean())


def swapped_faces(points: ndarray, labelled: ndarray, flip_indices: ndarray) -> list[int]:
    """Find faces that resemble the mean face more once left and right are swapped.

    Points are ``(N, K, 2)``, in the frame of the box; faces with points missing are left out.
    """
    whole = np.flatnonzero(labelled.all(axis=1))
    if len(whole) < _FEWEST:
        return []
    shapes = points[whole, :, 0] + 1j * points[whole, :, 1]
    shapes = shapes - shapes.mean(axis=1, keepdims=True)
    shapes = shapes / np.maximum(np.abs(shapes).max(axis=1, keepdims=True), 1e-9)
    mean = np.median(shapes.real, axis=0) + 1j * np.median(shapes.imag, axis=0)
    as_is, swapped = _misfit(shapes, mean), _misfit(shapes[:, flip_indices], mean)
    return [int(i) for i in whole[swapped < _CLEARLY * as_is]]


def _misfit(shapes: ndarray, mean: ndarray) -> ndarray:
    """Misfit of each shape to the best rotation and scale of the mean, as a share of its size."""
    along = np.abs(shapes @ mean.conj()) ** 2 / np.vdot(mean, mean).real
    size = (np.abs(shapes) ** 2).sum(axis=1)
    return 1 - along / np.maximum(size, 1e-12)


def _mean(values: ndarray, is_used: ndarray) -> ndarray:
    """Mean over the faces, ``(P, 2)``."""
    return (values * is_used[..., None]).sum(axis=0) / is_used.sum(axis=0)[:, None]


def _median(values: ndarray, is_used: ndarray) -> ndarray:
    """Median over the faces, ``(P, 2)``."""
    return np.nanmedian(np.where(is_used[..., None], values, np.nan), axis=0)


def _whole_set(name: str, apart: ndarray, agreement: ndarray) -> list[str]:
    if np.median(agreement) < _AGREEMENT:
        return [
            'faces do not agree on what is left: the mean distance across mirror pairs is '
            f'{100 * np.median(agreement):.0f} % of what it is without signs; are some swapped?'
        ]
    sign = np.sign(np.median(apart))
    if name in _IMAGE_LEFT and sign < 0:
        return [
            f"left and right are swapped: in '{name}' left is the image's, and on average the left "
            f'points lie {-np.median(apart):.2f} sides to the right of theirs'
        ]
    return []


def _no_pairs(apart: ndarray, centre: ndarray) -> list[int]:
    """Pairs that lie the other way round, on one side of the face, or askew."""
    width = np.abs(apart[:, 0])
    tolerance = np.maximum(0.5 * width, _OFF_CENTRE)
    other_way = np.sign(apart[:, 0]) != np.sign(np.median(apart[:, 0]))
    aside = np.abs(centre[:, 0] - np.median(centre[:, 0])) > tolerance
    askew = np.abs(apart[:, 1]) > tolerance
    return [int(k) for k in np.flatnonzero((other_way & (width > _NO_SIDE)) | aside | askew)]
