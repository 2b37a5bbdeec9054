"""The base of metrics: one row a face, numbers for the whole and for each named subset."""

from __future__ import annotations

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from numpy import ndarray

from mmpose_lite.utils import InputError

from .gather import gather_rows

NO_POINT = 'no visible point'
#: Beyond it errors in single precision, and sums of them, come to no number; px.
FARTHEST = 1e9
_NAMED = 5  # faces that a line names at most


@dataclass(frozen=True)
class Score:
    """One number and what it was computed over.

    Attributes:
        name: The metric's name, without the subset's.
        subset: The subset's name; None is the whole set.
        value: The number.
        faces: How many faces it is over; those that are left out do not count.
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
    the row by :meth:`extra`. Faces without a visible point are in no number; see
    :meth:`reason_to_leave_out`.

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
        left_out: Faces in no number of it, one sentence a reason.
        source: The annotation files, for messages; the runner's checks set it.
    """

    default_prefix = ''
    #: What the numbers of this metric are called.
    names: tuple[str, ...] = ()
    #: Whether these are fractions, which tables show in percent.
    is_fraction = False

    def __init__(
        self,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix, collect_dir=collect_dir)
        self.rows: list[dict[str, Any]] = []
        self.scores: list[Score] = []
        self.left_out: list[str] = []
        self.source: str | None = None

    @property
    def normaliser(self) -> str:
        """What distances are divided by, in words."""
        return '-'

    @property
    def title(self) -> str:
        """The names of the numbers, in words."""
        return ', '.join(self.names) or type(self).__name__

    @abstractmethod
    def compute(self, rows: list[dict[str, Any]]) -> dict[str, float]:
        """Compute the numbers of some rows, by name."""

    def extra(self, truth: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
        """Read further values, as plain data, for a row from the truth of its sample."""
        return {}

    def reason_to_leave_out(self, row: dict[str, Any]) -> str | None:
        """The reason why a face is left out, in words that follow "has"; None if it counts."""
        return None if np.any(row['mask']) else NO_POINT

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the rows of a batch.

        Args:
            data_batch: Not used.
            data_samples: Samples as dicts, with ``gt_instances`` and ``pred_instances``.

        Raises:
            InputError: If a sample has no truth, more or fewer points than its prediction, a
                visible point that is not finite, or a predicted point or score that is not, or is
                beyond :data:`FARTHEST`.
        """
        for sample in data_samples:
            self.results.append(self._row(sample))
            _check_finite(sample)

    def check(self, sample: dict) -> None:
        """Check, before anything is predicted, that a sample has what the metric needs.

        A face that the numbers leave out is fine.

        Args:
            sample: A sample as a dict, with ``gt_instances``.

        Raises:
            InputError: If it lacks something; the message names it.
        """
        row = self._row({**sample, 'pred_instances': sample['gt_instances']})
        if self.reason_to_leave_out(row) is None:
            self.compute([row])

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
        if not np.isfinite(gt[row['mask']]).all():
            raise InputError(f'{face} has a visible true point that is not finite')
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
        """Compute the numbers of the whole set and of each subset: ``NME``, ``NME_frontal``.

        Raises:
            InputError: If no face of the set, or of a subset, can be in a number.
        """
        self.rows = results
        reasons = [self.reason_to_leave_out(row) for row in results]
        self._tell_left_out(reasons)
        self.scores = [
            score
            for subset, members in _groups(results).items()
            for score in self._scores(subset, [(results[i], reasons[i]) for i in members])
        ]
        return {score.key: score.value for score in self.scores}

    def _scores(
        self, subset: str | None, faces: list[tuple[dict[str, Any], str | None]]
    ) -> Iterator[Score]:
        """The numbers over those of some faces that are not left out for a reason."""
        kept = [row for row, reason in faces if reason is None]
        if not kept:
            rows, reasons = [row for row, _ in faces], [reason for _, reason in faces]
            text = ', '.join(_left_out_text(rows, reasons)) or 'there is none'
            group = 'the set' if subset is None else f"subsets['{subset}']"
            where = self.source or ', '.join(map(_describe, rows[:1])) or 'no sample'
            raise InputError(f'{self.title} of {group} ({where}) is over no face: {text}')
        points = int(np.sum([row['mask'] for row in kept]))
        for name, value in self.compute(kept).items():
            yield Score(name, subset, value, len(kept), points)

    def _tell_left_out(self, reasons: list[str | None]) -> None:
        """Log which faces are left out, once for as long as they are the same."""
        told, self.left_out = self.left_out, _left_out_text(self.rows, reasons)
        if told != self.left_out:
            for text in self.left_out:
                print_log(f'{self.title}: {text}', logger='current')


def _groups(rows: list[dict[str, Any]]) -> dict[str | None, list[int]]:
    """The places of the rows of the whole set (None) and of each subset."""
    groups: dict[str | None, list[int]] = {None: list(range(len(rows)))}
    for place, row in enumerate(rows):
        for subset in dict.fromkeys(row['subsets']):
            groups.setdefault(subset, []).append(place)
    return groups


def _left_out_text(rows: list[dict[str, Any]], reasons: list[str | None]) -> list[str]:
    """Sentences: how many faces lack what, and which if they are few."""
    faces: dict[str, list[Any]] = defaultdict(list)
    for row, reason in zip(rows, reasons, strict=True):
        if reason is not None:
            faces[reason].append(row['id'])
    return [
        f'{count_left_out(len(ids), len(rows), reason)}'
        + (f' (id {", ".join(map(str, ids))})' if len(ids) <= _NAMED else '')
        for reason, ids in faces.items()
    ]


def count_left_out(faces: int, among: int, reason: str) -> str:
    """Say how many faces are in no number: ``2 of 5 faces have ... and are left out``."""
    verbs = ('has', 'is') if faces == 1 else ('have', 'are')
    return f'{faces:,} of {among:,} faces {verbs[0]} {reason} and {verbs[1]} left out'


def check_sizes(rows: list[dict[str, Any]], sizes: ndarray) -> None:
    """Check what distances are divided by.

    Args:
        rows: The faces.
        sizes: ``(N,)``, image pixels.

    Raises:
        InputError: If one is not above 0; the message names the first face, and counts others.
    """
    bad = ~((sizes > 0) & np.isfinite(sizes))
    if bad.any():
        first, others = int(np.flatnonzero(bad)[0]), int(bad.sum()) - 1
        more = f' and {others} more' if others else ''
        raise InputError(
            f'{_describe(rows[first])}{more}: the normaliser is {sizes[first]}, it must be above 0'
        )


def box_size(truth: dict[str, Any], face: dict[str, Any]) -> float:
    """The longer side of a face's box ``(1, 4)`` xyxy.

    Raises:
        InputError: If a side is below 0; the message names the face.
    """
    left, top, right, bottom = to_array(truth['bboxes'])[0]
    sides = (float(right - left), float(bottom - top))
    if min(sides) < 0:
        raise InputError(f'{_describe(face)}: the box has a side below 0: {sides[0]} x {sides[1]}')
    return max(sides)


def _describe(sample: dict) -> str:
    return f"face id {sample.get('id')!r} (image '{sample.get('img_path')}')"


def _check_finite(sample: dict) -> None:
    """Refuse predictions of spoilt weights: the highest place of a map of NaN is a number."""
    prediction = sample['pred_instances']
    for key in ('keypoints', 'keypoint_scores'):
        if key in prediction and not (np.abs(to_array(prediction[key])) <= FARTHEST).all():
            raise InputError(
                f'{_describe(sample)}: the model predicts {key} that are not finite, or beyond '
                f'{FARTHEST:g}'
            )


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
    return (visible > 0).reshape(-1)
