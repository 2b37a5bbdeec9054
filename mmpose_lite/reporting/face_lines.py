"""A line a face, as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

import numpy as np

from .measured import Measured

_COLUMNS = ('run', 'id', 'image', 'subsets', 'points', 'box_size', 'yaw', 'confidence')


def face_lines(runs: Sequence[Measured]) -> str:
    """Each face of each run: its error by each normaliser, fractions; what is unknown is empty.

    ``points`` is how many count, ``yaw`` degrees, ``confidence`` the mean over the points.
    """
    normalisers = list(dict.fromkeys(name for each in runs for name in each.normalisers))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator='\n')
    writer.writerow([*_COLUMNS, *(f'nme_{name}' for name in normalisers)])
    for each in runs:
        found = [each.errors.get(name) for name in normalisers]
        for face, line in enumerate(_lines(each)):
            errors = ['' if one is None else _text(one.means[face]) for one in found]
            writer.writerow([*line, *errors])
    return text.getvalue()


def _lines(measured: Measured) -> Iterator[list]:
    """The first columns of each face."""
    table, yaw = measured.run.table, measured.yaw
    angles = np.full(len(table), np.nan) if yaw is None else yaw[0]
    for face in range(len(table)):
        scores = table.scores[face][table.mask[face]]
        yield [
            measured.run.name,
            table.ids[face],
            table.images[face],
            ' '.join(table.subsets[face]),
            int(table.mask[face].sum()),
            _text(table.box_size[face]),
            _text(angles[face]),
            _text(scores.mean() if len(scores) else np.nan),
        ]


def _text(value: float) -> str:
    return f'{value:.7g}' if np.isfinite(value) else ''
