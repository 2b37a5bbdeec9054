"""Necks: feature maps in, feature maps or vectors out."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .fmap_proc_neck import FeatureMapProcessor
    from .gap_neck import GlobalAveragePooling

__all__ = ['FeatureMapProcessor', 'GlobalAveragePooling']

__getattr__, __dir__ = lazy_names(__name__)
