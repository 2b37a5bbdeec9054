"""Networks and what they are made of."""

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
from .heads import BaseHead, HeatmapHead
from .losses import AdaptiveWingLoss, KeypointMSELoss
from .necks import FeatureMapProcessor
from .pose_estimators import BasePoseEstimator, TopdownPoseEstimator

__all__ = [
    'BACKBONES',
    'HEADS',
    'LOSSES',
    'NECKS',
    'AdaptiveWingLoss',
    'BaseHead',
    'BasePoseEstimator',
    'FeatureMapProcessor',
    'HRNet',
    'HeatmapHead',
    'KeypointMSELoss',
    'PoseDataPreprocessor',
    'ResNet',
    'ResNetV1d',
    'TopdownPoseEstimator',
    'build_backbone',
    'build_head',
    'build_loss',
    'build_neck',
    'build_pose_estimator',
]
