"""Annotations in MMPose's form of AFLW."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .layout import LANDMARK_NAMES
from .scene import FaceLabel

_INFO = {
    'description': 'Synthetic faces with the 19 points of AFLW, in the annotation form of MMPose.',
    'visibility': '1: in the picture and nothing in front of it; 0: hidden. The flags in '
    '"keypoints" are 1 for every point, as in MMPose.',
    'yaw, pitch, roll': 'Radians. The head is turned by Rz(roll) Rx(pitch) Ry(yaw) in a frame with '
    'x to image right, y up and z to the viewer: yaw > 0 looks to image right, pitch > 0 looks '
    'down, roll > 0 tilts the head counter-clockwise in the picture.',
}
_BOX_PADDING = 1.2


def face_annotation(
    label: FaceLabel, annotation_id: int, image_id: int, size_wh: tuple[int, int]
) -> dict[str, Any]:
    """Return the annotation of one face.

    Args:
        label: The face.
        annotation_id: Unique over all splits.
        image_id: The picture's id.
        size_wh: The picture's size; ``bbox`` is clipped to it.
    """
    points = np.round(label.keypoints, 3)
    x, y, side, _ = (int(value) for value in label.bbox_xywh)
    bbox = _padded_box(points, size_wh)
    return {
        'id': annotation_id,
        'image_id': image_id,
        'category_id': 1,
        'iscrowd': 0,
        'keypoints': [value for px, py in points.tolist() for value in (px, py, 1)],
        'num_keypoints': len(LANDMARK_NAMES),
        'bbox': bbox,
        'area': round(bbox[2] * bbox[3], 3),
        'center': [x + side / 2, y + side / 2],
        'scale': side / 200,
        'box_size': float(side),
        'visibility': [int(flag) for flag in label.visibility],
        'yaw': round(label.yaw, 6),
        'pitch': round(label.pitch, 6),
        'roll': round(label.roll, 6),
    }


def _padded_box(points: np.ndarray, size_wh: tuple[int, int]) -> list[float]:
    """Return the points' box (x, y, w, h), enlarged about its middle and clipped to the picture."""
    low, high = points.min(0), points.max(0)
    margin = (high - low) * (_BOX_PADDING - 1) / 2
    low, high = (np.clip(corner, 0, size_wh) for corner in (low - margin, high + margin))
    return [round(float(value), 3) for value in (*low, *(high - low))]


def dataset(
    images: Sequence[dict[str, Any]], annotations: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """Return an annotation file's content, with only the images that its annotations use."""
    used = {annotation['image_id'] for annotation in annotations}
    return {
        'info': _INFO,
        'categories': [
            {'supercategory': 'person', 'id': 1, 'name': 'face', 'keypoints': [], 'skeleton': []}
        ],
        'images': [image for image in images if image['id'] in used],
        'annotations': list(annotations),
    }


def frontal_only(annotations: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the annotations whose 19 points are all visible."""
    return [annotation for annotation in annotations if all(annotation['visibility'])]
