"""Fitting of a calibration on the photographs that a config names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from mmpose_lite.utils.progress import track

from .annotated import AnnotatedPhotograph
from .boxes import PointsMap, fit_boxes, fit_points_map, match_boxes
from .calibration import DetectorFit
from .detectors import Detector, detect
from .sources import Photograph

if TYPE_CHECKING:
    from .landmarker import Landmarker


def detect_all(detector: Detector, photographs: Sequence[AnnotatedPhotograph]) -> list[ndarray]:
    """Boxes ``(N, 5)`` of each photograph, as the detector gives them.

    Raises:
        InputError: If it returns something else.
    """
    tracked = track(photographs, len(photographs), 'photographs')
    return [detect(detector, each.load()).astype(np.float64) for each in tracked]


def fit_detector(
    detected: Sequence[ndarray], photographs: Sequence[AnnotatedPhotograph]
) -> DetectorFit:
    """Fit the map from a detector's boxes to the annotated ones, and list the missed faces.

    Raises:
        InputError: If no box lies on a face.
    """
    fit = fit_boxes(detected, [each.boxes for each in photographs])
    overlaps = np.concatenate([np.zeros(0), *fit.overlaps])
    missed = [
        (each.path, face)
        for each, found in zip(photographs, fit.overlaps, strict=True)
        for face, overlap in zip(each.ids, found, strict=True)
        if not overlap
    ]
    median = float(np.median(overlaps[overlaps > 0])) if overlaps.any() else 0.0
    return DetectorFit(fit.box_map, fit.recall, median, len(photographs), missed)


def fit_points(photographs: Sequence[AnnotatedPhotograph]) -> PointsMap | None:
    """Fit the map from points to boxes; None if no face has more than two labelled points."""
    points = np.concatenate([each.points for each in photographs])
    boxes = np.concatenate([each.boxes for each in photographs])
    enough = np.isfinite(points[..., 0]).sum(1) > 2
    return fit_points_map(points[enough], boxes[enough]) if enough.any() else None


@dataclass
class PredictedFaces:
    """Faces with known points, as a model predicts them; N faces, K points.

    Attributes:
        paths: Their photographs, N.
        scores: ``(N, K)``, the heatmaps' maxima.
        errors: ``(N, K)``, percent of the longer side of the annotated box; NaN where the truth is
            not known.
        seen: ``(N, K)``, see :class:`AnnotatedPhotograph`.
    """

    paths: list[str]
    scores: ndarray
    errors: ndarray
    seen: ndarray

    @property
    def known(self) -> int:
        """Number of points whose error is known."""
        return int(np.isfinite(self.errors).sum())

    @property
    def hidden(self) -> int:
        """Number of points that are known to be hidden."""
        return int((self.seen == 0).sum())


def predict_faces(
    landmarker: Landmarker,
    photographs: Sequence[AnnotatedPhotograph],
    detected: Sequence[ndarray] | None = None,
) -> PredictedFaces:
    """Predict annotated faces, in the boxes that a detector gives them, and measure their errors.

    Args:
        landmarker: The model.
        photographs: The photographs, with their faces.
        detected: Boxes ``(Ni, 4)`` or ``(Ni, 5)`` of each, mapped to those of the training; a face
            that none lies on is left out. Without them the annotated boxes are used.
    """
    pairs = [
        _pairs(photograph, None if detected is None else detected[index])
        for index, photograph in enumerate(photographs)
    ]
    tracked = track(photographs, len(photographs), 'photographs')
    results = landmarker.predict(_with_boxes(tracked, pairs))
    rows: list[tuple[str, ndarray, ndarray, ndarray]] = []
    for photograph, (_, faces), result in zip(photographs, pairs, results, strict=True):
        truth = photograph.boxes[faces]
        sides = (truth[:, 2:] - truth[:, :2]).max(1)
        distances = np.linalg.norm(result.points - photograph.points[faces], axis=2)
        errors = 100 * distances / sides[:, None]
        seen = photograph.seen[faces]
        rows += zip([photograph.path] * len(faces), result.scores, errors, seen, strict=True)
    columns: list[Any] = list(zip(*rows, strict=True)) or [()] * 4
    count = landmarker.meta['num_keypoints']
    arrays = [np.reshape(column, (-1, count)) for column in columns[1:]]
    return PredictedFaces(list(columns[0]), *arrays)


def _pairs(photograph: AnnotatedPhotograph, boxes: ndarray | None) -> tuple[ndarray, ndarray]:
    """Boxes ``(P, 4)`` and the faces ``(P,)`` that they are of."""
    if boxes is None:
        return photograph.boxes, np.arange(len(photograph.boxes))
    first, second = match_boxes(boxes, photograph.boxes)
    order = np.argsort(second)
    return boxes[first[order], :4], second[order]


def _with_boxes(
    photographs: Iterable[AnnotatedPhotograph], pairs: Sequence[tuple[ndarray, ndarray]]
) -> Iterator[tuple[Photograph, ndarray]]:
    for photograph, (boxes, _) in zip(photographs, pairs, strict=True):
        yield photograph.load(), boxes
