"""Networks and what they are made of."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .backbones import HRNet, ResNet, ResNetV1d
    from .builder import (
        BACKBONES,
        HEADS,
        LOSSES,
        NECKS,
        build_backbone,
        build_head,
        build_loss,
        build_neck,
        build_pose_estimator,
    )
    from .data_preprocessors import PoseDataPreprocessor
    from .heads import BaseHead, HeatmapHead, RegressionHead
    from .losses import (
        AdaptiveWingLoss,
        CombinedLoss,
        CombinedTargetMSELoss,
        JSDiscretLoss,
        KeypointMSELoss,
        L1Loss,
        MultipleLossWrapper,
        SmoothL1Loss,
        SoftWingLoss,
        WingLoss,
    )
    from .necks import FeatureMapProcessor, GlobalAveragePooling
    from .pose_estimators import BasePoseEstimator, TopdownPoseEstimator

__all__ = [
    'BACKBONES',
    'HEADS',
    'LOSSES',
    'NECKS',
    'AdaptiveWingLoss',
    'BaseHead',
    'BasePoseEstimator',
    'CombinedLoss',
    'CombinedTargetMSELoss',
    'FeatureMapProcessor',
    'GlobalAveragePooling',
    'HRNet',
    'HeatmapHead',
    'JSDiscretLoss',
    'KeypointMSELoss',
    'L1Loss',
    'MultipleLossWrapper',
    'PoseDataPreprocessor',
    'RegressionHead',
    'ResNet',
    'ResNetV1d',
    'SmoothL1Loss',
    'SoftWingLoss',
    'TopdownPoseEstimator',
    'WingLoss',
    'build_backbone',
    'build_head',
    'build_loss',
    'build_neck',
    'build_pose_estimator',
]

__getattr__, __dir__ = lazy_names(__name__)
