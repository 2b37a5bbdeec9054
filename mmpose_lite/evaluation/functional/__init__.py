"""The arithmetic of evaluation, on numpy arrays."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .bootstrap import (
        FEWEST_FACES,
        LEVEL,
        PairedDifference,
        paired_difference,
        quantile_interval,
        ratio_intervals,
        share_interval,
    )
    from .keypoint_eval import (
        areas,
        error_shares,
        failures,
        keypoint_auc,
        keypoint_distances,
        keypoint_epe,
        keypoint_nme,
        keypoint_pck_accuracy,
        multilabel_classification_accuracy,
        pose_pck_accuracy,
    )
    from .pose_angles import head_pose

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

__getattr__, __dir__ = lazy_names(__name__)
