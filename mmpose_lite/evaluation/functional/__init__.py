"""The arithmetic of evaluation: numpy in, numbers out."""

from .bootstrap import (
    PairedDifference,
    bootstrap,
    paired_difference,
    percentile_interval,
    resampled_quantiles,
    resampled_ratios,
)
from .error_curves import areas, error_shares, failures
from .head_pose import head_pose
from .keypoint_eval import (
    keypoint_auc,
    keypoint_distances,
    keypoint_epe,
    keypoint_nme,
    keypoint_pck_accuracy,
    multilabel_classification_accuracy,
    pose_pck_accuracy,
)

__all__ = [
    'PairedDifference',
    'areas',
    'bootstrap',
    'error_shares',
    'failures',
    'head_pose',
    'keypoint_auc',
    'keypoint_distances',
    'keypoint_epe',
    'keypoint_nme',
    'keypoint_pck_accuracy',
    'multilabel_classification_accuracy',
    'paired_difference',
    'percentile_interval',
    'pose_pck_accuracy',
    'resampled_quantiles',
    'resampled_ratios',
]
