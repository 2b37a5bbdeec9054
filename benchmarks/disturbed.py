"""NME with boxes that are off: python benchmarks/disturbed.py [--help].

Tests models on a set in AFLW's form as annotated, with the boxes moved by a tenth of their side in
four directions, and with boxes nine and eleven tenths as large. The normaliser is left alone.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.report import markdown_table, write_between
from benchmarks.sides import ROOT

# The crop's side in sides of the box, in the pipelines of all recipes.
PADDING = 1.25
PADDING_KEY = 'test_dataloader.dataset.pipeline.1.padding'
ANNOTATIONS = Path('annotations/face_landmarks_aflw_test.json')


class Change(NamedTuple):
    """A shift in shares of the box's side, and a factor on the side."""

    right: float = 0.0
    down: float = 0.0
    size: float = 1.0


CHANGES = {
    'as annotated': Change(),
    '10 % to the right': Change(right=0.1),
    '10 % to the left': Change(right=-0.1),
    '10 % down': Change(down=0.1),
    '10 % up': Change(down=-0.1),
    '10 % smaller': Change(size=0.9),
    '10 % larger': Change(size=1.1),
}


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split(':')[0])
    parser.add_argument('data', type=Path, help="folder of a set in AFLW's form")
    parser.add_argument(
        '--model',
        nargs=3,
        action='append',
        required=True,
        metavar=('NAME', 'CONFIG', 'CHECKPOINT'),
        help='a column of the table; can be repeated',
    )
    parser.add_argument('--options', nargs='+', default=[], help='further --cfg-options')
    parser.add_argument('--doc', type=Path, metavar='FILE', help='write the table into this file')
    return parser.parse_args(argv)


def write_moved(data: Path, change: Change, out_file: Path) -> None:
    """Write the test set's annotations with moved boxes."""
    content = json.loads((data / ANNOTATIONS).read_text(encoding='utf-8'))
    for face in content['annotations']:
        side = 200 * face['scale']  # px
        x, y = face['center']
        face['center'] = [x + change.right * side, y + change.down * side]
    out_file.write_text(json.dumps(content), encoding='utf-8')


def measure(
    data: Path, annotations: Path, config: str, checkpoint: str, options: Sequence[str]
) -> float:
    """Test by the command; return the NME."""
    out_file = annotations.with_suffix('.metrics.json')
    command = [sys.executable, str(ROOT / 'tools' / 'test.py'), config, checkpoint]
    command += ['--out', str(out_file), '--cfg-options', f'data_root={data.resolve()}/']
    command += [f'test_dataloader.dataset.ann_file={annotations}', *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f'{" ".join(command)} ended with status {done.returncode}:\n{done.stderr}')
    return json.loads(out_file.read_text(encoding='utf-8'))['NME']


def main(argv: Sequence[str] | None = None) -> None:
    """Test all models with all boxes, then print and write the table."""
    args = parse_args(argv)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for label, change in CHANGES.items():
            annotations = Path(name) / 'changed.json'
            write_moved(args.data, change, annotations)
            options = [f'{PADDING_KEY}={PADDING * change.size}', *args.options]
            cells = [label]
            for _, config, checkpoint in args.model:
                found = measure(args.data, annotations, config, checkpoint, options)
                cells.append(f'{100 * found:.2f}')
            rows.append(cells)
            print(*cells, flush=True)
    text = markdown_table(('Boxes', *(each[0] for each in args.model)), rows)
    print(text)
    if args.doc:
        write_between(args.doc, 'disturbed boxes', text)


if __name__ == '__main__':
    main()
