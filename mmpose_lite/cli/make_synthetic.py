"""Rendering a set of synthetic faces in the form of AFLW, 300W or WFLW."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from mmpose_lite.errors import InputError
from mmpose_lite.utils.paths import check_folder
from mmpose_lite.utils.progress import Progress

from .command_line import CommandParser, errors_in_one_line


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command."""
    parser = CommandParser(
        prog='mmpose-lite make-synthetic',
        description='Render faces with known landmarks, in the form of AFLW, 300W or WFLW.',
    )
    parser.add_argument(
        'out', metavar='DIR', help='folder to write: new, empty, or with the same set in it'
    )
    parser.add_argument(
        '--train', type=int, default=1500, help='number of training faces (default 1500)'
    )
    parser.add_argument('--test', type=int, default=500, help='number of test faces (default 500)')
    parser.add_argument(
        '--seed', type=int, default=0, help='seed; the same seed gives the same bytes (default 0)'
    )
    parser.add_argument(
        '--boxes',
        default='head',
        help='what the square boxes show: head, the whole head (default); tight68, the 68 points '
        "of 300W; aflw, as much as AFLW's boxes do on average",
    )
    parser.add_argument(
        '--poses',
        default='wide',
        help='wide (default): up to full profiles; portrait: nearly frontal',
    )
    parser.add_argument(
        '--points', default='aflw', help='landmarks: aflw, 19 (default); 300w, 68; wflw, 98'
    )
    parser.add_argument(
        '--workers', type=int, default=os.cpu_count() or 1, help='processes (default: all cores)'
    )
    parser.add_argument(
        '--forms',
        action='store_true',
        help='write the faces to DIR/forms too: as aflw.sqlite, AFLWinfo_release.mat and lists, '
        'for mmpose-lite convert aflw',
    )
    return parser


@errors_in_one_line
def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    args = make_parser().parse_args(argv)
    check_folder(args.out)
    from mmpose_lite.synthetic import DatasetError, Recipe, make_dataset, write_forms

    try:
        recipe = Recipe(args.train, args.test, args.seed, args.points, args.boxes, args.poses)
        if args.forms and args.points != 'aflw':
            raise InputError(f'--forms are those of aflw, and --points is {args.points}')
        with Progress('faces', args.train + args.test) as progress:
            made = make_dataset(args.out, recipe, args.workers, progress.advance)
        forms = write_forms(args.out) if args.forms else None
    except (DatasetError, OSError) as error:
        raise InputError(str(error)) from error
    print(f'wrote {args.out}' if made else f'{args.out} already holds this set: nothing to do')
    if forms is not None:
        print(f'wrote {forms}')
