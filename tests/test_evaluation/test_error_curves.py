"""Curves of errors, on four faces."""

import numpy as np
import pytest

from mmpose_lite.evaluation.functional import areas, error_shares, failures

ERRORS = np.array([0.02, 0.08, 0.05, 0.2])


def test_shares_count_errors_up_to_the_limit():
    limits = np.array([0.0, 0.02, 0.0499, 0.05, 0.1, 0.2, 1.0])
    assert error_shares(ERRORS, limits).tolist() == [0, 0.25, 0.25, 0.5, 0.75, 1, 1]


@pytest.mark.parametrize(('limit', 'rate'), [(0.08, 0.25), (0.07, 0.5), (0.01, 1.0), (0.2, 0.0)])
def test_an_error_at_the_limit_is_no_failure(limit, rate):
    assert failures(ERRORS, limit).mean() == rate
    assert failures(ERRORS, limit).mean() == 1 - error_shares(ERRORS, np.array([limit]))[0]


@pytest.mark.parametrize(
    ('limit', 'expected'),
    [
        # From 0.02 to 0.1 one of four, from 0.05 another, from 0.08 a third.
        (0.1, (0.08 + 0.05 + 0.02) / 4 / 0.1),
        (0.08, (0.06 + 0.03) / 4 / 0.08),
        (0.02, 0.0),
    ],
)
def test_area_of_steps(limit, expected):
    assert areas(ERRORS, limit).mean() == pytest.approx(expected, abs=1e-12)


def test_area_is_that_of_the_curve():
    errors = np.random.default_rng(0).gamma(2, 0.03, 500)
    grid = np.linspace(0, 0.1, 100_001)
    middles = (grid[1:] + grid[:-1]) / 2
    assert areas(errors, 0.1).mean() == pytest.approx(
        error_shares(errors, middles).mean(), abs=1e-5
    )


def test_area_of_no_error_is_one():
    assert areas(np.zeros(3), 0.07).tolist() == [1, 1, 1]
