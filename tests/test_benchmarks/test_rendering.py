"""Rendered faces a second against a former commit: the measurement, and the table of it."""

import json
import sys

from benchmarks.measure import rendering as measured
from benchmarks.rendering import table

RESULTS = {
    'date': 'today',
    'commit': 'abc',
    'machine': {'cpu': 'a processor'},
    'former': 'def',
    'faces_per_cpu_s': {'former': [10.0, 20.0, 15.0], 'ours': [21.0, 38.0, 33.0]},
    'megapixels_per_face': {'former': 0.37, 'ours': 0.37},
}


def test_ratios_are_of_measurements_side_by_side():
    # 2.1, 1.9 and 2.2: their median is that of no two medians.
    row = table(RESULTS).splitlines()[3]
    assert row == (
        '| now | 0.370 | 33.0 (27.0 to 35.5) | 2.10 (2.00 to 2.15) | at least 2.00 | reached |'
    )


def test_a_missed_goal_is_told():
    slow = {'former': [10.0], 'ours': [19.0]}
    assert '| 1.90 | at least 2.00 | missed |' in table({**RESULTS, 'faces_per_cpu_s': slow})


def test_measurement_counts_the_pixels_of_what_it_rendered(tmp_path, monkeypatch):
    out = tmp_path / 'notes.json'
    monkeypatch.setattr(sys, 'argv', ['rendering.py', str(out), '--faces', '3', '--seed', '7'])
    measured.main()
    notes = json.loads(out.read_text(encoding='utf-8'))
    assert notes['faces'] == 3
    assert notes['cpu_s_per_face'] > 0
    assert notes['pixels'] >= 2 * 300 * 300
