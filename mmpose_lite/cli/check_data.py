"""Checking the data that a config names."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal

from mmpose_lite import apis
from mmpose_lite.data_tools import checks
from mmpose_lite.utils.paths import check_apart, check_file, find_config
from mmpose_lite.utils.progress import track

from .command_line import (
    CommandParser,
    add_config_argument,
    add_options_argument,
    errors_in_one_line,
    load_libraries,
    parse_counts,
    write_results,
)

if TYPE_CHECKING:
    from mmengine.config import Config
    from rich.table import Table
    from rich.text import Text

    from mmpose_lite.data_tools.checks import CheckReport, Finding, Split

_CLAIMS = {'auto': None, 'yes': True, 'no': False}


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command."""
    parser = CommandParser(
        prog='mmpose-lite check-data',
        description='Check every image and every annotation that a config names.',
    )
    add_config_argument(parser)
    parser.add_argument('--json', metavar='OUT', help='write all findings to this JSON file')
    parser.add_argument('--workers', type=int, help='number of images to read at the same time')
    parser.add_argument(
        '--write-manifest',
        action='store_true',
        help='store the hashes of all files, with which later checks compare',
    )
    parser.add_argument(
        '--manifest',
        metavar='FILE',
        help='file of the hashes (default: manifest.json next to the annotations)',
    )
    parser.add_argument(
        '--aflw',
        choices=_CLAIMS,
        default='auto',
        help="require AFLW's numbers of faces; auto: if annotations and images have AFLW's names",
    )
    parser.add_argument(
        '--max-rows',
        type=int,
        default=20,
        metavar='N',
        help='rows to print of each kind (default 20)',
    )
    add_options_argument(parser)
    return parser


def format_splits(report: CheckReport) -> Table:
    """Lay out what was checked: one line a split and subset."""
    from rich.table import Table

    table = Table()
    aflw = ['of AFLW'] if any(split['aflw'] for split in report.splits) else []
    for name in ('set', 'file', 'images', 'faces', *aflw, 'left to right'):
        justify: Literal['left', 'right'] = 'left' if name in ('set', 'file') else 'right'
        table.add_column(name, justify=justify, overflow='fold')
    for split in report.splits:
        apart = split['left_right']
        table.add_row(
            split['name'],
            _text(split['file']),
            str(split['images']),
            str(split['faces']),
            *(str(split['aflw'] or '') for _ in aflw),
            '' if apart is None else f'{apart:+.3f} sides',
        )
        for name, count in split['parts'].items():
            table.add_row(f'  {name} part', '', '', str(count))
        for name, count in split['subsets'].items():
            table.add_row(_text(f'  {name}'), '', '', str(count))
    return table


def format_findings(findings: Iterable[Finding], max_rows: int) -> Table:
    """Lay out findings: one line each, no more than so many of a kind in a set."""
    from rich.table import Table

    table = Table()
    for name in ('', 'set', 'kind', 'where', 'problem'):
        table.add_column(name, overflow='fold')
    seen: Counter[tuple] = Counter()
    for each in findings:
        key = (each.is_fault, each.split, each.kind)
        seen[key] += 1
        if seen[key] <= max_rows:
            what = 'fault' if each.is_fault else 'note'
            table.add_row(what, each.split, each.kind, _text(each.where), _text(each.problem))
    for (is_fault, split, kind), count in seen.items():
        if count > max_rows:
            what = 'fault' if is_fault else 'note'
            more = f'and {count - max_rows} more; --json FILE lists all'
            table.add_row(what, split, kind, '...', more)
    return table


def _text(value: str) -> Text:
    """Text for any terminal; brackets in it are no markup."""
    from rich.text import Text

    return Text(value.encode('utf-8', 'backslashreplace').decode('utf-8'))


def _check_outputs(cfg: Config, splits: Sequence[Split], args: argparse.Namespace) -> None:
    """Check that no result takes the place of what is read.

    Raises:
        InputError: If one would.
    """
    from mmpose_lite.engine.config_rewrites import files_read

    inputs = [cfg.filename, *files_read(cfg)]
    if args.json:
        manifests = [args.manifest] if args.manifest else [each.manifest for each in splits]
        check_apart('--json', [args.json], [*inputs, *manifests])
    if args.manifest and args.write_manifest:
        check_apart('--manifest', [args.manifest], inputs)


@errors_in_one_line
def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; the exit code is 1 if there is a fault."""
    args = parse_counts(make_parser(), argv, 'workers')
    find_config(args.config)
    if args.json:
        check_file(args.json)
    load_libraries('mmpose_lite.data_tools.checks.check')
    from rich.console import Console

    cfg = apis.load_config(args.config, args.cfg_options)
    splits = checks.find_splits(cfg)
    _check_outputs(cfg, splits, args)
    # Wide enough for whole paths and names where the output is not a terminal.
    console = Console() if Console().is_terminal else Console(width=160)
    report = checks.check_splits(
        splits,
        workers=args.workers,
        manifest=args.manifest,
        write_manifest=args.write_manifest,
        is_aflw=_CLAIMS[args.aflw],
        progress=partial(track, label='photographs'),
    )
    console.print(format_splits(report))
    if report.findings:
        console.print(format_findings([*report.faults, *report.notes], args.max_rows))
    for path in report.manifests:
        print(f'hashes are in {path}')
    print(f'{len(report.faults)} faults, {len(report.notes)} notes')
    if args.json:
        write_results(args.json, {'config': args.config, **report.to_dict()})
    if report.faults:
        sys.exit(1)
