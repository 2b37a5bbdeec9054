"""Times rendered faces against a former commit: python benchmarks/rendering.py [--help]."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import machine
from benchmarks.predicting import FORMER, checkout
from benchmarks.report import markdown_table, number, pair_ratios, spread, write_between
from benchmarks.sides import ROOT

GOAL = 2.0
"""How many times the former commit's faces a second are to be reached."""


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split(':')[0])
    parser.add_argument('--repeats', type=int, default=5, help='measurements of each side')
    parser.add_argument('--faces', type=int, default=40, help='timed faces of a measurement')
    parser.add_argument('--seed', type=int, default=7, help='seed of the set')
    parser.add_argument('--former', default=FORMER, help=f'commit beside this (default {FORMER})')
    parser.add_argument('--doc', type=Path, metavar='FILE', help='write the table into this file')
    return parser.parse_args(argv)


def measure(home: Path, folder: Path, faces: int, seed: int) -> dict[str, Any]:
    """Render a set with one checkout's package, in a process of its own with one thread."""
    script = ROOT / 'benchmarks' / 'measure' / 'rendering.py'
    out = folder / 'rendering.json'
    command = [sys.executable, script, out, '--faces', faces, '--seed', seed]
    env = {**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(home)}
    subprocess.run(list(map(str, command)), check=True, env=env, cwd=folder, stdout=sys.stderr)
    return json.loads(out.read_text(encoding='utf-8'))


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure both sides in turns."""
    rates: dict[str, list[float]] = {'former': [], 'ours': []}
    sizes = {}
    with checkout(args.former) as former:
        homes = {'former': former, 'ours': ROOT}
        for count in range(args.repeats):
            for side, home in homes.items():
                notes = measure(home, former.parent, args.faces, args.seed)
                rates[side].append(1 / notes['cpu_s_per_face'])
                sizes[side] = notes['pixels'] / notes['faces'] / 1e6
                label = f'{count + 1} of {args.repeats}: {side}'
                print(f'{label}: {rates[side][-1]:.2f} faces a CPU second', file=sys.stderr)
    return {
        'date': datetime.now(timezone.utc).strftime('%Y-%m-%d %H:%M UTC'),
        'commit': machine.commit(),
        'machine': machine.describe(),
        'former': args.former,
        'faces_per_cpu_s': rates,
        'megapixels_per_face': sizes,
    }


def table(results: Mapping[str, Any]) -> str:
    """Lay out faces a second, their ratio to the former commit's, and the goal."""
    rates, sizes = results['faces_per_cpu_s'], results['megapixels_per_face']
    ratios = pair_ratios(rates['ours'], rates['former'])
    verdict = 'reached' if median(ratios) >= GOAL else 'missed'
    rows = [
        (results['former'], number(sizes['former']), spread(rates['former']), '', '', ''),
        (
            'now',
            number(sizes['ours']),
            spread(rates['ours']),
            spread(ratios),
            f'at least {number(GOAL)}',
            verdict,
        ),
    ]
    header = ('One process', 'megapixels a face', 'faces a CPU second', 'ratio', 'Goal', '')
    end = f'{results["machine"]["cpu"]}; commit {results["commit"]}, {results["date"]}.'
    return f'{markdown_table(header, rows)}\n\n{end}'


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, then print and write the table."""
    args = parse_args(argv)
    text = table(run(args))
    print(text)
    if args.doc:
        write_between(args.doc, 'rendering', text)


if __name__ == '__main__':
    main()
