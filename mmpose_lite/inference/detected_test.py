"""A test in the boxes that a detector gives, beside the one in annotated boxes."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config

from mmpose_lite.datasets.transforms import ReplaceBox
from mmpose_lite.errors import InputError
from mmpose_lite.evaluation.metrics import RowMetric
from mmpose_lite.reporting.dumping import measure_rows
from mmpose_lite.reporting.limits import limits_of
from mmpose_lite.reporting.robustness import predict_in_boxes

from .annotated import annotated_photographs
from .boxes import BoxMap, match_boxes
from .calibration import find_calibration
from .detectors import make_detector
from .fitting import detect_all

_NAMED = 10  # missed faces that are named


@dataclass(frozen=True)
class DetectedTest:
    """Scores of the faces that a detector finds.

    Attributes:
        detector: Its name.
        name: That of the score, such as ``NME``.
        faces: Number of faces that count.
        found: Number of those that the detector finds.
        annotated: The score of the found ones in annotated boxes.
        detected: In the detector's, mapped as the calibration says.
        normaliser: What errors of faces are divided by.
        limits: Errors of a face, as fractions, above which it is a failure; those of a report.
        failures: For each limit, the number of faces that are missed, or whose error is above it.
        annotated_failures: The same in annotated boxes, in which no face is missed.
        missed: The faces that are not found: file and id.
    """

    detector: str
    name: str
    faces: int
    found: int
    annotated: float
    detected: float
    normaliser: str
    limits: tuple[float, ...]
    failures: tuple[int, ...]
    annotated_failures: tuple[int, ...]
    missed: list[tuple[str, Any]]


def find_box_map(checkpoint: str | Path, config: str, detector: str) -> BoxMap:
    """Read the map of a detector's boxes from the calibration beside a checkpoint.

    Raises:
        InputError: If it was not calibrated; the message has the command.
    """
    calibration = find_calibration(checkpoint)
    fit = None if calibration is None else calibration.fit_of(detector)
    if fit is None:
        raise InputError(
            f"the boxes of detector '{detector}' are not fitted to those of {checkpoint}: "
            f'mmpose-lite calibrate {config} {checkpoint} --detector {detector}'
        )
    return fit.box_map


def predict_in_detected_boxes(
    runner: Any, metric: RowMetric, cfg: Config, detector: str, box_map: BoxMap
) -> DetectedTest:
    """Predict the faces of a test again, in the boxes that a detector gives them.

    Args:
        runner: The runner of the test, whose model has its weights.
        metric: A metric of the test, with its rows.
        cfg: The config.
        detector: The detector's name.
        box_map: From its boxes to those of the training.
    """
    photographs = annotated_photographs(deepcopy(cfg), 'test')
    detected = detect_all(make_detector(detector), photographs)
    boxes = {}
    for photograph, found in zip(photographs, detected, strict=True):
        mapped = box_map(found)
        for i, j in zip(*match_boxes(mapped, photograph.boxes), strict=True):
            boxes[ReplaceBox.key(photograph.path, photograph.ids[j])] = mapped[i, :4].tolist()
    rows = [row for row in metric.rows if metric.reason_to_leave_out(row) is None]
    again = predict_in_boxes(runner, metric, boxes)
    again = [row for row in again if metric.reason_to_leave_out(row) is None]
    is_found = np.array([ReplaceBox.key(row['img_path'], row['id']) in boxes for row in rows])
    before, after = (measure_rows(metric, each) for each in (rows, again))
    limits = limits_of(before.primary).values
    return DetectedTest(
        detector=detector,
        name=metric.names[0],
        faces=len(rows),
        found=int(is_found.sum()),
        annotated=_score(metric, rows, is_found),
        detected=_score(metric, again, is_found),
        normaliser=before.normalisers[before.primary].title,
        limits=limits,
        failures=tuple(int((~is_found | (after.own.means > each)).sum()) for each in limits),
        annotated_failures=tuple(int((before.own.means > each).sum()) for each in limits),
        missed=[
            (row['img_path'], row['id'])
            for row, found in zip(rows, is_found, strict=True)
            if not found
        ],
    )


def _score(metric: RowMetric, rows: list[dict], is_found: np.ndarray) -> float:
    kept = [row for row, found in zip(rows, is_found, strict=True) if found]
    return metric.compute(kept)[metric.names[0]] if kept else float('nan')


def about_test(test: DetectedTest) -> Iterator[str]:
    """Say what a test in detected boxes has found, in lines."""
    yield (
        f'{test.detector}: recall {test.found / test.faces:.4f}, {test.found} of {test.faces} '
        'faces found'
    )
    yield (
        f'{test.name} of these: {100 * test.annotated:.3f} % in annotated boxes, '
        f'{100 * test.detected:.3f} % in detected ones'
    )
    for limit, annotated, detected in zip(
        test.limits, test.annotated_failures, test.failures, strict=True
    ):
        yield (
            f'failures, missed or above {limit:.0%} ({test.normaliser}): {annotated} in annotated '
            f'boxes, {detected} in detected ones'
        )
    for path, face in test.missed[:_NAMED]:
        yield f'  missed: face {face} of {path}'
    if len(test.missed) > _NAMED:
        yield f'  and {len(test.missed) - _NAMED} more'
