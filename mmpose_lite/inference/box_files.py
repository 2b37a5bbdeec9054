"""Boxes of photographs from a JSON file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy import ndarray

from mmpose_lite.datasets.datasets.base.annotations import Record, read_annotations, read_json
from mmpose_lite.errors import InputError, short
from mmpose_lite.structures.bbox import bbox_xywh2xyxy

from .sources import Photograph

_UNIT = 200  # px: what AFLW's `scale` counts in


class BoxFile:
    """The boxes of a file, by photograph.

    The file has COCO's ``images`` and ``annotations``, whose ``bbox`` is x, y, width, height (or
    AFLW's ``center`` and ``scale``, which go before it); or it is an object of photographs' names,
    each with a list of boxes x1, y1, x2, y2 and perhaps a score. Boxes are in pixels of photographs
    as they are shown.

    Args:
        path: The file.

    Raises:
        MissingFileError: If there is no such file.
        InputError: If it has another form, or a box is none.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._boxes: dict[str, list[list[float]]] = {}
        self._sizes: dict[str, tuple[Any, Any]] = {}
        content = read_json(path)
        if isinstance(content, dict) and 'annotations' in content:
            self._take_coco(content)
        elif isinstance(content, dict):
            self._take_names(content)
        else:
            raise InputError(f'{path}: is a {type(content).__name__}, not an object of boxes')
        # The names by their last parts, of which a photograph's path must have as many as fit.
        self._by_base: dict[str, list[str]] = {}
        for name in self._boxes:
            self._by_base.setdefault(PurePath(name).name, []).append(name)

    def __len__(self) -> int:
        return len(self._boxes)

    def __call__(self, image: ndarray) -> ndarray:
        """Refuse pixels without a name, where a detector is asked.

        Raises:
            InputError: Always.
        """
        raise InputError(
            f'{self.path} has boxes by the names of photographs; here is only an image'
        )

    def find(self, photograph: Photograph) -> ndarray:
        """The boxes of a photograph, ``(N, 5)`` float32 x1, y1, x2, y2, score.

        Raises:
            InputError: If the file has no entry for it, or one for another size.
        """
        parts = PurePath(photograph.name).parts
        named = self._by_base.get(parts[-1] if parts else '', [])
        fitting = [name for name in named if _shared(parts, PurePath(name).parts)]
        best = max((_shared(parts, PurePath(name).parts) for name in fitting), default=0)
        found = [name for name in fitting if _shared(parts, PurePath(name).parts) == best]
        if len(found) != 1:
            problem = 'has no boxes' if not found else f'has {len(found)} entries'
            raise InputError(f'{self.path}: {problem} for {photograph.name}')
        self._check_size(found[0], photograph)
        return np.array(self._boxes[found[0]], np.float32).reshape(-1, 5)

    def _check_size(self, name: str, photograph: Photograph) -> None:
        size, shape = self._sizes.get(name), photograph.image.shape[:2]
        if size is not None and None not in size and size != shape[::-1]:
            raise InputError(
                f'{self.path}: image {name} has {size[0]}x{size[1]} pixels there, and the '
                f'photograph, upright, {shape[1]}x{shape[0]}'
            )

    def _take_coco(self, content: dict[str, Any]) -> None:
        records, _ = read_annotations(self.path)
        for image in content['images']:
            self._boxes.setdefault(image['file_name'], [])
            self._sizes[image['file_name']] = (image.get('width'), image.get('height'))
        for record in records:
            self._boxes[record.image['file_name']].append(_coco_box(record))

    def _take_names(self, content: dict[str, Any]) -> None:
        for name, boxes in content.items():
            self._boxes[name] = list(self._rows(name, boxes))

    def _rows(self, name: str, boxes: Any) -> Iterator[list[float]]:
        if not isinstance(boxes, list):
            raise InputError(f'{self.path}: {short(name)}: {short(boxes)} is not a list of boxes')
        for box in boxes:
            is_box = isinstance(box, list) and len(box) in (4, 5)
            if not is_box or not all(type(each) in (int, float) for each in box):
                raise InputError(
                    f'{self.path}: {short(name)}: {short(box)} is not a box x1, y1, x2, y2'
                )
            yield [*box, 1.0][:5]


def _coco_box(record: Record) -> list[float]:
    score = float(record.annotation.get('score', 1.0))
    if 'center' in record.annotation and 'scale' in record.annotation:
        (x, y), half = record.numbers('center', 2), record.positive('scale') * _UNIT / 2
        return [x - half, y - half, x + half, y + half, score]
    corners = bbox_xywh2xyxy(np.array([record.bbox(None)], np.float64))[0]
    return [*corners.tolist(), score]


def _shared(path: tuple[str, ...], name: tuple[str, ...]) -> int:
    """Count the parts of a name at the end of a path; 0 if not all that both could share."""
    count = min(len(path), len(name))
    return count if path[-count:] == name[-count:] else 0
