"""Bootstrap intervals of means: draws, limits and coverage."""

import numpy as np
import pytest

from mmpose_lite.evaluation.functional import FEWEST_FACES, paired_difference, ratio_intervals
from mmpose_lite.evaluation.functional.bootstrap import draw_counts
from mmpose_lite.evaluation.functional.keypoint_eval import areas

ONE = np.ones((1, 1))


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


# Errors of faces about 3 %, whose logarithms are normal.
SPREADS = {'narrow': 0.4, 'usual': 0.6, 'wide': 0.8}
SAMPLES = 2000


def errors_of(spread, faces, samples):
    rng = np.random.default_rng(11)
    return 0.03 * rng.lognormal(0, SPREADS[spread], (faces, samples))


def mean_of(spread):
    return 0.03 * np.exp(SPREADS[spread] ** 2 / 2)


def coverage(values, truth):
    """The share of the columns, each a test set, whose intervals hold the truth."""
    low, high = ratio_intervals(values, np.ones((len(values), 1)), draws=1000).T
    return np.mean((low <= truth) & (truth <= high))


def least(samples):
    """93 %, less twice the standard error of that many samples."""
    return 0.93 - 2 * np.sqrt(0.93 * 0.07 / samples)


@pytest.mark.parametrize('faces', [30, 100, 400])
@pytest.mark.parametrize('spread', SPREADS)
def test_intervals_of_the_mean_hold_it_as_often_as_they_say(faces, spread):
    samples = SAMPLES if faces < 400 else SAMPLES // 4
    found = coverage(errors_of(spread, faces, samples), mean_of(spread))
    assert least(samples) <= found <= 0.98


@pytest.mark.parametrize('faces', [30, 100])
def test_intervals_of_the_area_hold_it(faces):
    limit, every = 0.1, errors_of('usual', 1_000_000, 1)
    found = coverage(areas(errors_of('usual', faces, SAMPLES), limit), areas(every, limit).mean())
    assert least(SAMPLES) <= found <= 0.99


@pytest.mark.parametrize('faces', [30, 100])
def test_intervals_of_a_paired_difference_hold_it(faces):
    """The second run is better by a tenth, plus noise on each face."""
    rng, hard = np.random.default_rng(5), errors_of('usual', faces, SAMPLES)
    first, second = (hard * rng.lognormal(0, 0.3, hard.shape) for _ in range(2))
    truth = -0.1 * mean_of('usual') * np.exp(0.3**2 / 2)
    assert least(SAMPLES) <= coverage(0.9 * second - first, truth) <= 0.98


@pytest.mark.parametrize('scatter', [0.02, 0.2])
def test_intervals_over_runs_hold_the_difference_of_recipes(scatter):
    """Three runs of each of two recipes that are equally good; runs scatter, and so do faces."""
    rng, samples = np.random.default_rng(9), 150
    hard = 3 * rng.lognormal(0, 0.6, (samples, 1, 1, 60))
    by_run = rng.normal(0, scatter, (samples, 2, 3, 1)) + rng.normal(0, 0.1, (samples, 2, 3, 60))
    held = []
    for runs in hard * rng.normal(1, 0.02, (samples, 2, 1, 60)) + by_run:
        first, second = runs.mean(axis=1)
        found = paired_difference(first, second, np.ones(60), 200, runs=runs.mean(axis=2).tolist())
        held.append(found.interval[0] <= 0 <= found.interval[1])
    assert least(samples) <= np.mean(held)


def test_intervals_of_means_over_points_hold_them():
    """Faces turned away have fewer points and larger errors."""
    rng = np.random.default_rng(6)
    turned = rng.uniform(size=(40, SAMPLES)) < 0.3
    points = np.where(turned, 8, 19)
    means = np.where(turned, 2, 1) * errors_of('narrow', 40, SAMPLES)
    truth = mean_of('narrow') * (0.3 * 8 * 2 + 0.7 * 19) / (0.3 * 8 + 0.7 * 19)
    low, high = ratio_intervals(means * points, points, draws=1000).T
    assert least(SAMPLES) <= np.mean((low <= truth) & (truth <= high)) <= 0.98


def test_width_of_the_interval_is_that_of_the_formula():
    values = np.random.default_rng(5).normal(0, 1, (400, 1))
    ((low, high),) = ratio_intervals(values, ONE)
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.08)


def test_few_faces_have_no_interval():
    """Of 40 faces, 19 count in one column and 20 in the other."""
    totals = np.ones((40, 2))
    totals[19:, 0] = totals[20:, 1] = 0
    values = np.random.default_rng(1).gamma(4, 0.25, (40, 2)) * totals
    (low, high), (known_low, known_high) = ratio_intervals(values, totals)
    assert np.isnan([low, high]).all()
    assert known_low < values[:, 1].sum() / 20 < known_high
    assert FEWEST_FACES == 20


def test_the_same_faces_have_the_same_interval_and_more_columns_change_none():
    values = np.random.default_rng(1).gamma(4, 0.25, (30, 3))
    alone, together = ratio_intervals(values[:, :1], ONE), ratio_intervals(values, ONE)
    assert alone.tolist() == ratio_intervals(values[:, :1], ONE).tolist()
    assert alone[0] == pytest.approx(together[0], rel=1e-12)


def test_faces_that_are_all_alike_have_no_width():
    assert ratio_intervals(np.full((25, 1), 0.1), ONE)[0] == pytest.approx([0.1, 0.1], abs=1e-15)
    assert ratio_intervals(np.zeros((25, 1)), ONE).tolist() == [[0, 0]]


def test_paired_difference():
    # The second is better by 0.05 on each of two points: by 0.025 a point.
    first, totals = np.linspace(0.1, 0.3, 20), np.full(20, 2)
    found = paired_difference(first, first - 0.05, totals)
    assert found.difference == pytest.approx(-0.025)
    assert found.interval == pytest.approx((-0.025, -0.025))
    assert found.p == pytest.approx(2 / 2001)


def test_runs_that_scatter_widen_the_interval_of_recipes():
    first, totals = np.linspace(0.1, 0.3, 40), np.ones(40)
    alike, apart = (
        paired_difference(first, first - 0.05, totals, runs=[[0.2 - far, 0.2, 0.2 + far]] * 2)
        for far in (0.001, 0.1)
    )
    assert alike.difference == apart.difference == pytest.approx(-0.05)
    assert alike.interval[1] < 0 < apart.interval[1]
    assert alike.p < 0.01 < 0.05 < apart.p
    # Twice t of two degrees of freedom: 4.41 standard errors, by Sukhatme's table.
    limit = 4.41 * 0.1 * (2 / 3) ** 0.5
    assert np.ptp(apart.interval) == pytest.approx(2 * limit, rel=0.1)


def test_few_faces_have_no_p():
    found = paired_difference(np.linspace(0.1, 0.3, 19), np.full(19, 0.1), np.ones(19))
    assert found.difference == pytest.approx(-0.1)
    assert (found.interval, found.p) == (None, None)


def test_what_faces_have_in_common_does_not_widen_a_paired_difference():
    rng = np.random.default_rng(2)
    hard = rng.gamma(2, 1, 300)
    first, second = hard + rng.normal(0, 0.01, 300), hard + 0.01 + rng.normal(0, 0.01, 300)
    found = paired_difference(first, second, np.ones(300))
    low, high = found.interval
    assert 0 < low < found.difference < high < 0.02
    assert found.p < 0.001


def test_the_same_predictions_are_no_different():
    errors = np.linspace(0.1, 0.3, 30)
    found = paired_difference(errors, errors, np.ones(30))
    assert (found.difference, found.interval, found.p) == (0, (0, 0), 1)


def test_p_of_chance_is_large():
    rng = np.random.default_rng(4)
    noise = rng.normal(0, 1, 200)
    found = paired_difference(np.zeros(200), noise - noise.mean(), np.ones(200))
    assert found.difference == pytest.approx(0, abs=1e-12)
    assert found.p > 0.8


def test_p_is_below_a_twentieth_where_the_interval_is_off_zero():
    rng = np.random.default_rng(8)
    for _ in range(40):
        noise = rng.gamma(2, 1, 30) - 2 + rng.uniform(-1, 1)
        found = paired_difference(np.zeros(30), noise, np.ones(30))
        low, high = found.interval
        assert (found.p < 0.05) == (low > 0 or high < 0) or abs(found.p - 0.05) < 0.002
