"""The headline numbers of some faces: means, quantiles, failures and areas, with intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from mmpose_lite.evaluation.functional import (
    areas,
    bootstrap,
    error_shares,
    failures,
    percentile_interval,
    resampled_quantiles,
    resampled_ratios,
)

from .errors import Errors

LIMITS = {'0.07': 0.07, '0.08': 0.08, '0.10': 0.10}
_LEVELS = np.array([0.5, 0.9])
_CURVE = np.linspace(0, 0.15, 301)


def headline(errors: Errors) -> dict[str, Any]:
    """Numbers over all faces that have an error.

    Returns:
        ``faces``, ``points``; ``mean`` over faces of a face's mean, ``pooled`` over points,
        ``median`` and ``p90`` of a face's mean; ``failure_rate`` and ``auc`` by limit; and under
        ``interval`` the 95 % of each. Null where there are no faces, or for intervals only one.
    """
    kept = errors.faces
    means = errors.means[kept]
    content = {'faces': int(kept.sum()), 'points': int(errors.totals.sum())}
    if not len(means):
        return {**content, **_named([None] * 10), 'interval': _named([None] * 10)}
    median, p90 = np.quantile(means, _LEVELS).tolist()
    rates, sums, totals = _rates(errors, kept)
    values = [rates[0], errors.pooled(), median, p90, *rates[2:]]
    return {**content, **_named(values), 'interval': _named(_intervals(means, sums, totals))}


def _rates(errors: Errors, kept: ndarray) -> tuple[list[float], ndarray, ndarray]:
    """Numbers that are ratios of sums over faces: mean, pooled, three rates, three areas.

    Returns:
        The numbers, and what each face adds above and below the line, ``(n, 8)``.
    """
    means = errors.means[kept]
    columns = [means, errors.sums[kept]]
    columns += [failures(means, limit) for limit in LIMITS.values()]
    columns += [areas(means, limit) for limit in LIMITS.values()]
    sums = np.stack(columns, axis=1)
    totals = np.ones_like(sums)
    totals[:, 1] = errors.totals[kept]
    return (sums.sum(axis=0) / totals.sum(axis=0)).tolist(), sums, totals


def _intervals(means: ndarray, sums: ndarray, totals: ndarray) -> list[Any]:
    """The intervals, in the order of :func:`_named`."""
    if len(means) < 2:
        return [None] * 10

    def compute(counts: ndarray) -> ndarray:
        ratios = resampled_ratios(counts, sums, totals)
        quantiles = resampled_quantiles(counts, means, _LEVELS)
        return np.concatenate([ratios[:, :2], quantiles, ratios[:, 2:]], axis=1)

    return percentile_interval(bootstrap(compute, len(means))).tolist()


def _named(values: list[Any]) -> dict[str, Any]:
    """Name ten values: four measures, three failure rates, three areas."""
    return {
        **dict(zip(('mean', 'pooled', 'median', 'p90'), values[:4], strict=True)),
        'failure_rate': dict(zip(LIMITS, values[4:7], strict=True)),
        'auc': dict(zip(LIMITS, values[7:], strict=True)),
    }


def curve(errors: Errors) -> dict[str, list[float]]:
    """The cumulative error distribution over faces, from 0 to 15 % in steps of 0.05 %."""
    means = errors.means[errors.faces]
    shares = error_shares(means, _CURVE) if len(means) else np.zeros(0)
    return {'error': _CURVE[: len(shares)].round(6).tolist(), 'share': shares.tolist()}
