"""Expected errors are those that are measured on other faces."""

import numpy as np
import pytest

from mmpose_lite.errors import InputError
from mmpose_lite.inference.confidence import (
    Confidence,
    compare,
    expect_crosswise,
    fit_confidence,
)

FACTORS = np.array([0.5, 1.0, 1.0, 1.0, 1.5])


def usual_error(scores):
    return 1 + 9 * (1 - scores) ** 2


def draw(rng, faces):
    """Scores, errors in percent of the box, and which points can be seen; the others score low."""
    seen = (rng.random((faces, 5)) > 0.2).astype(float)
    scores = np.where(seen > 0, rng.beta(6, 2, (faces, 5)), rng.beta(2, 4, (faces, 5)))
    return scores, rng.exponential(usual_error(scores) * FACTORS), seen


def test_expected_and_measured_errors_of_other_faces_agree_by_bins_too(rng):
    confidence = fit_confidence(*draw(rng, 3000))
    scores, errors, _ = draw(rng, 3000)
    judged = compare(confidence.errors(scores), errors)
    assert judged.points == errors.size
    assert judged.expected == pytest.approx(judged.measured, rel=0.05)
    assert judged.bins[:, 1] == pytest.approx(judged.bins[:, 2], rel=0.1)
    assert judged.bins[-1, 2] > 3 * judged.bins[0, 2]


def test_a_standard_error_is_that_of_the_groups_that_were_measured(rng):
    scores, errors, _ = draw(rng, 3000)
    expected = usual_error(scores) * FACTORS
    alone = compare(expected, errors).bins[:, 3]
    # A person with as many equal faces as there are copies is one observation.
    copies = [np.repeat(each, 4, axis=0) for each in (expected, errors)]
    people = np.repeat(np.arange(3000), 4)
    assert compare(*copies, groups=people).bins[:, 3] == pytest.approx(alone, rel=0.1)
    assert compare(*copies).bins[:, 3] == pytest.approx(alone / 2, rel=0.1)
    # Within two standard errors of the truth lie about 95 % of means.
    far = 0
    for _ in range(40):
        scores, errors, _ = draw(rng, 200)
        bins = compare(usual_error(scores) * FACTORS, errors).bins
        far += (abs(bins[:, 1] - bins[:, 2]) > 2 * bins[:, 3]).sum()
    assert far / 200 < 0.12
    assert np.isnan(compare(scores, errors, groups=[0] * 200).bins[:, 3]).all()


def test_the_factors_of_few_faces_are_hardly_drawn_to_their_mean(rng):
    errors = np.tile(10.0 * FACTORS, (100, 1))
    factors = fit_confidence(rng.random((100, 5)), errors).factors
    assert factors / factors[1] == pytest.approx(FACTORS, rel=0.05)


def test_each_point_has_a_difficulty_of_its_own(rng):
    confidence = fit_confidence(*draw(rng, 3000))
    assert confidence.factors / confidence.factors[1] == pytest.approx(FACTORS, rel=0.08)


def test_a_higher_score_never_means_a_larger_error(rng):
    confidence = fit_confidence(*draw(rng, 100))
    assert (np.diff(confidence.expected) <= 0).all()
    assert (np.diff(confidence.scores) > 0).all()
    assert confidence.errors(np.full((1, 5), 2.0)).tolist() == [
        (confidence.expected[-1] * confidence.factors).tolist()
    ]


def test_low_scores_say_that_a_point_is_probably_hidden(rng):
    confidence = fit_confidence(*draw(rng, 3000))
    scores, _, seen = draw(rng, 3000)
    shares = confidence.hidden_shares(scores)
    assert (shares > 0.5)[seen == 0].mean() > 0.6
    assert (shares > 0.5)[seen == 1].mean() < 0.05
    assert shares.mean() == pytest.approx((seen == 0).mean(), rel=0.1)


def test_nothing_is_said_of_hidden_points_where_none_are_known(rng):
    scores, errors, seen = draw(rng, 200)
    for unknown in (None, np.ones_like(seen), np.full_like(seen, np.nan)):
        assert fit_confidence(scores, errors, unknown).hidden_shares(scores) is None


def test_points_without_truth_count_nowhere(rng):
    scores, errors, seen = draw(rng, 2000)
    errors[::2, 3] = np.nan
    confidence = fit_confidence(scores, errors, seen)
    assert confidence.points == np.isfinite(errors).sum()
    assert np.isfinite(confidence.errors(scores)).all()
    assert compare(confidence.errors(scores), errors).points == confidence.points


def test_the_others_say_what_to_expect_of_a_group(rng):
    scores, errors, _ = draw(rng, 400)
    groups = np.repeat(np.arange(100), 4).tolist()
    before = expect_crosswise(scores, errors, groups)
    errors[:4] *= 1000  # of the first group
    after = expect_crosswise(scores, errors, groups)
    changed = (before != after).any(1)
    assert not changed[:4].any()
    assert changed.sum() == 200


def test_few_points_and_other_points_are_refused(rng):
    scores, errors, _ = draw(rng, 3)
    with pytest.raises(InputError, match='the error is known of 15 points: at least 200'):
        fit_confidence(scores, errors)
    confidence = fit_confidence(*draw(rng, 100))
    with pytest.raises(InputError, match='that of 5 points, and not of 19'):
        confidence.errors(np.ones((1, 19)))


def test_a_confidence_is_the_same_after_it_was_written(rng):
    confidence = fit_confidence(*draw(rng, 200))
    again = Confidence.from_json(confidence.to_json())
    scores = rng.random((10, 5))
    assert (again.errors(scores) == confidence.errors(scores)).all()
    assert (again.hidden_shares(scores) == confidence.hidden_shares(scores)).all()
