"""Reading boxes that a detector found."""

from __future__ import annotations

import os.path as osp
from collections.abc import Sequence

import numpy as np

from mmpose_lite.structures.bbox import bbox_xywh2xyxy
from mmpose_lite.utils import MissingFileError

from .annotations import AnnotationError, read_json


def read_detections(path: str, images: Sequence[dict], img_prefix: str) -> list[dict]:
    """Read a list of detections into samples without truth.

    Args:
        path: A JSON list of dicts with ``image_id``, ``bbox`` (xywh, image pixels), ``score``.
        images: The annotation file's images, with ``id`` and ``file_name``.
        img_prefix: Folder of the images.

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
        for key in ('image_id', 'bbox', 'score'):
            if key not in detection:
                raise AnnotationError(f"{path}: detection {number} has no '{key}'")
        image = by_id.get(detection['image_id'])
        if image is None:
            raise AnnotationError(
                f'{path}: detection {number}: image_id={detection["image_id"]!r} is unknown'
            )
        bbox_xywh = np.array(detection['bbox'], dtype=np.float32)
        if bbox_xywh.shape != (4,) or not (bbox_xywh[2:] > 0).all():
            raise AnnotationError(f'{path}: detection {number}: bbox={detection["bbox"]} is no box')
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
