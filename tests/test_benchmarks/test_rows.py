"""The rows ask the same of both sides."""

import pytest

from benchmarks.rows import BFLOAT16, CORE, GPU, make_groups
from benchmarks.sides import MMPOSE, OURS
from benchmarks.sizes import FULL, TRIAL

GROUPS = make_groups(FULL)
ROWS = {row.name: row for group in GROUPS for row in group}
PAIRS = [row for row in ROWS.values() if row.theirs]


def without_cache(options):
    return [each for each in options if 'dataset.indices' not in each and '.cache=' not in each]


def test_names_are_unique():
    assert len(ROWS) == sum(map(len, GROUPS))
    assert [row.name for group in make_groups(TRIAL) for row in group] == list(ROWS)


@pytest.mark.parametrize('row', PAIRS, ids=lambda row: row.name)
def test_both_sides_do_the_same(row):
    ours, theirs = row.ours, row.theirs
    assert (ours.side, theirs.side) == (OURS, MMPOSE)
    for name in ('script', 'data', 'threads', 'ranks', 'gpu', 'watch_memory', 'recipe'):
        assert getattr(ours, name) == getattr(theirs, name)
    if 'ours cached' in row.work:
        assert without_cache(ours.options) == without_cache(theirs.options)
    else:
        assert ours.options == theirs.options


@pytest.mark.parametrize('row', PAIRS, ids=lambda row: row.name)
def test_what_differs_between_the_sides_is_in_the_words(row):
    differs = ('--amp' in row.ours.arguments) != ('--amp' in row.theirs.arguments)
    assert differs == (BFLOAT16 in row.work)
    is_cached = any('cache' in each for each in (*row.ours.options, *row.ours.arguments))
    assert is_cached == ('ours cached' in row.work)
    assert is_cached == ('MMPose decoding' in row.work)


@pytest.mark.parametrize('row', ROWS.values(), ids=lambda row: row.name)
def test_times_and_memory_are_to_be_low(row):
    assert row.figure.lower_is_better == (row.figure.unit in ('s', 'MiB'))
    assert row.figure.unit in ('s', 'MiB') or '/s' in row.figure.unit


@pytest.mark.parametrize('row', ROWS.values(), ids=lambda row: row.name)
def test_only_rows_that_need_a_gpu_see_one(row):
    assert row.ours.gpu == (GPU in row.needs)


@pytest.mark.parametrize('row', ROWS.values(), ids=lambda row: row.name)
def test_core_time_is_of_one_thread(row):
    if row.figure == CORE:
        assert 'train_dataloader.num_workers=0' in row.ours.options
        assert row.ours.threads == 1
