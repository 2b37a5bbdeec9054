"""Normalisers of errors."""

import numpy as np
import pytest
from hand_made import row
from hand_made import run as make_run

from mmpose_lite.reporting.run_errors import find_normalisers
from mmpose_lite.structures import parse_pose_metainfo

PAIR = {'title': 'first to last', 'item': None, 'pair': [0, 3]}


def values(run):
    return {name: each.values.tolist() for name, each in find_normalisers(run).items()}


def test_sizes_of_a_face():
    found = values(make_run(row(1, 0)))
    # A box of 100 x 50, points in 40 x 30.
    assert found == {
        'box': [100],
        'diagonal': [pytest.approx(np.sqrt(100**2 + 50**2))],
        'tight_box': [pytest.approx(np.sqrt(40 * 30))],
    }


def test_points_that_do_not_count_are_not_in_the_tight_box():
    # The last point left out: the others still span 40 x 30; the last two: a line, no box.
    first = row(1, 0) | {'mask': [True, True, True, False]}
    second = row(2, 0) | {'mask': [True, True, False, False]}
    third = row(3, 0) | {'mask': [False] * 4}
    found = values(make_run(first, second, third))['tight_box']
    assert found[0] == pytest.approx(np.sqrt(1200))
    assert np.isnan(found[1:]).all()


def test_without_boxes_there_is_what_points_give():
    run = make_run({key: value for key, value in row(1, 0).items() if key != 'bbox'})
    assert list(values(run)) == ['tight_box']


def test_the_metric_s_own_size_is_the_first():
    same = make_run(row(1, 0, norm=100.0), normaliser={'title': 'side', 'item': 'bbox_size'})
    assert list(values(same)) == ['box', 'diagonal', 'tight_box']
    other = make_run(row(1, 0, norm=7.0), normaliser={'title': 'ear', 'item': 'ear_size'})
    found = find_normalisers(other)
    assert list(found) == ['metric', 'box', 'diagonal', 'tight_box']
    assert (found['metric'].title, found['metric'].values.tolist()) == ('ear', [7])
    between = find_normalisers(make_run(row(1, 0), normaliser=PAIR))
    assert next(iter(between)) == 'two_points'
    assert between['two_points'].values.tolist() == [50]  # 40 across, 30 down


def aflw_row(face_id, mask=(), visibility=None):
    gt = np.random.default_rng(0).uniform(0, 50, (19, 2))
    gt[6], gt[11] = (10, 10), (34, 42)  # the outer corners of the eyes, 40 px apart
    face = {'id': face_id, 'gt': gt.tolist(), 'pred': gt.tolist(), 'bbox': [0, 0, 99, 99]}
    face['mask'] = [i not in mask for i in range(19)]
    return face | ({} if visibility is None else {'visibility': visibility})


def test_interocular_is_between_corners_that_can_be_seen():
    meta = parse_pose_metainfo({'from_file': 'configs/_base_/datasets/aflw.py'})
    names = [meta['keypoint_id2name'][i] for i in range(19)]
    assert (names[6], names[11]) == ('LeftEyeLeftCorner', 'RightEyeRightCorner')
    hidden = [0 if i == 11 else 1 for i in range(19)]
    elsewhere = [0 if i == 0 else 1 for i in range(19)]
    rows = [aflw_row(1), aflw_row(2, mask=(6,)), aflw_row(3, visibility=hidden)]
    rows.append(aflw_row(4, visibility=elsewhere))
    run = make_run(*rows, points={'dataset': 'aflw', 'names': names})
    found = values(run)['interocular']
    assert [found[0], found[3]] == [40, 40]
    assert np.isnan(found[1:3]).all()
    assert 'interocular' not in values(make_run(*rows))  # of points without names nothing is known


EYES = {'title': 'LeftEyeLeftCorner to RightEyeRightCorner', 'item': None, 'pair': [6, 11]}
AFLW = {'dataset': 'aflw', 'names': [f'point {i}' for i in range(19)]}


def test_a_metric_that_divides_by_hidden_eyes_too_is_not_interocular():
    """One name must not stand for two definitions."""
    hidden = [0 if i == 11 else 1 for i in range(19)]
    run = make_run(aflw_row(1), aflw_row(2, visibility=hidden), points=AFLW, normaliser=EYES)
    found = find_normalisers(run)
    assert list(found) == ['two_points', 'box', 'diagonal', 'tight_box', 'interocular']
    assert found['two_points'].values.tolist() == [40, 40]
    assert 'seen or hidden' in found['two_points'].about
    np.testing.assert_array_equal(found['interocular'].values, [40, np.nan])


def test_a_metric_that_divides_by_eyes_that_can_all_be_seen_is_interocular():
    found = find_normalisers(make_run(aflw_row(1), points=AFLW, normaliser=EYES))
    assert list(found) == ['interocular', 'box', 'diagonal', 'tight_box']
    assert found['interocular'].title == 'outer corners of the eyes'


@pytest.mark.parametrize('norm', [0.0, float('inf'), 90.0])
def test_sizes_by_the_metric_that_are_not_the_box_s_have_another_title(norm):
    rows = [row(1, 0, norm=100.0), row(2, 0, norm=norm)]
    run = make_run(*rows, normaliser={'title': 'longer side of box', 'item': 'bbox_size'})
    titles = {name: each.title for name, each in find_normalisers(run).items()}
    assert next(iter(titles)) == 'metric'
    assert titles['metric'] == 'longer side of box, as the metric had it'
    assert len(set(titles.values())) == len(titles)
