"""Whether boxes and points are where they can be."""

from __future__ import annotations

import os.path as osp
from collections.abc import Iterator

import numpy as np
from numpy import ndarray

from .findings import Finding
from .records import Faces
from .splits import Split

# Boxes leave their images, and points their boxes; by this share of a side it is worth a note, and
# by that it is no face's.
_ODD, _FAR = 0.5, 1.0
# Points that all lie within this share of a side are no face.
_NARROW = 0.02


def check_faces(split: Split, faces: Faces) -> list[Finding]:
    """Find boxes outside of their images, points far from both, and points all in one place."""
    low, high = faces.bbox_xyxy[:, None, :2], faces.bbox_xyxy[:, None, 2:]
    side = (high - low).max(axis=2)
    beyond_box = _beyond(faces.points, low, high) / side
    # Comparisons with NaN, where no size is known, are false.
    beyond_image = _beyond(faces.points, np.zeros(2), faces.image_wh[:, None]) / side
    outside = np.any((high <= 0) | (low >= faces.image_wh[:, None]), axis=(1, 2))
    spread = _spread(faces) / side[:, 0]
    count = faces.labelled.sum(axis=1)
    found = []
    for kind, index, problem, is_fault in (
        *_name('box', outside, 'its box lies outside of the image'),
        *_far_points(faces, beyond_box, 'box'),
        *_far_points(faces, beyond_image, 'image'),
        *_name('points', (spread < _NARROW) & (count > 1), 'all of its points lie in one place'),
    ):
        record = faces.records[index]
        where = (
            f'{osp.basename(split.ann_file)}, annotation id {record.annotation["id"]!r} '
            f'(image {record.image["file_name"]!r})'
        )
        found.append(Finding(split.name, kind, where, problem, is_fault))
    return found


def _beyond(points: ndarray, low: ndarray, high: ndarray) -> ndarray:
    """How far points lie outside of boxes, pixels, ``(N, K)``; 0 inside."""
    return np.maximum(np.maximum(low - points, points - high), 0).max(axis=2)


def _spread(faces: Faces) -> ndarray:
    points = np.where(faces.labelled[..., None], faces.points, np.nan)
    blank = ~faces.labelled.any(axis=1)
    points[blank] = 0
    return (np.nanmax(points, axis=1) - np.nanmin(points, axis=1)).max(axis=1)


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
