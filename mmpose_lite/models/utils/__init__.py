"""Helpers of models."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .tta import aggregate_heatmaps, flip_coordinates, flip_heatmaps, flip_vectors

__all__ = [
    'aggregate_heatmaps',
    'flip_coordinates',
    'flip_heatmaps',
    'flip_vectors',
]

__getattr__, __dir__ = lazy_names(__name__)
