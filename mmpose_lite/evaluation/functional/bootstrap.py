"""How far a number would move with other faces: the bootstrap over faces.

Faces are drawn with replacement, as many as there are, again and again; a number's values over the
draws tell its uncertainty. A face comes with all of its points, which are not independent.
Source: Efron, Annals of Statistics 7, 1979; the intervals are the percentiles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy import ndarray

DRAWS = 2000
LEVEL = 0.95
_CELLS = 2**20  # faces times draws at a time: some 20 MB


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


def bootstrap(
    compute: Callable[[ndarray], ndarray], faces: int, draws: int = DRAWS, seed: int = 0
) -> ndarray:
    """Compute numbers over each draw of the faces.

    Args:
        compute: From counts ``(R, faces)`` to numbers ``(R, S)``, such as
            :func:`resampled_ratios`.
        faces: How many there are.
        draws: How often they are drawn.
        seed: The same one gives the same draws, for any ``compute``.

    Returns:
        ``(draws, S)``.
    """
    return np.concatenate([compute(counts) for counts in draw_counts(faces, draws, seed)])


def resampled_ratios(counts: ndarray, sums: ndarray, totals: ndarray) -> ndarray:
    """Ratios of sums over drawn faces: means, pooled means, rates.

    Args:
        counts: ``(R, N)``, how often each face is drawn.
        sums: ``(N, S)``, what each face adds above the line.
        totals: ``(N, S)`` or ``(N, 1)``, and below it.

    Returns:
        ``(R, S)``; NaN where a draw has nothing below the line.
    """
    weights = counts.astype(np.float64)
    below = np.broadcast_to(weights @ totals, (len(counts), sums.shape[1]))
    ratios = np.full(below.shape, np.nan)
    return np.divide(weights @ sums, below, out=ratios, where=below > 0)


def resampled_quantiles(counts: ndarray, values: ndarray, levels: ndarray) -> ndarray:
    """Quantiles of drawn faces, as numpy's: linear between neighbours.

    Args:
        counts: ``(R, N)``, how often each face is drawn; each row adds up to N.
        values: ``(N,)``.
        levels: ``(L,)``, from 0 to 1.

    Returns:
        ``(R, L)``.
    """
    order = np.argsort(values, kind='stable')
    ranked = np.asarray(values, dtype=np.float64)[order]
    ends = np.cumsum(counts[:, order], axis=1)
    places = np.asarray(levels, dtype=np.float64) * (len(ranked) - 1)
    low = np.floor(places).astype(int)
    high = np.ceil(places).astype(int)
    # The k-th of a draw (from 0) is the first face at whose end more than k have been counted.
    lower = np.stack([ranked[np.argmax(ends > k, axis=1)] for k in low], axis=1)
    upper = np.stack([ranked[np.argmax(ends > k, axis=1)] for k in high], axis=1)
    return lower + (upper - lower) * (places - low)


def percentile_interval(drawn: ndarray, level: float = LEVEL) -> ndarray:
    """The interval that holds the middle share of the draws.

    Args:
        drawn: ``(draws, S)``, as from :func:`bootstrap`.
        level: The share.

    Returns:
        ``(S, 2)``, low and high.
    """
    outside = (1 - level) / 2
    return np.nanquantile(drawn, [outside, 1 - outside], axis=0).T


@dataclass(frozen=True)
class PairedDifference:
    """What one set of predictions has more than another on the same faces.

    Attributes:
        difference: The second number less the first.
        interval: Low and high, of :data:`LEVEL`.
        p: Two-sided: how often draws of the faces turn the sign, or both are alike.
    """

    difference: float
    interval: tuple[float, float]
    p: float


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
    more, below = (second - first)[:, None], np.asarray(totals)[:, None]
    drawn = bootstrap(lambda counts: resampled_ratios(counts, more, below), len(more), draws, seed)
    low, high = percentile_interval(drawn)[0]
    turned = min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))
    return PairedDifference(
        difference=float(more.sum() / below.sum()),
        interval=(float(low), float(high)),
        p=min(1.0, 2 * (turned + 1) / (draws + 1)),
    )
