"""Comparing trainings by what they have logged."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mmpose_lite.errors import MissingKeyError

from .command_line import errors_in_one_line
from .run_scalars import RunScalars, Series, read_run

if TYPE_CHECKING:
    from rich.table import Table

    from mmpose_lite.visualization.curves import Curve

_DEFAULT_KEYS = ('loss', 'NME')
# The larger the better, by parts of the names; all else is an error or a loss, but for these.
_GAINS = ('acc', 'auc', 'pck', 'map', '/ap', '/ar')
_NEITHER = {'lr', 'time', 'data_time', 'memory', 'images_per_s', 'grad_norm'}


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line of ``tools/analyze_logs.py``."""
    parser = argparse.ArgumentParser(
        prog='analyze_logs', description='Compare trainings by what they have logged.'
    )
    parser.add_argument(
        'runs', nargs='+', metavar='RUN', help='work dir, a folder in it, or a .json of a log'
    )
    parser.add_argument(
        '--keys', nargs='+', metavar='KEY', help='what to compare (default: loss NME)'
    )
    parser.add_argument('--out', metavar='FILE', help='draw curves into this picture')
    parser.add_argument(
        '--batch-size',
        type=int,
        metavar='N',
        help='images of an iteration, of all processes, for logs without images_per_s',
    )
    args = parser.parse_args(argv)
    if args.batch_size is not None and args.batch_size < 1:
        parser.error(f'--batch-size {args.batch_size}: at least 1')
    return args


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
                *_at(series, -1),
                *(('-', '-') if best is None else _at(series, best)),
            )
    return table


def _at(series: Series, index: int) -> tuple[str, str]:
    """A value and its epoch, as text."""
    return f'{series.values[index]:.6g}', str(series.epochs[index])


def best_of(key: str, series: Series) -> int:
    """The index of the best value: the first of the largest or smallest, by the key's name."""
    import numpy as np

    is_gain = any(part in key.lower() for part in _GAINS)
    return int(np.argmax(series.values) if is_gain else np.argmin(series.values))


def curves_of(runs: Sequence[RunScalars], keys: Sequence[str]) -> dict[str, list[Curve]]:
    """The curves of each key, over iterations."""
    return {key: list(_curves(runs, key)) for key in keys}


def _curves(runs: Sequence[RunScalars], key: str) -> Iterator[Curve]:
    from mmpose_lite.visualization.curves import Curve

    for run, mode, name, series in find_series(runs, key):
        number = next(i for i, each in enumerate(runs) if each is run)
        label = f'{run.name}: {name}'
        yield Curve(label, series.iterations, series.values, number, mode == 'val')


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
    """Run ``tools/analyze_logs.py``."""
    args = parse_args(argv)
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
        print(f'curves are in {args.out}')
