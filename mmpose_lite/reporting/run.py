"""A test run: its faces, and what is known about where the predictions come from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from numpy import ndarray

from .table import FaceTable

#: How boxes are disturbed: see :class:`mmpose_lite.datasets.transforms.DisturbBox`.
BOX_ERRORS = ('shift', 'larger', 'smaller')


@dataclass(frozen=True)
class PointSet:
    """What the points are.

    Attributes:
        dataset: The name of the set in its metainfo; None: not known.
        names: One a point.
        flip_indices: For each point that of its mirror; empty: not known.
        links: Pairs of points with a line between.
    """

    dataset: str | None
    names: tuple[str, ...]
    flip_indices: tuple[int, ...] = ()
    links: tuple[tuple[int, int], ...] = ()

    @classmethod
    def unnamed(cls, count: int) -> PointSet:
        """Points of which nothing is known but how many there are."""
        return cls(None, tuple(f'point {i}' for i in range(count)))


@dataclass(frozen=True)
class Measure:
    """What the metric of the run divides by.

    Attributes:
        title: In words.
        item: The value of a sample that it is, such as ``'bbox_size'``; None: two points.
        pair: These two points.
    """

    title: str
    item: str | None = None
    pair: tuple[int, int] | None = None


@dataclass(frozen=True, eq=False)
class Pass:
    """Predictions of a further pass over some of the faces.

    Attributes:
        kind: ``'flip_test'``, or one of :data:`BOX_ERRORS`.
        value: Whether the flip test was on; or by how much boxes were disturbed, in sides.
        indices: ``(n,)``, which faces of the table.
        pred: ``(n, K, 2)``, image pixels.
    """

    kind: str
    value: float
    indices: ndarray
    pred: ndarray


@dataclass(frozen=True, eq=False)
class Run:
    """A test run.

    Attributes:
        name: As reports name it.
        table: Its faces.
        points: What the points are.
        measure: What its metric divides by; None: not known.
        provenance: See :mod:`.provenance`; what is not there is not known.
        passes: Further passes.
        seed: Of the faces and directions of the further passes.
        data_roots: The folders below which its photographs were.
        moved_to: Where the data root is by now; None: where it was.
    """

    name: str
    table: FaceTable
    points: PointSet
    measure: Measure | None = None
    provenance: dict[str, Any] = field(default_factory=dict)
    passes: tuple[Pass, ...] = ()
    seed: int = 0
    data_roots: tuple[str, ...] = ()
    moved_to: str | None = None

    def renamed(self, name: str) -> Run:
        """The same run under another name."""
        return replace(self, name=name)
