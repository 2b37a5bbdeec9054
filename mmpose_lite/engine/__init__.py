"""Runs: the loop's driver, its checkpoints, precision, processes, and checks before the start."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .muon import Muon
    from .optim_wrappers import AmpOptimWrapper, OptimWrapper, has_fast_bfloat16
    from .runner import PoseRunner

__all__ = ['AmpOptimWrapper', 'Muon', 'OptimWrapper', 'PoseRunner', 'has_fast_bfloat16']

__getattr__, __dir__ = lazy_names(__name__)
