"""Losses."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .classification_loss import JSDiscretLoss as JSDiscretLoss
    from .classification_loss import KLDiscretLoss as KLDiscretLoss
    from .heatmap_loss import AdaptiveWingLoss as AdaptiveWingLoss
    from .heatmap_loss import BinaryHeatmapLoss as BinaryHeatmapLoss
    from .heatmap_loss import CombinedTargetMSELoss as CombinedTargetMSELoss
    from .heatmap_loss import KeypointMSELoss as KeypointMSELoss
    from .loss_wrappers import CombinedLoss as CombinedLoss
    from .loss_wrappers import MultipleLossWrapper as MultipleLossWrapper
    from .regression_loss import L1Loss as L1Loss
    from .regression_loss import SmoothL1Loss as SmoothL1Loss
    from .regression_loss import SoftWingLoss as SoftWingLoss
    from .regression_loss import WingLoss as WingLoss

__getattr__, __dir__ = lazy_names(__name__)
