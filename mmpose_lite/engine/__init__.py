"""Runs: the loop's driver, its checkpoints, precision, processes, and checks before the start."""

from .optim_wrappers import AmpOptimWrapper, OptimWrapper, has_fast_bfloat16
from .runner import PoseRunner

__all__ = ['AmpOptimWrapper', 'OptimWrapper', 'PoseRunner', 'has_fast_bfloat16']
