"""Reading COCO-style annotation files and detections: each fault names file, record and field."""

from __future__ import annotations

import json
import math
import os.path as osp
from collections.abc import Callable, Container, Hashable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmpose_lite.errors import InputError, MissingFileError, short
from mmpose_lite.structures.bbox import bbox_xywh2xyxy
from mmpose_lite.utils.images import APPLIED

# Beyond it float32 does not tell one pixel from the next.
_LARGEST = 2.0**24
# A smaller side is no box, and makes a map with no inverse.
_SMALLEST_SIDE = 1e-3
_DEEPEST = 20
_WHOLE = ('id', 'image_id', 'category_id', 'iscrowd', APPLIED)
_POINTS = ('keypoints', 'face_kpts')  # the latter are COCO-WholeBody's


class AnnotationError(InputError):
    """A record that cannot be used; the message names the file, the record and the field."""


@dataclass(frozen=True)
class Record:
    """An annotation beside its image, knowing where they come from.

    Methods read fields, and raise an :class:`AnnotationError` where one is not as they say.

    Attributes:
        file: The annotation file.
        annotation: The entry of ``annotations``.
        image: The entry of ``images`` that it belongs to.
    """

    file: str
    annotation: dict[str, Any]
    image: dict[str, Any]

    def error(self, field: str, problem: str) -> AnnotationError:
        """An error that names this record; raise it."""
        return AnnotationError(
            f'{self.file}: annotation id {short(self.annotation.get("id"))} '
            f'(image {short(self.image.get("file_name"))}): {field!r} {problem}'
        )

    def numbers(self, field: str, count: int | None = None) -> list[float]:
        """Read a field that holds finite numbers within 2^24, and ``count`` of them."""
        values = self.annotation.get(field)
        if not isinstance(values, list) or (count is not None and len(values) != count):
            wanted = 'numbers' if count is None else f'{count} numbers'
            size = f'{len(values)} values' if isinstance(values, list) else short(values)
            raise self.error(field, f'must be a list of {wanted}, it is {size}')
        for value in values:
            if not is_number(value):
                raise self.error(
                    field, f'must hold finite numbers, it holds {short(value)} (the limit is 2^24)'
                )
        return values

    def positive(self, field: str) -> float:
        """Read a field that holds a finite number above 0."""
        value: Any = self.annotation.get(field)
        if not is_number(value) or value <= 0:
            raise self.error(field, f'must be a number above 0, it is {short(value)}')
        return float(value)

    def keypoints(self, num_keypoints: int) -> list[float]:
        """Read so many points, three numbers each, of which no visibility is below 0."""
        values = self.numbers('keypoints')
        if len(values) != 3 * num_keypoints:
            raise self.error(
                'keypoints',
                f'holds {len(values) / 3:g} points, the metainfo names {num_keypoints}',
            )
        if min(values[2::3], default=0) < 0:
            raise self.error('keypoints', f'holds a visibility below 0: {min(values[2::3])}')
        return values

    def bbox(self, margin: float | None) -> list[float]:
        """Read the box, x, y, width and height.

        Where there is none, it is made about the labelled points, on each side ``margin`` of their
        longer extent wider; None makes none.
        """
        if margin is None or not lacks_bbox(self.annotation):
            return self.numbers('bbox', 4)
        points = np.reshape(self.numbers('keypoints'), (-1, 3))
        points = points[points[:, 2] > 0, :2]
        extent = np.ptp(points, axis=0) if len(points) else np.zeros(2)
        if min(extent) <= 0:
            raise self.error(
                'bbox', f'is missing, and {len(points)} labelled points span no box in its place'
            )
        room = margin * extent.max()
        return [*(points.min(axis=0) - room).tolist(), *(extent + 2 * room).tolist()]

    def check_side(self, field: str, side: float) -> None:
        """Check that a crop can be cut by a box of this side."""
        if not _SMALLEST_SIDE <= side <= _LARGEST:
            raise self.error(
                field,
                f'makes a box of {side:g} pixels, not of {_SMALLEST_SIDE:g} to {_LARGEST:.0f}',
            )

    def category(self) -> Any:
        """Read ``category_id``, a number or a string, which is 1 where there is none."""
        value = self.annotation.get('category_id', 1)
        if not isinstance(value, int | float | str):
            raise self.error('category_id', f'must be a number or a name, it is {short(value)}')
        return value

    def reason_to_drop(self) -> str | None:
        """Give the reason to leave out the record, by ``iscrowd`` (0 or 1) and points; or None."""
        is_crowd, count = (self.annotation.get(name) for name in ('iscrowd', 'num_keypoints'))
        if is_crowd is not None and is_crowd not in (0, 1):
            raise self.error('iscrowd', f'must be 0 or 1, it is {short(is_crowd)}')
        if count is not None and not (is_number(count) and count >= 0):
            raise self.error('num_keypoints', f'must be a count, it is {short(count)}')
        points = self.annotation.get('keypoints')
        if is_crowd:
            return 'marked iscrowd'
        if count == 0 or points is None or points == []:
            return 'without points'
        if isinstance(points, list) and not any(points[::3]) and not any(points[1::3]):
            return 'with all points at the origin'
        return None

    def check_depth(self) -> None:
        """Check that no field is nested too deeply to be copied and handed on as it is."""
        for field, value in self.annotation.items():
            if _depth_exceeds(value, _DEEPEST):
                raise self.error(field, f'is nested more than {_DEEPEST} deep')

    def annotated(self) -> dict[str, Any]:
        """Read the facts by which a report groups faces; missing and malformed ones are left out.

        Call it once ``keypoints`` are checked.

        Returns:
            ``flags``, the third number of each point; ``visibility``, 1 for a point that can be
            seen and 0 for a hidden one; ``yaw`` in radians. The latter two are no part of MMPose's
            form: the converters and the embedded faces have them.
        """
        flags = self.annotation['keypoints'][2::3]
        found: dict[str, Any] = {'flags': flags}
        visibility = self.annotation.get('visibility')
        if (
            isinstance(visibility, list)
            and len(visibility) == len(flags)
            and all(isinstance(each, int) and each in (0, 1) for each in visibility)
        ):
            found['visibility'] = visibility
        if is_number(self.annotation.get('yaw')):
            found['yaw'] = self.annotation['yaw']
        return found


def read_json(path: str) -> Any:
    """Read a JSON file in UTF-8, UTF-16 or UTF-32, with or without a byte-order mark.

    Raises:
        MissingFileError: If there is no such file.
        AnnotationError: If it cannot be read, is no JSON, or has a key twice in one object, of
            which JSON would keep the last.
    """
    try:
        with open(path, 'rb') as file:
            return json.loads(file.read(), object_pairs_hook=_each_key_once)
    except FileNotFoundError as error:
        raise MissingFileError(f'annotation file {path!r} does not exist') from error
    except OSError as error:
        raise AnnotationError(f'{path}: cannot be read: {error.strerror}') from error
    except AnnotationError as error:
        raise AnnotationError(f'{path}: {error}') from None
    except UnicodeDecodeError as error:
        line, name = error.object[: error.start].count(b'\n') + 1, error.encoding.upper()
        raise AnnotationError(
            f'{path}: no JSON: line {line} is not in {name}: save it in UTF-8'
        ) from error
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits
        raise AnnotationError(f'{path}: no JSON: {error}') from error


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    seen: dict[str, Any] = {}
    for key, value in pairs:
        if key in seen:
            where = f'the record of id {short(found["id"])}' if 'id' in found else 'an object'
            values = f'{short(seen[key])} and {short(value)}'
            raise AnnotationError(f'{where} has the key {short(key)} twice: {values}')
        seen[key] = value
    return found


def read_annotations(path: str | Path) -> tuple[list[Record], dict[str, Any]]:
    """Read a COCO-style file: one record an annotation, in its order, and the whole content.

    It has ``images`` (``id``, ``file_name``, ``height``, ``width``) and ``annotations`` (``id``,
    ``image_id``, ...).

    Raises:
        MissingFileError: If there is no such file.
        AnnotationError: If it is no such JSON, an id stands twice, or an image is missing.
    """
    path = str(path)
    content = tidy(read_json(path))
    for problem in file_problems(path, content):
        raise problem
    images = {image['id']: image for image in content['images']}
    records = [Record(path, each, images[each['image_id']]) for each in content['annotations']]
    return records, content


def file_problems(path: str, content: Any) -> Iterator[AnnotationError]:
    """Find all faults of a file's content that keep it from being images and annotations."""
    for key in ('images', 'annotations'):
        if not isinstance(content, dict) or not isinstance(content.get(key), list):
            yield AnnotationError(f"{path}: '{key}' must be a list of records")
            return
    image_ids: set[Hashable] = set()
    yield from _id_problems(path, content['images'], 'images', image_ids)
    for image in content['images']:
        if has_id(image):
            yield from _image_problems(path, image)
    yield from _frame_problems(path, content['images'])
    yield from _id_problems(path, content['annotations'], 'annotations', set())
    for annotation in content['annotations']:
        if has_id(annotation) and not has_image(annotation, image_ids):
            yield AnnotationError(
                f'{path}: annotation id {short(annotation["id"])}: there is no image with '
                f'image_id={short(annotation.get("image_id"))}'
                f'{_other_kind(annotation.get("image_id"), image_ids)}'
            )


def has_id(entry: Any) -> bool:
    """Return True if an entry is a record with an id: an integer or a string."""
    value = entry.get('id') if isinstance(entry, dict) else None
    return isinstance(value, int | str) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Return True if a value is a number within 2^24, which float32 holds to the pixel."""
    # Comparing refuses infinities, NaN and whole numbers that no float holds.
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and -_LARGEST <= value <= _LARGEST
    )


def lacks_bbox(annotation: dict) -> bool:
    """Return True if an annotation has no ``bbox``, or an empty one."""
    box = annotation.get('bbox')
    return box == [] or _is_hole(box)


def tidy(content: Any) -> Any:
    """Normalise in place, and return, what is in an annotation file, of any form.

    Integral numbers written as floats (1.0) become integers, and coordinates of points
    that are not labelled (visibility 0, or none at all) become 0 where they are null or NaN.
    """
    for key in ('images', 'annotations'):
        entries = content.get(key) if isinstance(content, dict) else None
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict):
                for name in _WHOLE:
                    value = entry.get(name)
                    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
                        entry[name] = int(value)
                for name in _POINTS:
                    if _has_holes(entry.get(name)):
                        _fill_holes(entry[name])
    return content


def _has_holes(values: Any) -> bool:
    """Return True if one of many values is null or NaN, and for some lists with other faults."""
    if not isinstance(values, list):
        return False
    try:
        return not math.isfinite(sum(values))
    except (TypeError, OverflowError):
        return True


def _fill_holes(values: list) -> None:
    for i in range(0, len(values) - 2, 3):
        holes = [_is_hole(each) for each in values[i : i + 3]]
        is_labelled = values[i + 2] != 0 and not all(holes)
        if any(holes[:2]) and not is_labelled:
            values[i : i + 3] = [0, 0, 0]


def _is_hole(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def image_fields(image: dict) -> dict[str, Any]:
    """Read the fields of a sample that say how an image's entry counts its pixels.

    Returns:
        ``image_wh``, where it has a width and a height; ``exif_applied``, where points are of the
        upright photograph and the file is not, as :data:`APPLIED` says.
    """
    width: Any = image.get('width')
    height: Any = image.get('height')
    known: dict[str, Any] = {}
    if is_number(width) and is_number(height):
        known['image_wh'] = (width, height)
    if image.get(APPLIED, 1) not in (None, 1):
        known['exif_applied'] = True
    return known


def _id_problems(
    path: str, entries: Sequence[Any], key: str, found: set[Hashable]
) -> Iterator[AnnotationError]:
    for entry in entries:
        if not has_id(entry):
            yield AnnotationError(f"{path}: '{key}' holds a record without an id: {short(entry)}")
        elif entry['id'] in found:
            yield AnnotationError(f"{path}: '{key}' holds the id {short(entry['id'])} twice")
        else:
            found.add(entry['id'])


def _image_problems(path: str, image: dict) -> Iterator[AnnotationError]:
    where = f'{path}: image id {short(image["id"])}'
    if not isinstance(image.get('file_name'), str):
        yield AnnotationError(f"{where} has no 'file_name'")
    for side in ('height', 'width'):
        if side in image and not (is_number(image[side]) and image[side] > 0):
            problem = f'must be a number above 0 (the limit is 2^24), it is {short(image[side])}'
            yield AnnotationError(f"{where}: '{side}' {problem}")
    applied = image.get(APPLIED)
    if applied is not None and (type(applied) is not int or not 1 <= applied <= 8):
        problem = f'must be an EXIF orientation, 1 to 8, it is {short(applied)}'
        yield AnnotationError(f'{where}: {APPLIED!r} {problem}')


def _frame_problems(path: str, images: Sequence[Any]) -> Iterator[AnnotationError]:
    """Find files with several entries, of which only some are of the upright photograph."""
    found: dict[str, dict[bool, Any]] = {}
    if not any(image.get(APPLIED) for image in images if has_id(image)):
        return
    for image in images:
        name = image.get('file_name') if has_id(image) else None
        if isinstance(name, str):
            entries = found.setdefault(osp.normpath(name), {})
            entries.setdefault(image.get(APPLIED) not in (None, 1), image)
    for name, entries in found.items():
        if len(entries) > 1:
            yield AnnotationError(
                f'{path}: {short(name)} is that of image id {short(entries[True]["id"])}, with '
                f'{APPLIED!r}: {entries[True][APPLIED]}, and of image id '
                f'{short(entries[False]["id"])}, without: a photograph is upright or as stored'
            )


def has_image(annotation: dict, image_ids: Container[Hashable]) -> bool:
    """Return True if an annotation refers to one of some images."""
    image_id = annotation.get('image_id')
    # True would be found as 1.
    return not isinstance(image_id, bool | list | dict) and image_id in image_ids


def _other_kind(image_id: Any, image_ids: set[Hashable]) -> str:
    """Mention an id that exists as text where the reference is a number, or vice versa."""
    other: Any = None
    if isinstance(image_id, str) and image_id.isdecimal() and len(image_id) < 20:
        other = int(image_id)
    elif isinstance(image_id, int):
        other = str(image_id) if abs(image_id) < 2**63 else None
    return f', but one with id {other!r}' if other is not None and other in image_ids else ''


def _depth_exceeds(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [
            inner
            for each in level
            if isinstance(each, (list, dict))
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return False
    return any(isinstance(each, (list, dict)) for each in level)


def group_by_image(instances: list[dict]) -> list[dict]:
    """Join the faces of an image to one sample; what differs by face is joined along axis 0."""
    of_image = ('img_path', 'image_wh', 'exif_applied')
    joined = ('bbox', 'bbox_score', 'keypoints', 'keypoints_visible')
    groups: dict[Any, list[dict]] = {}
    for instance in instances:
        groups.setdefault(instance['img_id'], []).append(instance)
    return [
        {
            'img_id': img_id,
            **{key: members[0][key] for key in of_image if key in members[0]},
            'id': [member['id'] for member in members],
            **{key: np.concatenate([member[key] for member in members]) for key in joined},
        }
        for img_id, members in groups.items()
    ]


def read_detections(path: str, images: Sequence[dict], find: Callable[[str], str]) -> list[dict]:
    """Read a list of detections into samples without truth.

    Args:
        path: A JSON list of dicts with ``image_id``, ``bbox`` (xywh, image pixels), ``score``.
        images: The annotation file's images, with ``id`` and ``file_name``.
        find: Tells the file of a ``file_name``.

    Raises:
        MissingFileError: If there is no such file.
        AnnotationError: If an entry lacks a field or names an unknown image.
    """
    if not osp.isfile(path):
        raise MissingFileError(f"bbox_file='{path}' does not exist")
    detections = read_json(path)
    if not isinstance(detections, list):
        raise AnnotationError(f'{path}: must be a list of detections')
    by_id = {image['id']: image for image in images}
    samples = []
    for number, detection in enumerate(detections):
        where = f'{path}: detection {number}'
        image = by_id[_checked_image_id(where, detection, by_id)]
        bbox_xywh = np.array(detection['bbox'], dtype=np.float32)
        samples.append(
            {
                'img_id': image['id'],
                'img_path': find(image['file_name']),
                **image_fields(image),
                'id': number,
                'bbox': bbox_xywh2xyxy(bbox_xywh)[None],
                'bbox_score': np.array([detection['score']], dtype=np.float32),
                'subsets': (),
            }
        )
    return samples


def _checked_image_id(where: str, detection: Any, by_id: dict) -> Any:
    """Check all fields of a detection, and return the id of its image."""
    if not isinstance(detection, dict):
        raise AnnotationError(f'{where} must be a record, it is {short(detection)}')
    for key in ('image_id', 'bbox', 'score'):
        if key not in detection:
            raise AnnotationError(f"{where} has no '{key}'")
    image_id, box = detection['image_id'], detection['bbox']
    if not isinstance(image_id, Hashable) or image_id not in by_id:
        raise AnnotationError(f'{where}: image_id={short(image_id)} is unknown')
    is_list = isinstance(box, list) and len(box) == 4 and all(map(is_number, box))
    if not is_list or min(box[2:]) < _SMALLEST_SIDE:
        raise AnnotationError(f'{where}: bbox={short(box)} is not a box')
    if not is_number(detection['score']):
        raise AnnotationError(f'{where}: score={short(detection["score"])} is not a number')
    return image_id
