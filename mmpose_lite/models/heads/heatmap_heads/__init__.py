"""Heads that predict heatmaps."""

from .heatmap_head import HeatmapHead as HeatmapHead
