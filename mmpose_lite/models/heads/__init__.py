"""Heads: feature maps in; losses, or points in pixels of the network's input, out."""

from .base_head import BaseHead
from .heatmap_heads import HeatmapHead
from .regression_heads import RegressionHead

__all__ = ['BaseHead', 'HeatmapHead', 'RegressionHead']
