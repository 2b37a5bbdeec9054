"""Two runs on the same faces."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hand_made import GT, row, summarise
from hand_made import run as make_run

from mmpose_lite.errors import InputError
from mmpose_lite.reporting import write_report


def compare(first, second):
    runs = [make_run(*first, name='old'), make_run(*second, name='new')]
    return summarise(runs)['comparisons']


OLD = [row(1, 4), row(2, 4, subsets=['easy']), row(3, 4), row(4, 4, subsets=['easy'])]
NEW = [row(1, 1), row(2, 4, subsets=['easy']), row(3, 6), row(4, 2, subsets=['easy'])]


def test_differences_wins_and_losses():
    (found,) = compare(OLD, NEW)
    assert (found['a'], found['b'], found['normaliser']) == ('old', 'new', 'box')
    full, easy = found['subsets']['full'], found['subsets']['easy']
    assert full['faces'] == 4
    assert full['difference'] == pytest.approx((-0.03 + 0 + 0.02 - 0.02) / 4)  # new is better
    assert (full['a_wins'], full['b_wins'], full['ties']) == (1, 2, 1)
    assert (full['interval'], full['p']) == (None, None)  # of four faces
    assert easy['difference'] == pytest.approx(-0.01)
    assert (easy['a_wins'], easy['b_wins'], easy['ties']) == (0, 1, 1)


def test_faces_are_paired_by_photograph_and_id_whatever_the_order():
    moved = [each | {'img_path': f'/elsewhere/{each["id"]}.jpg'} for each in reversed(NEW)]
    extra = row(9, 90)
    (found,) = compare(OLD, [extra, *moved])
    assert found['subsets'] == compare(OLD, NEW)[0]['subsets']


def test_faces_with_another_truth_are_others():
    other = {'gt': (GT + np.array([0, 3])).tolist()}
    (found,) = compare(OLD, [NEW[0] | other, *NEW[1:]])
    assert found['subsets']['full']['faces'] == 3
    less = NEW[1] | {'mask': [True, True, True, False]}
    (found,) = compare(OLD, [NEW[0], less, *NEW[2:]])
    assert found['subsets']['full']['faces'] == 3


THREE = {'gt': GT[:3].tolist(), 'pred': GT[:3].tolist(), 'mask': [True] * 3}


@pytest.mark.parametrize(
    ('others', 'remark'),
    [
        ([row(8, 1)], '4 of 4 faces of old and 1 of 1 faces of new are left out; a face is'),
        ([row(1, 1) | THREE], 'old has 4 points a face, new has 3'),
    ],
)
def test_runs_without_a_common_face_are_not_compared(others, remark):
    (found,) = compare(OLD, others)
    assert (found['subsets'], found['left_out']) == ({}, {'a': 4, 'b': 1})
    assert found['remark'].startswith(remark)


def test_faces_that_are_left_out_are_counted():
    (found,) = compare(OLD, [*NEW[1:], row(8, 1), row(9, 1)])
    assert found['left_out'] == {'a': 1, 'b': 2}
    assert found['remark'].startswith('1 of 4 faces of old and 2 of 5 faces of new are left out;')
    assert compare(OLD, NEW)[0]['remark'] is None


def test_faces_of_one_name_and_number_are_paired_by_their_truth_and_once():
    """As in a combined set, or in a file that lists a face twice."""
    moved = (GT + np.array([0, 9])).tolist()
    other = {'gt': moved, 'pred': moved}
    first = [row(1, 4), row(1, 0) | other, row(1, 4)]
    (found,) = compare(first, [row(1, 0) | other, row(1, 1), row(1, 3)])
    full = found['subsets']['full']
    assert (full['faces'], found['left_out']) == (3, {'a': 0, 'b': 0})
    assert full['difference'] == pytest.approx((0 - 0.03 - 0.01) / 3)
    (found,) = compare(first, [row(1, 1)])
    assert found['left_out'] == {'a': 2, 'b': 0}


def test_one_common_face_has_no_interval():
    (found,) = compare(OLD, NEW[:1])
    assert found['subsets'] == {
        'full': {
            'faces': 1,
            'groups': None,
            'difference': pytest.approx(-0.03),
            'interval': None,
            'p': None,
            'a_wins': 0,
            'b_wins': 1,
            'ties': 0,
        }
    }


def test_every_pair_of_three_runs_is_compared():
    runs = [make_run(*OLD, name=name) for name in 'abc']
    found = summarise(runs)['comparisons']
    assert [(each['a'], each['b']) for each in found] == [('a', 'b'), ('a', 'c'), ('b', 'c')]
    assert found[0]['subsets']['full']['ties'] == 4


def test_a_real_difference_has_a_small_p():
    rng = np.random.default_rng(0)
    hard = rng.gamma(2, 2, 60)
    first = [row(i, error) for i, error in enumerate(hard)]
    second = [row(i, 0.9 * error) for i, error in enumerate(hard)]
    (found,) = compare(first, second)
    assert found['subsets']['full']['difference'] == pytest.approx(-0.1 * hard.mean() / 100)
    low, high = found['subsets']['full']['interval']
    assert low < found['subsets']['full']['difference'] < high < 0
    assert found['subsets']['full']['p'] < 0.01


def test_the_difference_is_printed_with_its_interval(tmp_path):
    many = [row(i, 4 + i % 3) for i in range(40)]
    fewer = [row(i, 3 + i % 2) for i in range(40)]
    lines = write_report(tmp_path, [make_run(*many, name='old'), make_run(*fewer, name='new')])
    paired = compare(many, fewer)[0]['subsets']['full']
    low, high = paired['interval']
    assert paired['difference'] == pytest.approx(-0.01475)
    limits = f'95 %: {100 * low:+.3f} to {100 * high:+.3f}'
    assert (
        f'new minus old, full: -1.475 percentage points ({limits}), 40 faces: new is better'
        in lines
    )
    lines = write_report(tmp_path, [make_run(*fewer, name='new'), make_run(*many, name='old')])
    assert any(re.match('old minus new, full: .* 40 faces: new is better$', each) for each in lines)
    other = [row(i, 4 + (i + 1) % 3) for i in range(40)]
    lines = write_report(tmp_path, [make_run(*many, name='old'), make_run(*other, name='new')])
    assert any(each.endswith('40 faces: neither is shown to be better') for each in lines)
    few = write_report(tmp_path, [make_run(*OLD, name='old'), make_run(*NEW, name='new')])
    assert (
        'new minus old, full: -0.750 percentage points (no interval of under 20 faces), 4 faces'
        in few
    )


def people(pattern):
    """Compare runs on 200 faces of 25 people, eight each, which all change by as much."""
    change = np.random.default_rng(0).normal(-1, 2, 25)
    files = [{'img_path': f'/data/train_Person_{i // 8:02d}_{i % 8}.jpg'} for i in range(200)]
    old = [row(i, 10) | files[i] for i in range(200)]
    new = [row(i, 10 + change[i // 8]) | files[i] for i in range(200)]
    runs = [make_run(*old, name='old'), make_run(*new, name='new')]
    (found,) = summarise(runs, pattern)['comparisons']
    return found


def test_intervals_over_people_are_wider_where_their_faces_change_alike():
    apart, together = people(None), people(r'train_(.+)_\d+\.jpg')
    assert (apart['group'], apart['subsets']['full']['groups']) == (None, None)
    assert together['group'] == r'train_(.+)_\d+\.jpg'
    faces, persons = apart['subsets']['full'], together['subsets']['full']
    assert persons['groups'] == 25
    assert persons['difference'] == pytest.approx(faces['difference'])
    widths = [np.ptp(each['interval']) for each in (faces, persons)]
    assert widths[1] == pytest.approx(widths[0] * 8**0.5, rel=0.3)
    assert persons['p'] > 2 * faces['p']


def test_a_group_of_each_face_is_as_no_group():
    apart, alone = (people(pattern)['subsets']['full'] for pattern in (None, r'(.+)\.jpg'))
    assert alone == {**apart, 'groups': 200}


def test_a_photograph_without_a_group_is_named():
    with pytest.raises(InputError, match=r"--group='test_\(.+\)' finds nothing .*'train_Person_0"):
        people('test_(.+)')


def recipes(**errors):
    """Three runs of each recipe on 40 faces; the second of each has the errors given."""
    by_face = [each % 3 for each in range(40)]
    return [
        replace(
            make_run(*[row(i, middle + far + more) for i, more in enumerate(by_face)], name=name),
            recipe=recipe,
        )
        for recipe, middle in errors.items()
        for name, far in ((f'{recipe} {i}', 0.1 * i) for i in (-1, 0, 1))
    ]


def test_recipes_are_compared_over_all_of_their_runs(tmp_path):
    runs = recipes(plain=4, dark=3)
    (pair,) = summarise(runs)['comparisons']
    assert (pair['a'], pair['b'], pair['runs']) == ('plain', 'dark', {'a': 3, 'b': 3})
    full = pair['subsets']['full']
    assert full['difference'] == pytest.approx(-0.01)
    assert (full['faces'], full['b_wins'], pair['differing']) == (40, 40, [])
    # All faces change alike, so that only the runs scatter.
    assert np.ptp(full['interval']) == pytest.approx(2 * 4.41 * 0.001 * (2 / 3) ** 0.5, rel=0.1)
    line, *_ = write_report(tmp_path, runs)
    assert re.match(
        r'dark minus plain, full: -1\.000 percentage points \(95 %: -1\.3.. to -0\.6..\), '
        '40 faces, 3 and 3 runs: dark is better$',
        line,
    )
    page = (tmp_path / 'index.html').read_text()
    assert 'dark minus plain, percentage points' in page
    assert '3 and 3 runs' in page


def test_faces_that_one_run_of_a_recipe_lacks_are_left_out():
    runs = recipes(plain=4, dark=3)
    runs[4] = replace(runs[4], table=runs[4].table.take(range(30)))
    (pair,) = summarise(runs)['comparisons']
    assert pair['subsets']['full']['faces'] == 30
    assert pair['left_out'] == {'a': 10, 'b': 10}


def test_a_recipe_of_one_run_is_an_error(tmp_path):
    with pytest.raises(InputError, match="recipe 'dark' has one run, and a recipe has two or more"):
        write_report(tmp_path, recipes(plain=4, dark=3)[:4])
    *runs, lone = recipes(plain=4, dark=3)
    with pytest.raises(InputError, match="run 'dark 1' names no recipe, and others do"):
        write_report(tmp_path, [*runs, replace(lone, recipe=None)])
