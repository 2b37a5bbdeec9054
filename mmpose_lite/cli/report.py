"""Reports on test runs, from their dumps."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mmpose_lite import reporting
from mmpose_lite.errors import InputError, MissingFileError
from mmpose_lite.utils.paths import check_apart, check_folder

from .command_line import CommandParser, errors_in_one_line, load_libraries

if TYPE_CHECKING:
    from mmpose_lite.reporting import Run


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command."""
    parser = CommandParser(
        prog='mmpose-lite report',
        description='Write a report on one test run, or on several runs side by side.',
    )
    parser.add_argument(
        'dumps', nargs='+', metavar='DUMP', help='file written by mmpose-lite test --dump x.json'
    )
    parser.add_argument(
        '--against',
        nargs='+',
        metavar='DUMP',
        help='compare recipes: the first dumps are of trainings of one recipe with several seeds, '
        'these of another; the interval of the difference is over faces and seeds',
    )
    parser.add_argument(
        '--names',
        nargs='+',
        metavar='NAME',
        help='names of the runs (default: their checkpoints); with --against, of the two recipes',
    )
    parser.add_argument(
        '--group',
        metavar='REGEX',
        help='regular expression whose brackets match the person in the name of an image: '
        'intervals of differences are then over people',
    )
    parser.add_argument('--out', metavar='DIR', default='report', help='folder of the report')
    parser.add_argument(
        '--data-root',
        metavar='DIR',
        help='current data root: images are read only below it (default: the data roots that the '
        'dumps name)',
    )
    return parser


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = make_parser()
    args = parser.parse_args(argv)
    if args.against and min(len(args.dumps), len(args.against)) < 2:
        parser.error(
            f'--against: {len(args.dumps)} and {len(args.against)} dumps; a recipe has at least 2, '
            'of different seeds (two runs are compared without --against)'
        )
    count, what = (2, 'recipes') if args.against else (len(args.dumps), 'dumps')
    if args.names and len(args.names) != count:
        parser.error(f'--names: {len(args.names)} names for {count} {what}')
    if args.names and len(set(args.names)) < len(args.names):
        parser.error('--names: a name is given twice')
    return args


def read_runs(paths: Sequence[str], names: Sequence[str] | None = None) -> list[Run]:
    """Read dumps; runs that would have one name are told apart by their files.

    Raises:
        InputError: If one is no dump; the message names file, row and key.
    """
    runs = [reporting.read_dump(path) for path in paths]
    wanted = list(names or [run.name for run in runs])
    if len(set(wanted)) < len(wanted):
        wanted = [f'{name} ({path})' for name, path in zip(wanted, paths, strict=True)]
    if len(set(wanted)) < len(wanted):
        raise InputError(f'the same dump is named twice: {" ".join(paths)}')
    return [replace(run, name=name) for run, name in zip(runs, wanted, strict=True)]


def _read_recipes(args: argparse.Namespace) -> list[Run]:
    """Read the dumps of two recipes."""
    runs = read_runs([*args.dumps, *args.against])
    first, second = args.names or ('recipe 1', 'recipe 2')
    count = len(args.dumps)
    return [replace(run, recipe=first if i < count else second) for i, run in enumerate(runs)]


def write_and_tell(folder: str, runs: Iterable[Run], group: str | None = None) -> None:
    """Write a report, and print where it is."""
    from mmpose_lite.reporting.writing import PAGE

    for line in [
        *reporting.write_report(folder, list(runs), group),
        f'the report is {Path(folder) / PAGE}',
    ]:
        print(line.encode(errors='backslashreplace').decode())  # file names may be no UTF-8


@errors_in_one_line
def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    args = parse_args(argv)
    check_folder(args.out)
    for path in (*args.dumps, *(args.against or ())):
        if not Path(path).exists():
            raise MissingFileError(f"dump '{path}' does not exist")
    load_libraries('mmpose_lite.reporting.writing')
    from mmpose_lite.reporting.writing import FILES

    given = [*args.dumps, *(args.against or ())]
    check_apart('--out', [Path(args.out, name) for name in FILES], given)
    runs = _read_recipes(args) if args.against else read_runs(args.dumps, args.names)
    if args.data_root is not None:
        if not Path(args.data_root).is_dir():
            raise MissingFileError(f"--data-root '{args.data_root}' is not a folder")
        runs = [replace(run, moved_to=args.data_root) for run in runs]
    write_and_tell(args.out, runs, args.group)
