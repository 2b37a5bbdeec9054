"""The base of metrics: one row a face, numbers for the whole and for each named subset."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from numpy import ndarray

from mmpose_lite.utils import InputError

from .gather import gather_rows


@dataclass(frozen=True)
class Score:
    """One number and what it was computed over.

    Attributes:
        name: The metric's name, without the subset's.
        subset: The subset's name; None is the whole set.
        value: The number.
        faces: How many faces it is over.
        points: How many points it is over.
    """

    name: str
    subset: str | None
    value: float
    faces: int
    points: int

    @property
    def key(self) -> str:
        """``NME`` for the whole set, ``NME_frontal`` for a subset."""
        return self.name if self.subset is None else f'{self.name}_{self.subset}'


class RowMetric(BaseMetric):
    """Keeps one row a face, gathers the rows of all ranks, and computes from them.

    A metric sets :attr:`names` and defines :meth:`compute`; what it needs beside points goes into
    the row by :meth:`extra`.

    Args:
        collect_device: Kept for MMPose's configs; the process group's device is used.
        prefix: Put before the numbers' names, with a slash.
        collect_dir: Kept for MMPose's configs; nothing goes through a folder.

    Attributes:
        rows: The rows of the last evaluation: ``id``, ``img_path``, ``subsets``, ``pred``, ``gt``
            ``(K, 2)``, ``mask`` ``(K,)``, ``bbox`` xyxy, ``scores`` ``(K,)``; image pixels. Where
            annotations have them ``flags``, ``visibility`` ``(K,)`` and ``yaw``; ``exif`` where
            photographs were turned by it.
        scores: The numbers of the last evaluation.
    """

    default_prefix = ''
    #: What the numbers of this metric are called.
    names: tuple[str, ...] = ()

    def __init__(
        self,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix, collect_dir=collect_dir)
        self.rows: list[dict[str, Any]] = []
        self.scores: list[Score] = []

    @property
    def normaliser(self) -> str:
        """What distances are divided by, in words."""
        return '-'

    @abstractmethod
    def compute(self, rows: list[dict[str, Any]]) -> dict[str, float]:
        """Compute the numbers of some rows, by name."""

    def extra(self, truth: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
        """Read further values, as plain data, for a row from the truth of its sample."""
        return {}

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the rows of a batch.

        Args:
            data_batch: Not used.
            data_samples: Samples as dicts, with ``gt_instances`` and ``pred_instances``.

        Raises:
            InputError: If a sample has no truth, more or fewer points than its prediction, or a
                predicted point or score that is not finite.
        """
        for sample in data_samples:
            self.results.append(self._row(sample))
            _check_finite(sample)

    def check(self, sample: dict) -> None:
        """Check, before anything is predicted, that a sample has what the metric needs.

        Args:
            sample: A sample as a dict, with ``gt_instances``.

        Raises:
            InputError: If it lacks something; the message names it.
        """
        self.compute([self._row({**sample, 'pred_instances': sample['gt_instances']})])

    def _row(self, sample: dict) -> dict[str, Any]:
        truth, prediction = sample['gt_instances'], sample['pred_instances']
        face = _describe(sample)
        if 'keypoints' not in truth:
            raise InputError(f'{face} has no true points: predictions on it cannot be evaluated')
        if len(truth['keypoints']) != 1:
            raise InputError(
                f'{face}: a row is one face, this sample has {len(truth["keypoints"])}'
            )
        gt, pred = to_array(truth['keypoints'])[0], to_array(prediction['keypoints'])[0]
        if gt.shape != pred.shape:
            raise InputError(f'{face} has {len(gt)} true points, the model predicts {len(pred)}')
        row = {
            'id': sample.get('id'),
            'img_path': sample.get('img_path'),
            'subsets': list(sample.get('subsets') or ()),
            'gt': gt.tolist(),
            'pred': pred.tolist(),
            'mask': _visible(truth['keypoints_visible']).tolist(),
        }
        if 'exif' in sample:
            row['exif'] = sample['exif']
        if 'bboxes' in truth:
            row['bbox'] = to_array(truth['bboxes'])[0].tolist()
        if 'keypoint_scores' in prediction:
            row['scores'] = to_array(prediction['keypoint_scores'])[0].tolist()
        row |= sample.get('annotated') or {}
        return {**row, **self.extra(truth, row)}

    def evaluate(self, size: int) -> dict[str, float]:
        """Compute all numbers over ``size`` samples, on every rank alike."""
        rows = gather_rows(self.results, size)
        self.results.clear()
        metrics = self.compute_metrics(rows)
        if self.prefix:
            return {f'{self.prefix}/{key}': value for key, value in metrics.items()}
        return metrics

    def compute_metrics(self, results: list[dict[str, Any]]) -> dict[str, float]:
        """Compute the numbers of the whole set and of each subset: ``NME``, ``NME_frontal``."""
        self.rows = results
        groups: dict[str | None, list[dict]] = {None: results}
        for row in results:
            for subset in row['subsets']:
                groups.setdefault(subset, []).append(row)
        self.scores = [
            Score(name, subset, value, len(rows), int(np.sum([row['mask'] for row in rows])))
            for subset, rows in groups.items()
            for name, value in self.compute(rows).items()
        ]
        return {score.key: score.value for score in self.scores}


def _describe(sample: dict) -> str:
    return f"face id {sample.get('id')!r} (image '{sample.get('img_path')}')"


def _check_finite(sample: dict) -> None:
    """Refuse predictions of spoilt weights: the highest place of a map of NaN is a number."""
    prediction = sample['pred_instances']
    for key in ('keypoints', 'keypoint_scores'):
        if key in prediction and not np.isfinite(to_array(prediction[key])).all():
            raise InputError(f'{_describe(sample)}: the model predicts {key} that are not finite')


def to_array(value: Any) -> ndarray:
    """Turn a tensor, array or list into an array."""
    return value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)


def points_of(rows: list[dict[str, Any]]) -> tuple[ndarray, ndarray, ndarray]:
    """Predicted and true points ``(N, K, 2)`` and mask ``(N, K)`` of rows."""
    pred, gt, mask = (np.array([row[key] for row in rows]) for key in ('pred', 'gt', 'mask'))
    return pred, gt, mask


def _visible(keypoints_visible: Any) -> ndarray:
    """One bool a point, from ``(1, K)`` or ``(1, K, 1 or 2)``."""
    visible = to_array(keypoints_visible)
    if visible.ndim == 3:
        visible = visible[..., 0]
    return visible.astype(bool).reshape(-1)
