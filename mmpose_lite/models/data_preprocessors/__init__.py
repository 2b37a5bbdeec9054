"""From uint8 crops, or from what crops are made of, to what a network takes."""

from .data_preprocessor import PoseDataPreprocessor
from .device_warp import warp_crops
from .resident_crops import ResidentCrops

__all__ = ['PoseDataPreprocessor', 'ResidentCrops', 'warp_crops']
