"""Times a training step on cores that others use, too: python benchmarks/busy.py [--help]."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import machine
from benchmarks.bench import Bench, open_bench
from benchmarks.faces import SMALL
from benchmarks.jobs import figures, run_watched
from benchmarks.report import markdown_table, number, spread, write_between
from benchmarks.run import find_sides
from benchmarks.sides import MMPOSE, OURS, Side
from benchmarks.sizes import FULL, TRIAL

# Crops of the quick start's size, for either side's AFLW config.
QUICKSTART = """
codec = dict(_base_.codec, input_size=(128, 128), heatmap_size=(32, 32))
model['head'] = dict(decoder=codec)
small = dict(
    TopdownAffine=dict(input_size=codec['input_size']), GenerateTarget=dict(encoder=codec)
)
pipelines = [
    [dict(step, **small.get(step.type, {})) for step in pipeline]
    for pipeline in (_base_.train_pipeline, _base_.val_pipeline, _base_.val_pipeline)
]
for loader, pipeline in zip((train_dataloader, val_dataloader, test_dataloader), pipelines):
    loader['dataset']['pipeline'] = pipeline
train_dataloader['batch_size'] = 16
del small, pipelines, loader, pipeline
"""
THREADS = ('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OMP_WAIT_POLICY', 'GOMP_SPINCOUNT')


@dataclass(frozen=True)
class Case:
    """A way to run the training.

    Attributes:
        name: Its name.
        work: What is measured, for readers.
        one_core: Whether it may use but one core.
        busy: Whether as many busy loops run beside it as there are cores.
        variables: What its environment says about threads.
        against: The case to divide by.
        goal: What that ratio may be at most for our side.
        sides: The sides that it is measured on.
    """

    name: str
    work: str
    one_core: bool = False
    busy: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)
    against: str = ''
    goal: float | None = None
    sides: tuple[str, ...] = (OURS, MMPOSE)


CASES = (
    Case('alone', 'alone'),
    Case('busy', 'beside a busy loop a core', busy=True, against='alone', goal=3),
    Case('thread', 'one core, one thread', one_core=True, variables={'OMP_NUM_THREADS': '1'}),
    Case('core', 'one core, its own threads', one_core=True, against='thread', goal=1.1),
    Case(
        'spinning',
        'alone, threads that spin as OpenMP has it',
        variables={'GOMP_SPINCOUNT': '300000'},
        sides=(OURS,),
    ),
    Case('waiting', 'alone, again', against='spinning', goal=1.03, sides=(OURS,)),
)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split(':')[0])
    parser.add_argument('--mmpose', metavar='PATH', help='as in run.py')
    parser.add_argument('--mmpose-python', metavar='PYTHON', help='as in run.py')
    parser.add_argument('--repeats', type=int, default=3, help='measurements of each case')
    parser.add_argument('--steps', type=int, default=6, help='timed steps of a measurement')
    parser.add_argument('--warmup', type=int, default=4, help='steps before them')
    parser.add_argument('--cases', nargs='+', choices=[case.name for case in CASES])
    parser.add_argument('--trial', action='store_true', help='few faces: does everything run?')
    parser.add_argument('--json', type=Path, metavar='OUT', help='write all measurements here')
    parser.add_argument('--doc', type=Path, metavar='FILE', help='write the table into this file')
    return parser.parse_args(argv)


@contextmanager
def busy_loops(count: int) -> Iterator[list[subprocess.Popen]]:
    """Run so many processes that do nothing but take time, each for a core of its own."""
    command = [sys.executable, '-S', '-c', 'while True: pass']
    # In a session of their own, as another user's are: Linux shares cores among sessions.
    loops = [subprocess.Popen(command, start_new_session=True) for _ in range(count)]
    try:
        yield loops
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def measure(bench: Bench, side: Side, case: Case, args: argparse.Namespace) -> float:
    """Train in a process of its own; return the seconds of its median step."""
    config = bench.folder / f'{side.package}_busy.py'
    side.write_config(config, bench.roots[SMALL.name])
    config.write_text(config.read_text(encoding='utf-8') + QUICKSTART, encoding='utf-8')
    env = side.environment(1, gpu=False)
    env = {name: value for name, value in env.items() if name not in THREADS} | case.variables
    hook = {'iterations': args.warmup + args.steps, 'warmup': args.warmup, 'each': True}
    options = [f'custom_hooks.0.{key}={value}' for key, value in hook.items()]
    command = [*side.prefix, str(side.script('train')), str(config), '--cfg-options', *options]
    if case.one_core:
        command = ['taskset', '-c', str(min(os.sched_getaffinity(0))), *command]
    with tempfile.TemporaryDirectory(dir=bench.folder) as name:
        side.prepare(Path(name))
        with busy_loops(len(os.sched_getaffinity(0)) if case.busy else 0):
            found = run_watched(command, Path(name), env, False)
        notes = json.loads((Path(name) / 'stopwatch.json').read_text(encoding='utf-8'))
    return figures(notes, found['begun'])['step_s']


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure all cases in turns; the file of the measurements is written after each round."""
    sides = find_sides(args)
    cases = [case for case in CASES if not args.cases or case.name in args.cases]
    steps: dict[str, dict[str, list[float]]] = {side.package: {} for side in sides}
    results = {
        'date': datetime.now(timezone.utc).strftime('%Y-%m-%d %H:%M UTC'),
        'commit': machine.commit(),
        'machine': machine.describe(),
        'versions': {side.package: side.versions for side in sides},
        'steps': steps,
    }
    with open_bench(sides, [SMALL], TRIAL if args.trial else FULL, {}) as bench:
        for count in range(args.repeats):
            for case, side in ((case, side) for case in cases for side in sides):
                if side.package not in case.sides:
                    continue
                seconds = measure(bench, side, case, args)
                steps[side.package].setdefault(case.name, []).append(seconds)
                label = f'{count + 1} of {args.repeats}: {side.package}, {case.work}'
                print(f'{label}: {seconds:.2f} s', file=sys.stderr, flush=True)
            if args.json:
                args.json.write_text(json.dumps(results, indent=1) + '\n', encoding='utf-8')
    return results


def table(results: Mapping[str, Any]) -> str:
    """Lay out the seconds of a step, and their ratios."""
    ours, theirs = (results['steps'].get(side, {}) for side in (OURS, MMPOSE))
    rows = []
    for case in CASES:
        if case.name in ours:
            ratios = [_ratio(steps, case) for steps in (ours, theirs)]
            shown = ['' if ratio is None else number(ratio) for ratio in ratios]
            seconds = (spread(ours[case.name]), spread(theirs.get(case.name, [])))
            rows.append((case.work, *seconds, *shown, *_verdict(case, ratios[0])))
    header = ('A step', 'mmpose_lite, s', 'MMPose, s', 'ratio', 'ratio of MMPose', 'Goal', '')
    versions = ', '.join(f'{name} {each["torch"]}' for name, each in results['versions'].items())
    end = f'Torch of {versions}; commit {results["commit"]}, {results["date"]}.'
    return f'{markdown_table(header, rows)}\n\n{end}'


def _ratio(steps: Mapping[str, Sequence[float]], case: Case) -> float | None:
    if case.name not in steps or case.against not in steps:
        return None
    return median(steps[case.name]) / median(steps[case.against])


def _verdict(case: Case, ratio: float | None) -> tuple[str, str]:
    if case.goal is None or ratio is None:
        return '', ''
    return f'at most {case.goal:g}', 'reached' if ratio <= case.goal else 'missed'


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, then print and write the table."""
    args = parse_args(argv)
    text = table(run(args))
    print(text)
    if args.doc:
        write_between(args.doc, 'busy', text)


if __name__ == '__main__':
    main()
