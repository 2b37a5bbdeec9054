"""The errors of a run's faces by one normaliser, and numbers over some of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy import ndarray

from mmpose_lite.evaluation.functional import keypoint_distances, ratio_intervals

from .table import FaceTable


@dataclass(frozen=True, eq=False)
class Errors:
    """Normalised distances of N faces with K points.

    Attributes:
        distances: ``(N, K)`` float32, as the metric has them; -1 where ``counted`` is false.
        counted: ``(N, K)`` bool: points that count, of faces that have the normaliser.
    """

    distances: ndarray
    counted: ndarray

    @classmethod
    def of(cls, table: FaceTable, sizes: ndarray) -> Errors:
        """Measure a table; ``sizes`` ``(N,)`` is NaN for faces without one."""
        factor = np.where(np.isfinite(sizes), sizes, 0.0)[:, None]
        distances = keypoint_distances(table.pred, table.gt, table.mask, factor)
        return cls(distances, distances != -1)

    @cached_property
    def totals(self) -> ndarray:
        """How many points of each face count, ``(N,)``."""
        return self.counted.sum(axis=1)

    @cached_property
    def sums(self) -> ndarray:
        """The sum of each face's errors, ``(N,)`` float64."""
        return np.where(self.counted, self.distances, 0.0).sum(axis=1, dtype=np.float64)

    @cached_property
    def faces(self) -> ndarray:
        """Which faces have an error, ``(N,)`` bool."""
        return self.totals > 0

    @cached_property
    def means(self) -> ndarray:
        """The mean error of each face, ``(N,)``; NaN where it has none."""
        blank = np.full(len(self.sums), np.nan)
        return np.divide(self.sums, self.totals, out=blank, where=self.faces)

    def among(self, points: ndarray) -> Errors:
        """The same with fewer points: ``(N, K)``, ``(N, 1)`` or ``(K,)`` bool."""
        return Errors(self.distances, self.counted & points)

    def pooled(self) -> float | None:
        """The mean over all points, bit for bit what ``keypoint_nme`` answers; None without any."""
        if not self.counted.any():
            return None
        return float(self.distances[self.counted].mean(dtype=np.float64))

    def pooled_interval(self) -> list[float] | None:
        """The bootstrap interval of :meth:`pooled`; None where faces are too few."""
        kept = self.faces
        return error_intervals(self.sums[kept, None], self.totals[kept, None])[0]


def error_intervals(sums: ndarray, totals: ndarray) -> list[list[float] | None]:
    """The bootstrap intervals of means that are not below 0; None where faces are too few.

    Args:
        sums: ``(N, S)``, the sum of each face's errors.
        totals: ``(N, S)`` or ``(N, 1)``, how many these are.
    """
    limits = np.maximum(ratio_intervals(sums, totals), 0.0).tolist()
    return [None if np.isnan(each).any() else each for each in limits]
