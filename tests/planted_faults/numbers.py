"""Sabotages of metrics and reports."""

from .sabotage import Sabotage

SABOTAGES = [
    Sabotage(
        'faces that fill up the last batch are counted',
        'mmpose_lite/evaluation/metrics/row_metric.py',
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
        'a part of which no face is left ends the test',
        'mmpose_lite/evaluation/metrics/row_metric.py',
        'if subset not in lost',
        'if True',
        'tests/test_evaluation/test_left_out.py',
    ),
    Sabotage(
        'a subset and a part of one name are one',
        'mmpose_lite/evaluation/metrics/row_metric.py',
        'if name in parts:',
        'if False:',
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
        'mmpose_lite/reporting/run_errors.py',
        'is_own = run.normaliser is not None or np.isfinite(own.values).any() or not known',
        'is_own = np.isfinite(own.values).any() or not known',
        'tests/test_reporting/test_left_out.py',
    ),
    Sabotage(
        'a report reads photographs beside the data roots',
        'mmpose_lite/reporting/writing.py',
        'if any(Path(path).is_relative_to(root) for root in _allowed_roots(run)):',
        'if path:',
        'tests/test_reporting/test_pictures.py',
    ),
    Sabotage(
        'a p value is one-sided',
        'mmpose_lite/evaluation/functional/bootstrap.py',
        'return min(1.0, 2 * (turned + 1) / (len(drawn) + 1))',
        'return min(1.0, (turned + 1) / (len(drawn) + 1))',
        'tests/test_evaluation/test_bootstrap.py',
    ),
    Sabotage(
        'the skewness of intervals is turned',
        'mmpose_lite/evaluation/functional/bootstrap.py',
        'return np.stack([ratios - low * errors, ratios - high * errors], axis=1)',
        'return np.stack([ratios + high * errors, ratios + low * errors], axis=1)',
        'tests/test_evaluation/test_bootstrap.py',
    ),
    Sabotage(
        'a face at the limit fails',
        'mmpose_lite/evaluation/functional/keypoint_eval.py',
        "side='right') / len(ranked)",
        "side='left') / len(ranked)",
        'tests/test_evaluation/test_error_curves.py',
    ),
    Sabotage(
        'points that no face has are hits',
        'mmpose_lite/evaluation/functional/keypoint_eval.py',
        'known = shares[totals > 0]',
        'known = shares',
        'tests/test_evaluation/test_keypoint_eval.py',
    ),
    Sabotage(
        'annotated yaw stays in radians',
        'mmpose_lite/reporting/run_errors.py',
        "return np.degrees(annotated), 'annotated'",
        "return annotated, 'annotated'",
        'tests/test_reporting/test_breakdowns.py',
    ),
    Sabotage(
        'a subset has every face',
        'mmpose_lite/reporting/run_errors.py',
        'np.array([name in names for names in table.subsets])',
        'np.array([True for names in table.subsets])',
        'tests/test_reporting/test_breakdowns.py tests/test_reporting/test_table.py',
    ),
]
