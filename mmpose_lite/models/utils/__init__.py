"""Helpers of models."""

from .accuracy import heatmap_accuracy
from .tta import aggregate_heatmaps, flip_coordinates, flip_heatmaps, flip_vectors

__all__ = [
    'aggregate_heatmaps',
    'flip_coordinates',
    'flip_heatmaps',
    'flip_vectors',
    'heatmap_accuracy',
]
