"""Metrics of keypoints in the plane: NME, PCK, AUC and EPE."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from mmpose_lite.errors import InputError, MissingKeyError, about_nearest, first_few
from mmpose_lite.registry import METRICS

from ..functional import keypoint_auc, keypoint_epe, keypoint_nme, keypoint_pck_accuracy
from .row_metric import RowMetric, box_size, check_sizes, points_of, to_array

_NAMED = 12  # points that a message names


@METRICS.register_module()
class NME(RowMetric):
    """Normalised mean error: distances of predicted from true points over a size of the face.

    Faces whose size needs a point that is not visible are left out, counted and named. Other
    arguments are those of :class:`RowMetric`.

    Args:
        norm_mode: ``'use_norm_item'``: the size is ``norm_item``; ``'keypoint_distance'``: it is
            the distance between two true points.
        norm_item: ``'bbox_size'``: the longer side of the box; or the name of a value that samples
            carry, such as ``'box_size'``.
        keypoint_indices: The two points; by default those of the data set's papers, which for
            faces are the outer corners of the eyes.
        keypoint_names: The same two by their names in the data set's metainfo.

    Raises:
        MissingKeyError: If the arguments do not determine the size, or there is no such point.
        InputError: If a size is not above 0 (the message names the face), or no face is left.
    """

    names = ('NME',)
    is_fraction = True
    DEFAULT_KEYPOINT_INDICES: ClassVar = {
        'horse10': [0, 1],
        '300w': [36, 45],
        '300vw': [36, 45],
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
        keypoint_names: Sequence[str] | None = None,
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
        if keypoint_names is not None:
            self._check_names(keypoint_names, norm_mode, keypoint_indices)
        self.norm_mode = norm_mode
        self.norm_item = norm_item
        self.keypoint_indices = keypoint_indices
        self.keypoint_names = keypoint_names

    @staticmethod
    def _check_names(names: Any, norm_mode: str, indices: Sequence[int] | None) -> None:
        is_list = isinstance(names, list | tuple) and all(isinstance(name, str) for name in names)
        if not is_list or len(names) != 2:
            raise InputError(f'keypoint_names should be a pair of names, got {names!r}')
        if indices is not None:
            raise InputError(
                f'keypoint_names={list(names)} and keypoint_indices={list(indices)}: one is enough'
            )
        if norm_mode != 'keypoint_distance':
            raise InputError(
                f"keypoint_names={list(names)} needs norm_mode='keypoint_distance', not "
                f"'{norm_mode}'"
            )

    @property
    def normaliser(self) -> str:
        if self.norm_mode == 'use_norm_item':
            return 'longer side of box' if self.norm_item == 'bbox_size' else str(self.norm_item)
        names = self.dataset_meta['keypoint_id2name']
        return ' to '.join(names[i] for i in self._find_pair())

    @property
    def pair(self) -> tuple[int, int] | None:
        """The two points whose distance is the size; None for ``norm_item``."""
        return self._find_pair() if self.norm_mode == 'keypoint_distance' else None

    def extra(self, truth: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
        if self.norm_mode != 'use_norm_item':
            return {}
        is_box = self.norm_item == 'bbox_size'
        key = 'bboxes' if is_box else self.norm_item
        if key not in truth:
            raise MissingKeyError(
                f"norm_item='{self.norm_item}': '{key}' is not in the truth of a sample, which has "
                f'{sorted(truth)}'
            )
        return {'norm': box_size(truth, row) if is_box else float(np.max(to_array(truth[key])))}

    def reason_to_leave_out(self, row: dict[str, Any]) -> str | None:
        """The lack of a visible point, or of one of the two that give the size."""
        pair = self.pair
        reason = super().reason_to_leave_out(row)
        if reason is None and pair is not None and not all(row['mask'][i] for i in pair):
            return f'no normaliser ({self.normaliser}, points {pair[0]} and {pair[1]})'
        return reason

    def compute(self, rows: list[dict[str, Any]]) -> dict[str, float]:
        pred, gt, mask = points_of(rows)
        pair = self.pair
        if pair is None:
            sizes = np.array([row['norm'] for row in rows])
        else:
            sizes = np.linalg.norm(gt[:, pair[0]] - gt[:, pair[1]], axis=-1)
        try:
            return {'NME': keypoint_nme(pred, gt, mask, sizes[:, None])}
        except ValueError:  # knows a face by its number alone
            check_sizes(rows, sizes)
            raise

    def _find_pair(self) -> tuple[int, int]:
        name = self.dataset_meta['dataset_name']
        if self.keypoint_names is not None:
            first, second = self.keypoint_names
            return self._find_point(first), self._find_point(second)
        pair = self.keypoint_indices or self.DEFAULT_KEYPOINT_INDICES.get(name)
        if pair is None:
            raise MissingKeyError(
                '`norm_mode` is set to `keypoint_distance`, and can not find the keypoint_indices '
                f"in `DEFAULT_KEYPOINT_INDICES` for '{name}': please specify `keypoint_indices`, "
                'or `keypoint_names`'
            )
        for index in pair:
            if index not in self.dataset_meta['keypoint_id2name']:
                raise MissingKeyError(
                    f"keypoint_indices={list(pair)}: '{name}' has no point {index}"
                )
        return pair[0], pair[1]

    def _find_point(self, point: str) -> int:
        """The index of a point that is named in ``keypoint_names``."""
        ids = {name: index for index, name in self.dataset_meta['keypoint_id2name'].items()}
        if point not in ids:
            raise MissingKeyError(
                f'keypoint_names={list(self.keypoint_names or ())}: '
                f"'{self.dataset_meta['dataset_name']}' has no point '{point}'; "
                f'{about_nearest(point, ids)} of {first_few(list(ids), _NAMED)}'
            )
        return ids[point]


_NAMES = {'bbox': 'PCK', 'head': 'PCKh', 'torso': 'tPCK'}


@METRICS.register_module()
class PCKAccuracy(RowMetric):
    """Percentage of correct keypoints: points within a fraction of a size of their true places.

    Other arguments are those of :class:`RowMetric`.

    Args:
        thr: The fraction, above 0 and up to 1.
        norm_item: The size, or several: ``'bbox'`` (longer side of the box; ``PCK``), ``'head'``
            (``head_size`` of the sample; ``PCKh``), ``'torso'`` (points 4 to 5; ``tPCK``; samples
            without both are left out).

    Raises:
        MissingKeyError: If a size is none of these, or a sample lacks it.
        InputError: If ``thr`` is no such fraction, or a size is not above 0.
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
            raise InputError(f'PCKAccuracy: thr={thr} is not a share of a size; 0.05 is 5 %')
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
        return ', '.join(self.norm_item)

    def extra(self, truth: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
        return {f'norm_{item}': self._size(item, truth, row) for item in self.norm_item}

    def _size(self, item: str, truth: dict[str, Any], row: dict[str, Any]) -> float:
        if item == 'torso':
            return float(np.linalg.norm(np.subtract(row['gt'][4], row['gt'][5])))
        key = {'bbox': 'bboxes', 'head': 'head_size'}[item]
        if key not in truth:
            raise MissingKeyError(f"norm_item='{item}' needs `{key}` in the truth of a sample")
        return box_size(truth, row) if item == 'bbox' else float(np.max(to_array(truth[key])))

    def reason_to_leave_out(self, row: dict[str, Any]) -> str | None:
        """The lack of a visible point, or of a torso of at least a pixel if that is a size."""
        reason = super().reason_to_leave_out(row)
        if reason is None and 'torso' in self.norm_item:
            is_there = row['mask'][4] and row['mask'][5] and row['norm_torso'] >= 1
            return None if is_there else 'no torso (points 4 and 5)'
        return reason

    def compute(self, rows: list[dict[str, Any]]) -> dict[str, float]:
        pred, gt, mask = points_of(rows)
        numbers = {}
        for item in self.norm_item:
            sizes = np.array([row[f'norm_{item}'] for row in rows])
            check_sizes(rows, sizes)
            factor = np.stack([sizes, sizes], axis=1)
            numbers[_NAMES[item]] = keypoint_pck_accuracy(pred, gt, mask, self.thr, factor)[1]
        return numbers


@METRICS.register_module()
class AUC(RowMetric):
    """Area under the PCK curve over thresholds from 0 up to a distance.

    Other arguments are those of :class:`RowMetric`.

    Args:
        norm_factor: The distance, image pixels.
        num_thrs: Number of thresholds.

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
        return f'{self.norm_factor} px'

    def compute(self, rows: list[dict[str, Any]]) -> dict[str, float]:
        return {'AUC': keypoint_auc(*points_of(rows), self.norm_factor, self.num_thrs)}


@METRICS.register_module()
class EPE(RowMetric):
    """End-point error: the mean distance in image pixels; arguments as for :class:`RowMetric`."""

    names = ('EPE',)

    def compute(self, rows: list[dict[str, Any]]) -> dict[str, float]:
        return {'EPE': keypoint_epe(*points_of(rows))}
