"""Tables of what was measured, for the terminal and for documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

# Rows whose rates of ours, side by side, say what a run waits for; and what they are there.
_BOUNDS = {
    'loader': 'loader, decoding',
    'loader-cached': 'loader, cached',
    'step-float32': 'network, float32',
    'train-float32': 'both, decoding, float32',
    'step-amp': 'network, --amp',
    'train-amp': 'both, decoding, --amp',
}


@dataclass(frozen=True)
class Spread:
    """The middle of some numbers and the quarter points around it."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Take the median and the quartiles; a single value is all three."""
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        low, _, high = quantiles(values, n=4, method='inclusive')
        return cls(median(values), low, high)


def pair_ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Divide each of our measurements by the one of theirs that was taken right beside it."""
    return [mine / other for mine, other in zip(ours, theirs, strict=True)]


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Lay out a table; the first ``left`` columns are text, the others numbers."""
    rule = [':--'] * left + ['--:'] * (len(header) - left)
    return '\n'.join('| ' + ' | '.join(cells) + ' |' for cells in (header, rule, *rows))


def write_between(path: Path, name: str, text: str) -> None:
    """Replace what a document has between ``<!-- name -->`` and ``<!-- end of name -->``.

    Raises:
        ValueError: If it does not have both lines.
    """
    begin, end = f'<!-- {name} -->', f'<!-- end of {name} -->'
    before, found, rest = path.read_text(encoding='utf-8').partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f'{path} has no lines {begin} and {end}')
    path.write_text(f'{before}{begin}\n\n{text}\n\n{end}{after}', encoding='utf-8')


def number(value: float) -> str:
    """Three digits, without an exponent: ``1,234``, ``12.3``, ``0.0123``."""
    if abs(value) >= 100:
        return f'{value:,.0f}'
    return f'{value:#.3g}'.rstrip('.')


def spread(values: Sequence[float]) -> str:
    """The median and, of several values, the quartiles."""
    if not values:
        return ''
    each = Spread.of(values)
    middle = number(each.median)
    return middle if len(values) == 1 else f'{middle} ({number(each.low)} to {number(each.high)})'


def comparison_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows of ``run.py``, with their goals."""
    header = ('Work', 'Unit', 'mmpose_lite', 'MMPose', 'Ratio', 'Goal', '')
    return markdown_table(header, [_comparison_row(row) for row in rows], left=2)


def _comparison_row(row: Mapping[str, Any]) -> tuple[str, ...]:
    ratios = pair_ratios(row['ours'], row['theirs']) if row['theirs'] else []
    sides = (spread(row['ours']), spread(row['theirs']))
    verdict = row['problem'] or _verdict(row, ratios if row['of_ratio'] else row['ours'])
    return (row['work'], row['unit'], *sides, spread(ratios), _goal(row), verdict)


def _verdict(row: Mapping[str, Any], judged: Sequence[float]) -> str:
    if row['goal'] is None:
        return ''
    if not judged:
        return 'not measured: without mmpose'
    middle, goal = Spread.of(judged).median, row['goal']
    reached = middle <= goal if row['lower_is_better'] else middle >= goal
    return 'reached' if reached else 'missed'


def _goal(row: Mapping[str, Any]) -> str:
    if row['goal'] is None:
        return ''
    side = 'at most' if row['lower_is_better'] else 'at least'
    return f'{side} {row["goal"]:g}' + ('' if row['of_ratio'] else f' {row["unit"]}')


def bounds_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Our rates of the loader alone, the network alone, and both together."""
    found = {row['name']: row['ours'] for row in rows if row['ours']}
    cells = [(what, spread(found[name])) for name, what in _BOUNDS.items() if name in found]
    return markdown_table(('mmpose_lite', 'images/s'), cells)


def machine_table(results: Mapping[str, Any]) -> str:
    """The machine, the versions and the data of a run."""
    machine = results['machine']
    cells = [
        ('Processor', f'{machine["cpu"]}, {machine["cores"]} cores'),
        ('Instructions', ', '.join(machine['cpu_flags'])),
        ('Memory', f'{machine["memory_gib"]} GiB'),
        ('GPU', machine['gpu'] or 'none'),
        ('Load before the run', str(machine['load_average'])),
    ]
    for package, versions in results['versions'].items():
        own = f'{package} {versions[package]}'
        others = (f'{name} {version}' for name, version in versions.items() if name != package)
        cells.append((f'Versions of {package}', ', '.join((own, *others))))
    for name, faces in results['faces'].items():
        text = ', '.join(f'{key.replace("_", " ")} {value:g}' for key, value in faces.items())
        cells.append((f'Photographs of {name}', text))
    cells.append(('Commit, date', f'{results["commit"]}, {results["date"]}'))
    return markdown_table(('', ''), cells, left=2)
