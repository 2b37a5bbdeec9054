"""All numbers of a report, as ``metrics.json`` holds them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from mmpose_lite.evaluation.functional import FEWEST_FACES, LEVEL
from mmpose_lite.evaluation.metrics.row_metric import NO_POINT, count_left_out

from .breakdowns import by_box_size, by_point, by_visibility, by_yaw, reliability
from .comparison import compare_all
from .errors import Errors
from .further import box_errors, flip_test
from .measured import Measured
from .provenance import KEYS
from .report_shape import FORMAT
from .run import PointSet
from .scores import curve, headline

WORST = 24  # of each subset; gallery.js and gallery.html.j2 show so many


def summarise(runs: Sequence[Measured]) -> dict[str, Any]:
    """Compute a report's numbers; ``worst`` names no pictures yet."""
    return {
        'format': FORMAT,
        'intervals': {'level': LEVEL, 'fewest_faces': FEWEST_FACES},
        'runs': [_summarise(each) for each in runs],
        'comparisons': compare_all(runs),
    }


def _summarise(measured: Measured) -> dict[str, Any]:
    run, own, subsets = measured.run, measured.own, measured.subsets
    counts = run.table.mask.any(axis=1)
    parts = {
        name: {subset: each.among(faces[:, None]) for subset, faces in subsets.items()}
        for name, each in measured.errors.items()
    }
    return {
        'name': run.name,
        'provenance': {key: run.provenance.get(key) for key in KEYS},
        'faces': int(counts.sum()),
        'left_out': _left_out(measured),
        'points': run.table.points,
        **_describe_points(run.points),
        'normalisers': {
            name: {
                'title': each.title,
                'about': each.about,
                'faces': int(measured.errors[name].faces.sum()),
            }
            for name, each in measured.normalisers.items()
        },
        'primary': measured.primary,
        'subsets': {
            name: {'faces': int((faces & counts).sum()), 'left_out': int((faces & ~counts).sum())}
            for name, faces in subsets.items()
        },
        'scores': _for_each(parts, headline),
        'curves': _for_each(parts, curve),
        'visibility': by_visibility(run, own),
        'yaw': by_yaw(own, measured.yaw),
        'box_size': by_box_size(run, own),
        'by_point': by_point(run, own),
        'flip_test': flip_test(run, measured.sizes, subsets),
        'box_errors': box_errors(run, measured.sizes),
        'reliability': reliability(run, own),
        'worst': _worst(measured),
    }


def _left_out(measured: Measured) -> list[str]:
    """Say how many faces are in no number by the metric's own normaliser, and why."""
    counts = measured.run.table.mask.any(axis=1)
    title = measured.normalisers[measured.primary].title
    missing = {
        NO_POINT: int((~counts).sum()),
        f'no normaliser ({title})': int((counts & ~measured.own.faces).sum()),
    }
    return [
        count_left_out(faces, len(measured.run.table), reason)
        for reason, faces in missing.items()
        if faces
    ]


def _for_each(parts: dict[str, dict[str, Errors]], compute: Any) -> dict[str, Any]:
    return {
        name: {subset: compute(part) for subset, part in subsets.items()}
        for name, subsets in parts.items()
    }


def _describe_points(points: PointSet) -> dict[str, Any]:
    """Names, links, and which points are left and right, of those with a mirror, by their names."""
    sides: dict[str, list[int]] = {'left': [], 'right': []}
    for index, mirror in enumerate(points.flip_indices):
        # The first word counts: LeftBrowRightCorner is a point of the left brow.
        side = re.search('left|right', points.names[index].lower())
        if side is not None and mirror != index:
            sides[side.group()].append(index)
    return {
        'point_names': list(points.names),
        'left_points': sides['left'],
        'right_points': sides['right'],
        'links': [list(link) for link in points.links],
    }


def _worst(measured: Measured) -> list[dict[str, Any]]:
    """The faces with the largest errors of each subset, worst first, each face once."""
    table, means, yaw = measured.run.table, measured.own.means, measured.yaw
    order = np.argsort(-means, kind='stable')  # NaN comes last
    order = order[measured.own.faces[order]]
    chosen = {int(i) for faces in measured.subsets.values() for i in order[faces[order]][:WORST]}
    return [
        {
            'id': table.ids[i],
            'image': table.images[i],
            'nme': float(means[i]),
            'subsets': list(table.subsets[i]),
            'yaw': None if yaw is None else _known(yaw[0][i]),
            'box_size': _known(table.box_size[i]),
            'picture': None,
            'no_picture': None,
            'row': i,
        }
        for i in order.tolist()
        if i in chosen
    ]


def _known(value: float) -> float | None:
    """A number as JSON has it; NaN is null."""
    return float(value) if np.isfinite(value) else None
