"""Distances in pixels."""

from __future__ import annotations

from typing import Any

from mmpose_lite.registry import METRICS
from mmpose_lite.utils import InputError

from ..functional import keypoint_auc, keypoint_epe
from .row_metric import RowMetric, points_of


@METRICS.register_module()
class AUC(RowMetric):
    """Area under the curve of PCK over thresholds from 0 up to a distance.

    Args:
        norm_factor: The distance, image pixels.
        num_thrs: Number of thresholds.
        collect_device: See :class:`RowMetric`.
        prefix: See :class:`RowMetric`.

    Raises:
        InputError: If the distance is not above 0, or there is no threshold.
    """

    names = ('AUC',)
    is_fraction = True

    def __init__(
        self,
        norm_factor: float = 30,
        num_thrs: int = 20,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        if not (norm_factor > 0 and num_thrs >= 1):
            raise InputError(
                f'AUC: norm_factor={norm_factor} must be above 0, num_thrs={num_thrs} at least 1'
            )
        self.norm_factor = norm_factor
        self.num_thrs = num_thrs

    @property
    def normaliser(self) -> str:
        """What distances are divided by, in words."""
        return f'{self.norm_factor} px'

    def compute(self, rows: list[dict[str, Any]]) -> dict[str, float]:
        """Compute the area."""
        return {'AUC': keypoint_auc(*points_of(rows), self.norm_factor, self.num_thrs)}


@METRICS.register_module()
class EPE(RowMetric):
    """End-point error: the mean distance in image pixels; arguments as :class:`RowMetric`'s."""

    names = ('EPE',)

    def compute(self, rows: list[dict[str, Any]]) -> dict[str, float]:
        """Compute the mean distance."""
        return {'EPE': keypoint_epe(*points_of(rows))}
