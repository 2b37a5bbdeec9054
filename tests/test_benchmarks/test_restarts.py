"""Trainings that are killed: a few of the benchmark's hundred, and how their moments are drawn."""

import json
import sys
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from benchmarks.restarts.moments import START, draw_moments, phase_of, while_starting
from benchmarks.restarts.settings import choose
from benchmarks.restarts.summary import failures, summary
from benchmarks.restarts.trial import differences

ROOT = Path(__file__).resolve().parents[2]

TIMELINE = [
    (1.0, 'begin 0'),
    (2.0, 'iter 1'),
    (3.0, 'save 2'),
    (3.1, 'write 2 .epoch_1.pth.part'),
    (3.2, 'move 2 .epoch_1.pth.part'),
    (3.3, 'validate 2'),
    (3.9, 'validated 2'),
]


def test_killed_trainings_end_as_undisturbed_ones(processes, tmp_path):
    """A tenth of the command's: python benchmarks/reliability.py."""
    runs, kills = 10, 5
    command = [sys.executable, ROOT / 'benchmarks' / 'reliability.py', '--seed', 9]
    out = tmp_path / 'found.json'
    command += ['--runs', runs, '--kills', kills, '--json', out]
    done = processes.run(*command, cwd=tmp_path)
    assert done.status == 0, done.printed
    trials = json.loads(out.read_text())['trials']
    assert [trial['equal'] for trial in trials] == [True] * runs
    assert [len(trial['kills']) for trial in trials] == [kills] * runs
    assert all(trial['most_lost'] <= trial['save_interval'] for trial in trials)


def test_moments_cover_the_whole_training():
    drawn = [
        moment for seed in range(500) for moment in draw_moments(TIMELINE, 5.0, 5, 2, Random(seed))
    ]
    phases = Counter(moment.phase for moment in drawn)
    assert set(phases) == {'starting', 'training', 'saving', 'validating'}
    # A third is aimed at these two, and chance meets them in 1.9 of 5 seconds.
    aimed = phases['saving'] + phases['validating']
    assert aimed / len(drawn) == pytest.approx(1 / 3 + 2 / 3 * 2 / 5, abs=0.03)
    exact = [moment for moment in drawn if moment.is_exact]
    assert {'saving', 'validating'} == {moment.phase for moment in exact}
    assert {moment.victims for moment in drawn} == {(0,), (1,), (0, 1)}


def test_moments_come_in_their_order():
    for seed in range(50):
        lengths = [len(moment.events) for moment in draw_moments(TIMELINE, 5.0, 5, 1, Random(seed))]
        assert lengths == sorted(lengths, reverse=True)


def test_a_moment_that_was_passed_is_that_of_what_comes_next():
    moment = draw_moments(TIMELINE[2:], 5.0, 1, 1, Random(1))[0]
    told = [START, *(event for _, event in TIMELINE[2:])]
    assert list(moment.events) == told[told.index(moment.events[0]) :]
    assert while_starting(1.0, 1, Random(0)).phase == phase_of(START)


def test_every_setting_is_chosen_once_before_any_comes_twice():
    chosen = choose(48, Random(0))
    assert len({(s.workers, s.amp, s.ema, s.accumulation, s.ranks) for s in chosen}) == 48
    assert Counter(setting.loop for setting in chosen) == dict.fromkeys(
        ('epochs', 'iterations', 'endless'), 16
    )


def test_differences_are_named():
    one = {'epoch_1.pth': {'state_dict': 'a', 'logs': 'b'}, 'last_checkpoint': 'epoch_1.pth'}
    other = {'epoch_1.pth': {'state_dict': 'a', 'logs': 'c'}, '.x.part': ''}
    assert differences(one, one) == []
    assert differences(one, other) == [
        '.x.part: left over',
        'epoch_1.pth: logs',
        'last_checkpoint: missing',
    ]


def test_a_table_and_what_went_wrong():
    kills = [{'phase': 'saving', 'lost': 1}, {'phase': 'saving', 'lost': 4}]
    trial = {'setting': {'ranks': 1}, 'seed': 7, 'equal': True, 'different': [], 'problem': ''}
    good = {**trial, 'most_lost': 1, 'save_interval': 3, 'kills': kills[:1]}
    slow = {**trial, 'most_lost': 4, 'save_interval': 3, 'kills': kills[1:]}
    bad = {**good, 'seed': 8, 'equal': False, 'different': ['epoch_1.pth: logs']}
    assert summary([good, slow, bad]).splitlines()[2] == '| all | 3 | 2 | 3 | 2.00 | 4 | 1 |'
    assert [line.split(',')[0] for line in failures([good, slow, bad])] == ['seed 7', 'seed 8']
