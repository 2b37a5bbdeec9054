"""Measures how cost grows with faces, batch and ranks: python benchmarks/growth.py [--help]."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import growth_report, machine, plots, report
from benchmarks.bench import Bench, open_bench
from benchmarks.faces import SMALL
from benchmarks.jobs import Job, JobError
from benchmarks.rows import iterations, workers
from benchmarks.sides import OURS, ROOT, our_side
from benchmarks.sizes import FULL

# Steps before the timed ones, and timed ones.
WARMUP, STEPS = 1, 3
# The part of the free memory that a run may be expected to take.
_MEMORY_SHARE = 0.9


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split(':')[0])
    parser.add_argument('--parts', nargs='+', choices=PARTS, default=list(PARTS))
    parser.add_argument('--faces', nargs='+', type=int, default=[1000, 5000, 20000])
    parser.add_argument('--workers', nargs='+', type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument('--batches', nargs='+', type=int, default=[8, 16, 32, 64, 128])
    parser.add_argument('--ranks', nargs='+', type=int, default=[1, 2, 4, 8])
    parser.add_argument(
        '--total', type=int, default=16, help='faces of a step, shared out over the ranks'
    )
    parser.add_argument('--repeats', type=int, default=3, help='measurements of each cell')
    parser.add_argument(
        '--out', type=Path, default=ROOT / 'docs' / 'performance', help='folder of growth.json'
    )
    parser.add_argument('--picture', type=Path, default=ROOT / 'docs' / 'images' / 'growth.svg')
    parser.add_argument('--doc', type=Path, metavar='FILE', help='write the tables into this file')
    parser.add_argument(
        '--read', action='store_true', help='measure nothing; take what is in --out'
    )
    return parser.parse_args(argv)


def measure_loader(bench: Bench, args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """An epoch of the AFLW pipeline, workers' start included, for each number of faces."""
    for faces in args.faces:
        for cached in (False, True):
            options = [f'train_dataloader.dataset.indices={faces}']
            if cached:
                options.append(f'train_dataloader.dataset.cache=$WORK/crops_of_{faces}')
            for count in args.workers:
                job = _watched('loader', (*options, *workers(count)), threads=1)
                # The first run of all cuts the crops.
                discard = cached and count == args.workers[0]
                settings = {'faces': faces, 'cached': cached, 'workers': count}
                yield settings | take(bench, job, args.repeats, ('epoch_s', 'peak_mib'), discard)


def measure_network(bench: Bench, args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """A training step, the batch at hand, for each batch; none that would not fit."""
    for amp in (False, True):
        before = 0, 0.0
        for batch in sorted(args.batches):
            settings = {'batch': batch, 'amp': amp}
            expected = before[1] * batch / max(before[0], 1)
            free = machine.available_memory_mib()
            if expected > _MEMORY_SHARE * free:
                gib = before[1] / 1024, free / 1024
                reason = 'batch {} took {:.1f} GiB, {:.1f} GiB were free'.format(before[0], *gib)
                yield settings | {'problem': f'not run: {reason}'}
                continue
            options = _training(batch)
            job = _watched('train', options, arguments=('--amp',) if amp else ())
            cell = settings | take(bench, job, args.repeats, ('step_s', 'peak_mib'))
            if not cell['problem']:
                before = batch, max(cell['peak_mib'])
            yield cell


def measure_ranks(bench: Bench, args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The same faces a step, shared by more and more processes of this machine's cores."""
    for ranks in args.ranks:
        threads = max(1, (os.cpu_count() or 1) // ranks)
        batch = max(1, args.total // ranks)
        job = _watched('train', _training(batch), threads=threads, ranks=ranks)
        settings = {'ranks': ranks, 'batch': batch, 'threads': threads}
        names = ('step_s', 'peak_mib', 'parameters')
        yield settings | take(bench, job, args.repeats, names)


def take(
    bench: Bench, job: Job, repeats: int, names: tuple[str, ...], discard: bool = False
) -> dict[str, Any]:
    """Measure a cell: its figures by name, each a list, and the problem that there was."""
    found: dict[str, Any] = {'command': '', 'problem': '', **{name: [] for name in names}}
    for count in range(-int(discard), repeats):
        print(f'{job.script} {" ".join(job.options)} {job.ranks}', file=sys.stderr, flush=True)
        try:
            taken = bench.run(job)
        except JobError as error:
            print(f'error: {error}', file=sys.stderr)
            return found | {'problem': 'failed'}
        found['command'] = taken.command
        for name in names if count >= 0 else ():
            found[name].append(taken.figures[name])
    return found


def _watched(
    script: str,
    options: tuple[str, ...],
    arguments: tuple[str, ...] = (),
    threads: int = 0,
    ranks: int = 0,
) -> Job:
    return Job(
        OURS,
        script,
        SMALL.name,
        options,
        arguments,
        threads=threads,
        ranks=ranks,
        watch_memory=True,
    )


def _training(batch: int) -> tuple[str, ...]:
    batch_size = f'train_dataloader.batch_size={batch}'
    return (batch_size, *workers(0), *iterations(WARMUP, STEPS, each=True))


PARTS = {'loader': measure_loader, 'network': measure_network, 'ranks': measure_ranks}


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure the parts; after each cell, the file of all measurements is written anew.

    Parts that it has and that are not asked for stay in it.
    """
    side = our_side()
    path = args.out / 'growth.json'
    results: dict[str, Any] = read(path) if path.exists() else {}
    part_path = path.with_suffix('.part')
    measured = {
        'date': datetime.now(timezone.utc).strftime('%Y-%m-%d %H:%M UTC'),
        'commit': machine.commit(),
        'repeats': args.repeats,
        'total': args.total,
        'machine': machine.describe(),
        'versions': {OURS: side.versions},
    }
    args.out.mkdir(parents=True, exist_ok=True)
    with open_bench([side], [SMALL], FULL, {}) as bench:
        measured['faces'] = bench.described
        for part in args.parts:
            cells: list[dict] = []
            results[part] = {**measured, 'cells': cells}
            for cell in PARTS[part](bench, args):
                cells.append(cell)
                part_path.write_text(json.dumps(results, indent=1) + '\n', encoding='utf-8')
                part_path.replace(path)
    return results


def read(path: Path) -> dict[str, Any]:
    """Read a file of measurements."""
    return json.loads(path.read_text(encoding='utf-8'))


def main(argv: Sequence[str] | None = None) -> None:
    """Measure or read, then print and write tables and pictures."""
    args = parse_args(argv)
    results = read(args.out / 'growth.json') if args.read else run(args)
    tables = growth_report.tables(results)
    print(*tables.values(), sep='\n\n')
    plots.draw_growth(results, args.picture)
    for name, table in tables.items() if args.doc else ():
        report.write_between(args.doc, f'growth: {name}', table)


if __name__ == '__main__':
    main()
