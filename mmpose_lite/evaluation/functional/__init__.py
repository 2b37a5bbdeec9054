"""The arithmetic of evaluation: numpy in, numbers out."""

from .keypoint_eval import (
    keypoint_auc,
    keypoint_epe,
    keypoint_nme,
    keypoint_pck_accuracy,
    multilabel_classification_accuracy,
    pose_pck_accuracy,
)

__all__ = [
    'keypoint_auc',
    'keypoint_epe',
    'keypoint_nme',
    'keypoint_pck_accuracy',
    'multilabel_classification_accuracy',
    'pose_pck_accuracy',
]
