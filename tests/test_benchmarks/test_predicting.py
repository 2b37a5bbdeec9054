"""Faces a second against a former commit: what is measured, and the table of it."""

from benchmarks.measure import predicting as measured
from benchmarks.predicting import WAYS, parse_args, table

RESULTS = {
    'date': 'today',
    'commit': 'abc',
    'machine': {'cpu': 'a processor', 'cpu_flags': ['avx2']},
    'faces_per_cpu_s': {
        'former': [2.0, 4.0, 3.0],
        'landmarker': [3.0, 4.0, 6.0],
        'amp': [8.0, 8.0, 8.0],
    },
}


def rows_of(results):
    return {row.split(' | ')[0][2:]: row for row in table(results).splitlines()[2:5]}


def test_every_way_can_be_measured():
    assert tuple(way.name for way in WAYS) == measured.WAYS
    assert parse_args(['--ways', 'former', 'amp']).ways == ['former', 'amp']


def test_ratios_are_of_measurements_side_by_side():
    row = rows_of(RESULTS)['`Landmarker`, batches of 16']
    # 1.5, 1 and 2: their median is that of no two medians.
    assert '| 1.50 (1.25 to 1.75) | at least 1.25 | reached |' in row


def test_a_processor_without_bfloat16_is_not_judged():
    row = rows_of(RESULTS)['`Landmarker`, `--amp`']
    assert row.endswith('| at least 2.50 | this CPU computes no bfloat16 |')
    able = {**RESULTS, 'machine': {'cpu': 'another', 'cpu_flags': ['amx_bf16']}}
    assert rows_of(able)['`Landmarker`, `--amp`'].endswith('| at least 2.50 | reached |')
