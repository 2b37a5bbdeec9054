"""Helpers of models."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .csp_layer import CSPLayer as CSPLayer
    from .rtmcc_block import RTMCCBlock as RTMCCBlock
    from .rtmcc_block import rope as rope
    from .tta import aggregate_heatmaps as aggregate_heatmaps
    from .tta import flip_coordinates as flip_coordinates
    from .tta import flip_heatmaps as flip_heatmaps
    from .tta import flip_vectors as flip_vectors

__getattr__, __dir__ = lazy_names(__name__)
