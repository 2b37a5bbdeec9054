"""Scores of faces: headline numbers, and errors by visibility, yaw, box, point and confidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from mmpose_lite.evaluation.functional import (
    areas,
    error_shares,
    failures,
    quantile_interval,
    share_interval,
)

from .limits import Limits
from .run import Run
from .run_errors import Errors, error_intervals
from .schema import (
    ConfidenceBin,
    Curve,
    FaceBin,
    FaceBins,
    Interval,
    PointEntry,
    Points,
    Reliability,
    Scores,
    YawBins,
)

_QUANTILES = (0.5, 0.9)
_FEW = 5  # faces; draws without any of so many are not rare
_CURVE = np.linspace(0, 0.15, 301)
# Degrees; the end bins extend to the outermost faces.
_YAW_EDGES = np.array([-105.0, -75.0, -45.0, -15.0, 15.0, 45.0, 75.0, 105.0])
_CONFIDENCES = 10  # bins with equal numbers of points
_ROUNDS = 3


def headline(errors: Errors, limits: Limits) -> Scores:
    """Compute the headline numbers over all faces that have an error.

    ``mean``, ``median`` and ``p90`` are of the faces' means, ``pooled`` is over points. Numbers of
    no faces, and intervals of too few, are None.
    """
    kept = errors.faces
    means = errors.means[kept]
    found: Any = {'faces': int(kept.sum()), 'points': int(errors.totals.sum())}
    if not len(means):
        none = [None] * (4 + 2 * len(limits.values))
        return found | _named(none, limits) | {'interval': _named(none, limits)}
    columns = [means, errors.sums[kept], *(areas(means, limit) for limit in limits.values)]
    sums = np.stack(columns, axis=1)
    totals = np.ones_like(sums)
    totals[:, 1] = errors.totals[kept]
    mean, _, *shares = (sums.sum(axis=0) / totals.sum(axis=0)).tolist()
    rates = [float(failures(means, limit).mean()) for limit in limits.values]
    values = [mean, errors.pooled(), *np.quantile(means, _QUANTILES).tolist(), *rates, *shares]
    intervals = _intervals(means, sums, totals, limits.values)
    return found | _named(values, limits) | {'interval': _named(intervals, limits)}


def _intervals(
    means: ndarray, sums: ndarray, totals: ndarray, limits: Sequence[float]
) -> list[Interval]:
    """The intervals, in the order of :func:`_named`."""
    mean, pooled, *drawn = error_intervals(sums, totals)
    quantiles = [quantile_interval(means, quantile) for quantile in _QUANTILES]
    rates = [share_interval(int(failures(means, limit).sum()), len(means)) for limit in limits]
    within = zip(drawn, limits, strict=True)
    exact: list[Interval] = [each and [*each] for each in (*quantiles, *rates)]
    return [mean, pooled, *exact, *(_area_interval(each, means, limit) for each, limit in within)]


def _area_interval(drawn: Any, means: ndarray, limit: float) -> Interval:
    """The interval of an area, which is at most the share of faces below its limit.

    If hardly any face is below, draws know little of the others; that share's own interval then
    ends it.
    """
    below = int((means < limit).sum())
    share = share_interval(below, len(means))
    if drawn is None or share is None:
        return None
    return [drawn[0], share[1] if below < _FEW else min(drawn[1], share[1])]


def _named(values: list[Any], limits: Limits) -> Any:
    """Name four measures, then a failure rate for each limit, then an area for each."""
    rates, shares = values[4 : 4 + len(limits.values)], values[4 + len(limits.values) :]
    return {
        **dict(zip(('mean', 'pooled', 'median', 'p90'), values[:4], strict=True)),
        'failure_rate': dict(zip(limits.keys, rates, strict=True)),
        'auc': dict(zip(limits.keys, shares, strict=True)),
    }


def curve(errors: Errors) -> Curve:
    """Compute the cumulative error distribution over faces, from 0 to 15 % in steps of 0.05 %."""
    means = errors.means[errors.faces]
    shares = error_shares(means, _CURVE) if len(means) else np.zeros(0)
    return {'error': _CURVE[: len(shares)].round(6).tolist(), 'share': shares.tolist()}


def by_visibility(run: Run, errors: Errors) -> dict[str, Points] | None:
    """Compute pooled errors of visible and of hidden points; None if there are not both."""
    groups = {'visible': run.table.seen == 1, 'hidden': run.table.seen == 0}
    parts = {name: errors.among(points) for name, points in groups.items()}
    if not all(part.counted.any() for part in parts.values()):
        return None
    return {
        name: {'points': int(part.counted.sum()), **part.average()} for name, part in parts.items()
    }


def by_yaw(errors: Errors, yaw: tuple[ndarray, str] | None) -> YawBins | None:
    """Compute pooled errors by yaw, given in degrees with its source; None if it is unknown."""
    if yaw is None:
        return None
    angles, source = yaw
    edges = _YAW_EDGES.copy()
    edges[0] = min(edges[0], np.floor(np.nanmin(angles)))
    edges[-1] = max(edges[-1], np.floor(np.nanmax(angles)) + 1)
    unknown = int((errors.faces & np.isnan(angles)).sum())
    return {'source': source, 'bins': _bins(errors, angles, edges), 'unknown': unknown}


def by_box_size(run: Run, errors: Errors) -> FaceBins:
    """Compute pooled errors by the longer side of the box, in bins between powers of two."""
    sizes = run.table.box_size
    unknown = int((errors.faces & np.isnan(sizes)).sum())
    if not np.isfinite(sizes).any():
        return {'bins': [], 'unknown': unknown}
    low, high = np.floor(np.log2([np.nanmin(sizes), np.nanmax(sizes)])).astype(int)
    return {'bins': _bins(errors, sizes, 2.0 ** np.arange(low, high + 2)), 'unknown': unknown}


def _bins(errors: Errors, values: ndarray, edges: ndarray) -> list[FaceBin]:
    """Pooled errors of faces with values from one edge up to the next, without empty bins."""
    found: list[FaceBin] = []
    for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        part = errors.among(((values >= low) & (values < high))[:, None])
        if part.counted.any():
            faces = int(part.faces.sum())
            found.append({'low': low, 'high': high, 'faces': faces, **part.average()})
    return found


def by_point(run: Run, errors: Errors) -> list[PointEntry]:
    """Compute the error of each point and its place on the mean face; None if no face has it."""
    places = mean_face(run.table.gt, run.table.mask).tolist()
    found: list[PointEntry] = []
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


def reliability(run: Run, errors: Errors) -> Reliability | None:
    """Compute errors by confidence; None without confidences, or if all are equal (regression)."""
    scores = run.table.scores
    counted = errors.counted & np.isfinite(scores)
    if not counted.any() or np.ptp(scores[counted]) == 0:
        return None
    # By mean ranks: equal confidences share a bin, and many of them draw no others into it.
    ranks = (_ranks(scores[counted]) - 0.5) * _CONFIDENCES / counted.sum()
    places = np.full(scores.shape, -1)
    places[counted] = np.unique(np.floor(ranks), return_inverse=True)[1]
    parts = [errors.among(places == index) for index in range(places.max() + 1)]
    faces = counted.any(axis=1)
    sums, totals = np.stack([(each.sums[faces], each.totals[faces]) for each in parts], axis=-1)
    bins: list[ConfidenceBin] = [
        {
            'confidence': float(scores[part.counted].mean()),
            'low': float(scores[part.counted].min()),
            'high': float(scores[part.counted].max()),
            'points': int(part.counted.sum()),
            'error': part.pooled(),
            'interval': interval,
        }
        for part, interval in zip(parts, error_intervals(sums, totals), strict=True)
    ]
    spearman = _spearman(scores[counted], errors.distances[counted])
    return {'faces': int(faces.sum()), 'bins': bins, 'spearman': spearman}


def _spearman(first: ndarray, second: ndarray) -> float | None:
    """Spearman's rank correlation, with mean ranks for ties; None if either does not vary."""
    ranks = np.stack([_ranks(values) for values in (first, second)])
    if (np.ptp(ranks, axis=1) == 0).any():
        return None
    return float(np.corrcoef(ranks)[0, 1])


def _ranks(values: ndarray) -> ndarray:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]


def mean_face(gt: ndarray, mask: ndarray) -> ndarray:
    """Compute the mean of faces after aligning them by position, rotation and scale.

    Args:
        gt: ``(N, K, 2)``, y down.
        mask: ``(N, K)`` bool. The mean is over faces all of whose points count; without any, it is
            over all faces, aligned by their boxes alone.

    Returns:
        ``(K, 2)``, centred in 0 to 1, which its longer side fills.
    """
    whole = gt[mask.all(axis=1)]
    if not len(whole):
        return _framed(_mean_in_boxes(gt, mask))
    shapes = _at_unit_size(whole)
    mean = shapes.mean(axis=0)
    for _ in range(_ROUNDS):
        aligned = _rotated_onto(shapes, mean)
        mean = _at_unit_size(aligned.mean(axis=0)[None])[0]
    return _framed(mean)


def _at_unit_size(shapes: ndarray) -> ndarray:
    shapes = shapes - shapes.mean(axis=1, keepdims=True)
    sizes = np.sqrt((shapes**2).sum(axis=(1, 2), keepdims=True))
    return shapes / np.where(sizes > 0, sizes, 1.0)


def _rotated_onto(shapes: ndarray, mean: ndarray) -> ndarray:
    """Rotate shapes ``(N, K, 2)`` to lie nearest to one; for complex numbers that is a factor."""
    each, one = shapes[..., 0] + 1j * shapes[..., 1], mean[:, 0] + 1j * mean[:, 1]
    turns = (each.conj() * one).sum(axis=1, keepdims=True)
    sizes = np.abs(turns)
    turned = each * np.divide(turns, sizes, out=np.ones_like(turns), where=sizes > 0)
    return np.stack([turned.real, turned.imag], axis=-1)


def _mean_in_boxes(gt: ndarray, mask: ndarray) -> ndarray:
    """The mean place of each point in the boxes around the faces; the centre if it has none."""
    low = np.where(mask[..., None], gt, np.inf).min(axis=1, keepdims=True)
    high = np.where(mask[..., None], gt, -np.inf).max(axis=1, keepdims=True)
    counts = mask.any(axis=1)
    gt, mask, low, high = gt[counts], mask[counts], low[counts], high[counts]
    side = np.maximum((high - low).max(axis=-1, keepdims=True), 1e-12)
    places = np.where(mask[..., None], (gt - (low + high) / 2) / side, 0.0)
    return places.sum(axis=0) / np.maximum(mask.sum(axis=0), 1)[:, None]


def _framed(shape: ndarray) -> ndarray:
    low, high = shape.min(axis=0), shape.max(axis=0)
    side = max(float((high - low).max()), 1e-12)
    return 0.5 + (shape - (low + high) / 2) / side
