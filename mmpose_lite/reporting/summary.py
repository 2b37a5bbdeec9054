"""All numbers of a report, and comparisons of its runs."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import PurePath
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from mmpose_lite.datasets.file_names import find_group
from mmpose_lite.evaluation.functional import FEWEST_FACES, LEVEL, paired_difference
from mmpose_lite.evaluation.metrics.row_metric import NO_POINT, left_out_sentences

from .faces import differing_faces, typical_faces, worst_faces
from .limits import limits_of
from .robustness import measure_box_errors, measure_flip_test
from .run import WHOLE, FaceTable
from .run_errors import Errors, RunErrors, subset_faces
from .schema import (
    Comparison,
    DifferingFace,
    Metadata,
    NormaliserEntry,
    PairedEntry,
    PointSet,
    Report,
    RunEntry,
)
from .scores import by_box_size, by_point, by_visibility, by_yaw, curve, headline, reliability

_SAME_TRUTH = 0.5  # px
_TIE = 1e-9


def summarise(runs: Sequence[RunErrors], group: str | None = None) -> Report:
    """Compute the numbers of a report; the worst faces have no pictures yet.

    Runs, or recipes if the runs name theirs, are compared by a bootstrap over faces, or over the
    groups that the regular expression ``group`` finds in the names of photographs, such as people.
    """
    pairs = combinations(_trained(runs), 2)
    return {
        'format': 'mmpose_lite report 1',
        'intervals': {'level': LEVEL, 'fewest_faces': FEWEST_FACES},
        'runs': [_summarise(each) for each in runs],
        'comparisons': [compare(first, second, group) for first, second in pairs],
    }


def _summarise(found: RunErrors) -> RunEntry:
    run, own, subsets = found.run, found.own, found.subsets
    counts = run.table.mask.any(axis=1)
    parts = {
        name: {subset: each.among(faces[:, None]) for subset, faces in subsets.items()}
        for name, each in found.errors.items()
    }
    left, right = _sides(run.points)
    metadata: Any = {key: run.provenance.get(key) for key in Metadata.__annotations__}
    return {
        'name': run.name,
        'provenance': metadata,
        'faces': int(counts.sum()),
        'left_out': _left_out(found),
        'points': run.table.points,
        'point_names': list(run.points.names),
        'left_points': left,
        'right_points': right,
        'links': [list(link) for link in run.points.links],
        'normalisers': _normalisers(found),
        'primary': found.primary,
        'mean_shape': _mean_shape(found),
        'subsets': {
            name: {'faces': int((faces & counts).sum()), 'left_out': int((faces & ~counts).sum())}
            for name, faces in subsets.items()
        },
        'scores': {
            name: {subset: headline(part, limits_of(name)) for subset, part in each.items()}
            for name, each in parts.items()
        },
        'curves': {
            name: {subset: curve(part) for subset, part in each.items()}
            for name, each in parts.items()
        },
        'visibility': by_visibility(run, own),
        'yaw': by_yaw(own, found.yaw),
        'box_size': by_box_size(run, own),
        'by_point': by_point(run, own),
        'flip_test': measure_flip_test(run, found.sizes, subsets),
        'box_errors': measure_box_errors(run, found.sizes),
        'reliability': reliability(run, own),
        'worst': worst_faces(found),
        'typical': typical_faces(found),
    }


def _normalisers(found: RunErrors) -> dict[str, NormaliserEntry]:
    return {
        name: {
            'title': each.title,
            'about': each.about,
            'faces': int(found.errors[name].faces.sum()),
            'limits': list(limits_of(name).values),
            'limits_source': limits_of(name).source,
        }
        for name, each in found.normalisers.items()
    }


def _mean_shape(found: RunErrors) -> dict[str, float | None]:
    errors = found.mean_shape
    return {
        name: None if errors is None else errors.among(faces[:, None]).pooled()
        for name, faces in found.subsets.items()
    }


def _left_out(found: RunErrors) -> list[str]:
    """Sentences about the faces that are in no number by the metric's own normaliser."""
    table = found.run.table
    title = found.normalisers[found.primary].title
    counts = [bool(points.any()) for points in table.mask]
    reasons = [
        None if has_error else f'no normaliser ({title})' if has_points else NO_POINT
        for has_points, has_error in zip(counts, found.own.faces.tolist(), strict=True)
    ]
    return left_out_sentences(reasons, table.ids, table.parts)


def _sides(points: PointSet) -> tuple[list[int], list[int]]:
    """Left and right points by their names, of those with a mirror point."""
    sides: dict[str, list[int]] = {'left': [], 'right': []}
    for index, mirror in enumerate(points.flip_indices):
        # The first word counts: LeftBrowRightCorner is a point of the left brow.
        side = re.search('left|right', points.names[index].lower())
        if side is not None and mirror != index:
            sides[side.group()].append(index)
    return sides['left'], sides['right']


class Trained(NamedTuple):
    """A side of a comparison: a run alone, or all runs of a recipe."""

    name: str
    runs: list[RunErrors]

    @property
    def table(self) -> FaceTable:
        """The faces of its first run."""
        return self.runs[0].run.table


def _trained(found: Sequence[RunErrors]) -> list[Trained]:
    sides: dict[tuple[bool, str], Trained] = {}
    for each in found:
        name = each.run.recipe or each.run.name
        sides.setdefault((each.run.recipe is None, name), Trained(name, [])).runs.append(each)
    return list(sides.values())


def compare(first: Trained, second: Trained, group: str | None = None) -> Comparison:
    """Compare two sides on the faces that all runs have, by the first one's own normaliser.

    Raises:
        InputError: If ``group`` finds nothing in the name of a photograph.
    """
    subsets, differing = _compare_subsets(first, second, group)
    compared = subsets[WHOLE]['faces'] if subsets else 0
    left_out = {'a': len(first.table) - compared, 'b': len(second.table) - compared}
    return {
        'a': first.name,
        'b': second.name,
        'runs': {'a': len(first.runs), 'b': len(second.runs)},
        'normaliser': first.runs[0].primary,
        'subsets': subsets,
        'differing': differing,
        'left_out': left_out,
        'remark': _remark(first, second, left_out),
        'group': group,
    }


def _compare_subsets(
    first: Trained, second: Trained, group: str | None
) -> tuple[dict[str, PairedEntry], list[DifferingFace]]:
    """Compare the subsets with common faces; ``full`` is among them if there are any."""
    tables = [each.run.table for each in (*first.runs, *second.runs)]
    rows = _common(tables)
    if not len(rows[0]):
        return {}, []
    truth, sizes = first.table.take(rows[0]), first.runs[0].sizes[rows[0]]
    # One truth for all, so that only the predictions differ.
    errors = [
        Errors.of(replace(truth, pred=table.pred[places]), sizes)
        for table, places in zip(tables, rows, strict=True)
    ]
    mine, theirs = errors[: len(first.runs)], errors[len(first.runs) :]
    groups = {key: faces & mine[0].faces for key, faces in subset_faces(truth).items()}
    members = _groups(truth, group)
    paired = {
        key: _paired(mine, theirs, faces, members) for key, faces in groups.items() if faces.any()
    }
    if len(tables) > 2:
        return paired, []
    return paired, differing_faces(truth, (mine[0], theirs[0]), (rows[0], rows[1]), groups)


def _groups(table: FaceTable, pattern: str | None) -> ndarray | None:
    """The number of each face's group, ``(N,)``, from 0 on; None where there are no groups."""
    if pattern is None:
        return None
    found = [find_group(pattern, name, '--group') for _, name in _keys(table)]
    return np.unique(found, return_inverse=True)[1]


def _remark(first: Trained, second: Trained, left_out: dict[str, int]) -> str | None:
    """Say which faces are not compared; None if all are."""
    one, other = first.table, second.table
    if one.points != other.points:
        return f'{first.name} has {one.points} points a face, {second.name} has {other.points}'
    if not any(left_out.values()):
        return None
    return (
        f'{left_out["a"]:,} of {len(one):,} faces of {first.name} and {left_out["b"]:,} of '
        f'{len(other):,} faces of {second.name} are left out; a face is compared where all runs '
        'have it with one photograph, annotation id and truth, and its error is known'
    )


def _common(tables: Sequence[FaceTable]) -> list[ndarray]:
    """Indices of the faces that all tables have, for each table."""
    first, *others = tables
    found = [_same_faces(first, other) for other in others]
    places = [i for i in range(len(first)) if all(i in same for same in found)]
    rows = [places, *([same[i] for i in places] for same in found)]
    return [np.array(each, dtype=int) for each in rows]


def _same_faces(first: FaceTable, second: FaceTable) -> dict[int, int]:
    """Map faces to those of another table, by name of the photograph, id and true points."""
    same: dict[int, int] = {}
    if first.points == second.points:
        places = defaultdict(list)
        for place, key in enumerate(_keys(second)):
            places[key].append(place)
        for i, key in enumerate(_keys(first)):
            # Parts of a combined set may number their faces alike; each is paired only once.
            j = next((j for j in places[key] if _one_truth(first, i, second, j)), None)
            if j is not None:
                places[key].remove(j)
                same[i] = j
    return same


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


def _paired(
    mine: Sequence[Errors],
    theirs: Sequence[Errors],
    faces: ndarray,
    groups: ndarray | None = None,
) -> PairedEntry:
    """Difference of the faces' mean errors; ``faces`` is ``(N,)`` bool, not empty."""
    by_run = [np.array([each.means[faces] for each in side]) for side in (mine, theirs)]
    ours, others = (each.mean(axis=0) for each in by_run)
    members = (
        np.arange(len(ours)) if groups is None else np.unique(groups[faces], return_inverse=True)[1]
    )
    # A draw has all faces of a group, or none of them.
    difference = paired_difference(
        np.bincount(members, ours),
        np.bincount(members, others),
        np.bincount(members),
        runs=[each.mean(axis=1).tolist() for each in by_run] if len(mine) > 1 else (),
    )
    gain = others - ours
    return {
        'faces': len(ours),
        'groups': None if groups is None else int(members.max()) + 1,
        'difference': difference.difference,
        'interval': None if difference.interval is None else list(difference.interval),
        'p': difference.p,
        'a_wins': int((gain > _TIE).sum()),
        'b_wins': int((gain < -_TIE).sum()),
        'ties': int((np.abs(gain) <= _TIE).sum()),
    }
