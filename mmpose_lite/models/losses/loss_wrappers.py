"""Several losses as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor, nn

from mmpose_lite.registry import MODELS


@MODELS.register_module()
class MultipleLossWrapper(nn.Module):
    """Loss i compares input i with target i.

    Args:
        losses: Configs of the losses.
    """

    target_kinds: ClassVar = ('several outputs',)

    def __init__(self, losses: Sequence[dict]) -> None:
        super().__init__()
        self.loss_modules = nn.ModuleList(MODELS.build(loss) for loss in losses)

    def forward(
        self,
        input_list: Sequence[Tensor],
        target_list: Sequence[Tensor],
        keypoint_weights: Tensor | None = None,
    ) -> list[Tensor]:
        """Compute each loss; all get the same weights."""
        return [
            loss(output, target, keypoint_weights)
            for loss, output, target in zip(self.loss_modules, input_list, target_list, strict=True)
        ]


@MODELS.register_module()
class CombinedLoss(nn.ModuleDict):
    """Losses by name.

    Args:
        losses: A config for each name.
    """

    target_kinds: ClassVar = ('several outputs',)

    def __init__(self, losses: dict[str, dict]) -> None:
        super().__init__({name: MODELS.build(loss) for name, loss in losses.items()})
