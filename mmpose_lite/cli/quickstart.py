"""From nothing to a tested model: render faces, fine-tune, test, draw."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmpose_lite.utils.paths import check_folder, config_root

from .command_line import CommandParser, errors_in_one_line

if TYPE_CHECKING:  # a command line is read without them
    from numpy import ndarray

CONFIG = 'configs/quickstart/td-hm_hrnetv2-w18_synthetic-aflw-128x128.py'
BEGUN = 'quickstart.json'
# How the config's data_root and names are laid out.
DATA = 'data/synthetic_aflw'
ANNOTATIONS = 'annotations/face_landmarks_aflw_{}.json'
# What a reader may want next, each by its command.
NEXT = (
    'next:',
    '  photographs      mmpose-lite predict faces19 PHOTO',
    '  your points      mmpose-lite convert labelme --labels FOLDER --names A,B,C --out data/mine',
    '  AFLW             mmpose-lite convert aflw --images FOLDER --mat AFLWinfo_release.mat',
    '  another network  mmpose-lite train td-hm_hrnetv2-w18_8xb64-60e_aflw-256x256 --dry-run',
)


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command."""
    parser = CommandParser(
        prog='mmpose-lite quickstart',
        description='Render faces, fine-tune the weights faces19 on them, test the network, and '
        'draw its predictions. Folders are below the working directory.',
    )
    parser.add_argument(
        '--train', type=int, default=600, help='number of training faces (default 600)'
    )
    parser.add_argument('--test', type=int, default=200, help='number of test faces (default 200)')
    parser.add_argument('--epochs', type=int, default=1, help='number of epochs (default 1)')
    parser.add_argument('--data', metavar='DIR', default=DATA, help='folder of the faces')
    parser.add_argument(
        '--work-dir', metavar='DIR', default='work_dirs/quickstart', help='folder of the results'
    )
    return parser


def run(*command: str) -> None:
    """Print and run a command of this package; stop where it fails."""
    print(f'\n$ {shlex.join(("mmpose-lite", *command))}', flush=True)
    environ, checkout = dict(os.environ), config_root().parent
    if checkout == Path(__file__).resolve().parents[2]:  # which need not be installed
        paths = [str(checkout), *filter(None, [environ.get('PYTHONPATH')])]
        environ['PYTHONPATH'] = os.pathsep.join(paths)
    words = (sys.executable, '-m', 'mmpose_lite', *command)
    status = subprocess.run(words, env=environ, check=False).returncode
    if status:
        sys.exit(f'this command ended with status {status}')


def relative_points(annotation: dict[str, Any]) -> ndarray:
    """The points of a face ``(19, 2)`` in shares of its box's side, from the box's centre."""
    import numpy as np

    points = np.array(annotation['keypoints']).reshape(-1, 3)[:, :2]
    return (points - annotation['center']) / annotation['box_size']


def mean_shape_nme(train: list[dict[str, Any]], test: list[dict[str, Any]]) -> float:
    """NME of putting the mean training shape into every test box: what needs no network."""
    import numpy as np

    from mmpose_lite.evaluation.functional import keypoint_nme

    mean = np.mean([relative_points(face) for face in train], axis=0)
    truth = np.array([relative_points(face) for face in test])
    every = np.ones(truth.shape[:2], dtype=bool)
    return keypoint_nme(np.tile(mean, (len(test), 1, 1)), truth, every, np.ones((len(test), 1)))


def read_faces(data: Path, split: str) -> list[dict[str, Any]]:
    """The annotations of a split."""
    return json.loads((data / ANNOTATIONS.format(split)).read_text())['annotations']


def draw_sheet(faces: list[dict[str, Any]], out_file: Path, heading: str) -> Path:
    """Draw some typical faces, then the worst, predictions against truth."""
    import numpy as np

    from mmpose_lite.evaluation.functional import keypoint_nme
    from mmpose_lite.visualization import FaceRow, face_sheet, worst_and_typical

    rows = []
    for face in faces:
        truth, predicted = np.array(face['gt']), np.array(face['pred'])
        error = keypoint_nme(
            predicted[None], truth[None], np.array([face['mask']]), np.array([[face['norm']]])
        )
        rows.append(FaceRow(face['img_path'], truth, predicted, np.array(face['bbox']), error))
    chosen = sorted(worst_and_typical(rows), key=lambda row: row.group.startswith('Worst'))
    return face_sheet(chosen, out_file, heading=heading)


def make_train_test(args: argparse.Namespace) -> None:
    """Make the faces, train on them, and test the last checkpoint.

    A training that was stopped is resumed.
    """
    sizes = ['--train', str(args.train), '--test', str(args.test), '--seed', '0']
    run('make-synthetic', args.data, *sizes)
    import torch

    from mmpose_lite.checkpoints.latest import POINTER
    from mmpose_lite.engine import has_fast_bfloat16

    root = os.path.join(args.data, '')
    loaders = [f'{split}_dataloader.dataset.data_root={root}' for split in ('train', 'val', 'test')]
    options = ['--cfg-options', *loaders, f'train_cfg.max_epochs={args.epochs}']
    precision = ['--amp'] if torch.cuda.is_available() or has_fast_bfloat16() else []
    checkpoint = Path(args.work_dir, f'epoch_{args.epochs}.pth')
    # What a run began with: with other arguments, or once it is over, the next begins anew.
    begun = Path(args.work_dir, BEGUN)
    settings = json.dumps({**vars(args), 'precision': precision})
    is_same = begun.exists() and begun.read_text() == settings
    was_stopped = Path(args.work_dir, POINTER).exists() and not checkpoint.exists()
    resume = ['--resume'] if is_same and was_stopped else []
    begun.parent.mkdir(parents=True, exist_ok=True)
    begun.write_text(settings)
    run('train', CONFIG, '--work-dir', args.work_dir, *resume, *precision, *options)
    outputs = [
        *('--out', f'{args.work_dir}/metrics.json', '--dump', f'{args.work_dir}/faces.json'),
        *('--report', f'{args.work_dir}/report', '--report-faces', '0'),
    ]
    run('test', CONFIG, str(checkpoint), *outputs, *options[:4])


@errors_in_one_line
def main(argv: Sequence[str] | None = None) -> None:
    """Run the whole way and end with its result."""
    args = make_parser().parse_args(argv)
    for folder in (args.data, args.work_dir):
        check_folder(folder)
    started = time.monotonic()
    make_train_test(args)
    data, work = Path(args.data), Path(args.work_dir)
    metrics = json.loads((work / 'metrics.json').read_text())
    metrics['NME_mean_shape'] = mean_shape_nme(read_faces(data, 'train'), read_faces(data, 'test'))
    (work / 'metrics.json').write_text(json.dumps(metrics, indent=1) + '\n')
    full, frontal, mean = (100 * metrics[key] for key in ('NME', 'NME_frontal', 'NME_mean_shape'))
    summary = f'NME full {full:.2f} %  frontal {frontal:.2f} %  (mean shape {mean:.2f} %)'
    faces = json.loads((work / 'faces.json').read_text())['faces']
    sheet = draw_sheet(faces, work / 'faces.png', summary)
    print(f'\ndone in {time.monotonic() - started:.0f} s')
    print(f'metrics  {os.path.relpath(work / "metrics.json")}')
    print(f'picture  {os.path.relpath(sheet)}')
    print(f'report   {os.path.relpath(work / "report" / "index.html")}')
    print(*NEXT, sep='\n')
    print(summary)
