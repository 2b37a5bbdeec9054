"""Rows of several processes make the numbers that one process makes."""

import json
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope='module')
def answers(processes, tmp_path_factory):
    """The answer of each of three ranks, and the folder that they ran in."""
    folder, stores = tmp_path_factory.mktemp('cwd'), tmp_path_factory.mktemp('stores')
    command = (sys.executable, HERE / 'evaluate_rank.py', stores)
    here = {'cwd': folder, 'PYTHONPATH': str(HERE.parents[1])}
    ranks = [processes.start(*command, rank, **here) for rank in range(3)]
    done = [processes.finish(rank) for rank in ranks]
    assert [each.status for each in done] == [0, 0, 0], done
    return [json.loads(each.printed.splitlines()[-1]) for each in done], folder


@pytest.mark.parametrize('world', [2, 3])
def test_all_ranks_have_all_rows_in_order(answers, world):
    for rank in range(world):
        numbers, ids, of_some = answers[0][rank][str(world)]
        assert ids == [100, 101, 102, 103, 104]
        # Off by 0 to 4 px of 100, beside as many points without error: (0 + 1 + 2 + 3 + 4) / 10
        # px, and of the hard ones (3 + 4) / 4 px.
        assert numbers == {'NME': pytest.approx(0.01), 'NME_hard': pytest.approx(0.0175)}
        # Those of faces 0, 2 and 4: (0 + 2 + 4) / 6 px; of the hard ones 4 / 2 px.
        assert of_some == {'NME': pytest.approx(0.01), 'NME_hard': pytest.approx(0.02)}


def test_nothing_is_written_to_the_working_directory(answers):
    assert list(answers[1].iterdir()) == []
