"""The same normalisation statistics on every rank."""

from __future__ import annotations

from typing import Any

from mmengine.dist import all_reduce_params, get_dist_info
from mmengine.hooks import Hook
from torch.nn.modules.batchnorm import _NormBase

from mmpose_lite.registry import HOOKS


@HOOKS.register_module()
class SyncNormHook(Hook):
    """Averages batch norms' weights and statistics over the ranks before each validation."""

    def before_val_epoch(self, runner: Any) -> None:
        """Average in place."""
        _, world_size = get_dist_info()
        if world_size == 1:
            return
        norms = [module for module in runner.model.modules() if isinstance(module, _NormBase)]
        tensors = [tensor for norm in norms for tensor in norm.state_dict().values()]
        floating = [tensor for tensor in tensors if tensor.is_floating_point()]
        if floating:
            all_reduce_params(floating, op='mean')
