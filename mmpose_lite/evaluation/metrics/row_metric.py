"""Base class of metrics: one row per face, scores of the whole set and of each named subset."""

from __future__ import annotations

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from numpy import ndarray

from mmpose_lite.errors import InputError, first_few
from mmpose_lite.structures.keypoint.transforms import FARTHEST
from mmpose_lite.utils.collectives import gather_objects

NO_POINT = 'no visible point'
_MISSING = object()
_NAMED = 5  # most faces of a part that a line names


@dataclass(frozen=True)
class Score:
    """One number and the faces and points it was computed over.

    Attributes:
        name: The metric's name, without the subset's.
        subset: The subset's name; None is the whole set.
        value: The number.
        faces: The number of faces, without those that are left out.
        points: The number of points.
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
    """Keep one row per face, gather the rows of all ranks, and compute scores from them.

    A metric sets :attr:`names` and defines :meth:`compute`; :meth:`extra` adds what it needs beside
    points to the row. Faces without a visible point are left out; see
    :meth:`reason_to_leave_out`. Where the samples are of several data sets, by ``dataset_name``,
    each of these parts has its own scores, as a subset has, unless all its faces are left out.

    Args:
        collect_device: Accepted for MMPose's configs; the process group's device is used.
        prefix: Put before the scores' names, with a slash.
        collect_dir: Accepted for MMPose's configs; no folder is used.

    Attributes:
        rows: The rows of the last evaluation: ``id``, ``img_path``, ``subsets``, ``pred``, ``gt``
            ``(K, 2)``, ``mask`` ``(K,)``, ``bbox`` xyxy, ``scores`` ``(K,)``; image pixels. If
            annotated, ``flags``, ``visibility`` ``(K,)`` and ``yaw``; ``exif`` if photographs were
            turned by it; ``part`` if there are several; ``left_out``, the reason, if there is one.
        scores: The scores of the last evaluation.
        left_out: Faces left out of it, one sentence per reason.
        source: The annotation files, for messages; the runner's checks set it.
    """

    default_prefix = ''
    #: Names of the scores.
    names: tuple[str, ...] = ()
    #: Scores are fractions, which tables show in percent.
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
        """A description, for people, of the size that distances are divided by."""
        return '-'

    @property
    def title(self) -> str:
        """The names of the scores, in words."""
        return ', '.join(self.names) or type(self).__name__

    @abstractmethod
    def compute(self, rows: list[dict[str, Any]]) -> dict[str, float]:
        """Compute the scores of some rows, by name."""

    def extra(self, truth: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
        """Read further values for a row, as plain data, from the truth of its sample."""
        return {}

    def reason_to_leave_out(self, row: dict[str, Any]) -> str | None:
        """The reason to leave out a face, in words that follow "has"; None if it counts."""
        return None if np.any(row['mask']) else NO_POINT

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the rows of a batch: samples as dicts, with ``gt_instances`` and ``pred_instances``.

        Raises:
            InputError: If a sample has no truth, its prediction has another number of points, a
                visible point is not finite, or a predicted point or score is not finite or beyond
                :data:`FARTHEST`.
        """
        for sample in data_samples:
            self.results.append(self._row(sample))
            _check_finite(sample)

    def check(self, sample: dict) -> None:
        """Check, before any prediction, that a sample has what the metric needs, or is left out.

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
            'part': sample.get('dataset_name'),
            'gt': gt.tolist(),
            'pred': pred.tolist(),
            'mask': visible_points(truth['keypoints_visible']).tolist(),
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
        """Compute all scores over ``size`` samples, with the same result on every rank."""
        rows = gather_rows(self.results, size)
        self.results.clear()
        metrics = self.compute_metrics(rows)
        if self.prefix:
            return {f'{self.prefix}/{key}': value for key, value in metrics.items()}
        return metrics

    def compute_metrics(self, results: list[dict[str, Any]]) -> dict[str, float]:
        """Compute the scores of the whole set, and of each subset and part: ``NME_frontal``.

        Raises:
            InputError: If no face of the set, or of a subset, is left; or a part has the name of a
                subset.
        """
        self.rows, parts = _mark_parts(results)
        reasons = [self.reason_to_leave_out(row) for row in self.rows]
        for row, reason in zip(self.rows, reasons, strict=True):
            if reason is not None:
                row['left_out'] = reason
        groups = _groups(self.rows)
        lost = [part for part in parts if all(reasons[i] is not None for i in groups[part])]
        self._tell_left_out(reasons, [(part, len(groups[part])) for part in lost])
        self.scores = [
            score
            for subset, members in groups.items()
            # A part that has no number of its own is said; the whole set must have one.
            if subset not in lost
            for score in self._scores(subset, [(self.rows[i], reasons[i]) for i in members])
        ]
        return {score.key: score.value for score in self.scores}

    def _scores(
        self, subset: str | None, faces: list[tuple[dict[str, Any], str | None]]
    ) -> Iterator[Score]:
        """The numbers over those of some faces that are not left out for a reason."""
        kept = [row for row, reason in faces if reason is None]
        if not kept:
            rows, reasons = [row for row, _ in faces], [reason for _, reason in faces]
            text = ', '.join(_sentences(rows, reasons)) or 'there is none'
            group = 'the set' if subset is None else f"subsets['{subset}']"
            where = self.source or ', '.join(map(_describe, rows[:1])) or 'no sample'
            raise InputError(f'{self.title} of {group} ({where}) is over no face: {text}')
        points = int(np.sum([row['mask'] for row in kept]))
        for name, value in self.compute(kept).items():
            yield Score(name, subset, value, len(kept), points)

    def _tell_left_out(self, reasons: list[str | None], lost: list[tuple[str, int]]) -> None:
        """Log what is left out, unless the last evaluation left out the same.

        Args:
            reasons: For each row.
            lost: Parts of which no face is left, with their numbers of faces.
        """
        told, self.left_out = self.left_out, _sentences(self.rows, reasons)
        self.left_out += [
            f'none of the {faces:,} faces of {part} is left, which has no number of its own'
            for part, faces in lost
        ]
        if told != self.left_out:
            for text in self.left_out:
                print_log(f'{self.title}: {text}', logger='current')


def gather_rows(rows: list[dict[str, Any]], size: int) -> list[dict[str, Any]]:
    """Gather the rows of all ranks, plain data, :func:`in_order`; every rank gets all of them."""
    return in_order(gather_objects(rows), size)


def in_order(parts: Sequence[Sequence[Any]], size: int) -> list[Any]:
    """Put what ranks have into the data's order, and cut off the padding beyond its ``size``.

    Rank r of R has the samples r, r + R, ..., as the sampler deals them.

    Raises:
        RuntimeError: If there are fewer than ``size``.
    """
    dealt = chain.from_iterable(zip_longest(*parts, fillvalue=_MISSING))
    rows = [row for row in dealt if row is not _MISSING]
    if len(rows) < size:
        raise RuntimeError(f'{size} samples were to be evaluated, only {len(rows)} have a row')
    return rows[:size]


def _groups(rows: list[dict[str, Any]]) -> dict[str | None, list[int]]:
    """Indices of the rows of the whole set (None) and of each subset."""
    groups: dict[str | None, list[int]] = {None: list(range(len(rows)))}
    for place, row in enumerate(rows):
        for subset in dict.fromkeys(row['subsets']):
            groups.setdefault(subset, []).append(place)
    return groups


def _mark_parts(rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """Make each row's part, its data set, a subset of it where there are several; name them.

    Raises:
        InputError: If a subset has the name of a part.
    """
    parts = list(dict.fromkeys(row['part'] for row in rows if row.get('part') is not None))
    if len(parts) < 2:
        return [{key: row[key] for key in row if key != 'part'} for row in rows], []
    for name in (name for row in rows for name in row['subsets']):
        if name in parts:
            raise InputError(
                f"subsets['{name}'] has the name of a data set that is a part of the whole: give "
                'it another'
            )
    whole = [[*row['subsets'], *filter(None, [row.get('part')])] for row in rows]
    return [{**row, 'subsets': names} for row, names in zip(rows, whole, strict=True)], parts


def _sentences(rows: list[dict[str, Any]], reasons: list[str | None]) -> list[str]:
    ids, parts = [row['id'] for row in rows], [row.get('part') for row in rows]
    return left_out_sentences(reasons, ids, parts)


def left_out_sentences(
    reasons: Sequence[str | None], ids: Sequence[Any], parts: Sequence[str | None]
) -> list[str]:
    """Word which faces are left out: one sentence per reason, with the ids of the first ones.

    Args:
        reasons: For each face the reason, None if it counts.
        ids: The faces' ids.
        parts: The data sets that they are of, where there are several.
    """
    faces: dict[str, dict[str | None, list[str]]] = defaultdict(lambda: defaultdict(list))
    for reason, face, part in zip(reasons, ids, parts, strict=True):
        if reason is not None:
            faces[reason][part].append(str(face))
    return [
        f'{count_left_out(sum(map(len, by_part.values())), len(ids), reason)} ('
        + '; '.join(
            f'{f"{part}: " if part else ""}id {first_few(found, _NAMED)}'
            for part, found in by_part.items()
        )
        + ')'
        for reason, by_part in faces.items()
    ]


def count_left_out(faces: int, among: int, reason: str) -> str:
    """Word a count of faces: ``2 of 5 faces have ... and are left out``."""
    verbs = ('has', 'is') if faces == 1 else ('have', 'are')
    return f'{faces:,} of {among:,} faces {verbs[0]} {reason} and {verbs[1]} left out'


def check_sizes(rows: list[dict[str, Any]], sizes: ndarray) -> None:
    """Check the sizes ``(N,)`` that distances are divided by, image pixels.

    Raises:
        InputError: If a size is not above 0; the message names the first face and counts others.
    """
    bad = ~((sizes > 0) & np.isfinite(sizes))
    if bad.any():
        first, others = int(np.flatnonzero(bad)[0]), int(bad.sum()) - 1
        more = f' and {others} more' if others else ''
        raise InputError(
            f'{_describe(rows[first])}{more}: the normaliser is {sizes[first]}, it must be above 0'
        )


def box_size(truth: dict[str, Any], face: dict[str, Any]) -> float:
    """The longer side of a face's box ``(1, 4)`` xyxy; one below 0 is an InputError."""
    left, top, right, bottom = to_array(truth['bboxes'])[0]
    sides = (float(right - left), float(bottom - top))
    if min(sides) < 0:
        raise InputError(f'{_describe(face)}: the box has a side below 0: {sides[0]} x {sides[1]}')
    return max(sides)


def _describe(sample: dict) -> str:
    return f"face id {sample.get('id')!r} (image '{sample.get('img_path')}')"


def _check_finite(sample: dict) -> None:
    """Refuse predictions that are not finite: the peak of a heatmap of NaN has a finite place."""
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


def visible_points(keypoints_visible: Any) -> ndarray:
    """Tell which points of a face count, ``(K,)`` bool, from ``(1, K)`` or ``(1, K, 1 or 2)``."""
    visible = to_array(keypoints_visible)
    if visible.ndim == 3:
        visible = visible[..., 0]
    return (visible > 0).reshape(-1)
