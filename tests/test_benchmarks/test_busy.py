"""A training step on busy cores: what is measured, and the table of it."""

import pytest

from benchmarks.busy import CASES, busy_loops, table
from benchmarks.sides import MMPOSE, OURS

RESULTS = {
    'date': 'today',
    'commit': 'abc',
    'versions': {OURS: {'torch': '2.14'}, MMPOSE: {'torch': '2.15'}},
    'steps': {
        OURS: {'alone': [1.0, 1.2, 1.1], 'busy': [2.2], 'thread': [2.0], 'core': [2.4]},
        MMPOSE: {'alone': [2.0], 'busy': [100.0]},
    },
}


def test_each_case_is_set_against_one_that_comes_before_it():
    names = [case.name for case in CASES]
    assert all(case.against in names[:i] for i, case in enumerate(CASES) if case.against)
    assert all(bool(case.against) == bool(case.goal) for case in CASES)


def test_ratios_are_of_medians_and_judged_on_our_side():
    rows = {row.split(' | ')[0][2:]: row for row in table(RESULTS).splitlines()[2:6]}
    busy = rows['beside a busy loop a core']
    assert busy.endswith('| 2.20 | 100 | 2.00 | 50.0 | at most 3 | reached |')
    assert rows['one core, its own threads'].endswith('| 1.20 |  | at most 1.1 | missed |')


@pytest.mark.usefixtures('processes')
def test_busy_loops_end_with_what_they_disturb():
    with busy_loops(2) as loops:
        assert [loop.poll() for loop in loops] == [None, None]
    assert [loop.poll() for loop in loops] == [-9, -9]
