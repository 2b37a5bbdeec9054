"""Faces that are left out: every file of a report counts them alike."""

import csv
import json

import pytest
from hand_made import row, summarise
from hand_made import run as make_run
from page_reader import read_page

from helpers.metric_faces import evaluate, face
from mmpose_lite.cli.test import format_table
from mmpose_lite.errors import InputError
from mmpose_lite.evaluation import NME
from mmpose_lite.reporting import write_report

NONE = {'mask': [False] * 4}
PAIR = {'title': 'left to right', 'item': None, 'pair': [0, 1]}
# Off by 1 and 3 of 100 px; the second has no points, the fourth none to normalise by.
FACES = [
    row(1, 1, subsets=['easy']),
    row(2, 50, subsets=['easy', 'none']) | NONE,
    row(3, (3, 3, 3, 90)) | {'mask': [True, True, True, False]},
    row(4, 70) | {'mask': [False, True, True, False]},
]
NO_POINT = '1 of 4 faces has no visible point and is left out (id 2)'
NO_SIZE = '1 of 4 faces has no normaliser (left to right) and is left out (id 4)'


def test_numbers_and_counts_are_of_the_others():
    further = {
        'seed': 0,
        'passes': [
            {'kind': kind, 'value': value, 'indices': [0, 1], 'pred': [FACES[0]['pred']] * 2}
            for kind, value in (('flip_test', 1), ('shift', 0.1))
        ],
    }
    run = make_run(*FACES, normaliser=PAIR, further=further, provenance={'flip_test': False})
    (found,) = summarise([run])['runs']
    assert (found['faces'], found['left_out']) == (3, [NO_POINT, NO_SIZE])
    assert found['subsets'] == {
        'full': {'faces': 3, 'left_out': 1},
        'easy': {'faces': 1, 'left_out': 1},
        'none': {'faces': 0, 'left_out': 1},
    }
    scores = found['scores']['two_points']
    assert (scores['full']['faces'], scores['full']['points']) == (2, 7)
    assert scores['full']['pooled'] == pytest.approx((4 * 1 + 3 * 3) / 7 / 40)
    assert (scores['easy']['faces'], scores['easy']['mean']) == (1, pytest.approx(1 / 40))
    assert (scores['none']['faces'], scores['none']['mean']) == (0, None)
    assert found['curves']['two_points']['none'] == {'error': [], 'share': []}
    assert found['curves']['two_points']['full']['share'][-1] == 1
    assert [point['points'] for point in found['by_point']] == [2, 2, 2, 1]
    assert [each['faces'] for each in found['box_size']['bins']] == [2]
    assert found['flip_test']['faces'] == {'full': 1, 'easy': 1, 'none': 0}
    assert found['flip_test']['on']['none'] is None
    assert found['box_errors']['faces'] == 1
    assert [face['id'] for face in found['worst']] == [3, 1]


def test_every_file_says_the_same(tmp_path):
    remarks = write_report(tmp_path, [make_run(*FACES, normaliser=PAIR, name='run')])
    assert remarks[:2] == [f'run: {NO_POINT}', f'run: {NO_SIZE}']
    page = read_page((tmp_path / 'index.html').read_text())
    for text in (NO_POINT, NO_SIZE, '3 faces, 4 points'):
        assert text in page.one('header').text
    assert '2 faces (full), 7 points' in page.one('section', id='headline').text
    metrics = json.loads((tmp_path / 'metrics.json').read_text())['runs'][0]
    assert metrics['left_out'] == [NO_POINT, NO_SIZE]
    lines = list(csv.DictReader((tmp_path / 'per_face.csv').read_text().splitlines()))
    counted = [line for line in lines if line['nme_two_points']]
    full = metrics['scores']['two_points']['full']
    assert len(counted) == full['faces'] == 2
    assert sum(int(line['points']) for line in counted) == full['points'] == 7


def test_a_point_that_no_face_has_is_nowhere_and_has_no_number():
    hidden = {'mask': [True, True, True, False]}
    (found,) = summarise([make_run(row(1, 1) | hidden, row(2, 1) | hidden)])['runs']
    last = found['by_point'][3]
    assert (last['points'], last['nme'], last['p90'], last['position']) == (0, None, None, None)
    assert found['by_point'][0]['position'] == pytest.approx([0, 0.125])


def test_a_comparison_leaves_them_out():
    runs = [make_run(*FACES[:3], name=name) for name in ('a', 'b')]
    (found,) = summarise(runs)['comparisons']
    assert found['subsets']['full']['faces'] == 2
    assert list(found['subsets']) == ['full', 'easy']
    assert found['remark'].startswith('1 of 3 faces of a and 1 of 3 faces of b are left out')


@pytest.mark.parametrize(
    ('rows', 'message'),
    [
        ([row(1, 1) | NONE], "run 'run': no point of any face counts"),
        # Neither a box nor two points that are apart.
        (
            [row(1, 1) | {'mask': [True, False, False, False], 'bbox': None}],
            "run 'run': no face with a point that counts has the size: longer side",
        ),
        # The only face with a box has no points.
        (
            [row(1, 1) | NONE, row(2, 1) | {'mask': [1, 0, 0, 0], 'bbox': None}],
            "run 'run': no face with a point that counts has the size: longer side of box",
        ),
    ],
)
def test_a_run_of_which_nothing_is_left_is_refused_by_its_name(tmp_path, rows, message):
    with pytest.raises(InputError, match=message):
        write_report(tmp_path, [make_run(*rows)])


@pytest.mark.parametrize(
    ('rows', 'normaliser', 'title'),
    [
        ([row(1, 1, norm=0.0)], {'title': 'ear', 'item': 'ear', 'pair': None}, 'ear'),
        ([row(1, 1)], {'title': 'ear', 'item': 'ear', 'pair': None}, 'ear'),
        ([row(1, 1)], {'title': 'a to a', 'item': None, 'pair': [1, 1]}, 'a to a'),
    ],
)
def test_no_other_size_takes_the_place_of_the_metric_s(tmp_path, rows, normaliser, title):
    with pytest.raises(InputError, match=f"run 'run': no face .* has the size: {title}$"):
        write_report(tmp_path, [make_run(*rows, normaliser=normaliser)])


def test_a_subset_that_is_called_full_is_told_from_the_whole():
    """300W has one: common and challenge, without the test set."""
    rows = [row(1, 1, subsets=['full', 'full']), row(2, 3, subsets=['test'])]
    (found,) = summarise([make_run(*rows)])['runs']
    means = {name: each['mean'] for name, each in found['scores']['box'].items()}
    assert means == {
        'full': pytest.approx(0.02),
        'full_subset': pytest.approx(0.01),
        'test': pytest.approx(0.03),
    }


def test_parts_of_a_combined_set_have_their_own_counts():
    """The second part has no face with a size of its own."""
    lame = {'mask': [False, True, True, True]}
    faces = [
        row(1, 1, subsets=['lapa']) | {'part': 'lapa'},
        row(2, 3, subsets=['lapa']) | {'part': 'lapa'} | lame,
        row(1, 3, subsets=['cofw']) | {'part': 'cofw'} | lame,
    ]
    (found,) = summarise([make_run(*faces, normaliser=PAIR)])['runs']
    scores = found['scores']['two_points']
    assert {name: each['faces'] for name, each in scores.items()} == {
        'full': 1,
        'lapa': 1,
        'cofw': 0,
    }
    assert found['left_out'] == [
        '2 of 3 faces have no normaliser (left to right) and are left out (lapa: id 2; cofw: id 1)'
    ]


def test_table_dump_and_report_have_the_numbers_of_each_part():
    """Two faces of lapa, one of which has no eyes; one of cofw, off by another error."""
    metric = NME('keypoint_distance', keypoint_indices=[0, 1])
    numbers = evaluate(
        metric,
        face(1, (3, 4), dataset_name='lapa'),
        face(2, (3, 4), dataset_name='lapa', visible=(0, 1, 1)),
        face(1, (6, 8), dataset_name='cofw'),
    )
    table = format_table([metric])
    sets, values, counts = ([*table.columns[i].cells] for i in (1, 2, 4))
    assert sets == ['full', 'lapa', 'cofw']
    assert values == ['25.000 %', '16.667 %', '33.333 %']  # of 10 px, over three points each
    assert counts == ['2', '1', '1']
    dumped = json.loads(json.dumps(metric.rows))
    normaliser = {'title': metric.normaliser, 'item': None, 'pair': list(metric.pair)}
    (found,) = summarise([make_run(*dumped, normaliser=normaliser)])['runs']
    scores = found['scores']['two_points']
    for name, key in (('full', 'NME'), ('lapa', 'NME_lapa'), ('cofw', 'NME_cofw')):
        assert scores[name]['pooled'] == pytest.approx(numbers[key])
    assert [row.get('left_out') for row in dumped] == [
        None, 'no normaliser (LeftEye to RightEye, points 0 and 1)', None
    ]  # fmt: skip
    (metrics,), (reports,) = metric.left_out, found['left_out']
    assert metrics.endswith('is left out (lapa: id 2)')
    assert reports.endswith('is left out (lapa: id 2)')
