"""Train on few faces, as docs/own_points.md does: python benchmarks/small_sets.py [--help]."""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import machine
from benchmarks.report import markdown_table, number, write_between
from mmpose_lite.datasets.datasets.face import AFLWDataset
from mmpose_lite.structures import parse_pose_metainfo

# Of AFLW's nineteen points: three of each eye, of the nose and of the mouth.
KEPT = range(6, 18)
COUNTS = (50, 200, 1000)
STARTS = ('random', 'trained')
WEIGHTS = {'random': 'random', 'trained': 'the quick start'}
BATCH = 8
VALIDATIONS = 20  # about so many in a training

CONFIG = """
_base_ = [
    'mmpose_lite::_base_/default_runtime.py',
    'mmpose_lite::_base_/models/hrnetv2_w18.py',
    'mmpose_lite::_base_/schedules/small_set.py',
    'mmpose_lite::_base_/pipelines/small_set_256x256.py',
    'mmpose_lite::_base_/loaders/faces.py',
]
metainfo = {metainfo}
input_size = ({size}, {size})
model = dict(
    backbone=dict(init_cfg=None),
    head=dict(out_channels=len(metainfo['keypoint_info']), decoder=_base_.codec),
)
faces = dict(type='BaseCocoStyleDataset', data_root={root!r}, metainfo=metainfo)
train_faces = dict(faces, ann_file='train_{count}_{seed}.json')
train_part, val_part = (dict(part=part, val_share=0.1) for part in ('train', 'val'))
train_dataloader = dict(
    batch_size={batch},
    num_workers=1,
    dataset=dict(train_faces, train_val_split=train_part, pipeline=_base_.train_pipeline),
)
val_dataloader = dict(
    num_workers=1,
    dataset=dict(train_faces, train_val_split=val_part, pipeline=_base_.val_pipeline),
)
test_dataloader = dict(
    num_workers=1, dataset=dict(faces, ann_file='test.json', pipeline=_base_.val_pipeline)
)
val_evaluator = dict(type='NME', norm_mode='use_norm_item', norm_item='bbox_size')
test_evaluator = val_evaluator
train_cfg = dict(max_epochs={epochs}, val_interval={interval})
default_hooks = _base_.small_set_hooks
randomness = dict(seed={seed})
"""


class Run(NamedTuple):
    """A training: its number of faces, its start (one of ``STARTS``) and its seed."""

    count: int
    start: str
    seed: int


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split(':')[0])
    parser.add_argument('data', type=Path, help="folder of a set in AFLW's form, with 19 points")
    parser.add_argument('--weights', type=Path, help="a trained model of faces, the quick start's")
    parser.add_argument('--counts', type=int, nargs='+', default=COUNTS, help='faces')
    parser.add_argument('--starts', nargs='+', choices=STARTS, default=STARTS)
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2])
    parser.add_argument('--size', type=int, default=64, help='side of the crops')
    parser.add_argument('--iterations', type=int, default=1000, help='length of a training')
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/small_sets'))
    parser.add_argument('--json', type=Path, metavar='OUT', help='write all numbers here')
    parser.add_argument('--doc', type=Path, metavar='FILE', help='write the table into this file')
    parser.add_argument('--amp', action='store_true')
    parser.add_argument('--options', nargs='+', default=[], help='further --cfg-options')
    args = parser.parse_args(argv)
    if 'trained' in args.starts and args.weights is None:
        parser.error('--starts trained needs --weights')
    return args


def write_sets(args: argparse.Namespace) -> tuple[dict[str, Any], float]:
    """Write the annotations of the test and of every training.

    Returns:
        The metainfo of the points, and the NME of the mean shape of all training faces.
    """
    args.work_dir.mkdir(parents=True, exist_ok=True)
    link = args.work_dir / 'images'
    if not link.exists():
        link.symlink_to((args.data / 'images').resolve())
    train, test = (
        keep_points(args.data / f'annotations/face_landmarks_aflw_{part}.json')
        for part in ('train', 'test')
    )
    (args.work_dir / 'test.json').write_text(json.dumps(test))
    for seed in args.seeds:
        faces = random.Random(seed).sample(train['annotations'], len(train['annotations']))
        for count in args.counts:
            chosen = {**train, 'annotations': faces[:count]}
            (args.work_dir / f'train_{count}_{seed}.json').write_text(json.dumps(chosen))
    shapes = [relative_points(content['annotations']) for content in (train, test)]
    errors = np.linalg.norm(shapes[1] - shapes[0].mean(axis=0), axis=-1)
    return describe_points(), float(errors.mean())


def keep_points(file: Path) -> dict[str, Any]:
    """Read a file in AFLW's form; faces keep the twelve points, and their square is the box."""
    content = json.loads(file.read_text())
    faces = []
    for face in content['annotations']:
        side = face['box_size']
        corner = np.asarray(face['center']) - side / 2
        kept = np.reshape(face['keypoints'], (-1, 3))[list(KEPT)]
        own = {key: face[key] for key in ('id', 'image_id', 'category_id', 'iscrowd')}
        faces.append({**own, 'bbox': [*corner, side, side], 'keypoints': kept.ravel().tolist()})
    return {**content, 'annotations': faces}


def relative_points(faces: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """The points of faces in their boxes, ``(N, K, 2)``, in units of the side."""
    points = np.array([np.reshape(face['keypoints'], (-1, 3))[:, :2] for face in faces])
    boxes = np.array([face['bbox'] for face in faces])[:, None]
    return (points - boxes[..., :2]) / boxes[..., 2:]


def describe_points() -> dict[str, Any]:
    """The metainfo of the twelve points, for a config."""
    whole = parse_pose_metainfo(AFLWDataset.METAINFO)
    names, mirrors = whole['keypoint_id2name'], whole['flip_indices']
    points = {}
    for i, kept in enumerate(KEPT):
        swap = '' if mirrors[kept] == kept else names[mirrors[kept]]
        points[i] = {'name': names[kept], 'id': i, 'color': [0, 150, 255], 'swap': swap}
    return {
        'dataset_name': 'twelve_points',
        'keypoint_info': points,
        'skeleton_info': {},
        'joint_weights': [1.0] * len(points),
        'sigmas': [],
    }


def train_and_test(run: Run, metainfo: Mapping[str, Any], args: argparse.Namespace) -> dict:
    """Train and test by the commands; return the run, its NME and the training's seconds."""
    work = args.work_dir / f'{run.count}_{run.start}_{run.seed}'
    config = args.work_dir / f'{work.name}.py'
    epochs = max(1, round(args.iterations * BATCH / run.count))
    config.write_text(
        CONFIG.format(
            metainfo=metainfo,
            size=args.size,
            root=f'{args.work_dir.resolve()}/',
            count=run.count,
            seed=run.seed,
            batch=BATCH,
            epochs=epochs,
            interval=max(1, epochs // VALIDATIONS),
        )
    )
    options = list(args.options)
    if run.start == 'trained':
        options.append(f'load_from={args.weights}')
    command = [sys.executable, '-m', 'mmpose_lite']
    more = ['--cfg-options', *options] if options else []
    shared = ['--amp'] if args.amp else []
    begun = time.monotonic()
    _run([*command, 'train', config, '--work-dir', work, '--overwrite', *shared, *more], work)
    seconds = time.monotonic() - begun
    out = work / 'metrics.json'
    _run([*command, 'test', config, work / 'best.pth', '--out', out], work)
    return {**run._asdict(), 'NME': json.loads(out.read_text())['NME'], 'seconds': seconds}


def _run(command: Sequence[Any], work: Path) -> None:
    log = work.with_suffix('.log')
    with log.open('a') as file:
        status = subprocess.run(
            [str(word) for word in command], stdout=file, stderr=file
        ).returncode
    if status:
        sys.exit(f'{" ".join(map(str, command))} ended with status {status}; see {log}')


def table(results: Mapping[str, Any]) -> str:
    """Lay out the NME for each number of faces and start, beside that of the mean shape."""
    rows = []
    for count, start in dict.fromkeys((run['count'], run['start']) for run in results['runs']):
        runs = [run for run in results['runs'] if (run['count'], run['start']) == (count, start)]
        errors = [run['NME'] for run in runs]
        ratio = results['mean_shape'] / mean(errors)
        shown = f'{100 * mean(errors):.2f} ({", ".join(f"{100 * each:.2f}" for each in errors)})'
        rows.append(
            (
                f'{count:,}',
                WEIGHTS[start],
                shown,
                number(ratio),
                number(mean(run['seconds'] for run in runs)),
            )
        )
    header = (
        *('Faces', 'Start', 'NME, % (each seed)'),
        *("Mean shape's NME divided by it", 'Training, s'),
    )
    shape = f'{100 * results["mean_shape"]:.2f} %'
    end = (
        f'The NME of the mean shape is {shape}. {results["command"]}; commit {results["commit"]}, '
        f'{results["date"]}.'
    )
    return f'{markdown_table(header, rows)}\n\n{end}'


def main(argv: Sequence[str] | None = None) -> None:
    """Train all, then print and write the table."""
    args = parse_args(argv)
    metainfo, shape = write_sets(args)
    results: dict[str, Any] = {
        'mean_shape': shape,
        'commit': machine.commit(),
        'date': datetime.now(timezone.utc).strftime('%Y-%m-%d'),
        'machine': machine.describe(),
        'command': f'{args.iterations:,} iterations of {BATCH} crops of {args.size} pixels',
        'runs': [],
    }
    runs = [
        Run(count, start, seed)
        for seed in args.seeds
        for count in args.counts
        for start in args.starts
    ]
    for run in runs:
        results['runs'].append(train_and_test(run, metainfo, args))
        last = results['runs'][-1]
        label = f'{run.count} faces, {run.start}, seed {run.seed}'
        print(f'{label}: {100 * last["NME"]:.2f} %, {last["seconds"]:.0f} s', flush=True)
        if args.json:
            args.json.write_text(json.dumps(results, indent=1) + '\n')
    text = table(results)
    print(text)
    if args.doc:
        write_between(args.doc, 'small sets', text)


if __name__ == '__main__':
    main()
