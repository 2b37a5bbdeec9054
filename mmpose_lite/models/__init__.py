"""Networks and what they are made of."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .backbones import CSPNeXt as CSPNeXt
    from .backbones import HourglassNet as HourglassNet
    from .backbones import HRNet as HRNet
    from .backbones import MobileNetV2 as MobileNetV2
    from .backbones import ResNet as ResNet
    from .backbones import ResNetV1d as ResNetV1d
    from .backbones import SCNet as SCNet
    from .builder import BACKBONES as BACKBONES
    from .builder import HEADS as HEADS
    from .builder import LOSSES as LOSSES
    from .builder import NECKS as NECKS
    from .builder import build_backbone as build_backbone
    from .builder import build_head as build_head
    from .builder import build_loss as build_loss
    from .builder import build_neck as build_neck
    from .builder import build_pose_estimator as build_pose_estimator
    from .data_preprocessors import PoseDataPreprocessor as PoseDataPreprocessor
    from .heads import BaseHead as BaseHead
    from .heads import CPMHead as CPMHead
    from .heads import HeatmapHead as HeatmapHead
    from .heads import RegressionHead as RegressionHead
    from .heads import RTMCCHead as RTMCCHead
    from .losses import AdaptiveWingLoss as AdaptiveWingLoss
    from .losses import BinaryHeatmapLoss as BinaryHeatmapLoss
    from .losses import CombinedLoss as CombinedLoss
    from .losses import CombinedTargetMSELoss as CombinedTargetMSELoss
    from .losses import JSDiscretLoss as JSDiscretLoss
    from .losses import KeypointMSELoss as KeypointMSELoss
    from .losses import KLDiscretLoss as KLDiscretLoss
    from .losses import L1Loss as L1Loss
    from .losses import MultipleLossWrapper as MultipleLossWrapper
    from .losses import SmoothL1Loss as SmoothL1Loss
    from .losses import SoftWingLoss as SoftWingLoss
    from .losses import WingLoss as WingLoss
    from .necks import FeatureMapProcessor as FeatureMapProcessor
    from .necks import GlobalAveragePooling as GlobalAveragePooling
    from .pose_estimators import BasePoseEstimator as BasePoseEstimator
    from .pose_estimators import TopdownPoseEstimator as TopdownPoseEstimator

__getattr__, __dir__ = lazy_names(__name__)
