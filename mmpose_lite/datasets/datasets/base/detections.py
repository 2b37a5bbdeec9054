"""Reading boxes that a detector found."""

from __future__ import annotations

import os.path as osp
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

from mmpose_lite.structures.bbox import bbox_xywh2xyxy
from mmpose_lite.utils import MissingFileError

from .annotations import SMALLEST_SIDE, image_size, is_number
from .json_files import AnnotationError, read_json, short


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
        image = by_id[_checked(where, detection, by_id)]
        bbox_xywh = np.array(detection['bbox'], dtype=np.float32)
        samples.append(
            {
                'img_id': image['id'],
                'img_path': find(image['file_name']),
                **image_size(image),
                'id': number,
                'bbox': bbox_xywh2xyxy(bbox_xywh)[None],
                'bbox_score': np.array([detection['score']], dtype=np.float32),
                'subsets': (),
            }
        )
    return samples


def _checked(where: str, detection: Any, by_id: dict) -> Any:
    """The id of a detection's image, once all of its fields are checked."""
    if not isinstance(detection, dict):
        raise AnnotationError(f'{where} must be a record, it is {short(detection)}')
    for key in ('image_id', 'bbox', 'score'):
        if key not in detection:
            raise AnnotationError(f"{where} has no '{key}'")
    image_id, box = detection['image_id'], detection['bbox']
    if not isinstance(image_id, Hashable) or image_id not in by_id:
        raise AnnotationError(f'{where}: image_id={short(image_id)} is unknown')
    is_list = isinstance(box, list) and len(box) == 4 and all(map(is_number, box))
    if not is_list or min(box[2:]) < SMALLEST_SIDE:
        raise AnnotationError(f'{where}: bbox={short(box)} is no box')
    if not is_number(detection['score']):
        raise AnnotationError(f'{where}: score={short(detection["score"])} is no number')
    return image_id
