"""Percentage of correct keypoints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mmpose_lite.registry import METRICS
from mmpose_lite.utils import InputError, MissingKeyError

from ..functional import keypoint_pck_accuracy
from .row_metric import RowMetric, box_size, check_sizes, points_of, to_array

_NAMES = {'bbox': 'PCK', 'head': 'PCKh', 'torso': 'tPCK'}


@METRICS.register_module()
class PCKAccuracy(RowMetric):
    """Share of points that lie within a share of a size of their true places.

    Args:
        thr: The share, above 0 and up to 1.
        norm_item: The size, or several: ``'bbox'`` (longer side of the box; ``PCK``), ``'head'``
            (``head_size`` of the sample; ``PCKh``), ``'torso'`` (points 4 to 5; ``tPCK``; samples
            without these are left out).
        collect_device: See :class:`RowMetric`.
        prefix: See :class:`RowMetric`.

    Raises:
        MissingKeyError: If a size is none of these, or a sample lacks it.
        InputError: If ``thr`` is no such share, or a size is not above 0.
    """

    is_fraction = True

    def __init__(
        self,
        thr: float = 0.05,
        norm_item: str | Sequence[str] = 'bbox',
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        if not 0 < thr <= 1:
            raise InputError(f'PCKAccuracy: thr={thr} is no share of a size; 0.05 is 5 %')
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
            return float(np.linalg.norm(np.subtract(row['gt'][4], row['gt'][5])))
        key = {'bbox': 'bboxes', 'head': 'head_size'}[item]
        if key not in truth:
            raise MissingKeyError(f"norm_item='{item}' needs `{key}` in the truth of a sample")
        return box_size(truth, row) if item == 'bbox' else float(np.max(to_array(truth[key])))

    def reason_to_leave_out(self, row: dict[str, Any]) -> str | None:
        """A face's lack: of a visible point, or of a torso of a pixel or more where that counts."""
        reason = super().reason_to_leave_out(row)
        if reason is None and 'torso' in self.norm_item:
            is_there = row['mask'][4] and row['mask'][5] and row['norm_torso'] >= 1
            return None if is_there else 'no torso (points 4 and 5)'
        return reason

    def compute(self, rows: list[dict[str, Any]]) -> dict[str, float]:
        """Compute the share for each size."""
        pred, gt, mask = points_of(rows)
        numbers = {}
        for item in self.norm_item:
            sizes = np.array([row[f'norm_{item}'] for row in rows])
            check_sizes(rows, sizes)
            factor = np.stack([sizes, sizes], axis=1)
            numbers[_NAMES[item]] = keypoint_pck_accuracy(pred, gt, mask, self.thr, factor)[1]
        return numbers
