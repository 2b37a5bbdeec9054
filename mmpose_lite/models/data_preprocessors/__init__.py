"""From uint8 crops to what a network takes."""

from .data_preprocessor import PoseDataPreprocessor

__all__ = ['PoseDataPreprocessor']
