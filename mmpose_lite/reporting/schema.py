"""Schemas of a report's files: the dump of a test run, and the ``metrics.json`` of a report.

The fields of the classes are the keys of the files. :func:`read` turns JSON data into them and
names what does not fit. Unknown keys are ignored: a later version may have more. All errors are
fractions: 0.0141 is 1.41 %. Points are in image pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import MISSING, asdict, dataclass, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypedDict, get_args, get_origin, get_type_hints, is_typeddict

import numpy as np
from numpy import ndarray

from mmpose_lite.errors import InputError, short

#: Perturbations of boxes; see :class:`mmpose_lite.datasets.transforms.DisturbBox`.
BOX_ERRORS = ('shift', 'larger', 'smaller')
_WORDS = {dict: 'JSON object', list: 'list', str: 'string', int: 'whole number', float: 'number'}
_type_hints = cache(get_type_hints)


def read(kind: Any, value: Any, place: str) -> Any:
    """Read JSON data as a type: a class of this module, container, union, array or plain type.

    Args:
        kind: The type. A field with a default may be missing or null.
        value: The data.
        place: File, colon and key, for messages.

    Raises:
        InputError: If a key is missing, or a value does not fit; the message names file, key and
            value.
    """
    parts = get_args(kind)
    if isinstance(kind, UnionType):
        if value is None:
            return None
        kinds = tuple(part for part in parts if part is not NoneType)
        return read(*kinds, value, place) if len(kinds) == 1 else _typed(value, kinds, place)
    if is_dataclass(kind) or is_typeddict(kind):
        return _read_fields(kind, _typed(value, dict, place), place)
    if kind is ndarray:
        return _read_array(value, place)
    container = get_origin(kind)
    if container is dict:
        items = _typed(value, dict, place).items()
        return {key: read(parts[1], item, f'{place}.{key}') for key, item in items}
    if container in (list, tuple):
        return container(_read_items(parts, _typed(value, (list, tuple), place), place))
    return value if kind is Any else _typed(value, kind, place)


def _read_items(kinds: tuple[Any, ...], items: Any, place: str) -> Iterable[Any]:
    if len(kinds) == 2 and kinds[1] is not Ellipsis and len(items) != 2:
        raise InputError(f'{place} is {short(items)}, not a pair')
    return [read(kinds[0], item, f'{place}[{i}]') for i, item in enumerate(items)]


def _read_fields(kind: Any, content: dict[str, Any], place: str) -> Any:
    optional = _optional(kind)
    values = {}
    for key, hint in _type_hints(kind).items():
        if content.get(key) is None and key in optional:
            continue
        if key not in content:
            raise InputError(f'{_at(place, key)} is missing')
        values[key] = read(hint, content[key], _at(place, key))
    try:
        return kind(**values)
    except ValueError as error:  # of __post_init__; it begins with the key
        raise InputError(_at(place, str(error))) from error


def _at(place: str, key: str) -> str:
    return f'{place} {key}' if place.endswith(':') else f'{place}.{key}'


@cache
def _optional(kind: Any) -> frozenset[str]:
    """The fields with a default, or the keys that may be missing."""
    if is_typeddict(kind):
        return kind.__optional_keys__
    return frozenset(each.name for each in fields(kind) if each.default is not MISSING)


def _read_array(value: Any, place: str) -> ndarray:
    if value is None:
        raise InputError(f'{place} is missing')
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f'{place} holds no numbers: {short(value)}') from error


def _typed(value: Any, kind: Any, place: str) -> Any:
    kinds = kind if isinstance(kind, tuple) else (kind,)
    allowed = (*kinds, int) if float in kinds else kinds
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in kinds):
        words = dict.fromkeys(_WORDS.get(one, 'list' if one is tuple else 'bool') for one in kinds)
        raise InputError(f'{place} is {short(value)}, not a {" or ".join(words)}')
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f'{place} is {value}, not a finite number')
    return value


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


class WorstFace(TypedDict):
    """A face with a large error; ``no_picture`` is the reason if it has none."""

    id: int | str | None
    image: str
    nme: Number
    subsets: list[str]
    yaw: Number
    box_size: Number
    picture: str | None
    no_picture: str | None
    row: int  # of the dump


class Intervals(TypedDict):
    """Intervals of the numbers of :class:`Scores`."""

    mean: Interval
    pooled: Interval
    median: Interval
    p90: Interval
    failure_rate: dict[str, Interval]
    auc: dict[str, Interval]


class Scores(TypedDict):
    """Headline numbers; rates and areas by threshold: '0.07', '0.08', '0.10'."""

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
    title: str
    about: str
    faces: int


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
    worst: list[WorstFace]


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
    """Comparison of two runs; without subsets they have no face in common.

    ``left_out`` counts the faces of each that are not compared; ``remark`` says it in words.
    ``group`` is the regular expression that finds the group of a face in its photograph's name.
    """

    a: str
    b: str
    normaliser: str
    subsets: dict[str, PairedEntry]
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
