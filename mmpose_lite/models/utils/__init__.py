"""Helpers of models."""

from .accuracy import coordinate_accuracy, heatmap_accuracy
from .tta import aggregate_heatmaps, flip_coordinates, flip_heatmaps, flip_vectors

__all__ = [
    'aggregate_heatmaps',
    'coordinate_accuracy',
    'flip_coordinates',
    'flip_heatmaps',
    'flip_vectors',
    'heatmap_accuracy',
]
