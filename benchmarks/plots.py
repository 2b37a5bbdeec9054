"""Pictures of how cost grows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Cells = Sequence[Mapping[str, Any]]

_WIDTH, _HEIGHT = 3.3, 2.2  # inches of a panel
_TEXT = 11  # points; a narrow screen shows the picture at half its size
# Each colour that matplotlib writes, with the variable that replaces it, on a light and on a dark
# ground. The picture has its own ground, so it stays readable if a page and the screen differ.
_COLOURS = {
    '#ffffff': ('ground', '#ffffff', '#1c2125'),
    '#000000': ('ink', '#1d2327', '#e6e4df'),
    '#1f77b4': ('first', '#0a6a8f', '#5fb8dc'),
    '#ff7f0e': ('second', '#c2541b', '#f0955f'),
}
_STEP, _EPOCH, _MEMORY = 'seconds a step', 'seconds an epoch', 'MiB'


@dataclass(frozen=True)
class Column:
    """One cause of cost: a panel of time and one of memory, with the same lines.

    Attributes:
        title: What it is.
        x: The cause, a setting of its cells.
        seconds: The figure that is time, and what it is time of.
        lines: Cells by label.
    """

    title: str
    x: str
    seconds: tuple[str, str]
    lines: Mapping[str, Cells]


def draw_growth(results: Mapping[str, Any], out_file: Path) -> None:
    """Draw the parts that were measured, if any, as an SVG whose text is text."""
    columns = [
        *_loader_columns(_good(results, 'loader')),
        *_network_columns(_good(results, 'network')),
        *_rank_columns(_good(results, 'ranks')),
    ]
    if not columns:
        return
    size = 2 * _WIDTH, _HEIGHT * len(columns)
    with mpl.rc_context(
        {
            'svg.fonttype': 'none',
            'svg.hashsalt': 'growth',
            'font.size': _TEXT,
            'figure.constrained_layout.w_pad': 0.1,
        }
    ):
        figure = Figure(figsize=size, layout='constrained')
        for column, (left, right) in zip(
            columns, figure.subplots(len(columns), 2, squeeze=False), strict=True
        ):
            _draw(left, column, *column.seconds)
            _draw(right, column, 'peak_mib', _MEMORY)
            left.set_title(column.title, loc='left')
            if len(column.lines) > 1:
                left.legend(frameon=False, fontsize='small')
        written = StringIO()
        figure.savefig(written, format='svg', metadata={'Date': None})
    out_file.parent.mkdir(parents=True, exist_ok=True)
    out_file.write_text(_with_two_grounds(written.getvalue()), encoding='utf-8')


def _with_two_grounds(svg: str) -> str:
    """Let the colours of a picture follow the light or dark screen."""
    light, dark = (
        ' '.join(f'--{name}: {pair[ground]};' for name, *pair in _COLOURS.values())
        for ground in (0, 1)
    )
    for colour, (name, *_) in _COLOURS.items():
        svg = svg.replace(colour, f'var(--{name})')
    style = (
        f':root {{ {light} }} text {{ fill: var(--ink); }} '
        f'@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}'
    )
    return svg.replace('<style type="text/css">', f'<style type="text/css">{style} ', 1)


def _good(results: Mapping[str, Any], part: str) -> Cells:
    cells = results[part]['cells'] if part in results else ()
    return [cell for cell in cells if not cell['problem']]


def _loader_columns(cells: Cells) -> list[Column]:
    """By faces, with as many workers as the config has or as there are; by workers, of all."""
    if not cells:
        return []
    counts = {cell['workers'] for cell in cells}
    workers = 2 if 2 in counts else max(counts)
    faces = max(cell['faces'] for cell in cells)
    by_faces = [cell for cell in cells if cell['workers'] == workers]
    by_workers = [cell for cell in cells if cell['faces'] == faces]
    seconds = ('epoch_s', _EPOCH)
    return [
        Column(f'Loader, {workers} workers', 'faces', seconds, _by_cache(by_faces)),
        Column(f'Loader, {faces:,} faces', 'workers', seconds, _by_cache(by_workers)),
    ]


def _by_cache(cells: Cells) -> dict[str, Cells]:
    names = {False: 'decoded', True: 'cached'}
    return {names[key]: [cell for cell in cells if cell['cached'] == key] for key in names}


def _network_columns(cells: Cells) -> list[Column]:
    names = {False: 'float32', True: '--amp'}
    lines = {names[key]: [cell for cell in cells if cell['amp'] == key] for key in names}
    return [Column('Network and loss', 'batch', ('step_s', _STEP), lines)] if cells else []


def _rank_columns(cells: Cells) -> list[Column]:
    lines = {'the same faces, shared': cells}
    return [Column('Ranks on one CPU', 'ranks', ('step_s', _STEP), lines)] if cells else []


def _draw(axes: Axes, column: Column, figure: str, label: str) -> None:
    for name, cells in column.lines.items():
        values = [median(cell[figure]) for cell in cells]
        axes.plot([cell[column.x] for cell in cells], values, marker='.', label=name)
    axes.set_ylim(bottom=0)
    axes.set_xlabel(column.x)
    axes.set_ylabel(label)
    axes.spines[['top', 'right']].set_visible(False)
