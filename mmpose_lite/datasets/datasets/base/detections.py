"""Reading boxes that a detector found."""

from __future__ import annotations

import json
import os.path as osp
from collections.abc import Sequence

import numpy as np

from mmpose_lite.structures.bbox import bbox_xywh2xyxy
from mmpose_lite.utils import MissingFileError

from .annotations import AnnotationError, Record


def read_detections(path: str, records: Sequence[Record], img_prefix: str) -> list[dict]:
    """Read a list of detections into samples without truth.

    Args:
        path: A JSON list of dicts with ``image_id``, ``bbox`` (xywh, image pixels), ``score``.
        records: The annotations, which name the images.
        img_prefix: Folder of the images.

    Raises:
        MissingFileError: If there is no such file.
        AnnotationError: If an entry lacks a field or names an unknown image.
    """
    if not osp.isfile(path):
        raise MissingFileError(f"bbox_file='{path}' does not exist")
    with open(path, encoding='utf-8') as file:
        detections = json.load(file)
    images = {record.image['id']: record.image for record in records}
    samples = []
    for number, detection in enumerate(detections):
        for key in ('image_id', 'bbox', 'score'):
            if key not in detection:
                raise AnnotationError(f"{path}: detection {number} has no '{key}'")
        image = images.get(detection['image_id'])
        if image is None:
            raise AnnotationError(
                f'{path}: detection {number}: image_id={detection["image_id"]!r} is unknown'
            )
        bbox_xywh = np.array(detection['bbox'], dtype=np.float32)
        samples.append(
            {
                'img_id': image['id'],
                'img_path': osp.join(img_prefix, image['file_name']),
                'id': number,
                'bbox': bbox_xywh2xyxy(bbox_xywh)[None],
                'bbox_score': np.array([detection['score']], dtype=np.float32),
                'subsets': (),
            }
        )
    return samples
