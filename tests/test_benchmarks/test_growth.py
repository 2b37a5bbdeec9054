"""Growth of cost: tables, picture and what is not tried."""

import argparse
import json
import re
from contextlib import nullcontext

import pytest

from benchmarks import growth, growth_report, machine, plots
from benchmarks.jobs import JobError, Measurement

CELLS = {
    'loader': [
        {'faces': 1000, 'cached': cached, 'workers': workers, 'problem': '', **figures}
        for cached, workers, figures in (
            (False, 0, {'epoch_s': [4.0, 5.0, 9.0], 'peak_mib': [500.0]}),
            (False, 2, {'epoch_s': [3.0], 'peak_mib': [700.0]}),
            (True, 0, {'epoch_s': [0.5], 'peak_mib': [600.0]}),
        )
    ],
    'network': [
        {'batch': 8, 'amp': False, 'problem': '', 'step_s': [2.0], 'peak_mib': [3000.0]},
        {'batch': 16, 'amp': False, 'problem': 'not run: no room'},
    ],
    'ranks': [
        {
            'ranks': 2,
            'batch': 8,
            'threads': 1,
            'problem': '',
            'step_s': [2.5],
            'peak_mib': [4000.0],
            'parameters': [1_000_000, 1_000_000],
        }
    ],
}
RESULTS = {
    part: {'repeats': 3, 'commit': 'abcdef0', 'date': '2026-01-01 00:00 UTC', 'cells': cells}
    for part, cells in CELLS.items()
}


class FakeBench:
    """Takes 100 MiB for each face of a batch."""

    def __init__(self, failing=()):
        self.batches = []
        self.failing = failing

    def run(self, job):
        batch = int(job.options[0].rpartition('=')[2])
        self.batches.append(batch)
        if batch in self.failing:
            raise JobError('it fell over')
        return Measurement('command', {'step_s': 1.0, 'peak_mib': 100.0 * batch})


def cells(table):
    return [
        [cell.strip() for cell in line.strip('|').split('|')] for line in table.splitlines()[2:]
    ]


def test_loader_table():
    table = growth_report.loader_table(CELLS['loader'], 'epoch_s')
    assert cells(table) == [
        ['1,000', 'decoded', '5.00', '3.00'],
        ['1,000', 'cached', '0.500', ''],
    ]


def test_network_table_says_what_was_not_run():
    assert cells(growth_report.network_table(CELLS['network'])) == [
        ['8', '2.00', '3,000', '', ''],
        ['16', 'not run: no room', 'not run: no room', '', ''],
    ]


@pytest.mark.parametrize(('ranks', 'sent'), [(1, 0), (2, 4e6), (4, 6e6), (8, 7e6)])
def test_a_ring_sends_each_gradient_almost_twice(ranks, sent):
    assert growth_report.ring_bytes(1_000_000, ranks) == sent


def test_arithmetic_starts_from_the_parameters_that_were_counted():
    text = growth_report.tables(RESULTS)['arithmetic']
    assert text.startswith('P = 1,000,000 (counted).')
    # 7 MB in 50, 100 and 200 ms.
    assert cells(text)[-1] == ['8', '7.0', '0.14', '0.07', '0.04']


def test_parts_that_were_not_measured_have_no_table():
    assert list(growth_report.tables({'network': RESULTS['network']})) == ['network']


def test_parts_are_measured_apart(tmp_path, monkeypatch):
    bench = FakeBench()
    bench.described = {}
    monkeypatch.setattr(growth, 'open_bench', lambda *args: nullcontext(bench))
    monkeypatch.setattr(machine, 'available_memory_mib', lambda: 1e6)
    path = tmp_path / 'growth.json'
    path.write_text(json.dumps({'loader': RESULTS['loader']}))
    args = ['--parts', 'network', '--batches', '8', '--repeats', '2', '--out', str(tmp_path)]
    growth.main([*args, '--picture', str(tmp_path / 'growth.svg')])
    found = growth.read(path)
    assert found['loader'] == RESULTS['loader']
    assert [cell['step_s'] for cell in found['network']['cells']] == [[1, 1]] * 2
    tables = growth_report.tables(found)
    assert 'Medians of 3; commit abcdef0, 2026-01-01 00:00 UTC.' in tables['loader seconds']
    assert f'Medians of 2; commit {found["network"]["commit"]}, ' in tables['network']


def test_the_picture_is_drawn_of_what_there_is(tmp_path):
    for parts in (RESULTS, {'network': RESULTS['network']}):
        plots.draw_growth(parts, tmp_path / 'deep' / 'growth.svg')
        text = (tmp_path / 'deep' / 'growth.svg').read_text()
        assert ('Ranks on one CPU' in text) == ('ranks' in parts)
        assert 'Network and loss' in text


def test_a_batch_that_would_not_fit_is_not_tried(monkeypatch):
    monkeypatch.setattr(machine, 'available_memory_mib', lambda: 2048.0)
    args = argparse.Namespace(batches=[8, 32, 16], repeats=1)
    bench = FakeBench()
    found = list(growth.measure_network(bench, args))
    # 32 faces would take 3200 of 2048 MiB.
    assert bench.batches == [8, 16, 8, 16]
    reason = 'not run: batch 16 took 1.6 GiB, 2.0 GiB were free'
    assert [cell['problem'] for cell in found] == ['', '', reason] * 2


def test_a_cell_that_fails_says_so(monkeypatch, capsys):
    monkeypatch.setattr(machine, 'available_memory_mib', lambda: 1e6)
    args = argparse.Namespace(batches=[8, 16], repeats=2)
    found = list(growth.measure_network(FakeBench(failing=(16,)), args))
    assert [cell['problem'] for cell in found] == ['', 'failed'] * 2
    assert found[0]['step_s'] == [1, 1]
    assert 'it fell over' in capsys.readouterr().err


def test_the_picture_has_colours_for_a_dark_screen(tmp_path):
    plots.draw_growth(RESULTS, tmp_path / 'growth.svg')
    text = (tmp_path / 'growth.svg').read_text()
    style, _, drawn = text.partition('</style>')
    assert '@media (prefers-color-scheme: dark)' in style
    # Every colour of the drawing is one of those that follow the screen.
    colours = set(re.findall(r'(?:fill|stroke): (#\w+|var\(--\w+\))', drawn))
    assert colours == {f'var(--{name})' for name in ('ground', 'ink', 'first', 'second')}
