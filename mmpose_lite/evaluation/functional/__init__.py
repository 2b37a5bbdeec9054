"""The arithmetic of evaluation, on numpy arrays."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .bootstrap import FEWEST_FACES as FEWEST_FACES
    from .bootstrap import LEVEL as LEVEL
    from .bootstrap import PairedDifference as PairedDifference
    from .bootstrap import paired_difference as paired_difference
    from .bootstrap import quantile_interval as quantile_interval
    from .bootstrap import ratio_intervals as ratio_intervals
    from .bootstrap import share_interval as share_interval
    from .keypoint_eval import areas as areas
    from .keypoint_eval import error_shares as error_shares
    from .keypoint_eval import failures as failures
    from .keypoint_eval import keypoint_auc as keypoint_auc
    from .keypoint_eval import keypoint_distances as keypoint_distances
    from .keypoint_eval import keypoint_epe as keypoint_epe
    from .keypoint_eval import keypoint_nme as keypoint_nme
    from .keypoint_eval import keypoint_pck_accuracy as keypoint_pck_accuracy
    from .keypoint_eval import (
        multilabel_classification_accuracy as multilabel_classification_accuracy,
    )
    from .keypoint_eval import pose_pck_accuracy as pose_pck_accuracy
    from .keypoint_eval import simcc_pck_accuracy as simcc_pck_accuracy
    from .pose_angles import head_pose as head_pose

__getattr__, __dir__ = lazy_names(__name__)
