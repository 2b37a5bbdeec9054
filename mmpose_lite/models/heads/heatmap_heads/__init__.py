"""Heads that predict heatmaps."""

from .cpm_head import CPMHead as CPMHead
from .heatmap_head import HeatmapHead as HeatmapHead
