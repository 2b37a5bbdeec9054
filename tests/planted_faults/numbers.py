"""Sabotages of metrics and reports."""

from .sabotage import Sabotage

SABOTAGES = [
    Sabotage(
        'faces that fill up the last batch are counted',
        'mmpose_lite/evaluation/metrics/gather.py',
        'return rows[:size]',
        'return rows',
        'tests/test_evaluation',
    ),
    Sabotage(
        'faces without a visible point are in the numbers',
        'mmpose_lite/evaluation/metrics/row_metric.py',
        "return None if np.any(row['mask']) else NO_POINT",
        'return None',
        'tests/test_evaluation/test_left_out.py',
    ),
    Sabotage(
        'intervals are those of the draws, not of their own errors',
        'mmpose_lite/evaluation/functional/bootstrap.py',
        'own = np.maximum(own, _LEAST_ERROR**2 * squares)',
        'own = np.broadcast_to(squares, own.shape)',
        'tests/test_evaluation/test_bootstrap.py',
    ),
    Sabotage(
        'another size takes the place of the one that the metric divides by',
        'mmpose_lite/reporting/normalisers.py',
        'is_own = run.measure is not None or np.isfinite(own.values).any() or not known',
        'is_own = np.isfinite(own.values).any() or not known',
        'tests/test_reporting/test_left_out.py',
    ),
    Sabotage(
        'a report reads photographs beside the data roots',
        'mmpose_lite/reporting/pictures.py',
        'if any(Path(path).is_relative_to(root) for root in _allowed_roots(run)):',
        'if path:',
        'tests/test_reporting/test_pictures.py',
    ),
]
