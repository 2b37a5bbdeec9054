"""Measures what grows during a training: python benchmarks/memory_growth.py [--help].

A tiny model is trained for many small epochs with validations and checkpoints, and then resumed
again and again in the same process. At the end of each epoch the memory of the process and of its
workers is read, and its open files, threads, child processes and shared memory are counted.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from datetime import datetime, timezone
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import Any

os.environ['CUDA_VISIBLE_DEVICES'] = ''
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'tests'))  # for helpers
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmengine.hooks import Hook

from benchmarks import machine, memory
from benchmarks.report import markdown_table, write_between
from helpers import exact_runs
from helpers.data_factory import make_face_set

GOAL = 1.0  # MiB for 1,000 iterations
# Epochs before those that count: buffers find their size in them.
_WARMUP = 10
_WARMUP_RUNS = 2
_COUNTS = ('files', 'threads', 'processes', 'shared')


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split(':')[0])
    parser.add_argument('--epochs', type=int, default=50, help='besides the first ten')
    parser.add_argument('--cycles', type=int, default=20, help='runs that are resumed')
    parser.add_argument('--faces', type=int, default=160, help='of an epoch, in batches of four')
    parser.add_argument('--workers', type=int, default=2)
    parser.add_argument('--json', type=Path, metavar='FILE', help='write all that was read')
    parser.add_argument('--doc', type=Path, metavar='FILE', help='write the table into this file')
    return parser.parse_args(argv)


def look() -> dict[str, float]:
    """Memory in MiB, and what else a process can forget to give back."""
    gc.collect()
    own = Path('/proc/self')
    children = memory.children(os.getpid())
    return {
        'main_mib': memory.own_mib(os.getpid()),
        'workers_mib': sum(map(memory.own_mib, children)),
        'files': len(os.listdir(own / 'fd')),
        'threads': len(os.listdir(own / 'task')),
        'processes': len(children),
        'shared': sum(map(_shared, [os.getpid(), *children])),
    }


def _shared(pid: int) -> int:
    """Pieces of shared memory that a process has."""
    try:
        return Path(f'/proc/{pid}/maps').read_text().count('/dev/shm/')
    except OSError:  # it ended meanwhile
        return 0


class LookingHook(Hook):
    """Looks at the end of each epoch, before its last batch is given back."""

    priority = 'LOWEST'

    def __init__(self) -> None:
        self.seen: list[dict[str, float]] = []

    def after_train_epoch(self, runner) -> None:
        """Look once."""
        self.seen.append({'iter': runner.train_loop.position.iter, **look()})


def make_config(folder: Path, args: argparse.Namespace, epochs: int) -> Any:
    """A config of so many epochs."""
    cfg = exact_runs.make_config(
        folder,
        train_cfg__max_epochs=epochs,
        train_dataloader__num_workers=args.workers,
        train_dataloader__persistent_workers=args.workers > 0,
        default_hooks__checkpoint__max_keep_ckpts=2,
        default_hooks__logger__interval=10,
    )
    cfg.param_scheduler[1].end = epochs
    return cfg


def measure(folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Train, and then resume again and again, each time for an epoch more.

    Returns:
        ``epochs`` and ``cycles``: what was seen in each.
    """
    make_face_set(folder / 'data', train=args.faces, test=8)
    hook, run = LookingHook(), folder / 'run'
    epochs = _WARMUP + args.epochs
    exact_runs.train(make_config(folder, args, epochs), run, hook=hook)
    cycles = []
    for count in range(args.cycles):
        cfg = make_config(folder, args, epochs + 1 + count)
        exact_runs.train(cfg, run, resume=True)
        cycles.append({'iter': count, **look()})
    return {'epochs': hook.seen, 'cycles': cycles}


def slope(points: Sequence[dict[str, float]], name: str) -> float:
    """The median slope between any two points (Theil and Sen)."""
    pairs = combinations(((point['iter'], point[name]) for point in points), 2)
    return median((high - low) / (later - before) for (before, low), (later, high) in pairs)


def table(found: dict[str, Any]) -> str:
    """Growth per 1,000 iterations, and per resumed run."""
    epochs, cycles = found['epochs'][_WARMUP:], found['cycles'][_WARMUP_RUNS:]
    rows = []
    for name, text in (('main_mib', 'main process, MiB'), ('workers_mib', 'workers, MiB')):
        slopes = f'{1000 * slope(epochs, name):+.2f}', f'{slope(cycles, name):+.2f}'
        rows.append((text, f'{epochs[0][name]:.1f}', f'{epochs[-1][name]:.1f}', *slopes))
    for name in _COUNTS:
        change = f'{slope(cycles, name):+.2f}'
        grown = f'{1000 * slope(epochs, name):+.2f}'
        rows.append(
            (name, *(f'{each[name]:.0f}' for each in (epochs[0], epochs[-1])), grown, change)
        )
    header = ('', 'First epoch', 'Last epoch', 'In 1,000 iterations', 'In a resumed run')
    return markdown_table(header, rows)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, and print the table; fail if the growth in training is above the goal."""
    args = parse_args(argv)
    with tempfile.TemporaryDirectory(prefix='memory_growth_') as name:
        found = measure(Path(name), args)
    found['date'] = datetime.now(timezone.utc).strftime('%Y-%m-%d %H:%M UTC')
    found['commit'], found['machine'] = machine.commit(), machine.describe()
    print(table(found))
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(found, indent=1) + '\n', encoding='utf-8')
    if args.doc:
        write_between(args.doc, 'memory growth', f'{table(found)}\n\n{found["date"]}.')
    counted = found['epochs'][_WARMUP:]
    grown = [name for name in ('main_mib', 'workers_mib') if 1000 * slope(counted, name) > GOAL]
    grown += [name for name in _COUNTS if counted[-1][name] > counted[0][name]]
    cycles = found['cycles'][_WARMUP_RUNS:]
    grown += [f'{name} in resumed runs' for name in _COUNTS if slope(cycles, name) > 0]
    if grown:
        sys.exit(f'grows: {", ".join(grown)}')


if __name__ == '__main__':
    main()
