"""Heads that predict heatmaps."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .cpm_head import CPMHead as CPMHead
    from .heatmap_head import BaseHeatmapHead as BaseHeatmapHead
    from .heatmap_head import HeatmapHead as HeatmapHead

__getattr__, __dir__ = lazy_names(__name__)
