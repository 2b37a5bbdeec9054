"""Confidence intervals over faces: a bootstrap for means, exact ones for shares and quantiles.

The bootstrap is studentised. As many faces as there are get drawn with replacement, many times. In
each draw, the distance of its mean from that of all faces is divided by the draw's own standard
error; the quantiles of these ratios are the limits, in standard errors. Unlike percentiles of the
means, they follow the skewness of errors when there are few faces. A face is drawn with all of its
points, which are not independent. Source: Efron, Annals of Statistics 7, 1979; Hall, Annals of
Statistics 16, 1988.

Shares and quantiles follow from the binomial distribution. If none of 30 faces fails, the share of
failures may still be 5 %; draws of these faces contain no failure either, so a bootstrap would
exclude that. Sources: Clopper and Pearson, Biometrika 26, 1934, whose intervals hold the share at
least as often as they claim; order statistics for quantiles (David and Nagaraja, Order Statistics,
2003, section 7.1).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy import ndarray

DRAWS = 2000
LEVEL = 0.95
_OUTSIDE = (1 - LEVEL) / 2  # probability beyond either limit of an interval
#: With fewer faces there is no interval: most of the uncertainty is in what they do not show.
FEWEST_FACES = 20
_CELLS = 2**20  # faces times draws processed at a time: about 20 MB
# Draws of n faces spread less than new faces would. Limits move out by this fraction over n, with
# which simulated intervals of 30 faces hold the mean as often as they claim.
_WIDENING = 2.0
# The least standard error of a draw, as a fraction of that of all faces. If only one or two faces
# differ from the others, many draws contain neither and have no error of their own.
_LEAST_ERROR = 0.2
_ROUNDING = 1e-12  # relative
_REPEATS = 50  # of each draw of faces, with other seeds


def draw_counts(faces: int, draws: int = DRAWS, seed: int = 0) -> Iterator[ndarray]:
    """Resample the faces, a batch of R draws at a time: counts of the faces, ``(R, faces)``."""
    rng = np.random.default_rng(seed)
    at_a_time = max(1, _CELLS // faces)
    for start in range(0, draws, at_a_time):
        size = min(at_a_time, draws - start)
        drawn = rng.integers(faces, size=(size, faces)) + faces * np.arange(size)[:, None]
        yield np.bincount(drawn.ravel(), minlength=size * faces).reshape(size, faces)


def ratio_intervals(sums: ndarray, totals: ndarray, draws: int = DRAWS) -> ndarray:
    """Compute intervals of ratios of sums over faces: means over faces or over their points.

    ``sums`` ``(N, S)`` are the numerators, one for each face, and ``totals`` ``(N, S)`` or
    ``(N, 1)`` the denominators, 0 for a face that does not count.

    Returns:
        ``(S, 2)``, low and high; NaN if fewer than :data:`FEWEST_FACES` faces count.
    """
    totals = np.broadcast_to(np.asarray(totals, dtype=np.float64), sums.shape)
    enough = (totals > 0).sum(axis=0) >= FEWEST_FACES
    limits = np.full((sums.shape[1], 2), np.nan)
    if enough.any():
        found = _studentised(sums[:, enough], totals[:, enough], draws)
        limits[enough] = _limits(*found)
    return limits


def _studentised(sums: ndarray, totals: ndarray, draws: int) -> tuple[ndarray, ndarray, ndarray]:
    """Ratios and widened standard errors, ``(S,)``; deviations ``(draws, S)`` in own errors."""
    below = totals.sum(axis=0)
    ratios = sums.sum(axis=0) / below
    # Residuals of the faces: they add up to 0, and their squares to the squared error.
    rest = sums - ratios * totals
    squares = (rest**2).sum(axis=0)
    squares[squares <= _ROUNDING**2 * (sums**2).sum(axis=0)] = 0.0
    columns = np.concatenate([rest, totals, rest**2, rest * totals, totals**2], axis=1)
    drawn = [
        _in_own_errors(counts.astype(np.float64) @ columns, squares)
        for counts in draw_counts(len(sums), draws)
    ]
    widening = 1 + _WIDENING / (totals > 0).sum(axis=0)
    return ratios, widening * np.sqrt(squares) / below, np.concatenate(drawn)


def _limits(ratios: ndarray, errors: ndarray, drawn: ndarray) -> ndarray:
    """Limits ``(S, 2)``: the ratio may exceed its estimate by as much as draws fall short of it."""
    low, high = np.quantile(drawn, [1 - _OUTSIDE, _OUTSIDE], axis=0)
    return np.stack([ratios - low * errors, ratios - high * errors], axis=1)


def _in_own_errors(drawn: ndarray, squares: ndarray) -> ndarray:
    """Deviations of the ratios of R draws, of the columns above, in each draw's standard error."""
    rest, below, rest_squared, product, below_squared = np.split(drawn, 5, axis=1)
    off = np.divide(rest, below, out=np.zeros_like(rest), where=below > 0)
    own = rest_squared - 2 * off * product + off**2 * below_squared
    own = np.maximum(own, _LEAST_ERROR**2 * squares)
    return np.divide(rest, np.sqrt(own), out=np.zeros_like(rest), where=squares > 0)


@dataclass(frozen=True)
class PairedDifference:
    """Difference of two sets of predictions on the same faces.

    Attributes:
        difference: The second number minus the first.
        interval: Low and high, at :data:`LEVEL`; None with fewer than :data:`FEWEST_FACES` faces.
        p: Two-sided p-value: the share of draws that deviate as far as zero does; None without
            an interval.
    """

    difference: float
    interval: tuple[float, float] | None
    p: float | None


def paired_difference(
    first: ndarray,
    second: ndarray,
    totals: ndarray,
    draws: int = DRAWS,
    runs: Sequence[Sequence[float]] = (),
) -> PairedDifference:
    """Compare two means over the same faces with a paired bootstrap.

    Args:
        first: Each face's sum of errors, ``(N,)``; a mean over runs if there are several.
        second: The same of the other side.
        totals: The numbers of errors in each sum, ``(N,)``.
        draws: Number of draws.
        runs: The means of the runs of each side, two or more of each. The interval then also
            covers other runs: each side adds Student's t of its runs, with their own variance
            (Behrens, Landwirtschaftliche Jahrbuecher 68, 1929; Fisher, Annals of Eugenics 6, 1935).
    """
    more, below = (second - first)[:, None], np.asarray(totals, dtype=np.float64)[:, None]
    difference = float(more.sum() / below.sum())
    if (below > 0).sum() < FEWEST_FACES:
        return PairedDifference(difference, None, None)
    found = _studentised(more, below, draws)
    if runs:
        return _over_runs(difference, difference - found[1] * found[2][:, 0], runs)
    low, high = _limits(*found)[0].tolist()
    return PairedDifference(difference, (low, high), _p_value(difference, found[1], found[2]))


def _over_runs(
    difference: float, over_faces: ndarray, runs: Sequence[Sequence[float]]
) -> PairedDifference:
    """Add the scatter of the runs to differences that fit the faces, ``(draws,)``."""
    rng = np.random.default_rng(0)
    fitting = np.tile(over_faces, _REPEATS)
    for means in runs:
        error = np.std(means, ddof=1) / math.sqrt(len(means))
        fitting += error * rng.standard_t(len(means) - 1, len(fitting))
    low, high = np.quantile(fitting, [_OUTSIDE, 1 - _OUTSIDE]).tolist()
    turned = min(int((fitting <= 0).sum()), int((fitting >= 0).sum()))
    p = min(1.0, 2 * (turned + 1) / (len(fitting) + 1))
    return PairedDifference(difference, (low, high), p)


def _p_value(difference: float, error: ndarray, drawn: ndarray) -> float:
    """The two-sided share of draws that deviate as far as 0 does."""
    if not error[0]:
        away = math.copysign(math.inf, difference) if difference else 0.0
    else:
        away = difference / float(error[0])
    turned = min(int((drawn >= away).sum()), int((drawn <= away).sum()))
    return min(1.0, 2 * (turned + 1) / (len(drawn) + 1))


_HALVINGS = 50


def share_interval(count: int, faces: int) -> tuple[float, float] | None:
    """Compute the interval of the share of faces with a property that ``count`` faces have.

    It is None with fewer than :data:`FEWEST_FACES` faces.
    """
    if faces < FEWEST_FACES:
        return None
    return _lowest(count, faces), 1 - _lowest(faces - count, faces)


def _lowest(count: int, faces: int) -> float:
    """The share for which ``count`` faces or more have the probability ``_OUTSIDE``."""
    if count == 0:
        return 0.0
    low, high = 0.0, 1.0
    chances = _Chances(faces, count)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        rarer = 1 - chances(middle).sum() < _OUTSIDE
        low, high = (middle, high) if rarer else (low, middle)
    return low


class _Chances:
    """Binomial probabilities of 0, 1, ... successes, below a limit."""

    def __init__(self, faces: int, below: int) -> None:
        self.counts = np.arange(below, dtype=np.float64)
        self.others = faces - self.counts
        # Logarithms of the binomial coefficients.
        self.ways = np.zeros(below)
        self.ways[1:] = np.cumsum(np.log((self.others[1:] + 1) / self.counts[1:]))

    def __call__(self, share: float) -> ndarray:
        return np.exp(self.ways + self.counts * np.log(share) + self.others * np.log1p(-share))


def quantile_interval(values: ndarray, quantile: float) -> tuple[float, float] | None:
    """Compute the interval of a quantile of ``(N,)``: the two ranked values that enclose it.

    It is None with fewer than :data:`FEWEST_FACES` faces, or too few for the level.
    """
    faces = len(values)
    if faces < FEWEST_FACES:
        return None
    ranked = np.sort(np.asarray(values, dtype=np.float64))
    # Probabilities that at most so many values lie below the quantile.
    reached = np.cumsum(_Chances(faces, faces + 1)(quantile))
    all_below = 1 - reached[faces - 1]
    low = int(np.searchsorted(reached, _OUTSIDE - max(0.0, all_below - _OUTSIDE), side='right'))
    high = min(int(np.searchsorted(reached, 1 - _OUTSIDE)), faces - 1)
    if low == 0:
        return None
    return float(ranked[low - 1]), float(ranked[high])
