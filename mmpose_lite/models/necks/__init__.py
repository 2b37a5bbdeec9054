"""Necks: feature maps in, feature maps or vectors out."""

from .fmap_proc_neck import FeatureMapProcessor
from .gap_neck import GlobalAveragePooling

__all__ = ['FeatureMapProcessor', 'GlobalAveragePooling']
