"""Dumps of test runs: ``tools/test.py --dump x.json``, read again.

A dump has ``config``, ``checkpoint``, ``metrics`` and ``faces``, one row each; see
:func:`.read_table`. What else it has, older ones have not: ``provenance``; ``points`` (``dataset``,
``names``, ``flip_indices``, ``links``); ``normaliser`` (``title``, ``item``, ``pair``);
``further``, the ``seed`` and the ``passes`` beyond the first (``kind``, ``value``, ``indices``,
``pred``); and ``data_roots``, the folders below which the photographs are.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmpose_lite.utils import InputError, MissingFileError

from .run import BOX_ERRORS, Measure, Pass, PointSet, Run
from .table import read_table


def read_dump(path: str | Path, name: str | None = None) -> Run:
    """Read a dump from its file.

    Args:
        path: The JSON file.
        name: As the report is to name the run; by default as the checkpoint, or else the file.

    Raises:
        MissingFileError: If there is no such file.
        InputError: If it is a folder, or no such dump; the message names file, row and key.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"'{path}' is a folder, not a dump")
    if not path.is_file():
        raise MissingFileError(f"dump '{path}' does not exist")
    if path.suffix in ('.pkl', '.pickle'):
        raise InputError(
            f"'{path}' is a pickle, which is not read: make a dump with "
            'tools/test.py ... --dump x.json'
        )
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"'{path}' is no JSON: {error}") from error
    return read_run(content, str(path), name)


def read_run(content: Any, where: str, name: str | None = None) -> Run:
    """Read what a dump holds.

    Args:
        content: See the module.
        where: The file, for messages.
        name: As the report is to name the run.

    Raises:
        InputError: If it is no such content.
    """
    if not isinstance(content, dict) or 'faces' not in content:
        raise InputError(f"{where}: no dump of tools/test.py --dump: it has no 'faces'")
    table = read_table(content['faces'], where)
    part = _Part(content, where)
    further = part.inner('further')
    passes = tuple(
        _pass(further.item('passes', number), len(table), table.points)
        for number in range(len(further.list('passes')))
    )
    _check_passes(passes, further)
    provenance = {key: content.get(key) for key in ('config', 'checkpoint')}
    return Run(
        name=name or _name(content, where),
        table=table,
        points=_points(part.inner('points'), table.points),
        measure=_measure(part.inner('normaliser'), table.points),
        provenance={**provenance, **part.inner('provenance').content},
        passes=passes,
        seed=further.whole('seed', 0),
        data_roots=part.texts('data_roots'),
    )


class _Part:
    """A part of a dump that knows where it stands."""

    def __init__(self, content: dict[str, Any], where: str) -> None:
        self.content, self.where = content, where

    def error(self, key: str, problem: str) -> InputError:
        return InputError(f"{self.where}: '{key}' {problem}")

    def inner(self, key: str) -> _Part:
        value = self.content.get(key)
        if value is not None and not isinstance(value, dict):
            raise self.error(key, 'is no record')
        return _Part(value or {}, f'{self.where}: {key}')

    def list(self, key: str) -> list:
        value = self.content.get(key)
        if value is not None and not isinstance(value, list):
            raise self.error(key, 'is no list')
        return value or []

    def item(self, key: str, number: int) -> _Part:
        value = self.list(key)[number]
        if not isinstance(value, dict):
            raise self.error(key, f'holds no record at {number}')
        return _Part(value, f'{self.where}: {key}[{number}]')

    def text(self, key: str) -> str | None:
        value = self.content.get(key)
        if value is not None and not isinstance(value, str):
            raise self.error(key, 'is no text')
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        values = self.list(key)
        if not all(isinstance(value, str) and value for value in values):
            raise self.error(key, 'holds something other than names')
        return tuple(values)

    def whole(self, key: str, default: int) -> int:
        value = self.content.get(key, default)
        if not isinstance(value, int):
            raise self.error(key, 'is no whole number')
        return value

    def indices(self, key: str, below: int, shape: tuple[int, ...]) -> np.ndarray:
        """Whole numbers from 0 to below a limit; -1 in ``shape`` is any number of them."""
        try:
            array = np.asarray(self.content.get(key))
            array = array.reshape(shape) if array.size == 0 else array
        except ValueError as error:
            raise self.error(key, 'holds no indices') from error
        fits = array.ndim == len(shape) and all(
            want in (-1, have) for want, have in zip(shape, array.shape, strict=True)
        )
        if not fits or (array.size and array.dtype.kind not in 'iu'):
            raise self.error(key, 'holds no indices')
        if array.size and (array.min() < 0 or array.max() >= below):
            raise self.error(key, f'holds an index that is not from 0 to {below - 1}')
        return array.astype(int)


def _name(content: dict[str, Any], where: str) -> str:
    checkpoint = content.get('checkpoint')
    return Path(checkpoint if isinstance(checkpoint, str) and checkpoint else where).stem


def _points(part: _Part, count: int) -> PointSet:
    names = part.list('names')
    if not names:
        return PointSet.unnamed(count)
    if len(names) != count:
        raise part.error('names', f'has {len(names)} names, a row has {count} points')
    has_mirrors, has_links = part.list('flip_indices'), part.list('links')
    mirrors = part.indices('flip_indices', count, (count,)).tolist() if has_mirrors else []
    links = part.indices('links', count, (-1, 2)).tolist() if has_links else []
    return PointSet(
        dataset=part.text('dataset'),
        names=tuple(map(str, names)),
        flip_indices=tuple(mirrors),
        links=tuple((i, j) for i, j in links),
    )


def _measure(part: _Part, count: int) -> Measure | None:
    if not part.content:
        return None
    pair = part.content.get('pair')
    if pair is not None:
        first, second = part.indices('pair', count, (2,)).tolist()
        pair = (first, second)
    return Measure(str(part.content.get('title')), part.content.get('item'), pair)


def _pass(part: _Part, faces: int, points: int) -> Pass:
    kind = part.content.get('kind')
    if kind not in ('flip_test', *BOX_ERRORS):
        raise part.error('kind', f'is none of flip_test, {", ".join(BOX_ERRORS)}: {kind!r}')
    value = _pass_value(part, kind)
    indices = part.indices('indices', faces, (-1,))
    if len(np.unique(indices)) < len(indices):
        raise part.error('indices', 'names a face twice')
    try:
        pred = np.asarray(part.content.get('pred'), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise part.error('pred', 'holds no points') from error
    if pred.shape != (len(indices), points, 2) or not np.isfinite(pred).all():
        wanted = (len(indices), points, 2)
        raise part.error('pred', f'must be finite numbers of the shape {wanted}')
    return Pass(kind, value, indices, pred)


def _pass_value(part: _Part, kind: str) -> float:
    value = part.content.get('value')
    if not isinstance(value, int | float):
        raise part.error('value', f'is no number: {value!r}')
    fits, wanted = 0 < value <= 1, 'a share of a side, above 0 and up to 1'
    if kind == 'flip_test':
        fits, wanted = value in (0, 1), '0 or 1'
    if not fits:
        raise part.error('value', f'of {kind} is not {wanted}: {value!r}')
    return float(value)


def _check_passes(passes: Sequence[Pass], part: _Part) -> None:
    """Check that no pass is there twice, and that wrong boxes are of the same faces."""
    tried = [(each.kind, each.value if each.kind in BOX_ERRORS else None) for each in passes]
    if len(set(tried)) < len(tried):
        twice = next(each for each in tried if tried.count(each) > 1)
        raise part.error('passes', f'holds {twice[0]} twice')
    disturbed = [each for each in passes if each.kind in BOX_ERRORS]
    if any(not np.array_equal(each.indices, disturbed[0].indices) for each in disturbed):
        raise part.error('passes', 'disturbs the boxes of other faces in one pass than in another')
