"""Necks: feature maps in, feature maps out."""

from .fmap_proc_neck import FeatureMapProcessor

__all__ = ['FeatureMapProcessor']
