"""A row per face of test runs, as a CSV file or a table of pandas."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from mmpose_lite.utils.lazy import load_optional

from .run import Run
from .run_errors import RunErrors

_COLUMNS = ('run', 'id', 'image', 'subsets', 'points', 'box_size', 'yaw', 'confidence')


def to_frame(runs: Run | Sequence[Run]) -> Any:
    """Make a table of pandas with a row per face of each run, and the columns of ``per_face.csv``.

    Args:
        runs: A run, as :func:`read_dump` reads it, or several.

    Returns:
        A ``pandas.DataFrame``: ``run``, ``id``, ``image``, ``subsets`` (joined by spaces),
        ``points`` (the number that counts), ``box_size`` px, ``yaw`` in degrees, ``confidence``
        (the mean over the points), and the face's error by each normaliser, as a fraction:
        ``nme_box`` and its like. What is unknown is NaN.

    Raises:
        InputError: If pandas is not installed.
    """
    pandas = load_optional('pandas')
    found = [RunErrors(run) for run in ([runs] if isinstance(runs, Run) else runs)]
    names, rows = _rows(found)
    return pandas.DataFrame(list(rows), columns=names)


def per_face_csv(runs: Sequence[RunErrors]) -> str:
    """Write the columns of :func:`to_frame` as CSV; unknown values are empty."""
    names, rows = _rows(runs)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator='\n')
    writer.writerow(names)
    for row in rows:
        writer.writerow([_text(value) if isinstance(value, float) else value for value in row])
    return text.getvalue()


def _rows(runs: Sequence[RunErrors]) -> tuple[list[str], Iterator[list[Any]]]:
    """The names of the columns, and the rows."""
    normalisers = list(dict.fromkeys(name for each in runs for name in each.normalisers))
    names = [*_COLUMNS, *(f'nme_{name}' for name in normalisers)]
    return names, (row for each in runs for row in _rows_of(each, normalisers))


def _rows_of(found: RunErrors, normalisers: Sequence[str]) -> Iterator[list[Any]]:
    table, yaw = found.run.table, found.yaw
    angles = np.full(len(table), np.nan) if yaw is None else yaw[0]
    errors = [found.errors.get(name) for name in normalisers]
    for face in range(len(table)):
        scores = table.scores[face][table.mask[face]]
        yield [
            found.run.name,
            table.ids[face],
            table.images[face],
            ' '.join(table.subsets[face]),
            int(table.mask[face].sum()),
            float(table.box_size[face]),
            float(angles[face]),
            float(scores.mean()) if len(scores) else float('nan'),
            *(float('nan') if each is None else float(each.means[face]) for each in errors),
        ]


def _text(value: float) -> str:
    return f'{value:.7g}' if np.isfinite(value) else ''
