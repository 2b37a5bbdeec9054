"""Errors of a run's faces, and the normalisers that they are divided by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy import ndarray

from mmpose_lite.evaluation import NME
from mmpose_lite.evaluation.functional import head_pose, keypoint_distances, ratio_intervals

from .run import WHOLE, FaceTable, Run
from .schema import Average, Interval


@dataclass(frozen=True, eq=False)
class Errors:
    """Normalised distances of N faces with K points.

    Attributes:
        distances: ``(N, K)`` float32, as in the metric; -1 where ``counted`` is False.
        counted: ``(N, K)`` bool: points that count, of faces with the normaliser.
    """

    distances: ndarray
    counted: ndarray

    @classmethod
    def of(cls, table: FaceTable, sizes: ndarray) -> Errors:
        """Measure a table by normalisers ``(N,)``, NaN for faces without one."""
        factor = np.where(np.isfinite(sizes), sizes, 0.0)[:, None]
        distances = keypoint_distances(table.pred, table.gt, table.mask, factor)
        return cls(distances, distances != -1)

    @cached_property
    def totals(self) -> ndarray:
        """The number of points of each face that count, ``(N,)``."""
        return self.counted.sum(axis=1)

    @cached_property
    def sums(self) -> ndarray:
        """The sum of each face's errors, ``(N,)`` float64."""
        return np.where(self.counted, self.distances, 0.0).sum(axis=1, dtype=np.float64)

    @cached_property
    def faces(self) -> ndarray:
        """Faces that have an error, ``(N,)`` bool."""
        return self.totals > 0

    @cached_property
    def means(self) -> ndarray:
        """The mean error of each face, ``(N,)``; NaN without one."""
        blank = np.full(len(self.sums), np.nan)
        return np.divide(self.sums, self.totals, out=blank, where=self.faces)

    def among(self, points: ndarray) -> Errors:
        """Select points by a mask ``(N, K)``, ``(N, 1)`` or ``(K,)`` bool."""
        return Errors(self.distances, self.counted & points)

    def pooled(self) -> float | None:
        """Compute the mean over all points, bit for bit ``keypoint_nme``'s; None without any."""
        if not self.counted.any():
            return None
        return float(self.distances[self.counted].mean(dtype=np.float64))

    def average(self) -> Average:
        """Compute the mean over all points, and its bootstrap interval; None for too few faces."""
        kept = self.faces
        interval = error_intervals(self.sums[kept, None], self.totals[kept, None])[0]
        return {'nme': self.pooled(), 'interval': interval}


def error_intervals(sums: ndarray, totals: ndarray) -> list[Interval]:
    """Compute S bootstrap intervals of means that are not below 0; None for too few faces.

    Args:
        sums: ``(N, S)``, the sum of each face's errors.
        totals: ``(N, S)`` or ``(N, 1)``, their number.
    """
    limits = np.maximum(ratio_intervals(sums, totals), 0.0).tolist()
    return [None if np.isnan(each).any() else each for each in limits]


# Outer corners of the eyes.
_EYES = {**NME.DEFAULT_KEYPOINT_INDICES, 'aflw': (6, 11)}
_NOT_EYES = {'horse10'}


@dataclass(frozen=True, eq=False)
class Normaliser:
    """A size of each face, ``(N,)``, image pixels, above 0; NaN for faces without one."""

    title: str
    about: str
    values: ndarray


def find_normalisers(run: Run) -> dict[str, Normaliser]:
    """Collect the metric's own normaliser, and others that at least one face has."""
    found = {
        'box': Normaliser(
            'longer side of box',
            'The longer side of the annotated box; in AFLW the side of the square. MMPose divides '
            'by it.',
            run.table.box_size,
        ),
        'diagonal': Normaliser(
            'diagonal of box',
            'The diagonal of the annotated box: of a square 1.414 times the side.',
            np.hypot(*(run.table.bbox[:, 2:] - run.table.bbox[:, :2]).T),
        ),
        'tight_box': Normaliser(
            'tight box about the points',
            'The root of width times height of the smallest upright box about the true points.',
            _tight_box(run.table.gt, run.table.mask),
        ),
    }
    eyes = _between_eyes(run)
    if eyes is not None:
        found['interocular'] = eyes
    name, own = _own(run, found)
    others = {key: each for key, each in found.items() if key != name}
    known = {key: each for key, each in others.items() if np.isfinite(each.values).any()}
    # The metric's own comes first even if no face has it: no other may silently take its place.
    is_own = run.normaliser is not None or np.isfinite(own.values).any() or not known
    return {name: own, **known} if is_own else known


def _own(run: Run, found: dict[str, Normaliser]) -> tuple[str, Normaliser]:
    """The name and values of the normaliser of the run's metric."""
    measure, norm = run.normaliser, run.table.norm
    if measure is not None and measure.pair is not None:
        # As in the metric, whether the two are visible or not.
        values = _distance(run, measure.pair, False)
        eyes = found.get('interocular')
        if eyes is not None and np.array_equal(values, eyes.values, equal_nan=True):
            return 'interocular', eyes
        about = f'The distance between two true points, seen or hidden: {measure.title}.'
        return 'two_points', Normaliser(measure.title, about, values)
    is_box = measure is None or measure.item in (None, 'bbox_size')
    if is_box and np.isnan(norm).all():
        return 'box', found['box']
    if np.allclose(norm, found['box'].values, rtol=1e-4, equal_nan=True):
        # The metric computed it from numbers in single precision: equal to the last bit.
        return 'box', replace(found['box'], values=norm)
    title = 'size by the metric' if measure is None else measure.title
    if title in {each.title for each in found.values()}:
        title += ', as the metric had it'
    values = np.where(norm > 0, norm, np.nan)
    return 'metric', Normaliser(title, 'What the metric of the run divides by.', values)


def _between_eyes(run: Run) -> Normaliser | None:
    pair = _EYES.get(run.points.dataset or '')
    if pair is None or run.points.dataset in _NOT_EYES or max(pair) >= run.table.points:
        return None
    return Normaliser(
        'outer corners of the eyes',
        'The distance between the outer corners of the eyes, for faces where both are annotated '
        'and none is known to be hidden; it is short where the head is turned.',
        _distance(run, (pair[0], pair[1]), True),
    )


def _distance(run: Run, pair: tuple[int, int], both_seen: bool) -> ndarray:
    first, second = (run.table.gt[:, i] for i in pair)
    there = run.table.mask[:, list(pair)].all(axis=1)
    if both_seen:
        there &= ~(run.table.seen[:, list(pair)] == 0).any(axis=1)
    apart = np.linalg.norm(first - second, axis=-1)
    return np.where(there & (apart > 0), apart, np.nan)


def _tight_box(gt: ndarray, mask: ndarray) -> ndarray:
    low = np.where(mask[..., None], gt, np.inf).min(axis=1)
    high = np.where(mask[..., None], gt, -np.inf).max(axis=1)
    sides = np.where(np.isfinite(high), high, 0.0) - np.where(np.isfinite(low), low, 0.0)
    area = sides.prod(axis=1)
    return np.where(area > 0, np.sqrt(np.abs(area)), np.nan)


@dataclass(frozen=True, eq=False)
class RunErrors:
    """Errors of a run by all of its normalisers; all parts of a report start from them."""

    run: Run

    @cached_property
    def normalisers(self) -> dict[str, Normaliser]:
        """Normalisers; the metric's own comes first."""
        return find_normalisers(self.run)

    @property
    def primary(self) -> str:
        """The name of the metric's own normaliser."""
        return next(iter(self.normalisers))

    @property
    def sizes(self) -> ndarray:
        """The values of the metric's own normaliser, ``(N,)``."""
        return self.normalisers[self.primary].values

    @cached_property
    def errors(self) -> dict[str, Errors]:
        """Errors by normaliser."""
        table = self.run.table
        return {name: Errors.of(table, each.values) for name, each in self.normalisers.items()}

    @property
    def own(self) -> Errors:
        """Errors by the metric's own normaliser."""
        return self.errors[self.primary]

    @cached_property
    def mean_shape(self) -> Errors | None:
        """Errors of the mean of the true faces, put into each box; None if one has no box."""
        pred = mean_shapes(self.run.table)
        return None if pred is None else Errors.of(replace(self.run.table, pred=pred), self.sizes)

    @cached_property
    def subsets(self) -> dict[str, ndarray]:
        """Masks of the subsets' faces, ``(N,)`` bool; ``full``, the first, has all."""
        return subset_faces(self.run.table)

    @cached_property
    def yaw(self) -> tuple[ndarray, str] | None:
        """Each face's yaw in degrees, NaN if unknown, and its source; None if unknown for all.

        Annotated yaws are used if half of the faces have one and none exceeds a full turn in
        radians; else those that AFLW's points imply.
        """
        annotated = self.run.table.yaw
        is_beyond = np.abs(annotated) > 2 * np.pi
        if np.isfinite(annotated).mean() >= 0.5 and not is_beyond.any():
            return np.degrees(annotated), 'annotated'
        if self.run.points.dataset != 'aflw' or self.run.table.points != 19:
            return None
        implied = np.degrees(head_pose(self.run.table.gt, self.run.table.mask)[:, 0])
        return (implied, 'from points') if np.isfinite(implied).any() else None


def mean_shapes(table: FaceTable) -> ndarray | None:
    """Put the mean of the true faces, each relative to its box, into every box.

    Returns:
        ``(N, K, 2)``, image pixels; None if a face has no box, or a point is on no face.
    """
    if not np.isfinite(table.bbox).all() or not table.mask.any(axis=0).all():
        return None
    centers = (table.bbox[:, None, :2] + table.bbox[:, None, 2:]) / 2
    sides = table.box_size[:, None, None]
    shapes = np.where(table.mask[..., None], (table.gt - centers) / sides, 0.0)
    return centers + sides * (shapes.sum(axis=0) / table.mask.sum(axis=0)[:, None])


def subset_faces(table: FaceTable) -> dict[str, ndarray]:
    """Mark the faces of each subset, ``(N,)`` bool; ``full``, the first, has all."""
    found = {WHOLE: np.ones(len(table), dtype=bool)}
    for name in dict.fromkeys(name for names in table.subsets for name in names):
        found.setdefault(name, np.array([name in names for names in table.subsets]))
    return found
