"""Intervals without draws: of shares of faces, and of quantiles, by the binomial distribution.

A share of 30 faces of which none fails may well be 5 %: draws of these faces have no failure
either, so the bootstrap would say that there is none. Sources: Clopper and Pearson, Biometrika 26,
1934, whose intervals hold the share at least as often as they say; for quantiles, order statistics
(David and Nagaraja, Order Statistics, 2003, section 7.1).
"""

from __future__ import annotations

import numpy as np
from numpy import ndarray

from .bootstrap import FEWEST_FACES, LEVEL

_HALVINGS = 50


def share_interval(count: int, faces: int, level: float = LEVEL) -> tuple[float, float] | None:
    """The interval of a share of which ``count`` faces of some were seen.

    Returns:
        Low and high, from 0 to 1; None with fewer than :data:`.FEWEST_FACES` faces.
    """
    if faces < FEWEST_FACES:
        return None
    outside = (1 - level) / 2
    return _lowest(count, faces, outside), 1 - _lowest(faces - count, faces, outside)


def _lowest(count: int, faces: int, outside: float) -> float:
    """The share under which ``count`` of the faces, or more, are as rare as said."""
    if count == 0:
        return 0.0
    low, high = 0.0, 1.0
    chances = _Chances(faces, count)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        rarer = 1 - chances(middle).sum() < outside
        low, high = (middle, high) if rarer else (low, middle)
    return low


class _Chances:
    """Probabilities of 0, 1, ... of some faces, up to below a number of them."""

    def __init__(self, faces: int, below: int) -> None:
        self.counts = np.arange(below, dtype=np.float64)
        self.others = faces - self.counts
        # The logarithms of the binomial coefficients.
        self.ways = np.zeros(below)
        self.ways[1:] = np.cumsum(np.log((self.others[1:] + 1) / self.counts[1:]))

    def __call__(self, share: float) -> ndarray:
        return np.exp(self.ways + self.counts * np.log(share) + self.others * np.log1p(-share))


def quantile_interval(
    values: ndarray, quantile: float, level: float = LEVEL
) -> tuple[float, float] | None:
    """The interval of a quantile: between the two ranked values that are sure enough to hold it.

    Args:
        values: ``(N,)``.
        quantile: From 0 to 1, both excluded.
        level: How often the interval is to hold the quantile.

    Returns:
        Low and high; None with fewer than :data:`.FEWEST_FACES` faces, or so few that even all of
        them hold the quantile more seldom.
    """
    faces = len(values)
    if faces < FEWEST_FACES:
        return None
    ranked = np.sort(np.asarray(values, dtype=np.float64))
    # How likely it is that so many values, or fewer, lie below the quantile.
    reached = np.cumsum(_Chances(faces, faces + 1)(quantile))
    outside = (1 - level) / 2
    all_below = 1 - reached[faces - 1]
    low = int(np.searchsorted(reached, outside - max(0.0, all_below - outside), side='right'))
    high = min(int(np.searchsorted(reached, 1 - outside)), faces - 1)
    if low == 0:
        return None
    return float(ranked[low - 1]), float(ranked[high])
