"""Hooks of our own; mmengine's are found under their names as well."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .bad_image_hook import BadImageHook
    from .badcase_hook import BadCaseAnalysisHook
    from .checkpoint_hook import CheckpointHook
    from .early_stopping_hook import EarlyStoppingHook
    from .ema_hook import ExpMomentumEMA
    from .pipeline_switch_hook import PipelineSwitchHook
    from .resident_crops_hook import ResidentCropsHook
    from .screen_hook import ScreenHook
    from .sync_norm_hook import SyncNormHook
    from .training_log import SpeedHook, SummaryHook, TrainErrorHook, ValLossHook
    from .visualization_hook import PoseVisualizationHook

__all__ = [
    'BadCaseAnalysisHook',
    'BadImageHook',
    'CheckpointHook',
    'EarlyStoppingHook',
    'ExpMomentumEMA',
    'PipelineSwitchHook',
    'PoseVisualizationHook',
    'ResidentCropsHook',
    'ScreenHook',
    'SpeedHook',
    'SummaryHook',
    'SyncNormHook',
    'TrainErrorHook',
    'ValLossHook',
]

__getattr__, __dir__ = lazy_names(__name__)
