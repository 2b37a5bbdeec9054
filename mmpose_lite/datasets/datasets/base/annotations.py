"""Reading COCO-style annotation files: each fault is named by file, record and field."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmpose_lite.utils import InputError, MissingFileError


class AnnotationError(InputError):
    """A record that cannot be used; the message names the file, the record and the field."""


@dataclass(frozen=True)
class Record:
    """An annotation beside its image, knowing where they come from.

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
            f'{self.file}: annotation id {self.annotation.get("id")!r} '
            f"(image '{self.image.get('file_name')}'): '{field}' {problem}"
        )

    def numbers(self, field: str, count: int | None = None) -> list[float]:
        """Read a field that holds finite numbers, and ``count`` of them.

        Raises:
            AnnotationError: If the field is missing, of another length or not finite.
        """
        values = self.annotation.get(field)
        if not isinstance(values, list) or (count is not None and len(values) != count):
            wanted = 'numbers' if count is None else f'{count} numbers'
            size = f'{len(values)} values' if isinstance(values, list) else repr(values)
            raise self.error(field, f'must be a list of {wanted}, it is {size}')
        for value in values:
            if not _is_number(value):
                raise self.error(field, f'must hold finite numbers, it holds {value!r}')
        return values

    def positive(self, field: str) -> float:
        """Read a field that holds a finite number above 0.

        Raises:
            AnnotationError: If it does not.
        """
        value: Any = self.annotation.get(field)
        if not _is_number(value) or value <= 0:
            raise self.error(field, f'must be a number above 0, it is {value!r}')
        return float(value)

    def keypoints(self, num_keypoints: int) -> list[float]:
        """Read the points, three numbers each.

        Raises:
            AnnotationError: If there are not ``num_keypoints`` of them, or one is not finite.
        """
        values = self.numbers('keypoints')
        if len(values) != 3 * num_keypoints:
            raise self.error(
                'keypoints',
                f'holds {len(values) / 3:g} points, the metainfo names {num_keypoints}',
            )
        return values


def read_annotations(path: str | Path) -> tuple[list[Record], dict[str, Any]]:
    """Read a COCO-style file.

    Args:
        path: A JSON file with ``images`` (``id``, ``file_name``, ``height``, ``width``) and
            ``annotations`` (``id``, ``image_id``, ...).

    Returns:
        One record an annotation, in the file's order, and the whole content.

    Raises:
        MissingFileError: If there is no such file.
        AnnotationError: If it is no such JSON, an id stands twice, or an image is missing.
    """
    path = str(path)
    content = read_json(path)
    images = _by_id(path, content, 'images')
    annotations = _by_id(path, content, 'annotations')
    records = []
    for annotation in annotations.values():
        image = images.get(annotation.get('image_id'))
        if image is None:
            raise AnnotationError(
                f'{path}: annotation id {annotation["id"]!r}: there is no image with '
                f'image_id={annotation.get("image_id")!r}'
            )
        records.append(Record(path, annotation, image))
    return records, content


def read_json(path: str) -> Any:
    """Read a JSON file.

    Raises:
        MissingFileError: If there is no such file.
        AnnotationError: If it is no JSON.
    """
    try:
        with open(path, encoding='utf-8') as file:
            return json.load(file)
    except FileNotFoundError as error:
        raise MissingFileError(f"annotation file '{path}' does not exist") from error
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise AnnotationError(f'{path}: no JSON: {error}') from error


def _by_id(path: str, content: Any, key: str) -> dict[Any, dict]:
    entries = content.get(key) if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise AnnotationError(f"{path}: '{key}' must be a list of records")
    found: dict[Any, dict] = {}
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get('id'), int | str):
            raise AnnotationError(f"{path}: '{key}' holds a record without an id: {entry!r:.80}")
        if entry['id'] in found:
            raise AnnotationError(f"{path}: '{key}' holds the id {entry['id']!r} twice")
        found[entry['id']] = entry
    if key == 'images':
        _check_images(path, entries)
    return found


def _check_images(path: str, images: Sequence[dict]) -> None:
    for image in images:
        if not isinstance(image.get('file_name'), str):
            raise AnnotationError(f"{path}: image id {image['id']!r} has no 'file_name'")
        for side in ('height', 'width'):
            if side in image and (not _is_number(image[side]) or image[side] <= 0):
                raise AnnotationError(
                    f"{path}: image id {image['id']!r}: '{side}' must be above 0, "
                    f'it is {image[side]!r}'
                )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
