"""Times the faces of photograph files, one at a time or by a Landmarker, in a process of its own.

python benchmarks/measure/predicting.py CONFIG CHECKPOINT BOXES.json IMAGES OUT_FILE --way former

What is timed is CPU time, of reading, cropping, the network and decoding, with one thread.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

WAYS = ('former', 'topdown', 'landmarker', 'amp')


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='its weights')
    parser.add_argument('boxes', type=Path, help='boxes xyxy by the names of photographs')
    parser.add_argument('images', type=Path, help='folder of the photographs')
    parser.add_argument('out_file', type=Path, help='JSON file to write')
    parser.add_argument('--way', choices=WAYS, required=True)
    parser.add_argument('--warmup', type=int, default=16, help='photographs before the timed ones')
    return parser.parse_args()


def one_by_one(args: argparse.Namespace, files: list[str], boxes: dict) -> Iterator[Any]:
    """Call ``inference_topdown`` for each photograph, without flip test."""
    from mmpose_lite.apis import inference_topdown, init_model

    model = init_model(args.config, args.checkpoint, device='cpu')
    model.test_cfg = {**model.test_cfg, 'flip_test': False}
    for file in files:
        (sample,) = inference_topdown(
            model, file, boxes[Path(file).relative_to(args.images).as_posix()]
        )
        yield sample.pred_instances.keypoints[0]


def in_batches(args: argparse.Namespace, files: list[str], boxes: dict) -> Iterator[Any]:
    """Give all photographs to a Landmarker."""
    from mmpose_lite import Landmarker

    landmarker = Landmarker(
        args.config,
        args.checkpoint,
        f'file:{args.boxes}',
        device='cpu',
        amp=args.way == 'amp',
    )
    for result in landmarker(files, stream=True):
        yield result.points[0]


def main() -> None:
    """Time the photographs after the first ones."""
    args = parse_args()
    torch.set_num_threads(1)
    boxes = json.loads(args.boxes.read_text(encoding='utf-8'))
    files = [str(args.images / name) for name in boxes]
    predict = in_batches if args.way in ('landmarker', 'amp') else one_by_one
    points, begun = [], 0.0
    for count, found in enumerate(predict(args, files, boxes), 1):
        points.append(found.tolist())
        if count == args.warmup:
            begun = time.process_time()
    faces = len(files) - args.warmup
    seconds = time.process_time() - begun
    notes = {'faces': faces, 'cpu_s_per_face': seconds / faces, 'points': points}
    args.out_file.write_text(json.dumps(notes), encoding='utf-8')


if __name__ == '__main__':
    main()
