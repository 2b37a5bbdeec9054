"""Whole models: images and samples in; losses, or samples with predictions, out."""

from .base import BasePoseEstimator
from .topdown import TopdownPoseEstimator

__all__ = ['BasePoseEstimator', 'TopdownPoseEstimator']
