"""Predictions in the forms of other tools: supervision's KeyPoints, and results for COCO's API."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from mmengine.structures import InstanceData
from numpy import ndarray

from mmpose_lite.errors import InputError
from mmpose_lite.structures import PoseDataSample, split_instances
from mmpose_lite.utils.lazy import load_optional

_BOX, _BOX_SCORE = 'bbox_xyxy', 'bbox_score'  # in the ``data`` of KeyPoints


def to_supervision(samples: Sequence[PoseDataSample]) -> Any:
    """Turn predicted faces into supervision's ``KeyPoints``, which its annotators draw.

    Args:
        samples: What :func:`inference_topdown` returns, or samples of a test.

    Returns:
        ``KeyPoints`` of N faces: ``xy`` ``(N, K, 2)``, image pixels, their confidences ``(N, K)``,
        ``class_id`` 0, and in ``data`` ``bbox_xyxy`` ``(N, 4)`` and ``bbox_score`` ``(N,)``.

    Raises:
        InputError: If supervision is not installed, a sample has no prediction, or they differ in
            their number of points.
    """
    kind = load_optional('supervision').KeyPoints
    faces = list(_predictions(samples))
    if not faces:
        return kind.empty()
    counts = sorted({np.shape(each.keypoints)[1] for each in faces})
    if len(counts) > 1:
        raise InputError(f'samples differ in their number of points: {counts}')
    xy = _joined(faces, 'keypoints')
    parts: dict[str, Any] = {'class_id': np.zeros(len(xy), dtype=int), 'data': {}}
    known = {field.name for field in fields(kind)}
    if all('keypoint_scores' in each for each in faces):
        # It is called `confidence` before supervision 0.29.
        name = 'keypoint_confidence' if 'keypoint_confidence' in known else 'confidence'
        parts[name] = _joined(faces, 'keypoint_scores')
    if all('bboxes' in each for each in faces):
        parts['data'][_BOX] = _joined(faces, 'bboxes')
    if all('bbox_scores' in each for each in faces):
        parts['data'][_BOX_SCORE] = scores = _joined(faces, 'bbox_scores')
        if 'detection_confidence' in known:
            parts['detection_confidence'] = scores
    return kind(xy=xy, **parts)


def from_supervision(key_points: Any) -> list[PoseDataSample]:
    """Turn supervision's ``KeyPoints`` into one sample per face; the reverse of the former.

    Returns:
        Samples with ``pred_instances``, as of :func:`inference_topdown`. A box that is not in
        ``data`` is the smallest one around the points; confidences that are not there are 1.

    Raises:
        InputError: If it has no ``xy`` of the shape ``(N, K, 2)``.
    """
    xy = getattr(key_points, 'xy', None)
    if not isinstance(xy, ndarray) or xy.ndim != 3 or xy.shape[2] not in (2, 3):
        raise InputError(
            f'key_points.xy is {np.shape(xy) if xy is not None else None}, but must be (N, K, 2), '
            "as of supervision's KeyPoints"
        )
    points = xy[..., :2].astype(np.float32)
    scores = _first_of(key_points, 'keypoint_confidence', 'confidence')
    box_scores = _first_of(key_points, 'detection_confidence')
    data = getattr(key_points, 'data', None) or {}
    columns = {
        'keypoints': points,
        'keypoint_scores': np.ones(points.shape[:2]) if scores is None else scores,
        'bboxes': data.get(_BOX, np.concatenate([_least(points), -_least(-points)], axis=1)),
        'bbox_scores': data.get(_BOX_SCORE, np.ones(len(xy)) if box_scores is None else box_scores),
    }
    visible = getattr(key_points, 'visible', None)
    if visible is not None:
        columns['keypoints_visible'] = visible
    arrays = {name: np.asarray(value, dtype=np.float32) for name, value in columns.items()}
    samples = []
    for face in range(len(points)):
        sample = PoseDataSample()
        rows = {name: value[face : face + 1] for name, value in arrays.items()}
        sample.pred_instances = InstanceData(**rows)
        samples.append(sample)
    return samples


def to_coco_results(
    samples: Sequence[PoseDataSample], image_id: int | str | None = None, category_id: int = 1
) -> list[dict[str, Any]]:
    """Turn predicted faces into results as COCO's API loads them (``COCO.loadRes``), fit for JSON.

    Args:
        samples: What :func:`inference_topdown` returns, or samples of a test.
        image_id: The photograph's id, for samples that have no ``img_id``: a single photograph's.
        category_id: That of faces in the annotations.

    Returns:
        One dict per face: ``image_id``, ``category_id``, ``keypoints`` ``[x, y, score, ...]`` in
        image pixels, and ``score``, the box's times the mean of the points'.

    Raises:
        InputError: If a sample has no prediction, or no id and none is given.
    """
    results = []
    for index, (sample, faces) in enumerate(zip(samples, _predictions(samples), strict=True)):
        image = sample.get('img_id', image_id)
        if image is None:
            raise InputError(
                f'samples[{index}] has no img_id, as a photograph that is in no annotation file: '
                'pass image_id=...'
            )
        for row in split_instances(faces):
            scores = row.get('keypoint_scores', [1.0] * len(row['keypoints']))
            triples = zip(row['keypoints'], scores, strict=True)
            results.append(
                {
                    'image_id': image.item() if isinstance(image, np.generic) else image,
                    'category_id': category_id,
                    'keypoints': [value for (x, y), score in triples for value in (x, y, score)],
                    'score': row.get('bbox_score', 1.0) * float(np.mean(scores)),
                }
            )
    return results


def _predictions(samples: Sequence[PoseDataSample]) -> Iterator[InstanceData]:
    """The predicted faces of each sample, as arrays."""
    for index, sample in enumerate(samples):
        if 'pred_instances' not in sample:
            raise InputError(f'samples[{index}] has no pred_instances: it is not a prediction')
        yield sample.pred_instances.numpy()


def _joined(faces: Sequence[InstanceData], name: str) -> ndarray:
    return np.concatenate([each.get(name) for each in faces]).astype(np.float32)


def _first_of(key_points: Any, *names: str) -> ndarray | None:
    return next((getattr(key_points, name) for name in names if hasattr(key_points, name)), None)


def _least(points: ndarray) -> ndarray:
    """The least x and y of each face, ``(N, 2)``."""
    return points.min(axis=1, initial=np.inf)
