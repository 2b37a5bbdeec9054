"""The headline numbers of some faces: means, quantiles, failures and areas, with intervals."""

from __future__ import annotations

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

from .errors import Errors, error_intervals

LIMITS = {'0.07': 0.07, '0.08': 0.08, '0.10': 0.10}
_QUANTILES = (0.5, 0.9)
_FEW = 5  # faces; draws without any of so many are not rare
_CURVE = np.linspace(0, 0.15, 301)


def headline(errors: Errors) -> dict[str, Any]:
    """Numbers over all faces that have an error.

    Returns:
        ``faces``, ``points``; ``mean`` over faces of a face's mean, ``pooled`` over points,
        ``median`` and ``p90`` of a face's mean; ``failure_rate`` and ``auc`` by limit; and under
        ``interval`` the 95 % of each. Null where there are no faces, or too few for an interval.
    """
    kept = errors.faces
    means = errors.means[kept]
    content = {'faces': int(kept.sum()), 'points': int(errors.totals.sum())}
    if not len(means):
        return {**content, **_named([None] * 10), 'interval': _named([None] * 10)}
    sums, totals = _ratios(errors, kept)
    mean, _, *shares = (sums.sum(axis=0) / totals.sum(axis=0)).tolist()
    rates = [float(failures(means, limit).mean()) for limit in LIMITS.values()]
    values = [mean, errors.pooled(), *np.quantile(means, _QUANTILES).tolist(), *rates, *shares]
    return {**content, **_named(values), 'interval': _named(_intervals(means, sums, totals))}


def _ratios(errors: Errors, kept: ndarray) -> tuple[ndarray, ndarray]:
    """Numerators and denominators of each face for ratios: mean, pooled, three areas.

    Returns:
        Two arrays ``(n, 5)``.
    """
    means = errors.means[kept]
    columns = [means, errors.sums[kept], *(areas(means, limit) for limit in LIMITS.values())]
    sums = np.stack(columns, axis=1)
    totals = np.ones_like(sums)
    totals[:, 1] = errors.totals[kept]
    return sums, totals


def _intervals(means: ndarray, sums: ndarray, totals: ndarray) -> list[Any]:
    """The intervals, in the order of :func:`_named`."""
    mean, pooled, *drawn = error_intervals(sums, totals)
    quantiles = [quantile_interval(means, quantile) for quantile in _QUANTILES]
    limits = LIMITS.values()
    rates = [share_interval(int(failures(means, limit).sum()), len(means)) for limit in limits]
    within = zip(drawn, limits, strict=True)
    exact = [None if each is None else list(each) for each in (*quantiles, *rates)]
    return [mean, pooled, *exact, *(_area_interval(each, means, limit) for each, limit in within)]


def _area_interval(drawn: list[float] | None, means: ndarray, limit: float) -> list[float] | None:
    """The interval of an area, which is at most the share of faces below its limit.

    Where hardly any face is below, draws know little of the others: that share's own interval ends
    it.
    """
    below = int((means < limit).sum())
    share = share_interval(below, len(means))
    if drawn is None or share is None:
        return None
    return [drawn[0], share[1] if below < _FEW else min(drawn[1], share[1])]


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
