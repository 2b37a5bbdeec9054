"""Adapting weights to the points of other annotators."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from mmpose_lite.errors import MissingFileError
from mmpose_lite.utils.paths import (
    check_apart,
    check_file,
    check_weights,
    file_problem,
    find_weights,
    shown,
)

from .command_line import CommandParser, errors_in_one_line, load_libraries


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command."""
    parser = CommandParser(
        prog='mmpose-lite adapt',
        description='Fit a linear map from predicted to annotated points to a few annotated faces, '
        'and write the weights with it. The network is not trained.',
    )
    parser.add_argument('checkpoint', help='checkpoint file, or the name of packaged weights')
    parser.add_argument(
        'annotations',
        help='annotation file: COCO keypoints, such as the faces.json of convert, or the form of '
        "the config's data set",
    )
    parser.add_argument(
        '--config', help='config of the weights (default: the config of packaged weights)'
    )
    parser.add_argument(
        '--images', help='folder of the images (default: `images` next to that of the annotations)'
    )
    parser.add_argument('--out', default='adapted.pth', help='checkpoint to write (%(default)s)')
    parser.add_argument(
        '--first-pixel',
        type=int,
        choices=(0, 1),
        default=0,
        help='coordinate of the first pixel in the annotations: 0, or 1 as in MATLAB (%(default)s)',
    )
    parser.add_argument('--device', default='auto', help='device, such as cuda:0 or cpu')
    return parser


@errors_in_one_line
def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    args = make_parser().parse_args(argv)
    check_weights(args.checkpoint)
    if problem := file_problem(args.annotations):
        raise MissingFileError(f'annotation file {shown(args.annotations)} {problem}')
    check_file(args.out)
    inputs = (find_weights(args.checkpoint), args.annotations, args.config)
    check_apart('--out', [args.out], inputs)
    load_libraries('mmpose_lite.apis.adaptation')
    from mmpose_lite.apis.adaptation import adapt
    from mmpose_lite.inference.calibration import copy_calibration

    done = adapt(
        args.checkpoint,
        args.annotations,
        args.out,
        args.config,
        args.images,
        args.device,
        args.first_pixel,
    )
    copy_calibration(args.checkpoint, done.path, boxes_only=True)
    change = 'falls' if done.after < done.before else 'does not fall: it goes'
    print(
        f'{done.faces} faces: the mean distance of a point {change} from {100 * done.before:.2f} % '
        f"of the box's side to {100 * done.after:.2f} % (of faces that the map was not fitted to)"
    )
    if done.pixel is not None:
        print(
            'note: the annotated points lie {:.2f} px to the right of and {:.2f} px below the '
            'predicted ones, on average, as if pixels were counted from 1; --first-pixel 1 takes '
            'this pixel off'.format(*done.pixel)
        )
    print(f'written: {done.path}')
    print(f'next: mmpose-lite predict {done.path} PHOTO')
