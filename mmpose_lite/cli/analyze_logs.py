"""Comparing trainings by what they have logged."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmpose_lite.errors import InputError, MissingFileError, MissingKeyError
from mmpose_lite.utils.scalar_rows import before, kind_of

from .command_line import CommandParser, errors_in_one_line, parse_counts

if TYPE_CHECKING:
    from rich.table import Table

    from mmpose_lite.visualization.curves import Curve

_DEFAULT_KEYS = ('loss', 'NME')
# The larger the better, by parts of the names; all else is an error or a loss, but for these.
_GAINS = ('acc', 'auc', 'pck', 'map', '/ap', '/ar')
_NEITHER = {'lr', 'time', 'data_time', 'memory', 'images_per_s', 'grad_norm'}
# Of a row, what says where it is.
_PLACES = {'mode', 'step', 'epoch', 'iter'}
_HOW_TO = 'a run is a work dir, one of its dated folders, or a .json file of vis_data'


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command."""
    parser = CommandParser(
        prog='mmpose-lite analyze-logs', description='Compare training runs by their logs.'
    )
    parser.add_argument(
        'runs', nargs='+', metavar='RUN', help='work dir, a folder in it, or a .json log'
    )
    parser.add_argument(
        '--keys', nargs='+', metavar='KEY', help='values to compare (default: loss NME)'
    )
    parser.add_argument('--out', metavar='FILE', help='draw curves into this picture')
    parser.add_argument(
        '--batch-size',
        type=int,
        metavar='N',
        help='images per iteration of all processes, for logs without images_per_s',
    )
    return parser


def find_series(runs: Sequence[RunScalars], key: str) -> list[tuple[RunScalars, str, str, Series]]:
    """Find a key in the runs, with what training and validation have of the same kind.

    ``loss`` finds ``val_loss`` too, and ``NME`` finds ``train_NME``.

    Returns:
        The run, the mode (``'train'`` or ``'val'``), the full key and its values, for each.
    """
    found = []
    for run in runs:
        for mode in ('train', 'val'):
            for name in (key, f'{mode}_{key}'):
                series = run.series(name, mode)
                if series:
                    found.append((run, mode, name, series))
    return found


def check_keys(runs: Sequence[RunScalars], keys: Sequence[str]) -> None:
    """Check that each key is in one of the runs.

    Raises:
        MissingKeyError: If one is in none; the message names the files, and the keys in them.
    """
    for key in keys:
        if not find_series(runs, key):
            known = dict.fromkeys(k for run in runs for m in ('train', 'val') for k in run.keys(m))
            files = ', '.join(f"'{file}'" for run in runs for file in run.files)
            raise MissingKeyError(f"'{key}' is not in {files}, which have {', '.join(known)}")


def format_speed(runs: Sequence[RunScalars], batch_size: int | None = None) -> Table:
    """Lay out how fast the runs were: one line each."""
    import numpy as np

    table = _table('run', 'iterations', 'epochs', 'images/s', 'p10-p90', 's/iteration', 'loading')
    table.add_column('memory, MB', justify='right')
    for run in runs:
        times, loading = run.series('time', 'train'), run.series('data_time', 'train')
        speed = np.array(run.series('images_per_s', 'train').values)
        if not len(speed) and batch_size and times:
            speed = batch_size / np.array(times.values)
        memory = run.series('memory', 'train')
        table.add_row(
            run.name,
            str(max((row['iter'] for row in run.rows if row['mode'] == 'train'), default=0)),
            str(max((row.get('epoch', 0) for row in run.rows), default=0)),
            f'{np.median(speed):.1f}' if len(speed) else '-',
            '{:.1f}-{:.1f}'.format(*np.percentile(speed, (10, 90))) if len(speed) else '-',
            f'{np.median(times.values):.4g}' if times else '-',
            f'{sum(loading.values) / sum(times.values):.0%}' if times and loading else '-',
            f'{max(memory.values):.0f}' if memory else '-',
        )
    return table


def format_values(runs: Sequence[RunScalars], keys: Sequence[str]) -> Table:
    """Lay out the last and the best value of each key: one line a run and key."""
    table = _table('key', 'run', 'last', 'epoch', 'best', 'at epoch')
    for key in keys:
        for run, mode, name, series in find_series(runs, key):
            best = None if name in _NEITHER else best_of(name, series)
            table.add_row(
                f'{name} ({"training" if mode == "train" else "validation"})',
                run.name,
                *_at(name, series, -1),
                *(('-', '-') if best is None else _at(name, series, best)),
            )
    return table


def _at(key: str, series: Series, index: int) -> tuple[str, str]:
    """A value and its epoch, as text."""
    value = series.values[index]
    text = f'{100 * value:.4g} %' if is_fraction(key) else f'{value:.6g}'
    return text, str(series.epochs[index])


def is_fraction(key: str) -> bool:
    """Tell if a key is an NME: a fraction in logs, in percent everywhere else."""
    return 'nme' in key.lower()


def best_of(key: str, series: Series) -> int:
    """The index of the best value: the first of the largest or smallest, by the key's name."""
    import numpy as np

    is_gain = any(part in key.lower() for part in _GAINS)
    return int(np.argmax(series.values) if is_gain else np.argmin(series.values))


def curves_of(runs: Sequence[RunScalars], keys: Sequence[str]) -> dict[str, list[Curve]]:
    """The curves of each key, over iterations; those of an NME in percent."""
    return {f'{key}, %' if is_fraction(key) else key: list(_curves(runs, key)) for key in keys}


def _curves(runs: Sequence[RunScalars], key: str) -> Iterator[Curve]:
    from mmpose_lite.visualization.curves import Curve

    for run, mode, name, series in find_series(runs, key):
        number = next(i for i, each in enumerate(runs) if each is run)
        label = f'{run.name}: {name}'
        values = [100 * each for each in series.values] if is_fraction(key) else series.values
        yield Curve(label, series.iterations, values, number, mode == 'val')


def _table(*names: str) -> Table:
    from rich.table import Table

    table = Table()
    for name in names:
        is_name = name in ('run', 'key')
        table.add_column(name, justify='left' if is_name else 'right', overflow='fold')
    return table


def _with_own_names(runs: Sequence[RunScalars], paths: Sequence[str]) -> list[RunScalars]:
    """The runs, called as they were given where their folders have one name."""
    names = [run.name for run in runs]
    return [
        RunScalars(path, run.rows, run.files) if names.count(run.name) > 1 else run
        for run, path in zip(runs, paths, strict=True)
    ]


@errors_in_one_line
def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    args = parse_counts(make_parser(), argv, 'batch-size')
    if args.out:
        from mmpose_lite.visualization.curves import check_picture

        check_picture(args.out)
    runs = _with_own_names([read_run(path) for path in args.runs], args.runs)
    keys = list(dict.fromkeys(args.keys or ()))
    check_keys(runs, keys)
    keys = keys or [key for key in _DEFAULT_KEYS if find_series(runs, key)]
    from rich.console import Console

    # Wide enough for whole names where the output is not a terminal.
    console = Console() if Console().is_terminal else Console(width=160)
    console.print(format_speed(runs, args.batch_size))
    console.print(format_values(runs, keys))
    if args.out:
        from mmpose_lite.visualization.curves import draw_curves

        draw_curves(args.out, curves_of(runs, keys), 'iterations')
        print(f'curves written to {args.out}')


# The scalars that a training has logged, read back: one run from all its files.


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
            raise InputError(f"'{file}', line {number} is not JSON: {error}; {_HOW_TO}") from error
        if not isinstance(row, dict):
            raise InputError(
                f"'{file}', line {number} is not a row of a log: {line:.60}; {_HOW_TO}"
            )
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
