"""Metrics and pictures of a report, from random errors with a fixed seed."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import cv2
import numpy as np

from mmpose_lite.reporting.faces import drawn_sides

FACES = 200
NAMES = ['LeftEye', 'RightEye', 'Nose', 'LeftMouth', 'RightMouth']
POSITIONS = [[0.0, 0.1], [1.0, 0.1], [0.5, 0.55], [0.2, 1.0], [0.8, 1.0]]
LIMITS = {'box': [0.05, 0.07], 'interocular': [0.08, 0.1]}
TITLES = {'box': 'longer side of the box', 'interocular': 'distance of the eyes'}
_RNG_SEED = 7


def example_metrics(runs: int = 1) -> dict[str, Any]:
    """Metrics of runs on the same faces; the second is better than the first."""
    rng = np.random.default_rng(_RNG_SEED)
    yaw = rng.uniform(-90, 90, FACES)
    base = rng.gamma(4, 0.004, (FACES, len(NAMES))) * (1 + np.abs(yaw) / 60)[:, None]
    errors = [base * rng.uniform(1 - 0.1 * run, 1.05, base.shape) for run in range(runs)]
    made = [_run(f'epoch_{10 * (index + 1)}', each, yaw) for index, each in enumerate(errors)]
    pairs = [_comparison(made, errors, yaw, 0, other) for other in range(1, runs)]
    return {
        'format': 'mmpose_lite report 1',
        'intervals': {'level': 0.95, 'fewest_faces': 20},
        'runs': made,
        'comparisons': pairs,
    }


def example_pictures(metrics: dict[str, Any]) -> dict[str, bytes]:
    """A picture for each face that is shown, each of another colour."""
    names = dict.fromkeys(side['picture'] for _, _, side in drawn_sides(metrics))
    colours = [(index % 256, index // 256, 90) for index in range(len(names))]
    return {
        name: cv2.imencode('.png', np.full((48, 48, 3), colour, np.uint8))[1].tobytes()
        for name, colour in zip(names, colours, strict=True)
    }


def _masks(yaw: np.ndarray) -> dict[str, np.ndarray]:
    return {'full': np.ones(len(yaw), bool), 'frontal': np.abs(yaw) < 30}


def _run(name: str, errors: np.ndarray, yaw: np.ndarray) -> dict[str, Any]:
    masks, eyes = _masks(yaw), np.abs(yaw) < 60
    divided = {'box': (errors, np.ones(len(yaw), bool)), 'interocular': (2.5 * errors, eyes)}
    means, size = errors.mean(axis=1), 60 + 2 * (37 * np.arange(FACES) % FACES)
    return {
        'name': name,
        'provenance': _provenance(name),
        'faces': FACES,
        'left_out': [],
        'points': len(NAMES),
        'point_names': NAMES,
        'left_points': [0, 3],
        'right_points': [1, 4],
        'links': [[0, 2], [1, 2], [3, 4]],
        'normalisers': {
            key: {
                'title': TITLES[key],
                'about': f'The {TITLES[key]}.',
                'faces': int(has.sum()),
                'limits': LIMITS[key],
                'limits_source': f'limits of {key}',
            }
            for key, (_, has) in divided.items()
        },
        'primary': 'box',
        'mean_shape': dict.fromkeys(masks, 0.1),
        'subsets': {key: {'faces': int(mask.sum()), 'left_out': 0} for key, mask in masks.items()},
        'scores': {
            key: {subset: _scores(each[mask & has], LIMITS[key]) for subset, mask in masks.items()}
            for key, (each, has) in divided.items()
        },
        'curves': {
            key: {subset: _curve(each[mask & has]) for subset, mask in masks.items()}
            for key, (each, has) in divided.items()
        },
        'visibility': {'visible': _side(errors[:, :3]), 'hidden': _side(errors[:, 3:])},
        'yaw': {
            'source': 'annotated',
            'bins': _bins(yaw, means, [-90, -45, -15, 15, 45, 90]),
            'unknown': 0,
        },
        'box_size': {'bins': _bins(size, means, [60, 120, 240, 460]), 'unknown': 0},
        'by_point': _by_point(errors),
        'flip_test': {
            'on': {key: float(errors[mask].mean()) for key, mask in masks.items()},
            'off': {key: float(1.03 * errors[mask].mean()) for key, mask in masks.items()},
            'faces': {key: int(mask.sum()) for key, mask in masks.items()},
        },
        'box_errors': {
            'faces': FACES,
            'seed': 0,
            'undisturbed': float(errors.mean()),
            'rows': [
                {'kind': kind, 'amount': amount, **_nme((1 + 2 * amount) * means)}
                for kind in ('shift', 'smaller', 'larger')
                for amount in (0.05, 0.1, 0.2)
            ],
        },
        'reliability': {'faces': FACES, 'bins': _reliability(errors), 'spearman': -0.51},
        'worst': _faces(name, _worst(means, _masks(yaw)), means, yaw, size),
        'typical': _faces(name, _typical(means, _masks(yaw)), means, yaw, size),
    }


def _provenance(name: str) -> dict[str, Any]:
    return {
        'command': f'python tools/report.py config.py {name}.pth',
        'config': 'config.py',
        'config_sha256': 'c0' * 32,
        'resolved_config_sha256': 'c1' * 32,
        'checkpoint': f'{name}.pth',
        'checkpoint_sha256': 'cc' * 32,
        'data': [{'file': 'annotations/test.json', 'sha256': 'da' * 32}],
        'versions': {'mmpose_lite': '0.1.0', 'torch': '2.6'},
        'device': 'CPU',
        'flip_test': True,
        'date': '2026-01-02',
    }


def _by_point(errors: np.ndarray) -> list[dict[str, Any]]:
    return [
        {
            'index': index,
            'name': point,
            'points': FACES,
            'nme': float(errors[:, index].mean()),
            'p90': float(np.quantile(errors[:, index], 0.9)),
            'position': POSITIONS[index],
        }
        for index, point in enumerate(NAMES)
    ]


def _faces(
    name: str,
    chosen: dict[str, list[int]],
    means: np.ndarray,
    yaw: np.ndarray,
    size: np.ndarray,
) -> list[dict[str, Any]]:
    masks = _masks(yaw)
    picked = {face for faces in chosen.values() for face in faces}
    return [
        {
            'id': int(face),
            'image': f'images/{face:03}.jpg',
            'subsets': ['frontal'] if masks['frontal'][face] else [],
            'shown_for': [key for key, faces in chosen.items() if face in faces],
            'yaw': float(yaw[face]),
            'box_size': float(size[face]),
            **_side_of(name, face, means),
        }
        for face in np.argsort(-means).tolist()
        if face in picked
    ]


def _side_of(name: str, face: int, means: np.ndarray) -> dict[str, Any]:
    picture = f'pictures/{name}_face_{face:05}.jpg'
    return {'nme': float(means[face]), 'picture': picture, 'no_picture': None, 'row': int(face)}


def _worst(means: np.ndarray, masks: dict[str, np.ndarray]) -> dict[str, list[int]]:
    """The 24 worst of each subset; few frontal faces are among all's."""
    order = np.argsort(-means)
    return {key: order[mask[order]][:24].tolist() for key, mask in masks.items()}


def _typical(means: np.ndarray, masks: dict[str, np.ndarray]) -> dict[str, list[int]]:
    order = np.argsort(-means)
    return {key: order[mask[order]][24::20].tolist() for key, mask in masks.items()}


def _differing(
    made: list[dict[str, Any]], errors: list[np.ndarray], yaw: np.ndarray, a: int, b: int
) -> list[dict[str, Any]]:
    means = [each.mean(axis=1) for each in (errors[a], errors[b])]
    gain = means[1] - means[0]
    chosen = _worst(np.abs(gain), _masks(yaw))
    chosen = {key: faces[:12] for key, faces in chosen.items()}
    return [
        {
            'id': face,
            'image': f'images/{face:03}.jpg',
            'difference': float(gain[face]),
            'subsets': ['frontal'] if _masks(yaw)['frontal'][face] else [],
            'shown_for': [key for key, faces in chosen.items() if face in faces],
            'a': _side_of(made[a]['name'], face, means[0]),
            'b': _side_of(made[b]['name'], face, means[1]),
        }
        for face in np.argsort(-np.abs(gain)).tolist()
        if any(face in faces for faces in chosen.values())
    ]


def _scores(errors: np.ndarray, limits: list[float]) -> dict[str, Any]:
    means = errors.mean(axis=1)
    named = {f'{limit:.2f}': limit for limit in limits}
    single = {
        'mean': float(means.mean()),
        'pooled': float(errors.mean() * 1.001),
        'median': float(np.median(means)),
        'p90': float(np.quantile(means, 0.9)),
    }
    rates = {
        'failure_rate': {key: float((means > limit).mean()) for key, limit in named.items()},
        'auc': {
            key: float(np.maximum(0, 1 - means / limit).mean()) for key, limit in named.items()
        },
    }
    intervals: dict[str, Any] = {key: _around(value) for key, value in single.items()}
    for measure, values in rates.items():
        intervals[measure] = {key: _around(value) for key, value in values.items()}
    counts = {'faces': len(errors), 'points': errors.size}
    return {**counts, **single, **rates, 'interval': intervals}


def _around(value: float) -> list[float]:
    return [0.95 * value, 1.05 * value]


def _nme(means: np.ndarray) -> dict[str, Any]:
    return {'nme': float(means.mean()), 'interval': _around(float(means.mean()))}


def _side(errors: np.ndarray) -> dict[str, Any]:
    return {'points': errors.size, **_nme(errors)}


def _curve(errors: np.ndarray) -> dict[str, list[float]]:
    at = np.linspace(0, 0.15, 31)
    shares = (errors.mean(axis=1)[:, None] <= at).mean(axis=0)
    return {'error': at.tolist(), 'share': shares.tolist()}


def _bins(of: np.ndarray, means: np.ndarray, edges: list[int]) -> list[dict[str, Any]]:
    bins = []
    for low, high in pairwise(edges):
        inside = means[(of >= low) & (of < high)]
        bins.append({'low': low, 'high': high, 'faces': len(inside), **_nme(inside)})
    return bins


def _reliability(errors: np.ndarray) -> list[dict[str, Any]]:
    # The larger the error, the smaller the confidence.
    parts = np.array_split(np.sort(errors.ravel())[::-1], 5)
    return [
        {
            'confidence': 0.1 + 0.2 * index,
            'low': 0.2 * index,
            'high': 0.2 * (index + 1),
            'points': part.size,
            'error': float(part.mean()),
            'interval': _around(float(part.mean())),
        }
        for index, part in enumerate(parts)
    ]


def _comparison(
    made: list[dict[str, Any]], errors: list[np.ndarray], yaw: np.ndarray, a: int, b: int
) -> dict[str, Any]:
    by_face = errors[b].mean(axis=1) - errors[a].mean(axis=1)
    subsets = {}
    for key, mask in _masks(yaw).items():
        difference = by_face[mask]
        subsets[key] = {
            'faces': len(difference),
            'groups': None,
            'difference': float(difference.mean()),
            'interval': sorted(_around(float(difference.mean()))),
            'p': 0.0004,
            'a_wins': int((difference > 0).sum()),
            'b_wins': int((difference < 0).sum()),
            'ties': int((difference == 0).sum()),
        }
    return {
        'a': made[a]['name'],
        'b': made[b]['name'],
        'runs': {'a': 1, 'b': 1},
        'normaliser': 'box',
        'subsets': subsets,
        'differing': _differing(made, errors, yaw, a, b),
        'left_out': {'a': 0, 'b': 0},
        'remark': None,
        'group': None,
    }
