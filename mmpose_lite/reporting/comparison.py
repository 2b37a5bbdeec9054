"""Two runs on the same faces."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy import ndarray

from mmpose_lite.evaluation.functional import paired_difference

from .errors import Errors
from .measured import Measured, subset_faces
from .run import Run
from .table import FaceTable

_SAME_TRUTH = 0.5  # px
_TIE = 1e-9


def compare_all(runs: Sequence[Measured]) -> list[dict[str, Any]]:
    """Compare each pair of runs."""
    return [compare(first, second.run) for first, second in combinations(runs, 2)]


def compare(measured: Measured, other: Run) -> dict[str, Any]:
    """Compare two runs on the faces that both have, by the first one's own normaliser.

    Returns:
        By subset the mean over faces of the difference of a face's errors, the other's less the
        first's, with its bootstrap interval over faces and p; and how many faces either has the
        smaller error on. No subsets without common faces. Under ``left_out`` how many faces of
        each are not in it, and as ``remark`` this in words; None where all are.
    """
    subsets = _by_subset(measured, other)
    compared = subsets['full']['faces'] if subsets else 0
    left_out = {'a': len(measured.run.table) - compared, 'b': len(other.table) - compared}
    return {
        'a': measured.run.name,
        'b': other.name,
        'normaliser': measured.primary,
        'subsets': subsets,
        'left_out': left_out,
        'remark': _remark(measured.run, other, left_out),
    }


def _by_subset(measured: Measured, other: Run) -> dict[str, Any]:
    """The numbers of the subsets with common faces; ``full`` is among them if there are any."""
    first, second = _common(measured.run.table, other.table)
    if not len(first):
        return {}
    truth, sizes = measured.run.table.take(first), measured.sizes[first]
    # One truth for both, so that nothing but the predictions differs.
    mine = Errors.of(truth, sizes)
    theirs = Errors.of(truth.predicting(other.table.pred[second]), sizes)
    groups = subset_faces(truth)
    subsets = {key: _paired(mine, theirs, faces & mine.faces) for key, faces in groups.items()}
    return {key: value for key, value in subsets.items() if value['faces']}


def _remark(first: Run, second: Run, left_out: dict[str, int]) -> str | None:
    """Say which faces are not compared."""
    one, other = first.table, second.table
    if one.points != other.points:
        return f'{first.name} has {one.points} points a face, {second.name} has {other.points}'
    if not any(left_out.values()):
        return None
    return (
        f'{left_out["a"]:,} of {len(one):,} faces of {first.name} and {left_out["b"]:,} of '
        f'{len(other):,} faces of {second.name} are left out; a face is compared where both runs '
        'have it with one photograph, annotation id and truth, and its error is known'
    )


def _common(first: FaceTable, second: FaceTable) -> tuple[ndarray, ndarray]:
    """Where both tables have one face: the same photograph's name, id, and true points."""
    if first.points != second.points:
        return np.zeros(0, dtype=int), np.zeros(0, dtype=int)
    places = defaultdict(list)
    for place, key in enumerate(_keys(second)):
        places[key].append(place)
    same = []
    for i, key in enumerate(_keys(first)):
        # Parts of a combined set may number their faces alike; each is paired but once.
        j = next((j for j in places[key] if _one_truth(first, i, second, j)), None)
        if j is not None:
            places[key].remove(j)
            same.append((i, j))
    mine, theirs = np.array(same, dtype=int).reshape(-1, 2).T
    return mine, theirs


def _keys(table: FaceTable) -> list[tuple[str, str]]:
    # Runs on two machines have their photographs in different folders.
    names = [PurePath(image.replace('\\', '/')).name for image in table.images]
    return [(str(face), name) for face, name in zip(table.ids, names, strict=True)]


def _one_truth(first: FaceTable, i: int, second: FaceTable, j: int) -> bool:
    mask = first.mask[i]
    if not np.array_equal(mask, second.mask[j]):
        return False
    apart = np.abs(first.gt[i][mask] - second.gt[j][mask])
    return bool((apart <= _SAME_TRUTH).all())


def _paired(mine: Errors, theirs: Errors, faces: ndarray) -> dict[str, Any]:
    count = int(faces.sum())
    if not count:
        return {'faces': 0}
    ours, others = mine.means[faces], theirs.means[faces]
    difference = paired_difference(ours, others, np.ones(count))
    gain = others - ours
    return {
        'faces': count,
        'difference': difference.difference,
        'interval': None if difference.interval is None else list(difference.interval),
        'p': difference.p,
        'a_wins': int((gain > _TIE).sum()),
        'b_wins': int((gain < -_TIE).sum()),
        'ties': int((np.abs(gain) <= _TIE).sum()),
    }
