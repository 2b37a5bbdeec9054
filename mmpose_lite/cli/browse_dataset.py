"""Looking at the faces that a config trains and tests on."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmpose_lite import apis
from mmpose_lite.errors import InputError
from mmpose_lite.utils.paths import check_folder, find_config
from mmpose_lite.utils.progress import track

from .command_line import (
    CommandParser,
    add_config_argument,
    add_options_argument,
    add_size_argument,
    errors_in_one_line,
    load_libraries,
    parse_counts,
)

MODES = ('original', 'transformed', 'target')


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command."""
    parser = CommandParser(
        prog='mmpose-lite browse', description='Draw the faces of a data set on sheets.'
    )
    add_config_argument(parser)
    parser.add_argument(
        '--split',
        choices=('train', 'val', 'test'),
        default='train',
        help='split to draw (default train)',
    )
    parser.add_argument(
        '--mode',
        choices=MODES,
        default='transformed',
        help='original: images with box and crop; transformed (default): crops as the network gets '
        'them; target: crops under the cells of their targets, such as heatmaps. If crops are '
        'mirrored at random, each is shown both ways',
    )
    parser.add_argument('--out', metavar='DIR', default='browse', help='folder of the sheets')
    parser.add_argument(
        '--faces', type=int, default=24, help='number of faces, evenly spaced (default 24)'
    )
    parser.add_argument(
        '--ids', nargs='+', metavar='ID', help='draw the faces with these annotation ids instead'
    )
    parser.add_argument('--columns', type=int, default=6, help='pictures per row (default 6)')
    parser.add_argument('--rows', type=int, default=4, help='rows per sheet (default 4)')
    parser.add_argument(
        '--tile', type=int, default=300, help='side of a picture in pixels (default 300)'
    )
    parser.add_argument('--seed', type=int, default=0, help='seed of the augmentation')
    add_size_argument(parser)
    add_options_argument(parser)
    return parser


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = make_parser()
    args = parse_counts(parser, argv, 'faces', 'columns', 'rows', 'tile')
    if args.seed < 0:
        parser.error(f'--seed {args.seed}: not below 0')
    return args


@errors_in_one_line
def main(argv: Sequence[str] | None = None) -> None:
    """Run the command: draw faces, and name the sheets."""
    args = parse_args(argv)
    check_folder(args.out)
    find_config(args.config)
    load_libraries('mmpose_lite.data_tools.browsing')
    from mmpose_lite.data_tools import browsing

    cfg = apis.load_config(args.config, args.cfg_options)
    browsers, metainfo = browsing.load_browsers(cfg, args.split, args.seed)
    found = 0
    for number, browser in enumerate(browsers, 1):
        indices = browsing.choose(browser, args.faces, args.ids)
        found += len(indices)
        if not indices:
            continue
        looked_at = track(indices, len(indices), 'faces')
        faces = list(browsing.views(browser, looked_at, args.mode, cfg))
        # Data sets made of others may give points of their own to those of their parts.
        points = dict(browser.dataset.metainfo) if args.mode == 'original' else metainfo
        part = f'-{number}' if len(browsers) > 1 else ''
        stem = Path(args.out, f'{Path(cfg.filename).stem}-{args.split}-{args.mode}{part}')
        heading = f'{args.split}, {args.mode}'
        layout = (args.columns, args.rows, args.tile)
        for path in browsing.draw_sheets(faces, points, stem, heading, *layout):
            print(path)
    if not found:
        raise InputError(f'--ids {" ".join(args.ids or ())}: no such annotation id in the set')
