"""What ``metrics.json`` of a report holds, as one table, and a check that names what does not fit.

All errors are fractions of what the normaliser says: 0.0141 is 1.41 %. Points are in image pixels,
those of the mean face in a frame where it fits 0 .. 1 both ways, y pointing down.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ..utils import InputError

FORMAT = 'mmpose_lite report 1'


@dataclass(frozen=True)
class Each:
    """A dict whose keys are the run's own, with values of one shape."""

    shape: Any


@dataclass(frozen=True)
class Maybe:
    """A part that is null where it was not measured."""

    shape: Any


# Numbers that cannot be known are null: the median of no faces, an interval of a few faces.
NUMBER = Maybe(float)
INTERVAL = Maybe([NUMBER])
TEXT = Maybe(str)

_MEASURES = dict.fromkeys(('mean', 'pooled', 'median', 'p90'), NUMBER)
_RATES = ('failure_rate', 'auc')  # by threshold: '0.07', '0.08', '0.10'
_INTERVALS: dict[str, Any] = dict.fromkeys(_MEASURES, INTERVAL)
_INTERVALS |= dict.fromkeys(_RATES, Each(INTERVAL))
_SCORES: dict[str, Any] = {'faces': int, 'points': int, 'interval': _INTERVALS}
_SCORES |= _MEASURES | dict.fromkeys(_RATES, Each(NUMBER))

_FACES_IN_BIN = {'low': NUMBER, 'high': NUMBER, 'faces': int, 'nme': NUMBER, 'interval': INTERVAL}
_POINTS_IN_BIN = {
    'confidence': NUMBER,
    'low': NUMBER,
    'high': NUMBER,
    'points': int,
    'error': NUMBER,
    'interval': INTERVAL,
}
_SIDE = {'points': int, 'nme': NUMBER, 'interval': INTERVAL}
_PROVENANCE: dict[str, Any] = {
    'command': TEXT,
    'config': TEXT,
    'config_sha256': TEXT,
    'resolved_config_sha256': TEXT,
    'checkpoint': TEXT,
    'checkpoint_sha256': TEXT,
    'data': Maybe([{'file': str, 'sha256': TEXT}]),
    'versions': Maybe(Each(TEXT)),
    'device': TEXT,
    'flip_test': Maybe(bool),
    'date': TEXT,
}
_POINT = {
    'index': int,
    'name': str,
    'points': int,
    'nme': NUMBER,
    'p90': NUMBER,
    'position': Maybe([float]),  # of no face: null
}
_BOX_ERRORS = {
    'faces': int,
    'seed': int,
    'undisturbed': NUMBER,
    # kind: 'shift', 'smaller' or 'larger'; amount: in sides of the box
    'rows': [{'kind': str, 'amount': float, 'nme': NUMBER, 'interval': INTERVAL}],
}
_WORST = {
    'id': Maybe((str, int)),
    'image': str,
    'nme': NUMBER,
    'subsets': [str],
    'yaw': NUMBER,
    'box_size': NUMBER,
    'picture': TEXT,
    'no_picture': TEXT,  # why
}
_RUN = {
    'name': str,
    'provenance': _PROVENANCE,
    'faces': int,  # with a visible point; so are those of subsets
    'left_out': [str],  # which faces are in no number by the primary normaliser, in words
    'points': int,
    'point_names': [str],
    'left_points': [int],
    'right_points': [int],
    'links': [[int]],
    'normalisers': Each({'title': str, 'about': str, 'faces': int}),
    'primary': str,
    'subsets': Each({'faces': int, 'left_out': int}),
    # By normaliser, then by subset; so are curves.
    'scores': Each(Each(_SCORES)),
    'curves': Each(Each({'error': [float], 'share': [float]})),
    # All below by the primary normaliser.
    'visibility': Maybe({'visible': _SIDE, 'hidden': _SIDE}),
    'yaw': Maybe({'source': str, 'bins': [_FACES_IN_BIN], 'unknown': int}),  # faces in no bin
    'box_size': {'bins': [_FACES_IN_BIN], 'unknown': int},
    'by_point': [_POINT],
    'flip_test': Maybe({'on': Each(NUMBER), 'off': Each(NUMBER), 'faces': Each(int)}),
    'box_errors': Maybe(_BOX_ERRORS),
    'reliability': Maybe({'faces': int, 'bins': [_POINTS_IN_BIN], 'spearman': NUMBER}),
    'worst': [_WORST],
}
# b less a, over the faces that both have.
_PAIRED = {
    'faces': int,
    'difference': NUMBER,
    'interval': INTERVAL,
    'p': NUMBER,
    'a_wins': int,
    'b_wins': int,
    'ties': int,
}
_COMPARISON = {
    'a': str,
    'b': str,
    'normaliser': str,
    'subsets': Each(_PAIRED),  # none: the runs have no face in common
    'left_out': {'a': int, 'b': int},  # faces
    'remark': TEXT,  # null: all faces of both are compared
}
REPORT = {
    'format': str,
    'intervals': {'level': float, 'fewest_faces': int},  # null intervals: of fewer faces
    'runs': [_RUN],
    'comparisons': [_COMPARISON],
}


def check_report(metrics: Any) -> None:
    """Check that a dict is a report's metrics.

    Keys beyond the table are let through: a later version may know more.

    Raises:
        InputError: Something is missing, of another type, not finite, or does not fit the rest;
            the message names the place.
    """
    _check(metrics, REPORT, 'metrics')
    if metrics['format'] != FORMAT:
        raise InputError(f'metrics.format is {metrics["format"]!r}, this version reads {FORMAT!r}')
    names = [run['name'] for run in metrics['runs']]
    if not names:
        raise InputError('metrics.runs is empty: a report needs a run')
    if len(set(names)) < len(names):
        raise InputError(f'metrics.runs: names are not unique: {", ".join(names)}')
    for index, run in enumerate(metrics['runs']):
        _check_run(run, f'metrics.runs[{index}]')
    runs = {run['name']: run for run in metrics['runs']}
    for index, pair in enumerate(metrics['comparisons']):
        _check_comparison(pair, runs, f'metrics.comparisons[{index}]')


def _check_run(run: dict[str, Any], place: str) -> None:
    """Check what the parts of one run say of each other."""
    _check_one_of(run['primary'], run['normalisers'], f'{place}.primary')
    for part in ('scores', 'curves'):
        for normaliser, subsets in run[part].items():
            _check_one_of(normaliser, run['normalisers'], f'{place}.{part}')
            _check_subsets(subsets, run, f'{place}.{part}.{normaliser}')
    for side in ('on', 'off') if run['flip_test'] else ():
        _check_subsets(run['flip_test'][side], run, f'{place}.flip_test.{side}')
    for normaliser, curves in run['curves'].items():
        for subset, curve in curves.items():
            _check_curve(curve, f'{place}.curves.{normaliser}.{subset}')
    _check_links(run, place)


def _check_comparison(pair: dict[str, Any], runs: dict[str, Any], place: str) -> None:
    for side in ('a', 'b'):
        _check_one_of(pair[side], runs, f'{place}.{side}')
    known = runs[pair['a']]['normalisers']
    _check_one_of(pair['normaliser'], known, f'{place}.normaliser')


def _check_subsets(part: dict[str, Any], run: dict[str, Any], place: str) -> None:
    for subset in part:
        _check_one_of(subset, run['subsets'], place)


def _check_curve(curve: dict[str, Any], place: str) -> None:
    errors, shares = len(curve['error']), len(curve['share'])
    if errors != shares:
        raise InputError(f'{place} has {errors} errors and {shares} shares')


def _check_links(run: dict[str, Any], place: str) -> None:
    points = len(run['by_point'])
    for link in run['links']:
        if len(link) != 2 or not all(0 <= point < points for point in link):
            raise InputError(f'{place}.links: {link} are not two of {points} points')


def _check_one_of(value: str, known: Any, place: str) -> None:
    if value not in known:
        raise InputError(f'{place}: {value!r} is none of {", ".join(map(repr, known))}')


def _check(value: Any, shape: Any, place: str) -> None:
    """Check a value against a shape of the table above."""
    if isinstance(shape, Maybe):
        if value is not None:
            _check(value, shape.shape, place)
    elif isinstance(shape, Each):
        for key, item in _typed(value, dict, place).items():
            _check(item, shape.shape, f'{place}.{key}')
    elif isinstance(shape, dict):
        for key, part in shape.items():
            if key not in _typed(value, dict, place):
                raise InputError(f'{place}.{key} is missing')
            _check(value[key], part, f'{place}.{key}')
    elif isinstance(shape, list):
        for index, item in enumerate(_typed(value, list, place)):
            _check(item, shape[0], f'{place}[{index}]')
    else:
        _check_leaf(value, shape, place)


def _check_leaf(value: Any, kind: Any, place: str) -> None:
    _typed(value, (int, float) if kind is float else kind, place)
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f'{place} is {value}, not a finite number')


def _typed(value: Any, kind: Any, place: str) -> Any:
    if not isinstance(value, kind):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        wanted = ' or '.join(one.__name__ for one in kinds)
        raise InputError(f'{place} is {str(value)[:60]!r}, not a {wanted}')
    return value
