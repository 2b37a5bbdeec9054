"""NME after `mmpose-lite adapt` to few faces: python benchmarks/adaptation.py [--help]."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import machine
from benchmarks.report import markdown_table, write_between
from mmpose_lite.apis import init_model
from mmpose_lite.apis.adaptation import predict_in_crops
from mmpose_lite.registry import DATASETS
from mmpose_lite.structures.keypoint import fit_label_map

Faces = tuple[np.ndarray, np.ndarray, np.ndarray]


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split(':')[0])
    parser.add_argument('data', help="folder of a set in AFLW's form")
    parser.add_argument('--config', default='faces19', help='config, or name of packaged weights')
    parser.add_argument('--checkpoint', help="its weights; not needed for a name's own")
    parser.add_argument('--counts', type=int, nargs='+', default=[10, 20, 50, 100, 200, 500])
    parser.add_argument('--draws', type=int, default=10, help='draws of faces for each number')
    parser.add_argument('--doc', type=Path, metavar='FILE', help='write the table into this file')
    args = parser.parse_args(argv)
    if args.draws < 1:
        parser.error(f'--draws {args.draws}: must be at least 1')
    return args


def predict(model, data: str, part: str) -> Faces:
    """Predict a part of the set; see :func:`predict_in_crops`."""
    dataset = dict(model.cfg.test_dataloader.dataset)
    dataset.pop('subsets', None)
    file = f'annotations/face_landmarks_aflw_{part}.json'
    faces = DATASETS.build({**dataset, 'data_root': data, 'ann_file': file})
    return predict_in_crops(model, faces)


def nme(predicted: np.ndarray, annotated: np.ndarray, sides: np.ndarray) -> float:
    """The mean distance, in percent of the box's side, of the points that are annotated."""
    return 100 * float(np.nanmean(np.linalg.norm(predicted - annotated, axis=-1) * sides[:, None]))


def main(argv: Sequence[str] | None = None) -> None:
    """Fit maps to draws of training faces, test each, and print the table."""
    args = parse_args(argv)
    model = init_model(args.config, args.checkpoint)
    model.label_map = None
    predicted, annotated, _ = predict(model, args.data, 'train')
    whole = np.flatnonzero(np.isfinite(annotated).all((1, 2)))
    if len(whole) < max(args.counts):
        sys.exit(f'--counts: {len(whole)} training faces have all points, not {max(args.counts)}')
    test = predict(model, args.data, 'test')
    flips = model.dataset_meta['flip_indices']
    rows = [('0', f'{nme(*test):.2f}', '', '')]
    for count in args.counts:
        errors = []
        for seed in range(args.draws):
            drawn = np.random.default_rng(seed).choice(whole, count, replace=False)
            label_map, _ = fit_label_map(predicted[drawn], annotated[drawn], flips)
            errors.append(nme(label_map.apply(test[0]), *test[1:]))
        rows.append(
            (f'{count:,}', f'{mean(errors):.2f}', f'{min(errors):.2f}', f'{max(errors):.2f}')
        )
    header = ('Faces', 'NME, %, mean', 'least', 'greatest')
    text = (
        f'{markdown_table(header, rows)}\n\n{args.draws} draws of each number of training faces, '
        f'{len(test[0])} test faces; commit {machine.commit()}.'
    )
    print(text)
    if args.doc:
        write_between(args.doc, 'adaptation', text)


if __name__ == '__main__':
    main()
