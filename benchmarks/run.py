"""Sets mmpose_lite beside MMPose: python benchmarks/run.py --mmpose-python PYTHON [--help]."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from benchmarks import machine, memory, report
from benchmarks.bench import open_bench
from benchmarks.comparison import compare
from benchmarks.faces import FORMATS
from benchmarks.rows import (
    AFLW_DATA,
    GPU,
    PSS,
    Row,
    make_groups,
)
from benchmarks.sides import Side, SideError, find_mmpose, our_side
from benchmarks.sizes import FULL, TRIAL, Sizes


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split(':')[0])
    parser.add_argument(
        '--mmpose', metavar='PATH', help="source checkout, folder of packages, or 'installed'"
    )
    parser.add_argument(
        '--mmpose-python', metavar='PYTHON', help='interpreter to run MMPose with; default: this'
    )
    parser.add_argument('--rows', nargs='+', metavar='NAME', help='measure only these; see --list')
    parser.add_argument('--list', action='store_true', help='print the names of the rows')
    parser.add_argument('--repeats', type=int, default=5, help='measurements of each side')
    parser.add_argument('--aflw', type=Path, metavar='DIR', help="AFLW's folder, for its schedule")
    parser.add_argument('--trial', action='store_true', help='tiny sizes: does everything run?')
    parser.add_argument('--json', type=Path, metavar='OUT', help='write all measurements here')
    parser.add_argument('--doc', type=Path, metavar='FILE', help='write the tables into this file')
    parser.add_argument(
        '--read', type=Path, metavar='JSON', help='measure nothing; take what --json wrote'
    )
    return parser.parse_args(argv)


def choose(groups: list[list[Row]], names: Sequence[str] | None) -> list[list[Row]]:
    """Keep the rows that are named; all where none is.

    Raises:
        SystemExit: If a name is unknown.
    """
    known = [row.name for group in groups for row in group]
    for name in names or ():
        if name not in known:
            sys.exit(f'error: --rows {name} is none of {", ".join(known)}')
    kept = [[row for row in group if not names or row.name in names] for group in groups]
    return [group for group in kept if group]


def find_available(sides: Sequence[Side], aflw: Path | None) -> set[str]:
    """Collect what rows need and this machine has."""
    there = {
        **{side.package: True for side in sides},
        GPU: torch.cuda.is_available() and 'H200' in torch.cuda.get_device_name(),
        PSS: memory.is_known(),
        AFLW_DATA: aflw is not None,
    }
    return {name for name, is_there in there.items() if is_there}


def find_sides(args: argparse.Namespace) -> list[Side]:
    """Our side and, if the command line names it, MMPose's."""
    sides = [our_side()]
    if args.mmpose or args.mmpose_python:
        python = args.mmpose_python or sys.executable
        sides.append(find_mmpose(args.mmpose or 'installed', python))
    return sides


def run(args: argparse.Namespace, sizes: Sizes, groups: list[list[Row]]) -> dict[str, Any]:
    """Measure the rows; after each group, the file of all measurements is written anew."""
    sides = find_sides(args)
    available = find_available(sides, args.aflw)
    roots = {AFLW_DATA: args.aflw.resolve()} if args.aflw else {}
    results = {
        'date': datetime.now(timezone.utc).strftime('%Y-%m-%d %H:%M UTC'),
        'commit': machine.commit(),
        'machine': machine.describe(),
        'versions': {side.package: side.versions for side in sides},
        'repeats': args.repeats,
        'sizes': asdict(sizes),
        'rows': [],
        'measurements': [],
    }
    with open_bench(sides, FORMATS, sizes, roots) as bench:
        results['faces'] = bench.described
        for group in groups:
            rows, taken = compare(bench, group, args.repeats, available)
            results['rows'] += rows
            results['measurements'] += [asdict(each) for each in taken]
            if args.json:
                args.json.write_text(json.dumps(results, indent=1) + '\n', encoding='utf-8')
            print(report.comparison_table(rows), file=sys.stderr, flush=True)
    return results


def main(argv: Sequence[str] | None = None) -> None:
    """Measure or read, then print and write the tables."""
    args = parse_args(argv)
    sizes = TRIAL if args.trial else FULL
    groups = choose(make_groups(sizes), args.rows)
    if args.list:
        print(*(row.name for group in groups for row in group), sep='\n')
        return
    try:
        results = (
            json.loads(args.read.read_text('utf-8')) if args.read else run(args, sizes, groups)
        )
    except SideError as error:
        sys.exit(f'error: {error}')
    tables = {
        'machine': report.machine_table(results),
        'comparison': report.comparison_table(results['rows']),
        'bounds': report.bounds_table(results['rows']),
    }
    print(*tables.values(), sep='\n\n')
    for name, table in tables.items() if args.doc else ():
        report.write_between(args.doc, name, table)


if __name__ == '__main__':
    main()
