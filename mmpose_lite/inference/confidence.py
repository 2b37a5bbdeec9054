"""Expected errors of points, from the scores of their heatmaps.

A heatmap's maximum says little by itself: its usual height depends on the model, the codec and the
point. Fitted on faces whose points are known, it says how far off a point is on average.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy import ndarray

from mmpose_lite.errors import InputError

_BINS = 40
_FEWEST_IN_BIN = 25  # points
_FEWEST = 200  # points with a known error, to fit at all
_FEWEST_HIDDEN = 50  # points
# Points of mean difficulty that each kind of point is given besides its own: kinds differ by far
# more than the points of one kind do, so that more would pull all of them towards the mean.
_PRIOR = 5.0
_ROUNDS = 3


@dataclass(frozen=True)
class Confidence:
    """Curves from scores to expected errors and to the share of hidden points.

    Attributes:
        scores: ``(B,)``, rising: where the curves are known; they are straight between.
        expected: ``(B,)``, expected error of a point of mean difficulty, percent of the longer side
            of the box; never rising.
        factors: ``(K,)``, the difficulty of each point: its error by that of a mean one.
        hidden: ``(B,)``, share of points that are hidden, never rising; None if the faces had too
            few that are known to be.
        points: Number of points it was fitted on.
    """

    scores: ndarray
    expected: ndarray
    factors: ndarray
    hidden: ndarray | None = None
    points: int = 0

    def errors(self, scores: ndarray) -> ndarray:
        """Expected errors ``(N, K)``, percent of the box, of points with these scores."""
        self._check(scores)
        return np.interp(scores, self.scores, self.expected) * self.factors

    def hidden_shares(self, scores: ndarray) -> ndarray | None:
        """Probabilities ``(N, K)`` that points with these scores are hidden; None: not known."""
        self._check(scores)
        return None if self.hidden is None else np.interp(scores, self.scores, self.hidden)

    def _check(self, scores: ndarray) -> None:
        if np.shape(scores)[-1] != len(self.factors):
            raise InputError(
                f'the confidence is that of {len(self.factors)} points, and not of '
                f'{np.shape(scores)[-1]}: calibrate the model that is used'
            )

    def to_json(self) -> dict[str, Any]:
        """The curves as lists."""
        return {
            'scores': self.scores.tolist(),
            'expected': self.expected.tolist(),
            'factors': self.factors.tolist(),
            'hidden': None if self.hidden is None else self.hidden.tolist(),
            'points': self.points,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Confidence:
        """Read what :meth:`to_json` gives."""
        arrays = {name: np.array(content[name]) for name in ('scores', 'expected', 'factors')}
        hidden = content.get('hidden')
        shares = None if hidden is None else np.array(hidden)
        return cls(**arrays, hidden=shares, points=content['points'])


def fit_confidence(scores: ndarray, errors: ndarray, seen: ndarray | None = None) -> Confidence:
    """Fit the curves, of means over bins that never rise with the score.

    Args:
        scores: ``(N, K)``, the heatmaps' maxima.
        errors: ``(N, K)``, percent of the box; NaN where the truth is not known.
        seen: ``(N, K)``, 1 for points that can be seen, 0 for hidden ones, NaN where it is not
            known; None: nowhere.

    Raises:
        InputError: If too few errors are known.
    """
    known = np.isfinite(errors)
    if known.sum() < _FEWEST:
        raise InputError(
            f'the error is known of {known.sum()} points: at least {_FEWEST} are needed to say '
            'what a score means'
        )
    factors = np.ones(scores.shape[1])
    order = np.argsort(scores[known], kind='stable')
    sorted_scores = scores[known][order]
    bins = _bins(len(order))
    knots = _means(sorted_scores, bins)
    for _ in range(_ROUNDS):  # curve and factors by turns
        plain = (errors / factors)[known][order]
        expected = _never_rising(_means(plain, bins), bins)
        guess = np.where(known, np.interp(scores, knots, expected), 0)
        usual = guess.sum() / known.sum()
        measured = np.where(known, errors, 0).sum(0)
        factors = (measured + _PRIOR * usual) / (guess.sum(0) + _PRIOR * usual)
    hidden = None if seen is None else _hidden_shares(scores, seen, knots)
    return Confidence(knots, expected, factors, hidden, int(known.sum()))


def _hidden_shares(scores: ndarray, seen: ndarray, knots: ndarray) -> ndarray | None:
    told = np.isfinite(seen)
    if (seen[told] == 0).sum() < _FEWEST_HIDDEN or (seen[told] == 1).sum() < _FEWEST_HIDDEN:
        return None
    order = np.argsort(scores[told], kind='stable')
    bins = _bins(len(order))
    shares = _never_rising(_means(1 - seen[told][order], bins), bins)
    return np.interp(knots, _means(scores[told][order], bins), shares)


def _bins(count: int) -> ndarray:
    """Borders ``(B + 1,)`` of bins of as good as the same number of points."""
    bins = int(np.clip(count // _FEWEST_IN_BIN, 1, _BINS))
    return np.linspace(0, count, bins + 1).astype(int)


def _means(values: ndarray, bins: ndarray) -> ndarray:
    return np.add.reduceat(values, bins[:-1]) / np.diff(bins)


def _never_rising(means: ndarray, bins: ndarray) -> ndarray:
    """The nearest values ``(B,)`` that never rise: neighbours that do are one (isotonic)."""
    pools: list[list[float]] = []  # sum, count, bins
    for mean, count in zip(means.tolist(), np.diff(bins).tolist(), strict=True):
        pools.append([mean * count, count, 1])
        while len(pools) > 1 and pools[-2][0] / pools[-2][1] <= pools[-1][0] / pools[-1][1]:
            last = pools.pop()
            pools[-1] = [a + b for a, b in zip(pools[-1], last, strict=True)]
    return np.repeat([total / count for total, count, _ in pools], [int(n) for *_, n in pools])


@dataclass(frozen=True)
class Agreement:
    """Expected beside measured errors of faces that a confidence was not fitted on.

    Attributes:
        points: Number of points with a known error.
        expected: Their mean expected error, percent of the box.
        measured: Their mean measured error.
        bins: ``(B, 4)``: number of points, mean expected and mean measured error, and the standard
            error of their difference, of bins of as many points each, by rising expected error. The
            standard error is that of the faces that were measured, not that of the fit; NaN for a
            single group.
    """

    points: int
    expected: float
    measured: float
    bins: ndarray


def compare(
    expected: ndarray, errors: ndarray, bins: int = 5, groups: Sequence[Any] | None = None
) -> Agreement:
    """Compare expected with measured errors ``(N, K)``, which are NaN where they are not known.

    Standard errors take the faces of a group, ``(N,)``, such as those of a person, as one
    observation; without groups, each face is one.

    Raises:
        InputError: If no error is known.
    """
    known = np.isfinite(errors)
    if not known.any():
        raise InputError('no error is known')
    names = np.arange(len(errors)) if groups is None else np.unique(groups, return_inverse=True)[1]
    members = np.broadcast_to(names[:, None], errors.shape)[known]
    expected, errors = expected[known], errors[known]
    order = np.argsort(expected, kind='stable')
    borders = np.linspace(0, len(order), min(bins, len(order)) + 1).astype(int)
    inside = np.split(order, borders[1:-1])
    rows = np.column_stack(
        [
            np.diff(borders),
            _means(expected[order], borders),
            _means(errors[order], borders),
            [_standard_error((errors - expected)[each], members[each]) for each in inside],
        ]
    )
    return Agreement(len(order), float(expected.mean()), float(errors.mean()), rows)


def _standard_error(values: ndarray, members: ndarray) -> float:
    """The standard error of a mean, by the sums of groups: values of one are not independent."""
    groups, places = np.unique(members, return_inverse=True)
    if len(groups) < 2:
        return float('nan')
    sums = np.bincount(places, values - values.mean())
    return float(np.sqrt(len(groups) / (len(groups) - 1) * (sums**2).sum()) / len(values))


def expect_crosswise(scores: ndarray, errors: ndarray, groups: Sequence[Any]) -> ndarray:
    """Expected errors ``(N, K)`` of each half of the faces by confidences fitted on the other half.

    Faces of one group, such as a photograph or a person, ``(N,)``, are never on both sides.

    Raises:
        InputError: If a half has too few known errors to be fitted on.
    """
    names = list(dict.fromkeys(groups))
    half_of = {name: place % 2 for place, name in enumerate(names)}
    members = np.array([half_of[each] for each in groups])
    expected = np.full(np.shape(scores), np.nan)
    for half in (0, 1):
        inside = members == half
        expected[inside] = fit_confidence(scores[~inside], errors[~inside]).errors(scores[inside])
    return expected
