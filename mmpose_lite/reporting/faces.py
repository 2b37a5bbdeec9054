"""The faces that a report shows: the worst, typical ones, and those on which two runs differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy import ndarray

from .schema import DifferingFace, Report, ShownFace, Side

if TYPE_CHECKING:
    from .run import FaceTable
    from .run_errors import Errors, RunErrors

# Of each subset.
WORST, TYPICAL, DIFFERING = 24, 12, 12
_EQUAL = 1e-9  # of two errors


def worst_faces(found: RunErrors) -> list[ShownFace]:
    """Pick the faces with the largest errors of each subset, worst first, each face once."""
    ranked = _ranked(found)
    return _shown(found, {name: each[:WORST] for name, each in ranked.items()})


def typical_faces(found: RunErrors) -> list[ShownFace]:
    """Pick faces at even steps from the best to the worst of each subset, best first.

    They are from the faces that are not among the worst; without others there are none.
    """
    chosen = {}
    for name, ranked in _ranked(found).items():
        rest = ranked[WORST:][::-1]
        count = min(TYPICAL, len(rest))
        # The middles of equal parts, so that the median is among an odd number.
        chosen[name] = rest[[int((i + 0.5) * len(rest) / count) for i in range(count)]]
    return _shown(found, chosen)[::-1]


def _ranked(found: RunErrors) -> dict[str, ndarray]:
    """The rows of each subset that have an error, worst first."""
    order = np.argsort(-found.own.means, kind='stable')  # NaN comes last
    order = order[found.own.faces[order]]
    return {name: order[faces[order]] for name, faces in found.subsets.items()}


def _shown(found: RunErrors, chosen: Mapping[str, ndarray]) -> list[ShownFace]:
    """Describe the chosen rows of each subset, those of all together worst first."""
    table, means, yaw = found.run.table, found.own.means, found.yaw
    rows = sorted({int(i) for part in chosen.values() for i in part}, key=lambda i: (-means[i], i))
    return [
        {
            'id': table.ids[i],
            'image': table.images[i],
            'nme': float(means[i]),
            'subsets': list(table.subsets[i]),
            'shown_for': [name for name, part in chosen.items() if i in part],
            'yaw': None if yaw is None else _known(yaw[0][i]),
            'box_size': _known(table.box_size[i]),
            'picture': None,
            'no_picture': None,
            'row': i,
        }
        for i in rows
    ]


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def differing_faces(
    truth: FaceTable,
    errors: tuple[Errors, Errors],
    rows: tuple[ndarray, ndarray],
    subsets: Mapping[str, ndarray],
) -> list[DifferingFace]:
    """Pick the faces of each subset on which two runs differ most, the largest difference first.

    Args:
        truth: The N faces that both runs have.
        errors: Those of the two runs.
        rows: Each run's rows of these faces, ``(N,)``.
        subsets: Masks of the faces to compare, ``(N,)`` bool.
    """
    mine, theirs = (each.means for each in errors)
    gain = theirs - mine
    order = np.argsort(-np.abs(gain), kind='stable')
    order = order[np.abs(gain[order]) > _EQUAL]  # without NaN
    chosen = {name: order[faces[order]][:DIFFERING] for name, faces in subsets.items()}
    picked = {int(i) for part in chosen.values() for i in part}

    def side(run: int, i: int) -> Side:
        error = float(errors[run].means[i])
        return {'nme': error, 'picture': None, 'no_picture': None, 'row': int(rows[run][i])}

    return [
        {
            'id': truth.ids[i],
            'image': truth.images[i],
            'difference': float(gain[i]),
            'subsets': list(truth.subsets[i]),
            'shown_for': [name for name, part in chosen.items() if i in part],
            'a': side(0, i),
            'b': side(1, i),
        }
        for i in order.tolist()
        if i in picked
    ]


def drawn_sides(metrics: Report) -> Iterator[tuple[str, str, ShownFace | Side]]:
    """Go through all pictures of a report: the run's name, the image, and what is to be drawn."""
    for run in metrics['runs']:
        for face in (*run['worst'], *run['typical']):
            yield run['name'], face['image'], face
    for pair in metrics['comparisons']:
        for each in pair['differing']:
            yield pair['a'], each['image'], each['a']
            yield pair['b'], each['image'], each['b']
