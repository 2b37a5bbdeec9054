"""Test runs: the faces as arrays, read from a dump."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from numpy import ndarray

from mmpose_lite.errors import InputError, MissingFileError, short
from mmpose_lite.structures.keypoint.transforms import FARTHEST

from .reading import read
from .schema import Dump, Further, Metadata, MetricNormaliser, Pass, PointSet

WHOLE = 'full'


@dataclass(frozen=True, eq=False)
class Face:
    """Row of a dump: a face of K points and its prediction; see :class:`FaceTable`.

    Attributes:
        visibility: ``(K,)``, 1 or 0.
        flags: ``(K,)``, COCO's.
    """

    gt: ndarray
    pred: ndarray
    mask: ndarray
    id: int | str | None = None
    img_path: str = ''
    exif: str = 'ignore'
    subsets: tuple[str, ...] = ()
    part: str | None = None
    bbox: ndarray | None = None
    norm: ndarray | None = None
    scores: ndarray | None = None
    visibility: ndarray | None = None
    flags: ndarray | None = None
    yaw: ndarray | None = None


@dataclass(frozen=True, eq=False)
class FaceTable:
    """N faces of K points; image pixels. Unknown numbers are NaN.

    Attributes:
        ids: The annotations' ids.
        images: Paths of the photographs.
        exif: ``'apply'`` if points are in the photograph as turned by its EXIF orientation,
            ``'ignore'`` if as stored.
        subsets: The names of each face's subsets.
        parts: The data set that each face is of, where there are several.
        pred: ``(N, K, 2)``, predicted.
        gt: ``(N, K, 2)``, true; 0 for points that do not count and have no place.
        mask: ``(N, K)`` bool: points that count.
        bbox: ``(N, 4)`` xyxy.
        norm: ``(N,)``, the metric's normaliser.
        scores: ``(N, K)``, confidences.
        seen: ``(N, K)``: 1 for visible points, 0 for hidden ones.
        yaw: ``(N,)``, as annotated, radians.
    """

    ids: tuple[int | str | None, ...]
    images: tuple[str, ...]
    exif: tuple[str, ...]
    subsets: tuple[tuple[str, ...], ...]
    parts: tuple[str | None, ...]
    pred: ndarray
    gt: ndarray
    mask: ndarray
    bbox: ndarray
    norm: ndarray
    scores: ndarray
    seen: ndarray
    yaw: ndarray

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def points(self) -> int:
        """K."""
        return self.gt.shape[1]

    @property
    def box_size(self) -> ndarray:
        """The longer side of each box, ``(N,)``."""
        return (self.bbox[:, 2:] - self.bbox[:, :2]).max(axis=1)

    def take(self, indices: Sequence[int] | ndarray) -> FaceTable:
        """Select faces, in any order."""
        chosen = [int(i) for i in indices]
        taken: dict[str, Any] = {
            name: value[chosen] if isinstance(value, ndarray) else tuple(value[i] for i in chosen)
            for name, value in vars(self).items()
        }
        return FaceTable(**taken)


@dataclass(frozen=True, eq=False)
class Run:
    """A test run.

    Attributes:
        name: Its name in reports.
        normaliser: The metric's normaliser; None if unknown.
        passes: Further passes.
        seed: Seed of the faces and directions of the further passes.
        data_roots: Folders that contained its photographs.
        moved_to: The present data root; None if it has not moved.
        recipe: The recipe of which it is one training; None if the run stands for itself.
    """

    name: str
    table: FaceTable
    points: PointSet
    normaliser: MetricNormaliser | None = None
    provenance: Metadata = field(default_factory=Metadata)
    passes: tuple[Pass, ...] = ()
    seed: int = 0
    data_roots: tuple[str, ...] = ()
    moved_to: str | None = None
    recipe: str | None = None


def read_dump(path: str | Path, name: str | None = None) -> Run:
    """Read a run from a dump, the file of ``mmpose-lite test --dump x.json``.

    Args:
        path: The JSON file.
        name: The run's name in reports; by default the checkpoint's with its folder, or the file's.

    Raises:
        MissingFileError: If there is no such file.
        InputError: If it is a folder, or not a dump; the message names file, key and value.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"'{path}' is a folder, not a dump")
    if not path.is_file():
        raise MissingFileError(f"dump '{path}' does not exist")
    if path.suffix in ('.pkl', '.pickle'):
        raise InputError(
            f"'{path}' is a pickle, which is not read: make a dump with "
            'mmpose-lite test ... --dump x.json'
        )
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"'{path}' is not JSON: {error}") from error
    return read_run(content, str(path), name)


def read_run(content: Any, where: str, name: str | None = None) -> Run:
    """Read a run from the content of a dump; see :func:`read_dump`, and :class:`.Dump`.

    Raises:
        InputError: If the content is not that of a dump; the message begins with ``where``.
    """
    if not isinstance(content, dict) or 'faces' not in content:
        raise InputError(f"{where}: no dump of mmpose-lite test --dump: it has no 'faces'")
    dump = read(Dump, content, f'{where}:')
    table = read_table(dump.faces, where)
    try:
        dump.check_counts(len(table), table.points)
    except ValueError as error:
        raise InputError(f'{where}: {error}') from error
    points, further = dump.points, dump.further or Further()
    if points is None or not points.names:
        points = PointSet(names=tuple(f'point {i}' for i in range(table.points)))
    provenance: Metadata = {'config': dump.config, 'checkpoint': dump.checkpoint}
    return Run(
        name=name or (run_name(dump.checkpoint) if dump.checkpoint else Path(where).stem),
        table=table,
        points=points,
        normaliser=dump.normaliser,
        provenance={**provenance, **(dump.provenance or {})},
        passes=further.passes,
        seed=further.seed,
        data_roots=dump.data_roots,
    )


def run_name(checkpoint: str) -> str:
    """Name a run after its checkpoint, with the folder: ``a/best`` for ``work_dirs/a/best.pth``."""
    path = PurePath(checkpoint.replace('\\', '/'))
    return '/'.join(filter(None, (path.parent.name, path.stem)))


def subset_label(name: str | None) -> str:
    """Name a subset in reports: the whole set, None, is ``full``, a subset ``full`` differs."""
    return WHOLE if name is None else f'{WHOLE}_subset' if name == WHOLE else name


def read_table(rows: Any, where: str = 'rows') -> FaceTable:
    """Read the rows of a metric, or of a dump.

    Args:
        rows: One dict per face; see :class:`Face`.
        where: The file, for messages.

    Raises:
        InputError: If a value is missing or does not fit; the message names file, row and key.
    """
    if not isinstance(rows, list | tuple) or not rows:
        raise InputError(f'{where}: faces must be a list of rows, one per face')
    columns = _Columns(rows, where)
    count = max(1, len(columns.faces[0].gt.reshape(-1, 2)))
    gt, pred = columns.stack('gt', (count, 2)), columns.stack('pred', (count, 2))
    mask = columns.stack('mask', (count,))
    columns.check('mask', np.isin(mask, (0, 1)), 'is neither true nor false at point {}')
    mask = mask > 0
    for key, points in (('pred', pred), ('gt', gt)):
        columns.check(key, np.isfinite(points).all(axis=-1) | ~mask, 'is not finite at point {}')
        near = ~(np.abs(points) > FARTHEST).any(axis=-1)
        columns.check(key, near | ~mask, 'is in no image at point {}')
    bbox = columns.stack('bbox', (4,))
    columns.check('bbox', ~(np.abs(bbox) > FARTHEST).any(axis=1), 'is in no image')
    columns.check('bbox', ~np.any(bbox[:, 2:] <= bbox[:, :2], axis=1), 'has no area')
    return FaceTable(
        ids=tuple(face.id for face in columns.faces),
        images=tuple(face.img_path for face in columns.faces),
        exif=tuple('apply' if face.exif == 'apply' else 'ignore' for face in columns.faces),
        subsets=tuple(
            tuple(map(subset_label, dict.fromkeys(face.subsets))) for face in columns.faces
        ),
        parts=tuple(face.part for face in columns.faces),
        pred=pred,
        gt=np.where(np.isfinite(gt), gt, 0.0),
        mask=mask,
        bbox=bbox,
        norm=columns.stack('norm', ()),
        scores=columns.stack('scores', (count,)),
        seen=_seen(columns.stack('visibility', (count,)), columns.stack('flags', (count,))),
        yaw=columns.stack('yaw', ()),
    )


def _seen(visibility: ndarray, flags: ndarray) -> ndarray:
    """Mark visible points with 1, hidden ones with 0, others with NaN.

    Flags of 1 and 2 are COCO's, 1 for a hidden point. Without any 2 in the set, as in AFLW, a 1
    only says that a point is annotated.
    """
    told = np.full(flags.shape, np.nan)
    if (flags == 2).any():
        told = np.where(flags > 0, np.where(flags >= 2, 1.0, 0.0), np.nan)
    return np.where(np.isnan(visibility), told, (visibility > 0).astype(float))


class _Columns:
    """Columns of rows; errors name file, row and key."""

    def __init__(self, rows: Sequence[Any], where: str) -> None:
        self.where = where
        self.faces: list[Face] = []
        for number, row in enumerate(rows):
            try:
                self.faces.append(read(Face, row, f'{where}: faces[{number}]'))
            except InputError as error:
                face = row.get('id') if isinstance(row, dict) else None
                raise InputError(f'{error} (id {short(face)})') from error

    def stack(self, key: str, shape: tuple[int, ...]) -> ndarray:
        """Stack an array of each face; faces without one get NaN."""
        blank = np.full(shape, np.nan)
        values = [getattr(face, key) for face in self.faces]
        for number, value in enumerate(values):
            if value is not None and value.shape != shape:
                self._refuse(number, key, f'has the shape {value.shape}, it must be {shape}')
        return np.stack([blank if value is None else value for value in values])

    def check(self, key: str, fine: ndarray, problem: str) -> None:
        """Refuse the first entry that is not fine; a second index is told to the problem."""
        if not fine.all():
            number, *point = (int(i) for i in np.argwhere(~fine)[0])
            self._refuse(number, key, problem.format(*point))

    def _refuse(self, number: int, key: str, problem: str) -> None:
        face = short(self.faces[number].id)
        raise InputError(f'{self.where}: faces[{number}].{key} {problem} (id {face})')
