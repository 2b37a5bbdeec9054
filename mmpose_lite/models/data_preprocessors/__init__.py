"""From uint8 crops, or from what crops are made of, to what a network takes."""

from .data_preprocessor import PoseDataPreprocessor
from .device_crops import ResidentCrops, warp_crops

__all__ = ['PoseDataPreprocessor', 'ResidentCrops', 'warp_crops']
