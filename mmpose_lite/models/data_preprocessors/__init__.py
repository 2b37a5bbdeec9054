"""From uint8 crops, or the pixels to cut them from, to the input of a network."""

from .data_preprocessor import PoseDataPreprocessor
from .device_crops import ResidentCrops, warp_crops

__all__ = ['PoseDataPreprocessor', 'ResidentCrops', 'warp_crops']
