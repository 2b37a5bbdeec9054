"""Necks: feature maps in, feature maps or vectors out."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .fmap_proc_neck import FeatureMapProcessor as FeatureMapProcessor
    from .gap_neck import GlobalAveragePooling as GlobalAveragePooling

__getattr__, __dir__ = lazy_names(__name__)
