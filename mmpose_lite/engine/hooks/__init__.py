"""Hooks of our own; mmengine's are found under their names as well."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .bad_image_hook import BadImageHook as BadImageHook
    from .badcase_hook import BadCaseAnalysisHook as BadCaseAnalysisHook
    from .checkpoint_hook import CheckpointHook as CheckpointHook
    from .early_stopping_hook import EarlyStoppingHook as EarlyStoppingHook
    from .ema_hook import ExpMomentumEMA as ExpMomentumEMA
    from .pipeline_switch_hook import PipelineSwitchHook as PipelineSwitchHook
    from .resident_crops_hook import ResidentCropsHook as ResidentCropsHook
    from .screen_hook import ScreenHook as ScreenHook
    from .sync_norm_hook import SyncNormHook as SyncNormHook
    from .training_log import SpeedHook as SpeedHook
    from .training_log import SummaryHook as SummaryHook
    from .training_log import TrainErrorHook as TrainErrorHook
    from .training_log import ValLossHook as ValLossHook
    from .visualization_hook import PoseVisualizationHook as PoseVisualizationHook

__getattr__, __dir__ = lazy_names(__name__)
