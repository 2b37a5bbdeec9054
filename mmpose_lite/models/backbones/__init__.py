"""Backbones: images ``(B, 3, H, W)`` in, a tuple or list of feature maps out."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .base_backbone import BaseBackbone as BaseBackbone
    from .cspnext import CSPNeXt as CSPNeXt
    from .hourglass import HourglassNet as HourglassNet
    from .hrnet import HRNet as HRNet
    from .mobilenet_v2 import MobileNetV2 as MobileNetV2
    from .resnet import ResNet as ResNet
    from .resnet import ResNetV1d as ResNetV1d
    from .scnet import SCNet as SCNet

__getattr__, __dir__ = lazy_names(__name__)
