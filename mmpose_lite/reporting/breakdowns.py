"""Where the errors are: by visibility, yaw, size of the box, point and confidence."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from .errors import Errors, error_intervals
from .mean_face import mean_face
from .run import Run

# Degrees; beyond the last ones the end bins reach as far as there are faces.
_YAW_EDGES = np.array([-105.0, -75.0, -45.0, -15.0, 15.0, 45.0, 75.0, 105.0])
_CONFIDENCES = 10  # bins, of as many points each


def by_visibility(run: Run, errors: Errors) -> dict[str, Any] | None:
    """Pooled errors of points that can be seen, and of hidden ones; None if nothing is hidden."""
    groups = {'visible': run.table.seen == 1, 'hidden': run.table.seen == 0}
    parts = {name: errors.among(points) for name, points in groups.items()}
    if not all(part.counted.any() for part in parts.values()):
        return None
    return {
        name: {
            'points': int(part.counted.sum()),
            'nme': part.pooled(),
            'interval': part.pooled_interval(),
        }
        for name, part in parts.items()
    }


def by_yaw(errors: Errors, yaw: tuple[ndarray, str] | None) -> dict[str, Any] | None:
    """Pooled errors by yaw, which is in degrees and has a source; None where it is unknown."""
    if yaw is None:
        return None
    angles, source = yaw
    edges = _YAW_EDGES.copy()
    edges[0] = min(edges[0], np.floor(np.nanmin(angles)))
    edges[-1] = max(edges[-1], np.floor(np.nanmax(angles)) + 1)
    unknown = int((errors.faces & np.isnan(angles)).sum())
    return {'source': source, 'bins': _bins(errors, angles, edges), 'unknown': unknown}


def by_box_size(run: Run, errors: Errors) -> dict[str, Any]:
    """Pooled errors by the longer side of the box, in bins whose ends are powers of two."""
    sizes = run.table.box_size
    unknown = int((errors.faces & np.isnan(sizes)).sum())
    if not np.isfinite(sizes).any():
        return {'bins': [], 'unknown': unknown}
    low, high = np.floor(np.log2([np.nanmin(sizes), np.nanmax(sizes)])).astype(int)
    return {'bins': _bins(errors, sizes, 2.0 ** np.arange(low, high + 2)), 'unknown': unknown}


def _bins(errors: Errors, values: ndarray, edges: ndarray) -> list[dict[str, Any]]:
    """Pooled errors of faces whose value is from one edge up to the next; no empty bins."""
    found = []
    for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        part = errors.among(((values >= low) & (values < high))[:, None])
        if part.counted.any():
            found.append(
                {
                    'low': low,
                    'high': high,
                    'faces': int(part.faces.sum()),
                    'nme': part.pooled(),
                    'interval': part.pooled_interval(),
                }
            )
    return found


def by_point(run: Run, errors: Errors) -> list[dict[str, Any]]:
    """The error of each point, and where it is on the mean face; None where no face has it."""
    places = mean_face(run.table.gt, run.table.mask).tolist()
    found = []
    for index, name in enumerate(run.points.names):
        values = errors.distances[errors.counted[:, index], index].astype(np.float64)
        found.append(
            {
                'index': index,
                'name': name,
                'points': len(values),
                'nme': float(values.mean()) if len(values) else None,
                'p90': float(np.quantile(values, 0.9)) if len(values) else None,
                'position': places[index] if run.table.mask[:, index].any() else None,
            }
        )
    return found


def reliability(run: Run, errors: Errors) -> dict[str, Any] | None:
    """Errors by confidence, in bins of as many points each.

    Returns:
        How many faces have such points, the bins, and Spearman's rank correlation of confidence
        and error over all points; None where there are no confidences, or they are all alike, as
        those of regression.
    """
    scores = run.table.scores
    counted = errors.counted & np.isfinite(scores)
    if not counted.any() or np.ptp(scores[counted]) == 0:
        return None
    confidences, values = scores[counted], errors.distances[counted].astype(np.float64)
    places = _confidence_bins(confidences)
    everywhere = np.full(scores.shape, -1)
    everywhere[counted] = places
    bins = []
    for index, interval in enumerate(_error_intervals(errors, counted, everywhere)):
        inside = places == index
        bins.append(
            {
                'confidence': float(confidences[inside].mean()),
                'low': float(confidences[inside].min()),
                'high': float(confidences[inside].max()),
                'points': int(inside.sum()),
                'error': float(values[inside].mean()),
                'interval': interval,
            }
        )
    faces = int(counted.any(axis=1).sum())
    return {'faces': faces, 'bins': bins, 'spearman': _spearman(confidences, values)}


def _confidence_bins(confidences: ndarray) -> ndarray:
    """The bin of each confidence, from 0 on without gaps.

    By mean ranks, so that points with one confidence share a bin, and many of them do not draw
    others into it; there may be fewer bins then.
    """
    deciles = np.floor((_ranks(confidences) - 0.5) * _CONFIDENCES / len(confidences))
    return np.unique(deciles, return_inverse=True)[1]


def _error_intervals(errors: Errors, counted: ndarray, place: ndarray) -> list[Any]:
    """The bootstrap interval of each bin's mean error, over faces."""
    bins = int(place.max()) + 1
    inside = [counted & (place == index) for index in range(bins)]
    sums = np.stack(
        [np.where(each, errors.distances, 0.0).sum(axis=1, dtype=np.float64) for each in inside],
        axis=1,
    )
    totals = np.stack([each.sum(axis=1) for each in inside], axis=1)
    kept = counted.any(axis=1)
    return error_intervals(sums[kept], totals[kept])


def _spearman(first: ndarray, second: ndarray) -> float | None:
    """Spearman's rank correlation, with mean ranks for ties; None where one does not vary."""
    ranks = np.stack([_ranks(values) for values in (first, second)])
    if (np.ptp(ranks, axis=1) == 0).any():
        return None
    return float(np.corrcoef(ranks)[0, 1])


def _ranks(values: ndarray) -> ndarray:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]
