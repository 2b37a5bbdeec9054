"""The scalars that a training has logged, read back: one run from all its files."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmpose_lite.errors import InputError, MissingFileError
from mmpose_lite.utils.scalar_rows import before, kind_of

# Of a row, what says where it is.
_PLACES = {'mode', 'step', 'epoch', 'iter'}
_HOW_TO = (
    'a run is a work dir, one of its folders that are named by date, or a .json file of vis_data'
)


@dataclass(frozen=True)
class Series:
    """The values of a key.

    Attributes:
        iterations: How many iterations had been made at each value.
        epochs: The epoch of each value, from 1; that of a validation is the epoch before it.
        values: The values.
    """

    iterations: list[int]
    epochs: list[int]
    values: list[float]

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class RunScalars:
    """The rows of a run, in their order; see :mod:`mmpose_lite.utils.scalar_rows`.

    Attributes:
        name: What the run is called.
        rows: Each has its ``mode``.
        files: What they were read from, oldest first.
    """

    name: str
    rows: list[dict[str, Any]]
    files: list[str]

    def keys(self, mode: str) -> list[str]:
        """The keys of the rows of training (``'train'``) or of validations (``'val'``)."""
        found = (row for row in self.rows if row['mode'] == mode)
        return [key for key in dict.fromkeys(k for row in found for k in row) if key not in _PLACES]

    def series(self, key: str, mode: str) -> Series:
        """The values of a key in the rows of training or of validations; finite ones."""
        series = Series([], [], [])
        iteration = epoch = 0
        for row in self.rows:
            if row['mode'] == 'train':
                iteration, epoch = row['iter'], row.get('epoch', epoch)
            value: Any = row.get(key)
            if row['mode'] == mode and is_finite(value):
                series.iterations.append(iteration)
                series.epochs.append((row['step'] or epoch) if mode == 'val' else epoch)
                series.values.append(float(value))
        return series


def is_finite(value: Any) -> bool:
    """Tell whether a value is a finite number."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value)


def read_run(path: str | Path) -> RunScalars:
    """Read a run; where it was resumed, what was made again counts.

    Args:
        path: A work dir, one of its folders that are named by date, or a ``.json`` file, also of
            MMPose's, 1.x or 0.x.

    Raises:
        InputError: If there is no such file, or a line in it is not a row; the message names it.
    """
    files = _files(Path(path))
    rows: list[dict[str, Any]] = []
    for file in files:
        later = _rows(file)
        rows = [*before(rows, later), *later]
    if not rows:
        raise InputError(f"'{path}': nothing was logged in {', '.join(map(str, files))}")
    return RunScalars(Path(path).resolve().name, rows, [str(file) for file in files])


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise MissingFileError(f"'{path}' does not exist; {_HOW_TO}")
    folders = [path] if (path / 'vis_data').is_dir() else sorted(path.iterdir())
    found = [file for folder in folders for file in _logged_in(folder / 'vis_data')]
    if not found:
        raise MissingFileError(f"'{path}' has no vis_data with a .json file; {_HOW_TO}")
    return found


def _logged_in(folder: Path) -> list[Path]:
    """The file of a folder that has all rows: mmengine writes each into two."""
    both = folder / 'scalars.json'
    return [both] if both.is_file() else sorted(folder.glob('*.json'))[:1]


def _rows(file: Path) -> list[dict[str, Any]]:
    lines = file.read_text(encoding='utf-8', errors='replace').splitlines()
    parsed = list(_parse(file, lines))
    if any('mode' in row for row in parsed):
        return list(_of_mmpose_0(parsed))
    return [_named(row) for row in parsed if 'step' in row]


def _parse(file: Path, lines: Sequence[str]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            if number == len(lines):
                return  # the run ended while it was written
            raise InputError(f"'{file}', line {number} is no JSON: {error}; {_HOW_TO}") from error
        if not isinstance(row, dict):
            raise InputError(f"'{file}', line {number} is no row of a log: {line:.60}; {_HOW_TO}")
        for key in _PLACES - {'mode'}:
            if key in row and not is_finite(row[key]):
                raise InputError(f"'{file}', line {number}: '{key}' is {row[key]!r}, not a number")
        yield row


def _named(row: dict[str, Any]) -> dict[str, Any]:
    """A row with its mode; names lose the ``train/`` of ``log_with_hierarchy``."""
    row = {key.removeprefix('train/').removeprefix('val/'): row[key] for key in row}
    return {'mode': kind_of(row), **row}


def _of_mmpose_0(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Rows of MMPose 0.x, whose ``iter`` counts within an epoch.

    The length of an epoch is not in the file; the last of its iterations that was logged stands
    for it.
    """
    rows = [row for row in rows if {'mode', 'epoch', 'iter'} <= row.keys()]
    length = max((int(row['iter']) for row in rows if row['mode'] == 'train'), default=0)
    for row in rows:
        if row['mode'] == 'train':
            place = {'iter': (row['epoch'] - 1) * length + row['iter']}
            yield {**row, **place, 'step': place['iter']}
        elif row['mode'] == 'val':
            kept = {key: value for key, value in row.items() if key not in ('iter', 'lr')}
            yield {**kept, 'step': row['epoch']}
