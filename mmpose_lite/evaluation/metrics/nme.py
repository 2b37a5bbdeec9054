"""Normalised mean error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy import ndarray

from mmpose_lite.registry import METRICS
from mmpose_lite.utils import InputError, MissingKeyError

from ..functional import keypoint_nme
from .row_metric import RowMetric, box_size, check_sizes, points_of, to_array


@METRICS.register_module()
class NME(RowMetric):
    """Mean distance of predicted from true points, over a size of the face; a fraction.

    Faces of which one of the two points is not visible are left out, counted and named.

    Args:
        norm_mode: ``'use_norm_item'``: the size is ``norm_item``; ``'keypoint_distance'``: it is
            the distance between two true points.
        norm_item: ``'bbox_size'``: the longer side of the box; or the name of a value that the
            samples carry, such as ``'box_size'``.
        keypoint_indices: The two points; by default those that the data set's papers use: in
            sets of faces the outer corners of the eyes.
        collect_device: See :class:`RowMetric`.
        prefix: See :class:`RowMetric`.

    Raises:
        MissingKeyError: If the arguments do not say what to divide by.
        InputError: If a size is not above 0 (the message names the face), or no face is left.
    """

    names = ('NME',)
    is_fraction = True
    DEFAULT_KEYPOINT_INDICES: ClassVar = {
        'horse10': [0, 1],
        '300w': [36, 45],
        '300wlp': [36, 45],
        'coco_wholebody_face': [36, 45],
        'cofw': [8, 9],
        'wflw': [60, 72],
        'lapa': [66, 79],
    }

    def __init__(
        self,
        norm_mode: str,
        norm_item: str | None = None,
        keypoint_indices: Sequence[int] | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        if norm_mode not in ('use_norm_item', 'keypoint_distance'):
            raise MissingKeyError(
                "`norm_mode` should be 'use_norm_item' or 'keypoint_distance', "
                f"but got '{norm_mode}'"
            )
        if norm_mode == 'use_norm_item' and not norm_item:
            raise MissingKeyError(
                '`norm_mode` is set to `"use_norm_item"`, please specify the `norm_item`: what '
                'each face is normalised by'
            )
        if keypoint_indices is not None and len(keypoint_indices) != 2:
            raise InputError(f'keypoint_indices should be a pair, got {list(keypoint_indices)}')
        self.norm_mode = norm_mode
        self.norm_item = norm_item
        self.keypoint_indices = keypoint_indices

    @property
    def normaliser(self) -> str:
        """What distances are divided by, in words."""
        if self.norm_mode == 'use_norm_item':
            return 'longer side of box' if self.norm_item == 'bbox_size' else str(self.norm_item)
        names = self.dataset_meta['keypoint_id2name']
        return ' to '.join(names[i] for i in self._pair())

    @property
    def pair(self) -> tuple[int, int] | None:
        """The two points whose distance is the normaliser; None if that is ``norm_item``."""
        return self._pair() if self.norm_mode == 'keypoint_distance' else None

    def extra(self, truth: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
        """Read the size of a face."""
        if self.norm_mode != 'use_norm_item':
            return {}
        if self.norm_item == 'bbox_size':
            if 'bboxes' not in truth:
                raise MissingKeyError(
                    "norm_item='bbox_size' needs `bboxes` in the truth of a sample"
                )
            return {'norm': box_size(truth, row)}
        if self.norm_item not in truth:
            raise MissingKeyError(
                f"norm_item='{self.norm_item}' is not in the truth of a sample, which has "
                f'{sorted(truth)}'
            )
        return {'norm': float(np.max(to_array(truth[self.norm_item])))}

    def reason_to_leave_out(self, row: dict[str, Any]) -> str | None:
        """A face's lack: of a visible point, or of one of the two that give the normaliser."""
        pair = self.pair
        reason = super().reason_to_leave_out(row)
        if reason is None and pair is not None and not all(row['mask'][i] for i in pair):
            return f'no normaliser ({self.normaliser}, points {pair[0]} and {pair[1]})'
        return reason

    def compute(self, rows: list[dict[str, Any]]) -> dict[str, float]:
        """Compute the NME of some rows."""
        pred, gt, mask = points_of(rows)
        sizes = self._sizes(gt, rows)
        check_sizes(rows, sizes)
        return {'NME': keypoint_nme(pred, gt, mask, sizes[:, None])}

    def _sizes(self, gt: ndarray, rows: list[dict]) -> ndarray:
        """The size of each face, ``(N,)``."""
        pair = self.pair
        if pair is None:
            return np.array([row['norm'] for row in rows])
        return np.linalg.norm(gt[:, pair[0]] - gt[:, pair[1]], axis=-1)

    def _pair(self) -> tuple[int, int]:
        name = self.dataset_meta['dataset_name']
        pair = self.keypoint_indices or self.DEFAULT_KEYPOINT_INDICES.get(name)
        if pair is None:
            raise MissingKeyError(
                '`norm_mode` is set to `keypoint_distance`, and can not find the keypoint_indices '
                f"in `DEFAULT_KEYPOINT_INDICES` for '{name}': please specify `keypoint_indices`"
            )
        for index in pair:
            if index not in self.dataset_meta['keypoint_id2name']:
                raise MissingKeyError(
                    f"keypoint_indices={list(pair)}: '{name}' has no point {index}"
                )
        return pair[0], pair[1]
