"""The arithmetic of evaluation: numpy in, numbers out."""

from .bootstrap import (
    FEWEST_FACES,
    LEVEL,
    PairedDifference,
    paired_difference,
    ratio_intervals,
)
from .error_curves import areas, error_shares, failures
from .exact_intervals import quantile_interval, share_interval
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
    'FEWEST_FACES',
    'LEVEL',
    'PairedDifference',
    'areas',
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
    'pose_pck_accuracy',
    'quantile_interval',
    'ratio_intervals',
    'share_interval',
]
