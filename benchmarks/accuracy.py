"""Times training until it is as accurate as MMPose's: python benchmarks/accuracy.py [--help].

MMPose trains the yardstick, `configs/recipes/hrnetv2-w18_mmpose-tuned_aflw19-128x128_8e.py`, by
its own tools. At the same time, on another core, the project's recipe is trained for fewer epochs,
again and again: from each start and with each seed. All use the annotations as they are, one
thread and one worker, and are validated once, at their end; a time is that of the whole command.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import machine
from benchmarks.jobs import run_watched
from benchmarks.report import markdown_table, number, spread, write_between
from benchmarks.sides import AFLW, MMPOSE, ROOT, Side, SideError, find_mmpose, our_side

GOAL = 6
EPOCHS = 8  # of the yardstick
RECIPES = ROOT / 'configs' / 'recipes'
STARTS = ('faces19', 'random')

# The yardstick in terms of MMPose's own config.
MMPOSE_CONFIG = """
_base_ = ['{base}']
codec = dict(type='MSRAHeatmap', input_size=(128, 128), heatmap_size=(32, 32), sigma=2)
model = dict(backbone=dict(init_cfg=None), head=dict(decoder=codec))
optim_wrapper = dict(optimizer=dict(lr=4e-3))
param_scheduler = [
    dict(type='LinearLR', begin=0, end=50, start_factor=0.01, by_epoch=False),
    dict(type='MultiStepLR', begin=0, end=8, milestones=[5, 7], gamma=0.1, by_epoch=True),
]
train_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='RandomBBoxTransform', shift_prob=0, rotate_factor=60, scale_factor=(0.75, 1.25)),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='PackPoseInputs'),
]
val_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='PackPoseInputs'),
]
train_dataloader = dict(batch_size=32, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
"""
OUR_CONFIG = """
_base_ = ['{base}']
load_from = {weights!r}
"""
# What both sides are given on the command line.
SHARED = (
    'train_cfg.max_epochs={epochs}',
    'train_cfg.val_interval={epochs}',
    'randomness.seed={seed}',
    'train_dataloader.num_workers=1',
    'train_dataloader.dataset.data_root={root}',
    'val_dataloader.num_workers=1',
    'val_dataloader.dataset.data_root={root}',
)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split(':')[0])
    parser.add_argument('data', type=Path, help="folder of a set in AFLW's form")
    parser.add_argument('--mmpose', default='installed', help='folder that holds mmpose')
    parser.add_argument('--mmpose-python', default=sys.executable, help='interpreter for MMPose')
    parser.add_argument('--starts', nargs='+', choices=STARTS, default=['faces19'])
    parser.add_argument('--epochs', type=int, nargs='+', default=[1], help='one for each start')
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2], help='of our trainings')
    parser.add_argument('--amp', action='store_true', help='for ours; MMPose has none on a CPU')
    parser.add_argument('--json', type=Path, metavar='OUT', help='write all numbers here')
    parser.add_argument('--doc', type=Path, metavar='FILE', help='write the table into this file')
    args = parser.parse_args(argv)
    if len(args.epochs) != len(args.starts):
        parser.error('--epochs needs one number for each of --starts')
    if len(os.sched_getaffinity(0)) < 2:
        parser.error('two cores are needed, one for each side')
    return args


def train(
    side: Side, text: str, options: Sequence[str], core: int, values: Mapping[str, Any]
) -> dict[str, Any]:
    """Train on one core; return the NME of the validation at the end, and the command's seconds."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        config, work = place / 'config.py', place / 'work'
        config.write_text(text, encoding='utf-8')
        side.prepare(place)
        command = [*side.prefix, str(side.script('train')), str(config), '--work-dir', str(work)]
        shared = (option.format(**values) for option in SHARED)
        pinned = ['taskset', '--cpu-list', str(core), *command, *options, *shared]
        found = run_watched(pinned, place, side.environment(threads=1, gpu=False), False)
        (scalars,) = work.glob('*/vis_data/scalars.json')
        lines = (json.loads(line) for line in scalars.read_text(encoding='utf-8').splitlines())
        (error,) = (line['NME'] for line in lines if 'NME' in line)
    return {'NME': error, 'seconds': found['wall_s'], 'cpu_s': found['cpu_s']}


def train_ours(args: argparse.Namespace, core: int, theirs: Future) -> list[dict[str, Any]]:
    """Train the project's recipe from each start with each seed, unless MMPose fails."""
    options = [*(['--amp'] if args.amp else []), '--cfg-options', 'first_pixel=0']
    runs = []
    for seed in args.seeds:
        for start, epochs in zip(args.starts, args.epochs, strict=True):
            weights = None if start == 'random' else start
            text = OUR_CONFIG.format(
                base=RECIPES / 'hrnetv2-w18_best_aflw19-128x128_8e.py', weights=weights
            )
            values = {'epochs': epochs, 'seed': seed, 'root': f'{args.data.resolve()}/'}
            found = train(our_side(), text, options, core, values)
            if theirs.done():
                theirs.result()
            runs.append({'start': start, 'epochs': epochs, 'seed': seed, **found})
            print(f'mmpose_lite from {start}, seed {seed}: {_told(runs[-1])}', flush=True)
    return runs


def train_mmpose(side: Side, args: argparse.Namespace, core: int) -> dict[str, Any]:
    """Train the yardstick by MMPose."""
    text = MMPOSE_CONFIG.format(base=side.home / 'configs' / AFLW)
    values = {'epochs': EPOCHS, 'seed': 0, 'root': f'{args.data.resolve()}/'}
    found = train(side, text, ['--cfg-options'], core, values)
    print(f'MMPose: {_told(found)}', flush=True)
    return found


def _told(run: dict[str, Any]) -> str:
    return f'{100 * run["NME"]:.2f} % after {run["seconds"]:,.0f} s'


def table(results: dict[str, Any]) -> str:
    """Lay out what both sides reached, and when."""
    theirs = results['mmpose']
    error = f'{100 * theirs["NME"]:.2f}'
    rows = [
        ('MMPose', 'random', f'{EPOCHS}', error, f'{theirs["seconds"]:,.0f}', '', ''),
    ]
    for start in dict.fromkeys(run['start'] for run in results['runs']):
        runs = [run for run in results['runs'] if run['start'] == start]
        errors = ', '.join(f'{100 * run["NME"]:.2f}' for run in runs)
        ratio = [theirs['seconds'] / run['seconds'] for run in runs]
        reached = all(run['NME'] <= theirs['NME'] for run in runs) and min(ratio) >= GOAL
        rows.append(
            (
                'mmpose_lite',
                start,
                f'{runs[0]["epochs"]}',
                errors,
                spread([run['seconds'] for run in runs]),
                spread(ratio),
                f'at least {number(GOAL)}: {"reached" if reached else "missed"}',
            )
        )
    header = ('', 'Start', 'Epochs', 'NME, % (each seed)', 'Seconds', 'MMPose / ours', 'Goal')
    end = (
        f'`{results["command"]}`; commit {results["commit"]}, {results["date"]}; '
        f'{results["machine"]["cpu"]} with {", ".join(results["machine"]["cpu_flags"])}.'
    )
    return f'{markdown_table(header, rows, left=2)}\n\n{end}'


def main(argv: Sequence[str] | None = None) -> None:
    """Train both sides, then print and write the table."""
    args = parse_args(argv)
    try:
        side = find_mmpose(args.mmpose, args.mmpose_python)
    except SideError as error:
        sys.exit(str(error))
    results: dict[str, Any] = {
        'commit': machine.commit(),
        'date': datetime.now(timezone.utc).strftime('%Y-%m-%d'),
        'machine': machine.describe(),
        'versions': {MMPOSE: side.versions, our_side().package: our_side().versions},
    }
    options = ['--starts', *args.starts, '--epochs', *map(str, args.epochs)]
    options += ['--seeds', *map(str, args.seeds), *(['--amp'] if args.amp else [])]
    results['command'] = shlex.join(['benchmarks/accuracy.py', str(args.data), *options])
    first, second = sorted(os.sched_getaffinity(0))[:2]
    with ThreadPoolExecutor() as pool:
        theirs = pool.submit(train_mmpose, side, args, first)
        results['runs'] = train_ours(args, second, theirs)
        results['mmpose'] = theirs.result()
    text = table(results)
    print(text)
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + '\n', encoding='utf-8')
    if args.doc:
        write_between(args.doc, 'time to accuracy', text)


if __name__ == '__main__':
    main()
