"""Consistency of a report's numbers."""

from __future__ import annotations

from typing import Any

from mmpose_lite.reporting.reading import read
from mmpose_lite.reporting.schema import Report


def check_report(metrics: Any) -> None:
    """Check that metrics follow the schema, and that their parts name the same things."""
    read(Report, metrics, 'metrics')
    assert metrics['format'] == 'mmpose_lite report 1'
    runs = {run['name']: run for run in metrics['runs']}
    assert len(runs) == len(metrics['runs']) > 0
    for run in metrics['runs']:
        check_run(run)
    for pair in metrics['comparisons']:
        first = metrics['runs'][0]
        if pair['runs'] == {'a': 1, 'b': 1}:
            assert {pair['a'], pair['b']} <= set(runs)
            first = runs[pair['a']]
        assert pair['normaliser'] in first['normalisers']


def check_run(run: dict[str, Any]) -> None:
    normalisers, subsets = set(run['normalisers']), set(run['subsets'])
    assert run['primary'] in normalisers
    by_subset = [*run['scores'].values(), *run['curves'].values()]
    by_subset += (run['flip_test'] or {}).values()
    assert all(set(part) <= subsets for part in by_subset)
    assert set(run['scores']) | set(run['curves']) <= normalisers
    for curve in (each for part in run['curves'].values() for each in part.values()):
        assert len(curve['error']) == len(curve['share'])
    points = range(len(run['by_point']))
    assert all(len(link) == 2 and set(link) <= set(points) for link in run['links'])
