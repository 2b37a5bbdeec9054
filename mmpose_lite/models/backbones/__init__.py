"""Backbones: images ``(B, 3, H, W)`` in, a tuple of feature maps out."""

from .base_backbone import BaseBackbone
from .hrnet import HRNet
from .resnet import ResNet, ResNetV1d

__all__ = ['BaseBackbone', 'HRNet', 'ResNet', 'ResNetV1d']
