"""Faces that a report shows, and the limits of each normaliser."""

import json

import cv2
import numpy as np
import pytest
from hand_made import row, summarise
from hand_made import run as make_run

from mmpose_lite.reporting import write_report
from mmpose_lite.reporting.limits import limits_of


def test_typical_faces_are_spread_over_those_that_are_not_the_worst():
    """124 faces with errors from 0 to 12.3 px: the best hundred in twelve parts."""
    rows = [row(i, 0.1 * i, subsets=['few'] if i < 30 else []) for i in range(124)]
    (run,) = summarise([make_run(*rows)])['runs']
    of_all = [face['id'] for face in run['typical'] if 'full' in face['shown_for']]
    assert of_all == [int(100 * (i + 0.5) / 12) for i in range(12)]
    few = [face['id'] for face in run['typical'] if 'few' in face['shown_for']]
    assert few == [0, 1, 2, 3, 4, 5]  # 6 to 29 are its worst
    errors = [face['nme'] for face in run['typical']]
    assert errors == sorted(errors)


def test_a_set_of_24_faces_has_only_worst_ones():
    (run,) = summarise([make_run(*[row(i, i) for i in range(24)])])['runs']
    assert (len(run['worst']), run['typical']) == (24, [])


def test_faces_that_differ_most_come_first_with_both_errors():
    old = [row(i, 10, subsets=['odd'] if i % 2 else []) for i in range(40)]
    new = [row(i, 10 + change) | {'subsets': old[i]['subsets']} for i, change in enumerate(CHANGES)]
    runs = [make_run(*old, name='old'), make_run(*reversed(new), name='new')]
    (pair,) = summarise(runs)['comparisons']
    first, second = pair['differing'][:2]
    assert (first['id'], first['a']['nme'], first['b']['nme']) == (39, *FIRST)
    assert first['difference'] == pytest.approx(-0.09)
    assert (first['a']['row'], first['b']['row']) == (39, 0)
    assert (second['id'], second['difference']) == (38, pytest.approx(0.08))
    assert second['shown_for'] == ['full']
    by_subset = [
        [face['id'] for face in pair['differing'] if name in face['shown_for']]
        for name in ('full', 'odd')
    ]
    # Seven faces change; of the odd ones all but the last by a little.
    assert by_subset == [[39, 38, 37, 36, 35, 34, 33], [39, 37, 35, 33]]


CHANGES = [0.0] * 33 + [0.5, 1.0, -1.5, 2.0, -2.5, 8.0, -9.0]
FIRST = (pytest.approx(0.10), pytest.approx(0.01))


def test_both_predictions_are_drawn_and_faces_shown_twice_once(tmp_path):
    path = str(tmp_path / 'a.png')
    cv2.imwrite(path, np.full((120, 120, 3), 128, np.uint8))
    old, new = row(1, 2, img_path=path), row(1, 12, img_path=path)
    roots = {'data_roots': [str(tmp_path)]}
    runs = [make_run(old, name='old', **roots), make_run(new, name='new', **roots)]
    assert len(write_report(tmp_path / 'out', runs)) == 1  # the difference, and no remark
    metrics = json.loads((tmp_path / 'out' / 'metrics.json').read_text())
    (face,) = metrics['comparisons'][0]['differing']
    names = [face[side]['picture'] for side in ('a', 'b')]
    assert names == ['pictures/old_face_00000.jpg', 'pictures/new_face_00000.jpg']
    assert names == [run['worst'][0]['picture'] for run in metrics['runs']]
    one, other = (cv2.imread(str(tmp_path / 'out' / name)).astype(int) for name in names)
    assert np.abs(one - other).max() > 60  # the predictions are 10 px apart


@pytest.mark.parametrize(
    ('normaliser', 'limits'),
    [
        ('interocular', ['0.08', '0.10']),
        ('two_points', ['0.08', '0.10']),
        ('box', ['0.05', '0.07']),
        ('tight_box', ['0.07', '0.08']),
        ('diagonal', ['0.05']),
        ('metric', ['0.05', '0.10']),
    ],
)
def test_each_normaliser_has_limits_that_papers_use_for_it(normaliser, limits):
    assert limits_of(normaliser).keys == limits


def test_failure_rates_are_by_the_limits_of_the_normaliser():
    """Errors of 6 % of the box of 100 x 50 px are 5.4 % of its diagonal."""
    (run,) = summarise([make_run(row(1, 6), row(2, 4))])['runs']
    scores = {name: each['full'] for name, each in run['scores'].items()}
    assert scores['box']['failure_rate'] == {'0.05': 0.5, '0.07': 0}
    assert scores['diagonal']['failure_rate'] == {'0.05': 0.5}
    assert scores['tight_box']['failure_rate'] == {'0.07': 1, '0.08': 1}
    assert run['normalisers']['diagonal']['limits'] == [0.05]
    assert '7 % of the side' in run['normalisers']['diagonal']['limits_source']
