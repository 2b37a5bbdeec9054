"""Runs: the loop's driver, its checkpoints, precision, processes, and checks before the start."""

from .optim_wrappers import AmpOptimWrapper
from .runner import PoseRunner

__all__ = ['AmpOptimWrapper', 'PoseRunner']
