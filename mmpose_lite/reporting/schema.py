"""Schemas of a report's files: the dump of a test run, and the ``metrics.json`` of a report.

The fields of the classes are the keys of the files; :func:`.read` turns JSON data into them. All
errors are fractions: 0.0141 is 1.41 %. Points are in image pixels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any, TypedDict

import numpy as np
from numpy import ndarray

#: Perturbations of boxes; see :class:`mmpose_lite.datasets.transforms.DisturbBox`.
BOX_ERRORS = ('shift', 'larger', 'smaller')


def _check_indices(key: str, indices: Iterable[int], below: int) -> None:
    wrong = [index for index in indices if not 0 <= index < below]
    if wrong:
        raise ValueError(f'{key} has the index {wrong[0]}, which is not from 0 to {below - 1}')


class HashedFile(TypedDict):
    """A file and its SHA-256; None if it is not a file here."""

    file: str
    sha256: str | None


class Metadata(TypedDict, total=False):
    """Origin of a run's numbers; older dumps lack some keys."""

    command: str | None
    config: str | None
    config_sha256: str | None
    resolved_config_sha256: str | None
    checkpoint: str | None
    checkpoint_sha256: str | None
    data: list[HashedFile] | None
    versions: dict[str, str | None] | None
    device: str | None
    flip_test: bool | None
    date: str | None


@dataclass(frozen=True)
class PointSet:
    """Points of a data set: K names, the index of each one's mirror point, links between two.

    Mirror points and links are empty if unknown.
    """

    dataset: str | None = None
    names: tuple[str, ...] = ()
    flip_indices: tuple[int, ...] = ()
    links: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        count = len(self.names)
        if count and self.flip_indices and len(self.flip_indices) != count:
            raise ValueError(f'flip_indices has {len(self.flip_indices)} indices for {count} names')
        for key, indices in (('flip_indices', self.flip_indices), ('links', sum(self.links, ()))):
            _check_indices(key, indices if count else (), count)


@dataclass(frozen=True)
class MetricNormaliser:
    """Normaliser of a run's metric: a value of the sample, or the distance of two points."""

    title: str
    item: str | None = None
    pair: tuple[int, int] | None = None


@dataclass(frozen=True, eq=False)
class Pass:
    """Predictions of a further pass over some of the faces.

    Attributes:
        kind: ``'flip_test'``, or one of :data:`BOX_ERRORS`.
        value: 1 or 0 for the flip test on or off; or the perturbation, in sides of the box.
        indices: n faces of the table.
        pred: ``(n, K, 2)``, image pixels.
    """

    kind: str
    value: float
    indices: list[int]
    pred: ndarray

    def __post_init__(self) -> None:
        if self.kind not in ('flip_test', *BOX_ERRORS):
            kinds = ', '.join(('flip_test', *BOX_ERRORS))
            raise ValueError(f'kind is {self.kind!r}, none of {kinds}')
        fits, wanted = 0 < self.value <= 1, 'a share of a side, above 0 and up to 1'
        if self.kind == 'flip_test':
            fits, wanted = self.value in (0, 1), '0 or 1'
        if not fits:
            raise ValueError(f'value of {self.kind} is {self.value!r}, not {wanted}')
        if len(set(self.indices)) < len(self.indices):
            raise ValueError('indices has a face twice')


@dataclass(frozen=True)
class Further:
    """Further passes; the seed is that of the faces and directions of perturbed boxes."""

    seed: int = 0
    passes: tuple[Pass, ...] = ()

    def __post_init__(self) -> None:
        tried = [(each.kind, each.kind in BOX_ERRORS and each.value) for each in self.passes]
        for kind, _ in (one for one in tried if tried.count(one) > 1):
            raise ValueError(f'passes has {kind} twice')
        perturbed = [each.indices for each in self.passes if each.kind in BOX_ERRORS]
        if any(indices != perturbed[0] for indices in perturbed):
            raise ValueError('passes perturbs the boxes of other faces in one pass than in another')


@dataclass(frozen=True, kw_only=True)
class Dump:
    """Rows of a test run and their origin; older dumps have only the first three and the faces.

    Attributes:
        config: The config file.
        checkpoint: The checkpoint; a link's target.
        metrics: The scores, by name.
        data_roots: Folders that contain the photographs.
        counts: The numbers of faces and points of each score.
        left_out: Sentences about faces that are in no score.
        faces: Rows; see :class:`.Face`.
    """

    config: str | None = None
    checkpoint: str | None = None
    metrics: dict[str, Any] | None = None
    provenance: Metadata | None = None
    data_roots: tuple[str, ...] = ()
    points: PointSet | None = None
    normaliser: MetricNormaliser | None = None
    counts: dict[str, Any] | None = None
    left_out: list[str] | None = None
    faces: list[Any]
    further: Further | None = None

    def __post_init__(self) -> None:
        if '' in self.data_roots:
            raise ValueError('data_roots has an empty name')

    def check_counts(self, faces: int, points: int) -> None:
        """Check that all parts are of so many faces and points.

        Raises:
            ValueError: If one is not; the message begins with the key.
        """
        names = () if self.points is None else self.points.names
        if names and len(names) != points:
            raise ValueError(f'points.names has {len(names)} names, a row has {points} points')
        if self.normaliser is not None:
            _check_indices('normaliser.pair', self.normaliser.pair or (), points)
        for number, each in enumerate(self.further.passes if self.further else ()):
            key = f'further.passes[{number}]'
            _check_indices(f'{key}.indices', each.indices, faces)
            shape = (len(each.indices), points, 2)
            if each.pred.shape != shape or not np.isfinite(each.pred).all():
                raise ValueError(f'{key}.pred must be finite numbers of the shape {shape}')

    def to_json(self) -> dict[str, Any]:
        """Return the content of the file, without unknown values."""
        parts = {each.name: getattr(self, each.name) for each in fields(self)}
        return {
            key: part if isinstance(part, str | list | dict | tuple) else asdict(part)
            for key, part in parts.items()
            if part is not None
        }


# Of a report. Numbers without data are null: the median of no faces, an interval of a few faces.
Number = float | None
Interval = list[float | None] | None


class Average(TypedDict):
    """A pooled error with its interval."""

    nme: Number
    interval: Interval


class Points(Average):
    """Visible, or hidden points."""

    points: int


class FaceBin(Average):
    """Faces from one value up to the next."""

    low: Number
    high: Number
    faces: int


class FaceBins(TypedDict):
    """Errors by a value of faces; ``unknown`` faces are in no bin."""

    bins: list[FaceBin]
    unknown: int


class YawBins(FaceBins):
    source: str


class ConfidenceBin(TypedDict):
    confidence: Number
    low: Number
    high: Number
    points: int
    error: Number
    interval: Interval


class Reliability(TypedDict):
    """Errors by confidence, and Spearman's rank correlation of the two."""

    faces: int
    bins: list[ConfidenceBin]
    spearman: Number


class PointEntry(TypedDict):
    """Error of a point, and its place on the mean face, which fits 0 to 1 both ways, y down."""

    index: int
    name: str
    points: int
    nme: Number
    p90: Number
    position: list[float] | None


class FlipTest(TypedDict):
    """Pooled errors with and without flip test, and numbers of faces, by subset."""

    on: dict[str, Number]
    off: dict[str, Number]
    faces: dict[str, int]


class BoxErrorRow(Average):
    """Errors with perturbed boxes; ``amount`` in sides of the box."""

    kind: str
    amount: float


class BoxErrors(TypedDict):
    faces: int
    seed: int
    undisturbed: Number
    rows: list[BoxErrorRow]


class Side(TypedDict):
    """A prediction that is drawn; ``no_picture`` is the reason if it has none."""

    nme: Number
    picture: str | None
    no_picture: str | None
    row: int  # of the dump


class ShownFace(Side):
    """A face of a run; it is one of the worst, or typical, of the subsets ``shown_for``."""

    id: int | str | None
    image: str
    subsets: list[str]
    shown_for: list[str]
    yaw: Number
    box_size: Number


class DifferingFace(TypedDict):
    """A face on which two runs differ; the difference is the error of b minus that of a."""

    id: int | str | None
    image: str
    difference: float
    subsets: list[str]
    shown_for: list[str]
    a: Side
    b: Side


class Intervals(TypedDict):
    """Intervals of the numbers of :class:`Scores`."""

    mean: Interval
    pooled: Interval
    median: Interval
    p90: Interval
    failure_rate: dict[str, Interval]
    auc: dict[str, Interval]


class Scores(TypedDict):
    """Headline numbers; rates and areas by the normaliser's limits, such as '0.08'."""

    faces: int
    points: int
    mean: Number
    pooled: Number
    median: Number
    p90: Number
    failure_rate: dict[str, Number]
    auc: dict[str, Number]
    interval: Intervals


class Curve(TypedDict):
    """Cumulative error distribution."""

    error: list[float]
    share: list[float]


class NormaliserEntry(TypedDict):
    """``limits`` are those of failure rates and areas; ``limits_source`` says who uses them."""

    title: str
    about: str
    faces: int
    limits: list[float]
    limits_source: str


class Subset(TypedDict):
    """Numbers of faces with and without a visible point."""

    faces: int
    left_out: int


class RunEntry(TypedDict):
    """Numbers of a run.

    Scores and curves are by normaliser, then by subset; the rest is by the primary normaliser.
    ``mean_shape`` has the pooled error of the mean of these faces in their boxes, by subset.
    ``faces`` have a visible point. ``left_out`` are sentences about faces that are in no number.
    """

    name: str
    provenance: Metadata
    faces: int
    left_out: list[str]
    points: int
    point_names: list[str]
    left_points: list[int]
    right_points: list[int]
    links: list[list[int]]
    normalisers: dict[str, NormaliserEntry]
    primary: str
    mean_shape: dict[str, Number]
    subsets: dict[str, Subset]
    scores: dict[str, dict[str, Scores]]
    curves: dict[str, dict[str, Curve]]
    visibility: dict[str, Points] | None
    yaw: YawBins | None
    box_size: FaceBins
    by_point: list[PointEntry]
    flip_test: FlipTest | None
    box_errors: BoxErrors | None
    reliability: Reliability | None
    worst: list[ShownFace]
    typical: list[ShownFace]


class PairedEntry(TypedDict):
    """Difference of two runs, b minus a, over the faces that both have.

    The interval is over faces, or over so many ``groups`` of them.
    """

    faces: int
    groups: int | None
    difference: Number
    interval: Interval
    p: Number
    a_wins: int
    b_wins: int
    ties: int


class Comparison(TypedDict):
    """Comparison of two runs, or of two recipes; without subsets they have no face in common.

    ``runs`` counts the trainings of each; the interval covers others if there are several.
    ``left_out`` counts the faces of each that are not compared; ``remark`` says it in words.
    ``group`` is the regular expression that finds the group of a face in its photograph's name.
    """

    a: str
    b: str
    runs: dict[str, int]
    normaliser: str
    subsets: dict[str, PairedEntry]
    differing: list[DifferingFace]
    left_out: dict[str, int]
    remark: str | None
    group: str | None


class IntervalSettings(TypedDict):
    """Confidence level; intervals of fewer faces are null."""

    level: float
    fewest_faces: int


class Report(TypedDict):
    """Content of ``metrics.json``; the format is ``'mmpose_lite report 1'``."""

    format: str
    intervals: IntervalSettings
    runs: list[RunEntry]
    comparisons: list[Comparison]
