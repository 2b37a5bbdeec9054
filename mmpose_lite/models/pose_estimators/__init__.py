"""Whole models: images and samples in; losses, or samples with predictions, out."""

from .base import BasePoseEstimator as BasePoseEstimator
from .topdown import TopdownPoseEstimator as TopdownPoseEstimator
