"""Heads: feature maps in; losses, or points in pixels of the network's input, out."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .base_head import BaseHead as BaseHead
    from .coord_cls_heads import RTMCCHead as RTMCCHead
    from .heatmap_heads import BaseHeatmapHead as BaseHeatmapHead
    from .heatmap_heads import CPMHead as CPMHead
    from .heatmap_heads import HeatmapHead as HeatmapHead
    from .regression_heads import RegressionHead as RegressionHead

__getattr__, __dir__ = lazy_names(__name__)
