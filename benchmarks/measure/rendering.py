"""Times rendering of a set, with the package that PYTHONPATH names.

python benchmarks/measure/rendering.py OUT_FILE --faces 40 --seed 7

What is timed is CPU time, of rendering, encoding and writing, in one process with one thread.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import cv2

from mmpose_lite.synthetic import Recipe, make_dataset


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('out_file', type=Path, help='JSON file to write')
    parser.add_argument('--faces', type=int, required=True, help='timed faces')
    parser.add_argument('--seed', type=int, default=0, help='seed of the set')
    return parser.parse_args()


def pixels(folder: Path) -> int:
    """Return how many pixels the images of a set have in all."""
    total = 0
    for split in ('train', 'test'):
        path = folder / 'annotations' / f'face_landmarks_aflw_{split}.json'
        images = json.loads(path.read_text(encoding='utf-8'))['images']
        total += sum(image['width'] * image['height'] for image in images)
    return total


def main() -> None:
    """Render a few faces, then time the others."""
    args = parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory(prefix='benchmark_') as name:
        make_dataset(Path(name) / 'warmup', Recipe(4, 1, args.seed))
        begun = time.process_time()
        make_dataset(Path(name) / 'set', Recipe(args.faces - 1, 1, args.seed))
        seconds = time.process_time() - begun
        notes = {
            'faces': args.faces,
            'cpu_s_per_face': seconds / args.faces,
            'pixels': pixels(Path(name) / 'set'),
        }
    args.out_file.write_text(json.dumps(notes), encoding='utf-8')


if __name__ == '__main__':
    main()
