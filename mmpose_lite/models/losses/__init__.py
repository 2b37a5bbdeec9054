"""Losses."""

from .heatmap_loss import AdaptiveWingLoss, KeypointMSELoss
from .loss_wrappers import CombinedLoss, MultipleLossWrapper

__all__ = ['AdaptiveWingLoss', 'CombinedLoss', 'KeypointMSELoss', 'MultipleLossWrapper']
