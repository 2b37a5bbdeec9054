"""The faces of a run as arrays, read from rows that anybody may have written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from reprlib import Repr
from typing import Any

import numpy as np
from numpy import ndarray

from mmpose_lite.evaluation.metrics.row_metric import FARTHEST
from mmpose_lite.utils import InputError

WHOLE = 'full'
_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = 60


@dataclass(frozen=True, eq=False)
class FaceTable:
    """N faces of K points; image pixels. What a row does not say is NaN.

    Attributes:
        ids: The annotations' ids.
        images: Paths of the photographs.
        exif: Whether points are of the photograph as its camera noted it, ``'apply'``, or as it is
            stored, ``'ignore'``.
        subsets: The names of the subsets that a face belongs to.
        pred: ``(N, K, 2)``, predicted.
        gt: ``(N, K, 2)``, true; 0 where a point that does not count has no number.
        mask: ``(N, K)`` bool: which points count.
        bbox: ``(N, 4)`` xyxy.
        norm: ``(N,)``, what the metric of the run divided by.
        scores: ``(N, K)``, confidences.
        seen: ``(N, K)``: 1 for points that can be seen, 0 for hidden ones.
        yaw: ``(N,)``, as annotated, radians.
    """

    ids: tuple[int | str | None, ...]
    images: tuple[str, ...]
    exif: tuple[str, ...]
    subsets: tuple[tuple[str, ...], ...]
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

    def subset_names(self) -> list[str]:
        """The names of all subsets, in the order of the faces."""
        return list(dict.fromkeys(name for names in self.subsets for name in names))

    def take(self, indices: Sequence[int] | ndarray) -> FaceTable:
        """Some of the faces, in an order of their own."""
        chosen = [int(i) for i in indices]
        taken: dict[str, Any] = {}
        for each in fields(self):
            value = getattr(self, each.name)
            is_array = isinstance(value, np.ndarray)
            taken[each.name] = value[chosen] if is_array else tuple(value[i] for i in chosen)
        return FaceTable(**taken)

    def predicting(self, pred: ndarray) -> FaceTable:
        """The same faces with other predictions ``(N, K, 2)``."""
        return replace(self, pred=pred)


def subset_label(name: str | None) -> str:
    """The name of a subset in reports; None is the whole set, from which ``full`` is told apart."""
    return WHOLE if name is None else f'{WHOLE}_subset' if name == WHOLE else name


def read_table(rows: Any, where: str = 'rows') -> FaceTable:
    """Read the rows of a metric, or of a dump.

    Args:
        rows: One dict a face: ``gt``, ``pred`` ``(K, 2)``, ``mask`` ``(K,)``; it may have ``id``,
            ``img_path``, ``exif``, ``subsets``, ``bbox`` ``(4,)``, ``norm``, ``scores`` ``(K,)``,
            ``visibility`` ``(K,)`` of 1 and 0, ``flags`` ``(K,)`` and ``yaw``.
        where: The file they are from, for messages.

    Raises:
        InputError: If something is missing, or of another form; the message names file, row, key.
    """
    if not isinstance(rows, list | tuple) or not rows:
        raise InputError(f"{where}: 'faces' must be a list of rows, one a face")
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            raise InputError(f'{where}: row {number} is no record: {_SHORT.repr(row)}')
    reader = _Reader(rows, where)
    gt = reader.column('gt', (-1, 2))
    count = gt.shape[1]
    pred = reader.column('pred', (count, 2))
    mask = reader.column('mask', (count,))
    reader.check('mask', np.isin(mask, (0, 1)), 'is neither true nor false at point {}')
    mask = mask > 0
    for key, points in (('pred', pred), ('gt', gt)):
        reader.check(key, np.isfinite(points).all(axis=-1) | ~mask, 'is not finite at point {}')
        near = ~(np.abs(points) > FARTHEST).any(axis=-1)
        reader.check(key, near | ~mask, 'is in no image at point {}')
    bbox = reader.column('bbox', (4,), optional=True)
    reader.check('bbox', ~(np.abs(bbox) > FARTHEST).any(axis=1), 'is in no image')
    reader.check('bbox', ~np.any(bbox[:, 2:] <= bbox[:, :2], axis=1), 'has no area')
    return FaceTable(
        ids=tuple(reader.face_id(number) for number in range(len(rows))),
        images=tuple(str(row.get('img_path') or '') for row in rows),
        exif=tuple('apply' if row.get('exif') == 'apply' else 'ignore' for row in rows),
        subsets=tuple(reader.names(number) for number in range(len(rows))),
        pred=pred,
        gt=np.where(np.isfinite(gt), gt, 0.0),
        mask=mask,
        bbox=bbox,
        norm=reader.column('norm', (), optional=True),
        scores=reader.column('scores', (count,), optional=True),
        seen=_seen(
            reader.column('visibility', (count,), optional=True),
            reader.column('flags', (count,), optional=True),
        ),
        yaw=reader.column('yaw', (), optional=True),
    )


def _seen(visibility: ndarray, flags: ndarray) -> ndarray:
    """Which points can be seen: 1, 0, or NaN where nothing says so.

    Flags of 1 and 2 are COCO's, 1 for a hidden point; where no point of the set has a 2, the 1
    only says that a point is annotated, as in AFLW.
    """
    told = np.full(flags.shape, np.nan)
    if (flags == 2).any():
        told = np.where(flags > 0, np.where(flags >= 2, 1.0, 0.0), np.nan)
    return np.where(np.isnan(visibility), told, (visibility > 0).astype(float))


class _Reader:
    """Columns of rows; a fault is named by file, row and key."""

    def __init__(self, rows: Sequence[dict[str, Any]], where: str) -> None:
        self.rows, self.where = rows, where

    def error(self, number: int, key: str, problem: str) -> InputError:
        face = _SHORT.repr(self.rows[number].get('id'))
        return InputError(f"{self.where}: row {number} (id {face}): '{key}' {problem}")

    def column(self, key: str, shape: tuple[int, ...], optional: bool = False) -> ndarray:
        """One float array over all rows; -1 in ``shape`` is as many as the first row has."""
        values = [self._value(number, key, shape, optional) for number in range(len(self.rows))]
        first = next((value for value in values if value is not None), None)
        if shape[:1] == (-1,) and first is not None:
            shape = (len(first), *shape[1:])
        blank = np.full(shape, np.nan)
        for number, value in enumerate(values):
            if value is not None and value.shape != shape:
                raise self.error(number, key, f'has the shape {value.shape}, it must be {shape}')
        return np.stack([blank if value is None else value for value in values])

    def _value(
        self, number: int, key: str, shape: tuple[int, ...], optional: bool
    ) -> ndarray | None:
        value = self.rows[number].get(key)
        if value is None:
            if optional:
                return None
            raise self.error(number, key, 'is missing')
        try:
            array = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise self.error(number, key, f'holds no numbers: {_SHORT.repr(value)}') from error
        if array.ndim != len(shape) or array.shape[:1] == (0,):
            raise self.error(number, key, f'has the shape {array.shape}')
        return array

    def check(self, key: str, fine: ndarray, problem: str) -> None:
        """Refuse the first entry that is not fine; a second index is told to the problem."""
        if not fine.all():
            number, *point = (int(i) for i in np.argwhere(~fine)[0])
            raise self.error(number, key, problem.format(*point))

    def face_id(self, number: int) -> int | str | None:
        """The id of a row."""
        found = self.rows[number].get('id')
        if found is not None and not isinstance(found, int | str):
            raise self.error(number, 'id', 'is neither a whole number nor text')
        return found

    def names(self, number: int) -> tuple[str, ...]:
        """The subsets of a row."""
        names = self.rows[number].get('subsets') or ()
        is_list = isinstance(names, list | tuple)
        if not is_list or not all(isinstance(name, str) for name in names):
            raise self.error(number, 'subsets', f'is no list of names: {_SHORT.repr(names)}')
        return tuple(map(subset_label, dict.fromkeys(names)))
