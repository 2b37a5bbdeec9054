"""Losses."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .classification_loss import JSDiscretLoss
    from .heatmap_loss import AdaptiveWingLoss, CombinedTargetMSELoss, KeypointMSELoss
    from .loss_wrappers import CombinedLoss, MultipleLossWrapper
    from .regression_loss import L1Loss, SmoothL1Loss, SoftWingLoss, WingLoss

__all__ = [
    'AdaptiveWingLoss',
    'CombinedLoss',
    'CombinedTargetMSELoss',
    'JSDiscretLoss',
    'KeypointMSELoss',
    'L1Loss',
    'MultipleLossWrapper',
    'SmoothL1Loss',
    'SoftWingLoss',
    'WingLoss',
]

__getattr__, __dir__ = lazy_names(__name__)
