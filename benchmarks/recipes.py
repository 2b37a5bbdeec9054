"""Compares recipes by training each with several seeds: python benchmarks/recipes.py [--help].

The first config is the reference. Trainings run at the same time, one on each core, each with one
thread. A finished network is tested with the boxes as annotated and with those of `disturbed.py`.
Differences have an interval over people, whose faces are alike, and one value for each seed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from statistics import mean
from threading import Lock

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import machine
from benchmarks.disturbed import ANNOTATIONS as TESTING
from benchmarks.disturbed import CHANGES, PADDING, Change, write_moved
from benchmarks.jobs import JobError, run_watched
from benchmarks.report import markdown_table
from benchmarks.sides import ROOT, our_side
from mmpose_lite.apis import init_model
from mmpose_lite.apis.adaptation import predict_in_crops
from mmpose_lite.evaluation.functional import paired_difference
from mmpose_lite.registry import DATASETS

TRAINING = Path('annotations/face_landmarks_aflw_train.json')
# torch.fx, which folds the norms of a test, traces one model at a time.
_TESTING = Lock()


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split(':')[0])
    parser.add_argument('data', type=Path, help="folder of a set in AFLW's form")
    parser.add_argument('configs', nargs='+', metavar='CONFIG', help='the reference first')
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2])
    parser.add_argument(
        '--faces', type=int, metavar='N', help='train on so many faces, others for each seed'
    )
    parser.add_argument(
        '--exact-boxes', action='store_true', help='test with the boxes as annotated alone'
    )
    parser.add_argument('--epochs', type=int, default=2)
    parser.add_argument('--input-size', default='64')
    parser.add_argument('--amp', action='store_true')
    parser.add_argument('--options', nargs='+', default=[], help='further --cfg-options')
    parser.add_argument(
        '--group', required=True, metavar='REGEX', help="brackets match a file's person"
    )
    parser.add_argument('--out', type=Path, required=True, help='folder for logs and errors')
    args = parser.parse_args(argv)
    stems = [Path(config).stem for config in args.configs]
    if len(set(stems)) < len(stems):
        parser.error(f'configs need names of their own, not {", ".join(stems)}')
    content = json.loads((args.data / TESTING).read_text(encoding='utf-8'))
    names = [image['file_name'] for image in content['images']]
    unmatched = [name for name in names if not re.match(args.group, name)]
    if unmatched or re.compile(args.group).groups != 1:
        parser.error(f'--group {args.group}: needs one pair of brackets, and to match {names[0]}')
    return args


def measure(args: argparse.Namespace, config: str, seed: int, core: int) -> dict:
    """Train on one core, keep the log, and return what :func:`test` does, with the seconds."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        work = place / 'work'
        command = [sys.executable, str(ROOT / 'tools' / 'train.py'), str(Path(config).resolve())]
        command += [*(['--amp'] if args.amp else []), '--input-size', args.input_size]
        command += ['--work-dir', str(work), '--cfg-options', f'data_root={args.data.resolve()}/']
        command += [f'randomness.seed={seed}', f'train_cfg.max_epochs={args.epochs}']
        command += [f'train_cfg.val_interval={args.epochs}']
        command += [f'default_hooks.checkpoint.interval={args.epochs}', *args.options]
        if args.faces:
            drawn = place / 'drawn.json'
            write_draw(args.data / TRAINING, drawn, args.faces, seed)
            command += [f'train_dataloader.dataset.ann_file={drawn}']
        command += ['train_dataloader.num_workers=0', 'val_dataloader.num_workers=0']
        pinned = ['taskset', '--cpu-list', str(core), *command]
        found = run_watched(pinned, place, our_side().environment(threads=1, gpu=False), False)
        log = f'{shlex.join(command)}\n{(place / "log.txt").read_text(encoding="utf-8")}'
        for path, told in _told(args.data, work).items():
            log = log.replace(path, told)
        out_file = args.out / f'{Path(config).stem}_seed{seed}.log'
        out_file.write_text(f'commit {machine.commit()}\n{log}', encoding='utf-8')
        (resolved,) = work.glob('*.py')
        checkpoint = work / f'epoch_{args.epochs}.pth'
        with _TESTING:
            return {'seconds': found['wall_s'], **test(args, resolved, checkpoint)}


def write_draw(source: Path, out_file: Path, count: int, seed: int) -> None:
    """Write the annotations of so many random faces, those that `adaptation.py` draws."""
    content = json.loads(source.read_text(encoding='utf-8'))
    faces = content['annotations']
    drawn = np.random.default_rng(seed).choice(len(faces), count, replace=False)
    content['annotations'] = [faces[i] for i in drawn]
    kept = {face['image_id'] for face in content['annotations']}
    content['images'] = [image for image in content['images'] if image['id'] in kept]
    out_file.write_text(json.dumps(content), encoding='utf-8')


def _told(data: Path, work: Path) -> dict[str, str]:
    """The words that a log has in place of this machine's paths."""
    return {
        sys.executable: 'python',
        str(data.resolve()): 'DATA',
        str(work): 'work_dirs',
        str(work.parent): 'DRAW',
        f'{ROOT}/': '',
    }


def test(args: argparse.Namespace, config: Path, checkpoint: Path) -> dict:
    """Test with all boxes; return each face's error by the name of the change, and the people."""
    model = init_model(str(config), str(checkpoint), 'cpu')
    errors, people = {}, []
    for label, change in list(CHANGES.items())[: 1 if args.exact_boxes else None]:
        dataset = changed_dataset(model.cfg, args.data.resolve(), change, config.parent)
        faces = predict_in_crops(model, dataset)
        distances = np.linalg.norm(faces.predicted - faces.annotated, axis=-1)
        errors[label] = (np.nanmean(distances, axis=1) * faces.sides).tolist()
        paths = (Path(dataset.get_data_info(i)['img_path']).name for i in range(len(dataset)))
        people = [re.match(args.group, path)[1] for path in paths]
    return {'errors': errors, 'people': people}


def changed_dataset(cfg, data: Path, change: Change, place: Path):
    """Build the test set with moved or resized boxes."""
    annotations = place / 'changed.json'
    write_moved(data, change, annotations)
    dataset = cfg.test_dataloader.dataset.to_dict()
    dataset.pop('subsets', None)
    dataset.update(ann_file=str(annotations), data_root=f'{data}/')
    steps = dataset['pipeline']
    steps[1] = {**steps[1], 'padding': PADDING * change.size}
    return DATASETS.build(dataset)


def measure_all(args: argparse.Namespace) -> dict[str, list[dict]]:
    """Train every recipe with every seed, a training on each core; write each one's errors."""
    cores: SimpleQueue = SimpleQueue()
    for core in sorted(os.sched_getaffinity(0)):
        cores.put(core)

    def run(config: str, seed: int) -> dict:
        kept = args.out / f'{Path(config).stem}_seed{seed}.json'
        asked = [config, args.epochs, args.input_size, args.amp, args.faces, args.exact_boxes]
        asked += args.options
        if kept.is_file():
            found = json.loads(kept.read_text(encoding='utf-8'))
            if found['asked'] != asked:
                raise JobError(f'{kept} is of {found["asked"]}, not of {asked}: take another --out')
            return found
        core = cores.get()
        try:
            found = {'asked': asked, **measure(args, config, seed, core)}
        finally:
            cores.put(core)
        kept.write_text(json.dumps(found), encoding='utf-8')
        error = 100 * mean(found['errors']['as annotated'])
        print(f'{config}, seed {seed}: {error:.2f} %, {found["seconds"]:,.0f} s', flush=True)
        return found

    with ThreadPoolExecutor(cores.qsize()) as pool:
        runs = {
            (config, seed): pool.submit(run, config, seed)
            for seed in args.seeds
            for config in args.configs
        }
        return {
            config: [runs[config, seed].result() for seed in args.seeds] for config in args.configs
        }


def table(results: dict[str, list[dict]], seeds: Sequence[int]) -> str:
    """Lay out the means over seeds, and the differences from the first recipe."""
    reference = next(iter(results.values()))
    tested = list(reference[0]['errors'])
    moved = [label for label in tested if CHANGES[label].right or CHANGES[label].down]
    resized = [label for label in tested if CHANGES[label].size != 1]
    header = ['Recipe', 'NME, %']
    if len(results) > 1:
        header += [f'less the first, seeds {", ".join(map(str, seeds))}', 'mean, 95 % over people']
    if moved:
        header += ['moved boxes', 'worst of these', 'resized boxes']
    rows = []
    for config, runs in results.items():
        error = {label: 100 * mean(mean(run['errors'][label]) for run in runs) for label in tested}
        cells = [f'`{Path(config).stem}`', f'{error[tested[0]]:.2f}']
        if len(results) > 1:
            cells += ['', ''] if runs is reference else difference(reference, runs)
        if moved:
            sides = [error[label] for label in moved]
            cells += [f'{mean(sides):.2f}', f'{max(sides):.2f}']
            cells += [f'{mean(error[label] for label in resized):.2f}']
        rows.append([*cells, f'{mean(run["seconds"] for run in runs):,.0f}'])
    return markdown_table([*header, 'Seconds'], rows)


def difference(first: list[dict], second: list[dict]) -> list[str]:
    """The difference for each seed, and of the means with an interval over people, in points."""
    names = sorted(set(first[0]['people']))
    who = np.array([names.index(each) for each in first[0]['people']])

    def sums(run: dict) -> np.ndarray:
        return np.bincount(who, run['errors']['as annotated'], len(names))

    each = [
        100 * float((sums(b) - sums(a)).sum() / len(who))
        for a, b in zip(first, second, strict=True)
    ]
    means = (np.mean([sums(run) for run in runs], axis=0) for runs in (first, second))
    found = paired_difference(*means, np.bincount(who, minlength=len(names)))
    low, high = found.interval or (float('nan'), float('nan'))
    interval = f'{100 * found.difference:+.2f} ({100 * low:+.2f} to {100 * high:+.2f})'
    return [', '.join(f'{value:+.2f}' for value in each), interval]


def main(argv: Sequence[str] | None = None) -> None:
    """Train all recipes, then print the table."""
    args = parse_args(argv)
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    print(table(measure_all(args), args.seeds))


if __name__ == '__main__':
    main()
