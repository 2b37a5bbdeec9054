"""Tables of how cost grows, and the arithmetic of exchanging gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from .report import markdown_table, number

# Gradients are exchanged in float32, with --amp too.
_BYTES = 4
_GPUS = (2, 4, 8)
_STEPS_S = (0.05, 0.1, 0.2)


def tables(results: Mapping[str, Any]) -> dict[str, str]:
    """The table of every part that was measured, by name, with when and of what it is."""
    found = {}
    if 'loader' in results:
        cells = results['loader']['cells']
        found['loader seconds'] = loader_table(cells, 'epoch_s') + _origin(results['loader'])
        found['loader memory'] = loader_table(cells, 'peak_mib')
    if 'network' in results:
        network = results['network']
        found['network'] = network_table(network['cells']) + _origin(network)
    if 'ranks' in results:
        cells = results['ranks']['cells']
        found['ranks'] = ranks_table(cells) + _origin(results['ranks'])
        counts = [count for cell in cells for count in cell.get('parameters', ())]
        if counts:
            found['arithmetic'] = arithmetic_table(int(counts[0]))
    return found


def _origin(part: Mapping[str, Any]) -> str:
    return f'\n\nMedians of {part["repeats"]}; commit {part["commit"]}, {part["date"]}.'


def cell_text(cell: Mapping[str, Any] | None, name: str) -> str:
    """The median of a cell's number, or what prevented it; empty if nobody asked for it."""
    if cell is None:
        return ''
    return cell['problem'] or number(median(cell[name]))


def loader_table(cells: Sequence[Mapping[str, Any]], name: str) -> str:
    """One number of the loader: a line for faces and cache, a column for workers."""
    by = {(cell['faces'], cell['cached'], cell['workers']): cell for cell in cells}
    faces = sorted({cell['faces'] for cell in cells})
    counts = sorted({cell['workers'] for cell in cells})
    lines = [
        [
            f'{count:,}',
            'cached' if cached else 'decoded',
            *(cell_text(by.get((count, cached, each)), name) for each in counts),
        ]
        for count in faces
        for cached in (False, True)
    ]
    header = ('Faces', '', *(f'{count} workers' for count in counts))
    return markdown_table(header, lines, left=2)


def network_table(cells: Sequence[Mapping[str, Any]]) -> str:
    """Seconds and memory of a training step, by batch."""
    by = {(cell['batch'], cell['amp']): cell for cell in cells}
    lines = [
        [str(batch)]
        + [
            cell_text(by.get((batch, amp)), name)
            for amp in (False, True)
            for name in ('step_s', 'peak_mib')
        ]
        for batch in sorted({cell['batch'] for cell in cells})
    ]
    header = ('Batch', 'float32, s', 'float32, MiB', '--amp, s', '--amp, MiB')
    return markdown_table(header, lines)


def ranks_table(cells: Sequence[Mapping[str, Any]]) -> str:
    """Seconds and memory of a step that processes share."""
    lines = [
        [
            str(cell['ranks']),
            str(cell['batch']),
            str(cell['threads']),
            *(cell_text(cell, name) for name in ('step_s', 'peak_mib')),
        ]
        for cell in cells
    ]
    return markdown_table(('Ranks', 'Faces a rank', 'Threads a rank', 's', 'MiB in all'), lines)


def ring_bytes(parameters: int, ranks: int) -> float:
    """Bytes that a rank sends in a step: a ring passes on each gradient 2 (N - 1) / N times."""
    return 2 * (ranks - 1) / ranks * parameters * _BYTES


def arithmetic_table(parameters: int) -> str:
    """Tabulate what a rank sends in a step, and the bandwidth that it takes to finish in time."""
    lines = []
    for ranks in _GPUS:
        sent = ring_bytes(parameters, ranks)
        rates = (f'{sent / step / 1e9:.2f}' for step in _STEPS_S)
        lines.append([str(ranks), f'{sent / 1e6:.1f}', *rates])
    steps = (f'GB/s at {1000 * step:g} ms' for step in _STEPS_S)
    table = markdown_table(('GPUs', 'MB a step', *steps), lines)
    return f'P = {parameters:,} (counted).\n\n{table}'
