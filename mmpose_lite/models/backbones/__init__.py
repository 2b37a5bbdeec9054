"""Backbones: images ``(B, 3, H, W)`` in, a tuple of feature maps out."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .base_backbone import BaseBackbone as BaseBackbone
    from .hrnet import HRNet as HRNet
    from .resnet import ResNet as ResNet
    from .resnet import ResNetV1d as ResNetV1d

__getattr__, __dir__ = lazy_names(__name__)
