"""Confidence intervals of means over faces: the studentised bootstrap.

Faces are drawn with replacement, as many as there are, again and again. In each draw the mean's
distance from that of all faces is put over the draw's own standard error; the quantiles of these
say how many standard errors away the limits are. Unlike percentiles of the means, that follows the
skewness of errors where faces are few. A face comes with all of its points, which are not
independent. Source: Efron, Annals of Statistics 7, 1979; Hall, Annals of Statistics 16, 1988.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy import ndarray

DRAWS = 2000
LEVEL = 0.95
#: With fewer faces there is no interval: what they have not shown is most of the uncertainty.
FEWEST_FACES = 20
_CELLS = 2**20  # faces times draws at a time: some 20 MB
# Draws of n faces spread less than new faces would. Limits move out by this over n of their
# distance, by which simulated intervals of 30 faces hold the mean as often as they say.
_WIDENING = 2.0
# Of the standard error of all faces: no draw's is taken for less. Where only one or two faces
# differ from the others, many draws have none of them, and no error of their own.
_LEAST_ERROR = 0.2
_ROUNDING = 1e-12  # of a number


def draw_counts(faces: int, draws: int = DRAWS, seed: int = 0) -> Iterator[ndarray]:
    """Draw the faces anew, some draws at a time.

    Yields:
        ``(R, faces)`` int64: how often each face is in each of R draws.
    """
    rng = np.random.default_rng(seed)
    at_a_time = max(1, _CELLS // faces)
    for start in range(0, draws, at_a_time):
        size = min(at_a_time, draws - start)
        drawn = rng.integers(faces, size=(size, faces)) + faces * np.arange(size)[:, None]
        yield np.bincount(drawn.ravel(), minlength=size * faces).reshape(size, faces)


def ratio_intervals(
    sums: ndarray, totals: ndarray, draws: int = DRAWS, seed: int = 0, level: float = LEVEL
) -> ndarray:
    """The intervals of ratios of sums over faces: means over faces, means over their points.

    Args:
        sums: ``(N, S)``, what each face adds above the line.
        totals: ``(N, S)`` or ``(N, 1)``, and below it; 0 where a face adds nothing.
        draws: How often faces are drawn.
        seed: The same one gives the same draws.
        level: How often an interval is to hold the ratio of all faces there could be.

    Returns:
        ``(S, 2)``, low and high; NaN where fewer than :data:`FEWEST_FACES` faces add something.
    """
    totals = np.broadcast_to(np.asarray(totals, dtype=np.float64), sums.shape)
    enough = (totals > 0).sum(axis=0) >= FEWEST_FACES
    limits = np.full((sums.shape[1], 2), np.nan)
    if enough.any():
        found = _studentised(sums[:, enough], totals[:, enough], draws, seed)
        limits[enough] = _limits(*found, level)
    return limits


def _studentised(
    sums: ndarray, totals: ndarray, draws: int, seed: int
) -> tuple[ndarray, ndarray, ndarray]:
    """Ratios ``(S,)``, their standard errors ``(S,)``, and how many of them draws are off.

    The errors are widened. The last, ``(draws, S)``, are each in the standard error of its own
    draw.
    """
    below = totals.sum(axis=0)
    ratios = sums.sum(axis=0) / below
    # What is left of each face: these add up to 0, and their squares to the error's.
    rest = sums - ratios * totals
    squares = (rest**2).sum(axis=0)
    squares[squares <= _ROUNDING**2 * (sums**2).sum(axis=0)] = 0.0
    columns = np.concatenate([rest, totals, rest**2, rest * totals, totals**2], axis=1)
    drawn = [
        _in_own_errors(counts.astype(np.float64) @ columns, squares)
        for counts in draw_counts(len(sums), draws, seed)
    ]
    widening = 1 + _WIDENING / (totals > 0).sum(axis=0)
    return ratios, widening * np.sqrt(squares) / below, np.concatenate(drawn)


def _limits(ratios: ndarray, errors: ndarray, drawn: ndarray, level: float) -> ndarray:
    """Limits ``(S, 2)``: where draws are too small by the most, the ratio may be larger by that."""
    outside = (1 - level) / 2
    low, high = np.quantile(drawn, [1 - outside, outside], axis=0)
    return np.stack([ratios - low * errors, ratios - high * errors], axis=1)


def _in_own_errors(drawn: ndarray, squares: ndarray) -> ndarray:
    """Deviations of the ratios of draws, in standard errors of each draw.

    Args:
        drawn: ``(R, 5 S)``, the sums over drawn faces of the columns above.
        squares: ``(S,)``, the sum of the squares over all faces once.
    """
    rest, below, rest_squared, product, below_squared = np.split(drawn, 5, axis=1)
    off = np.divide(rest, below, out=np.zeros_like(rest), where=below > 0)
    own = rest_squared - 2 * off * product + off**2 * below_squared
    own = np.maximum(own, _LEAST_ERROR**2 * squares)
    return np.divide(rest, np.sqrt(own), out=np.zeros_like(rest), where=squares > 0)


@dataclass(frozen=True)
class PairedDifference:
    """What one set of predictions has more than another on the same faces.

    Attributes:
        difference: The second number less the first.
        interval: Low and high, of :data:`LEVEL`; None below :data:`FEWEST_FACES` faces.
        p: Two-sided: how often draws are as far off as no difference is, on either side; None
            where there is no interval.
    """

    difference: float
    interval: tuple[float, float] | None
    p: float | None


def paired_difference(
    first: ndarray, second: ndarray, totals: ndarray, draws: int = DRAWS, seed: int = 0
) -> PairedDifference:
    """Compare two means over the same faces; each draw has the same faces of both.

    Args:
        first: ``(N,)``, the sum of each face's errors by the first.
        second: ``(N,)``, likewise by the second.
        totals: ``(N,)``, how many errors these sums are of.
        draws: How often faces are drawn.
        seed: Of the draws.
    """
    more, below = (second - first)[:, None], np.asarray(totals, dtype=np.float64)[:, None]
    difference = float(more.sum() / below.sum())
    if (below > 0).sum() < FEWEST_FACES:
        return PairedDifference(difference, None, None)
    found = _studentised(more, below, draws, seed)
    low, high = _limits(*found, LEVEL)[0].tolist()
    return PairedDifference(difference, (low, high), _p_value(difference, found[1], found[2]))


def _p_value(difference: float, error: ndarray, drawn: ndarray) -> float:
    """The share of draws as far off as 0 is, which the interval holds where that is not rare."""
    if not error[0]:
        away = math.copysign(math.inf, difference) if difference else 0.0
    else:
        away = difference / float(error[0])
    turned = min(int((drawn >= away).sum()), int((drawn <= away).sum()))
    return min(1.0, 2 * (turned + 1) / (len(drawn) + 1))
