"""Headline numbers, against values computed by hand and by the metric."""

import numpy as np
import pytest
from hand_made import row, summarise
from hand_made import run as make_run

from mmpose_lite.evaluation.functional import keypoint_nme
from mmpose_lite.reporting import scores
from mmpose_lite.reporting.limits import Limits
from mmpose_lite.reporting.run_errors import Errors
from mmpose_lite.reporting.scores import curve

# Errors over 100 px: 8 % and 2 % over four points, and 5 % over the one that counts.
LAST = row(3, (5, 50, 50, 50), subsets=['easy']) | {'mask': [True, False, False, False]}
FACES = [row(1, 8), row(2, (0, 0, 4, 4), subsets=['easy']), LAST]


LIMITS = Limits((0.07, 0.08, 0.10), 'by hand')


def headline(errors):
    return scores.headline(errors, LIMITS)


def errors_of(*rows):
    table = make_run(*rows).table
    return Errors.of(table, table.box_size)


def test_numbers_of_three_faces():
    found = headline(errors_of(*FACES))
    assert (found['faces'], found['points']) == (3, 9)
    assert found['mean'] == pytest.approx((0.08 + 0.02 + 0.05) / 3)
    assert found['pooled'] == pytest.approx((4 * 0.08 + 4 * 0.02 + 0.05) / 9)
    assert found['median'] == pytest.approx(0.05)
    assert found['p90'] == pytest.approx(0.05 + 0.8 * 0.03)
    assert found['failure_rate'] == {'0.07': pytest.approx(1 / 3), '0.08': 0, '0.10': 0}
    assert found['auc'] == {
        '0.07': pytest.approx((0.05 + 0.02) / 3 / 0.07),
        '0.08': pytest.approx((0.06 + 0.03) / 3 / 0.08, abs=1e-6),
        '0.10': pytest.approx((0.02 + 0.08 + 0.05) / 3 / 0.1),
    }


def test_intervals_hold_the_numbers():
    """For 30 faces with errors from 1 to 9.7 %, none above 10 %."""
    found = headline(errors_of(*[row(i, 1 + 0.3 * i) for i in range(30)]))
    limits = found['interval']
    for name in ('mean', 'pooled', 'median', 'p90'):
        low, high = limits[name]
        assert 0.01 < low < found[name] < high < 0.0971
    # The 10th and the 21st of them.
    assert limits['median'] == pytest.approx([0.01 + 0.003 * i for i in (9, 20)])
    for name in ('failure_rate', 'auc'):
        for limit, (low, high) in limits[name].items():
            assert low <= found[name][limit] <= high
    # Of thirty faces none fails: (1 - p)^30 = 0.025.
    assert found['failure_rate']['0.10'] == 0
    assert limits['failure_rate']['0.10'] == pytest.approx([0, 1 - 0.025 ** (1 / 30)])


def test_where_all_faces_fail_an_area_may_still_be_above_zero():
    found = headline(errors_of(*[row(i, 20 + i) for i in range(30)]))
    assert found['auc']['0.10'] == 0
    assert found['interval']['auc']['0.10'] == pytest.approx([0, 1 - 0.025 ** (1 / 30)])
    one = headline(errors_of(row(0, 1), *[row(i, 20 + i) for i in range(1, 30)]))
    low, high = one['interval']['auc']['0.10']
    # One of thirty faces is below the limit, and no area is above the share of these.
    assert (low, high) == (pytest.approx(0, abs=0.01), pytest.approx(0.1722, abs=1e-4))


def test_few_faces_have_no_interval_and_none_has_no_number():
    for few in (1, 19):
        found = headline(errors_of(*[row(i, 3) for i in range(few)]))
        assert found['mean'] == pytest.approx(0.03)
        intervals = found['interval']
        assert [intervals[name] for name in ('mean', 'pooled', 'median', 'p90')] == [None] * 4
        for name in ('failure_rate', 'auc'):
            assert intervals[name] == {'0.07': None, '0.08': None, '0.10': None}
    none = headline(errors_of(row(1, 3) | {'mask': [False] * 4}))
    assert (none['faces'], none['points'], none['mean'], none['pooled']) == (0, 0, None, None)
    assert none['failure_rate']['0.08'] is None


def test_curve():
    found = curve(errors_of(*FACES))
    assert len(found['error']) == len(found['share']) <= 400
    shares = dict(zip(found['error'], found['share'], strict=True))
    assert (shares[0.0], shares[0.0195], shares[0.0205]) == (0, 0, pytest.approx(1 / 3))
    assert (shares[0.0505], shares[0.0805], shares[0.15]) == (pytest.approx(2 / 3), 1, 1)


def random_rows(faces, points, seed):
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(faces):
        side = float(rng.uniform(60, 300))
        gt = rng.uniform(0, side, (points, 2))
        pred = gt + rng.normal(0, 0.02 * side, (points, 2))
        rows.append(
            {
                'id': number,
                'subsets': ['some'] if number % 3 else [],
                'gt': gt.tolist(),
                'pred': pred.tolist(),
                'mask': (rng.uniform(size=points) > 0.2).tolist(),
                'bbox': [0.0, 0.0, side, side],
                'norm': float(np.float32(side)),
            }
        )
    return rows


def test_pooled_numbers_are_the_metric_s_to_the_last_bit():
    rows = random_rows(60, 19, 0)
    (found,) = summarise([make_run(*rows)])['runs']

    def metric(kept):
        pred, gt, mask = (np.array([each[key] for each in kept]) for key in ('pred', 'gt', 'mask'))
        return keypoint_nme(pred, gt, mask, np.array([[each['norm']] for each in kept]))

    own = found['scores']['box']
    assert own['full']['pooled'] == metric(rows)
    assert own['some']['pooled'] == metric([each for each in rows if each['subsets']])
    assert own['full']['mean'] != own['full']['pooled']


def test_each_normaliser_and_subset_has_numbers():
    (found,) = summarise([make_run(*FACES)])['runs']
    assert found['subsets'] == {
        'full': {'faces': 3, 'left_out': 0},
        'easy': {'faces': 2, 'left_out': 0},
    }
    assert set(found['scores']) == set(found['normalisers']) == {'box', 'diagonal', 'tight_box'}
    assert found['primary'] == 'box'
    for name, subsets in found['scores'].items():
        assert list(subsets) == list(found['curves'][name]) == ['full', 'easy']
    assert found['scores']['box']['easy']['mean'] == pytest.approx(0.035)
    # The diagonal of 100 x 50 is 111.8 px; one face has no tight box.
    assert found['scores']['diagonal']['full']['mean'] == pytest.approx(0.05 / 1.1180340)
    assert found['scores']['tight_box']['full']['faces'] == 2
    assert found['normalisers']['tight_box']['faces'] == 2


def test_the_mean_shape_is_that_of_the_true_faces_in_their_boxes():
    # Boxes of 100 px, shifted by -5 and 5 px against the same points: the mean is off by 5 px.
    faces = [row(i, 0) | {'bbox': [x, 0.0, x + 100, 50.0]} for i, x in enumerate((-5.0, 5.0))]
    assert summarise([make_run(*faces)])['runs'][0]['mean_shape'] == {'full': pytest.approx(0.05)}
    without = [each | {'bbox': None, 'norm': 100.0} for each in faces]
    assert summarise([make_run(*without)])['runs'][0]['mean_shape'] == {'full': None}
