"""Percentage of correct keypoints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mmpose_lite.registry import METRICS
from mmpose_lite.utils import MissingKeyError

from ..functional import keypoint_pck_accuracy
from .row_metric import RowMetric, points_of, to_array

_NAMES = {'bbox': 'PCK', 'head': 'PCKh', 'torso': 'tPCK'}


@METRICS.register_module()
class PCKAccuracy(RowMetric):
    """Share of points that lie within a share of a size of their true places.

    Args:
        thr: The share.
        norm_item: The size, or several: ``'bbox'`` (longer side of the box; ``PCK``), ``'head'``
            (``head_size`` of the sample; ``PCKh``), ``'torso'`` (points 4 to 5; ``tPCK``).
        collect_device: See :class:`RowMetric`.
        prefix: See :class:`RowMetric`.

    Raises:
        MissingKeyError: If a size is none of these, or a sample lacks it.
    """

    def __init__(
        self,
        thr: float = 0.05,
        norm_item: str | Sequence[str] = 'bbox',
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.thr = thr
        self.norm_item = (norm_item,) if isinstance(norm_item, str) else tuple(norm_item)
        for item in self.norm_item:
            if item not in _NAMES:
                raise MissingKeyError(
                    f'The normalized item {item} is not supported by {type(self).__name__}. '
                    "Should be one of 'bbox', 'head', 'torso'"
                )
        self.names = tuple(_NAMES[item] for item in self.norm_item)

    @property
    def normaliser(self) -> str:
        """What distances are divided by, in words."""
        return ', '.join(self.norm_item)

    def extra(self, truth: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
        """Read the sizes of a face."""
        return {f'norm_{item}': self._size(item, truth, row) for item in self.norm_item}

    def _size(self, item: str, truth: dict[str, Any], row: dict[str, Any]) -> float:
        if item == 'torso':
            size = float(np.linalg.norm(np.subtract(row['gt'][4], row['gt'][5])))
            if size < 1:
                size = float(np.linalg.norm(np.subtract(row['pred'][4], row['pred'][5])))
            return size
        key = {'bbox': 'bboxes', 'head': 'head_size'}[item]
        if key not in truth:
            raise MissingKeyError(f"norm_item='{item}' needs `{key}` in the truth of a sample")
        value = to_array(truth[key])
        return float(np.max(value[0][2:] - value[0][:2]) if item == 'bbox' else np.max(value))

    def compute(self, rows: list[dict[str, Any]]) -> dict[str, float]:
        """Compute the share for each size."""
        pred, gt, mask = points_of(rows)
        numbers = {}
        for item in self.norm_item:
            factor = np.array([[row[f'norm_{item}']] * 2 for row in rows])
            numbers[_NAMES[item]] = keypoint_pck_accuracy(pred, gt, mask, self.thr, factor)[1]
        return numbers
