"""What all parts of a report start from, computed once a run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy import ndarray

from mmpose_lite.evaluation.functional import head_pose

from .errors import Errors
from .normalisers import Normaliser, find_normalisers
from .run import Run
from .table import WHOLE, FaceTable


@dataclass(frozen=True, eq=False)
class Measured:
    """A run with its errors."""

    run: Run

    @cached_property
    def normalisers(self) -> dict[str, Normaliser]:
        """What errors are divided by; the metric's own is the first."""
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
        """The errors by each normaliser."""
        return {
            name: Errors.of(self.run.table, each.values) for name, each in self.normalisers.items()
        }

    @property
    def own(self) -> Errors:
        """The errors by the metric's own normaliser."""
        return self.errors[self.primary]

    @cached_property
    def subsets(self) -> dict[str, ndarray]:
        """Which faces each subset has, ``(N,)`` bool; ``full``, the first, has all."""
        return subset_faces(self.run.table)

    @cached_property
    def yaw(self) -> tuple[ndarray, str] | None:
        """Each face's yaw in degrees, NaN where unknown, and its source; None if for none.

        Annotated yaws are taken where half of the faces have one, and none is beyond a whole turn:
        radians; else what AFLW's points imply.
        """
        annotated = self.run.table.yaw
        is_beyond = np.abs(annotated) > 2 * np.pi
        if np.isfinite(annotated).mean() >= 0.5 and not is_beyond.any():
            return np.degrees(annotated), 'annotated'
        if self.run.points.dataset != 'aflw' or self.run.table.points != 19:
            return None
        implied = np.degrees(head_pose(self.run.table.gt, self.run.table.mask)[:, 0])
        return (implied, 'from points') if np.isfinite(implied).any() else None


def subset_faces(table: FaceTable) -> dict[str, ndarray]:
    """Which faces of a table each subset has, ``(N,)`` bool; ``full``, the first, has all."""
    found = {WHOLE: np.ones(len(table), dtype=bool)}
    for name in table.subset_names():
        found.setdefault(name, np.array([name in names for names in table.subsets]))
    return found
