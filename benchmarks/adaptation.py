"""NME after `mmpose-lite adapt` to few faces: python benchmarks/adaptation.py [--help]."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import mean

import numpy as np
from torch.utils.data import Subset

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import machine
from benchmarks.report import markdown_table, write_between
from mmpose_lite.apis import init_model
from mmpose_lite.apis.adaptation import PredictedFaces as Faces
from mmpose_lite.apis.adaptation import predict_in_crops
from mmpose_lite.registry import DATASETS
from mmpose_lite.structures.keypoint import fit_label_map

CHOICES = ('random', 'lowest', 'half', 'even')
"""Faces of a pool to annotate: drawn; lowest mean score; half of each; evenly over all scores."""


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split(':')[0])
    parser.add_argument('data', help="folder of a set in AFLW's form")
    parser.add_argument('--config', default='faces19', help='config, or name of packaged weights')
    parser.add_argument('--checkpoint', help="its weights; not needed for a name's own")
    parser.add_argument('--counts', type=int, nargs='+', default=[10, 20, 50, 100, 200, 500])
    parser.add_argument('--draws', type=int, default=10, help='draws of faces for each number')
    parser.add_argument(
        '--pool',
        type=int,
        metavar='N',
        help='draw pools of so many training faces, and compare ways to choose from them which '
        'ones to annotate',
    )
    parser.add_argument(
        '--faces', type=int, metavar='N', help='use so many training faces (default: all)'
    )
    parser.add_argument(
        '--first-pixel',
        type=int,
        choices=(0, 1),
        default=0,
        help='coordinate of the first pixel in the annotations, of training and test faces alike',
    )
    parser.add_argument('--doc', type=Path, metavar='FILE', help='write the table into this file')
    args = parser.parse_args(argv)
    if args.draws < 1:
        parser.error(f'--draws {args.draws}: must be at least 1')
    return args


def predict(model, data: str, part: str, first_pixel: int, count: int | None = None) -> Faces:
    """Predict a part of the set, or so many faces of it; see :func:`predict_in_crops`."""
    dataset = dict(model.cfg.test_dataloader.dataset)
    dataset.pop('subsets', None)
    file = f'annotations/face_landmarks_aflw_{part}.json'
    dataset |= {'data_root': data, 'ann_file': file, 'first_pixel': first_pixel}
    faces = DATASETS.build(dataset)
    if count is not None and count < len(faces):
        drawn = np.random.default_rng(0).choice(len(faces), count, replace=False)
        faces = Subset(faces, np.sort(drawn).tolist())
    return predict_in_crops(model, faces)


def nme(predicted: np.ndarray, annotated: np.ndarray, sides: np.ndarray) -> float:
    """The mean distance, in percent of the box's side, of the points that are annotated."""
    return 100 * float(np.nanmean(np.linalg.norm(predicted - annotated, axis=-1) * sides[:, None]))


def draw_rows(args: argparse.Namespace, train: Faces, test: Faces, flips) -> Iterator[list[str]]:
    """The NME after adapting to so many faces: mean, least and greatest over draws."""
    predicted, annotated, *_ = train
    yield ['0', f'{nme(*test[:3]):.2f}', '', '']
    for count in args.counts:
        errors = []
        for seed in range(args.draws):
            drawn = np.random.default_rng(seed).choice(len(predicted), count, replace=False)
            label_map, _ = fit_label_map(predicted[drawn], annotated[drawn], flips)
            errors.append(nme(label_map.apply(test[0]), *test[1:3]))
        yield [f'{count:,}', *(f'{each:.2f}' for each in (mean(errors), min(errors), max(errors)))]


def choose(choice: str, scores: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Choose faces of a pool by their mean scores ``(N,)``; see :data:`CHOICES`."""
    order = np.argsort(scores, kind='stable')
    if choice == 'lowest':
        return order[:count]
    if choice == 'even':
        return order[np.linspace(0, len(order) - 1, count).round().astype(int)]
    lowest = count // 2 if choice == 'half' else 0
    others = rng.choice(order[lowest:], count - lowest, replace=False)
    return np.concatenate([order[:lowest], others])


def choice_rows(args: argparse.Namespace, train: Faces, test: Faces, flips) -> Iterator[list[str]]:
    """The NME after adapting to so many faces, for each way to choose them, with its range."""
    predicted, annotated, _, scores, _ = train
    yield ['0', *[f'{nme(*test[:3]):.2f}'] * len(CHOICES)]
    for count in args.counts:
        cells = []
        for choice in CHOICES:
            errors = []
            for seed in range(args.draws):
                rng = np.random.default_rng(seed)
                pool = rng.choice(len(predicted), args.pool, replace=False)
                chosen = pool[choose(choice, scores[pool].mean(1), count, rng)]
                label_map, _ = fit_label_map(predicted[chosen], annotated[chosen], flips)
                errors.append(nme(label_map.apply(test[0]), *test[1:3]))
            cells.append(f'{mean(errors):.2f} ({min(errors):.2f} to {max(errors):.2f})')
        yield [f'{count:,}', *cells]


def main(argv: Sequence[str] | None = None) -> None:
    """Fit maps to draws of training faces, test each, and print the table."""
    args = parse_args(argv)
    model = init_model(args.config, args.checkpoint)
    model.label_map = None
    train = predict(model, args.data, 'train', args.first_pixel, args.faces)
    whole = np.isfinite(train[1]).all((1, 2))
    train = Faces(*(each[whole] for each in train))
    if args.pool and args.pool < max(args.counts):
        sys.exit(f'--pool {args.pool}: fewer than the {max(args.counts)} faces of --counts')
    needed = max([*args.counts, args.pool or 0])
    if whole.sum() < needed:
        sys.exit(f'--counts, --pool: {whole.sum()} training faces have all points, not {needed}')
    test = predict(model, args.data, 'test', args.first_pixel)
    flips = model.dataset_meta['flip_indices']
    if args.pool:
        header = ('Faces', *(f'NME, %: {choice}' for choice in CHOICES))
        rows = list(choice_rows(args, train, test, flips))
        about = f'{args.draws} pools of {args.pool:,} out of {len(train[0]):,} training faces'
    else:
        header = ('Faces', 'NME, %, mean', 'least', 'greatest')
        rows = list(draw_rows(args, train, test, flips))
        about = f'{args.draws} draws of each number of training faces'
    text = (
        f'{markdown_table(header, rows)}\n\n{about}, {len(test[0])} test faces; '
        f'commit {machine.commit()}.'
    )
    print(text)
    if args.doc:
        name = 'choices' if args.pool else 'adaptation'
        write_between(args.doc, f'{name}, first pixel 1' if args.first_pixel else name, text)


if __name__ == '__main__':
    main()
