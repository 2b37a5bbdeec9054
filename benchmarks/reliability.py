"""Kills trainings and compares their ends: python benchmarks/reliability.py [--help].

Each training runs once undisturbed. The same one is killed by SIGKILL several times, a third of
them aimed at saves and validations, and resumed each time. Everything that is left must be equal:
the files, and of each checkpoint the SHA-256 of weights, optimizer, schedulers, scaler, averages,
generators, position, message hub and logs.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

os.environ['OMP_NUM_THREADS'] = '1'
os.environ['CUDA_VISIBLE_DEVICES'] = ''
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'tests'))  # for exact_runs
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import machine
from benchmarks.report import write_between
from benchmarks.restarts.settings import Setting, choose
from benchmarks.restarts.summary import failures, phases, summary
from benchmarks.restarts.trial import Trial
from helpers.exact_runs import make_config


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split(':')[0])
    parser.add_argument('--runs', type=int, default=100, help='trainings')
    parser.add_argument('--kills', type=int, default=5, help='of each')
    parser.add_argument('--seed', type=int, default=0, help='of settings and moments')
    parser.add_argument('--only', type=int, metavar='N', help='the N-th of the trainings alone')
    parser.add_argument('--jobs', type=int, default=1, help='trainings at the same time')
    parser.add_argument('--json', type=Path, metavar='FILE', help='write all that was found')
    parser.add_argument('--doc', type=Path, metavar='FILE', help='write the tables into this file')
    parser.add_argument('--read', type=Path, metavar='FILE', help='run nothing; take what is there')
    parser.add_argument('--keep', type=Path, metavar='FOLDER', help='where failed runs are kept')
    return parser.parse_args(argv)


@contextmanager
def place_for(folder: Path | None) -> Iterator[Path]:
    """A folder for the runs: a temporary one, or one that stays."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix='reliability_') as name:
        yield Path(name)


def run_some(settings: Sequence[tuple[int, Setting]], kills: int, folder: Path, out: Path) -> None:
    """Run trials one after another; a line of JSON for each goes into a file."""
    for seed, setting in settings:
        begun = time.monotonic()
        found = Trial(setting, kills, seed, folder).run()
        with out.open('a', encoding='utf-8') as file:
            file.write(json.dumps(found) + '\n')
        verdict = 'equal' if found['equal'] else str(found['different'] or found['problem'])
        seconds = time.monotonic() - begun
        print(f'{seed}: {verdict} in {seconds:.1f} s: {setting.name}', file=sys.stderr, flush=True)


def run(args: argparse.Namespace) -> list[dict[str, Any]]:
    """Run all trials, in as many processes as are asked for."""
    settings = list(enumerate(choose(args.runs, Random(args.seed)), start=1000 * args.seed))
    if args.only is not None:
        settings = settings[args.only : args.only + 1]
    with place_for(args.keep) as folder:
        make_config(folder)  # draws the faces that all of them share
        # Optimizers import this, which takes longer than one of these trainings.
        import_module('torch._dynamo')
        gc.freeze()  # data sets collect garbage, which takes longer the more there is besides
        outs = [folder / f'found{job}.jsonl' for job in range(args.jobs)]
        children = []
        for job, out in enumerate(outs):
            out.write_text('')
            children.append(os.fork())
            if not children[-1]:
                _be_job(settings[job :: args.jobs], args.kills, folder, out)
        failed = [child for child in children if os.waitpid(child, 0)[1]]
        if failed:
            sys.exit(f'{len(failed)} of {args.jobs} processes failed')
        return [json.loads(line) for out in outs for line in out.read_text().splitlines()]


def _be_job(settings: Sequence[tuple[int, Setting]], kills: int, folder: Path, out: Path) -> None:
    """Run some of the trials, to the end of this process."""
    status = 1
    try:
        place = folder / out.stem
        place.mkdir(exist_ok=True)
        (place / 'data').symlink_to(folder / 'data')
        run_some(settings, kills, place, out)
        status = 0
    except BaseException as error:
        print(f'error: {type(error).__name__}: {error}', file=sys.stderr)
    finally:
        os._exit(status)


def run_all(args: argparse.Namespace) -> dict[str, Any]:
    """Run the trials, and say on what; it is written into the file that ``--json`` names."""
    begun = time.monotonic()
    trials = run(args)
    results = {
        'date': datetime.now(timezone.utc).strftime('%Y-%m-%d %H:%M UTC'),
        'commit': machine.commit(),
        'machine': machine.describe(),
        'minutes': round((time.monotonic() - begun) / 60, 1),
        'trials': trials,
    }
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(results, indent=1) + '\n', encoding='utf-8')
    return results


def main(argv: Sequence[str] | None = None) -> None:
    """Run the trials, print the tables, and fail if any training came to another end."""
    args = parse_args(argv)
    results = json.loads(args.read.read_text()) if args.read else run_all(args)
    trials = results['trials']
    of = 'commit {commit}, {date}, {minutes} minutes.'.format(**results)
    text = f'{summary(trials)}\n\n{phases(trials)}\n\n{of}'
    print(text)
    if args.doc:
        write_between(args.doc, 'restarts', text)
    wrong = failures(trials)
    if wrong:
        sys.exit('\n'.join(wrong))


if __name__ == '__main__':
    main()
