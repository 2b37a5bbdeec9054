"""Intervals of shares and of quantiles, by hand and by counting."""

import numpy as np
import pytest

from mmpose_lite.evaluation.functional import quantile_interval, share_interval


@pytest.mark.parametrize(
    ('count', 'faces', 'expected'),
    [
        # None of n: (1 - p)^n = 0.025.
        (0, 30, (0, 1 - 0.025 ** (1 / 30))),
        (0, 4386, (0, 1 - 0.025 ** (1 / 4386))),
        (30, 30, (0.025 ** (1 / 30), 1)),
        # Clopper and Pearson's tables.
        (3, 30, (0.0211, 0.2653)),
        (10, 20, (0.2720, 0.7280)),
    ],
)
def test_share(count, faces, expected):
    assert share_interval(count, faces) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize('faces', [30, 100])
@pytest.mark.parametrize('share', [0.002, 0.01, 0.05, 0.3])
def test_intervals_of_a_share_hold_it_as_often_as_they_say(faces, share):
    """Exactly: over all possible counts, weighted by their probabilities."""
    ways = np.cumprod([1, *((faces - k) / (k + 1) for k in range(faces))])
    chances = ways * share ** np.arange(faces + 1) * (1 - share) ** np.arange(faces, -1, -1)
    limits = [share_interval(count, faces) for count in range(faces + 1)]
    held = [low <= share <= high for low, high in limits]
    assert chances.sum() == pytest.approx(1)
    assert chances[held].sum() >= 0.95


def test_quantiles():
    """10 to 20 of 30 faces are below the median with probability 0.957, the least above 0.95."""
    ranked = np.arange(1.0, 31)
    assert quantile_interval(ranked[::-1], 0.5) == (10, 21)
    # All 30 are below the quantile with a chance of 0.9^30 = 0.042, so 0.008 is left below.
    assert quantile_interval(ranked, 0.9) == (22, 30)
    # 0.9^28 = 0.052.
    assert quantile_interval(ranked[:28], 0.9) is None
    assert quantile_interval(ranked[:29], 0.9) is not None


@pytest.mark.parametrize(('quantile', 'faces'), [(0.5, 20), (0.5, 30), (0.9, 30), (0.9, 100)])
def test_intervals_of_quantiles_hold_them(quantile, faces):
    rng = np.random.default_rng(3)
    limits = [quantile_interval(rng.random(faces), quantile) for _ in range(2000)]
    held = np.mean([low <= quantile <= high for low, high in limits])
    assert 0.93 <= held <= 0.98


def test_few_faces_have_no_interval():
    assert share_interval(0, 19) is None
    assert quantile_interval(np.arange(19.0), 0.5) is None
    assert share_interval(0, 20) is not None
