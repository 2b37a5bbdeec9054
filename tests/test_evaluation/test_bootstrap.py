"""The bootstrap: its draws, its statistics, and whether its intervals hold what they should."""

import numpy as np
import pytest

from mmpose_lite.evaluation.functional import (
    bootstrap,
    paired_difference,
    percentile_interval,
    resampled_quantiles,
    resampled_ratios,
)
from mmpose_lite.evaluation.functional.bootstrap import draw_counts

# Each face once; the first alone; the second twice and the third.
COUNTS = np.array([[1, 1, 1], [3, 0, 0], [0, 2, 1]])


def test_each_draw_has_as_many_faces_as_there_are():
    counts = np.concatenate(list(draw_counts(7, 50, seed=1)))
    assert counts.shape == (50, 7)
    assert (counts.sum(axis=1) == 7).all()
    assert len({tuple(row) for row in counts.tolist()}) > 40
    # Each face is drawn once on average: 350 draws of 7.
    assert counts.mean(axis=0) == pytest.approx(np.ones(7), abs=0.5)


def test_a_seed_gives_its_draws():
    first, again, other = (np.concatenate(list(draw_counts(9, 30, seed))) for seed in (3, 3, 4))
    assert (first == again).all()
    assert (first != other).any()


def test_many_faces_come_in_parts():
    parts = [part.shape for part in draw_counts(500_000, 5)]
    assert parts == [(2, 500_000), (2, 500_000), (1, 500_000)]


def test_ratios():
    # Sums of 1, 2 and 6 over 1, 1 and 2 points; the second column is over the third face alone.
    sums = np.array([[1.0, 0], [2, 0], [6, 6]])
    totals = np.array([[1.0, 0], [1, 0], [2, 2]])
    found = resampled_ratios(COUNTS, sums, totals)
    assert found[:, 0] == pytest.approx([9 / 4, 1, 10 / 4])
    assert found[[0, 2], 1] == pytest.approx([3, 3])
    assert np.isnan(found[1, 1])


def test_quantiles_are_those_of_numpy():
    values = np.array([0.3, 0.1, 0.2])
    levels = np.array([0.0, 0.5, 0.9, 1.0])
    found = resampled_quantiles(COUNTS, values, levels)
    for counts, row in zip(COUNTS, found, strict=True):
        assert row == pytest.approx(np.quantile(np.repeat(values, counts), levels))


def test_interval_holds_the_middle():
    drawn = np.stack([np.arange(1001.0), np.arange(1001.0)[::-1] * 2], axis=1)
    assert percentile_interval(drawn) == pytest.approx(np.array([[25, 975], [50, 1950]]))
    assert percentile_interval(drawn, level=0.5)[0] == pytest.approx([250, 750])


def test_intervals_of_the_mean_hold_it_as_often_as_they_say():
    """Of 300 samples of a skewed distribution with a mean of 1; their count has an error of 4."""
    rng = np.random.default_rng(0)
    held = 0
    for number in range(300):
        values = rng.gamma(4, 0.25, 80)[:, None]
        ones = np.ones_like(values)
        drawn = bootstrap(lambda c, v=values, o=ones: resampled_ratios(c, v, o), 80, 300, number)
        low, high = percentile_interval(drawn)[0]
        held += low <= 1 <= high
    assert 0.90 <= held / 300 <= 0.98


def test_width_of_the_interval_is_that_of_the_formula():
    values = np.random.default_rng(5).normal(0, 1, 400)[:, None]
    ones = np.ones_like(values)
    low, high = percentile_interval(bootstrap(lambda c: resampled_ratios(c, values, ones), 400))[0]
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.08)


def test_paired_difference():
    # 0.4 of four points less 0.3 of four: the second is better by 0.025 on each point.
    first, totals = np.array([0.1, 0.3]), np.array([2, 2])
    found = paired_difference(first, first - 0.05, totals)
    assert found.difference == pytest.approx(-0.025)
    assert found.interval == pytest.approx((-0.025, -0.025))
    assert found.p == pytest.approx(2 / 2001)


def test_what_faces_have_in_common_does_not_widen_a_paired_difference():
    rng = np.random.default_rng(2)
    hard = rng.gamma(2, 1, 300)
    first, second = hard + rng.normal(0, 0.01, 300), hard + 0.01 + rng.normal(0, 0.01, 300)
    found = paired_difference(first, second, np.ones(300))
    low, high = found.interval
    assert 0 < low < found.difference < high < 0.02
    assert found.p < 0.001


def test_the_same_predictions_are_no_different():
    errors = np.array([0.1, 0.2, 0.3])
    found = paired_difference(errors, errors, np.ones(3))
    assert (found.difference, found.interval, found.p) == (0, (0, 0), 1)


def test_p_of_chance_is_large():
    rng = np.random.default_rng(4)
    noise = rng.normal(0, 1, 200)
    found = paired_difference(np.zeros(200), noise - noise.mean(), np.ones(200))
    assert found.difference == pytest.approx(0, abs=1e-12)
    assert found.p > 0.8
