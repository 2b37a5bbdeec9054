"""Looking at the faces that a config trains and tests on."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.registry import init_default_scope
from rich.console import Console
from rich.progress import track

from mmpose_lite.apis.config import load_config
from mmpose_lite.data_tools.browsing import Browser, FaceView, describe, find_browsers, image_sides
from mmpose_lite.datasets import build_dataset
from mmpose_lite.utils import InputError
from mmpose_lite.utils.nested_datasets import walk_datasets
from mmpose_lite.utils.paths import check_folder
from mmpose_lite.visualization.drawing import RGB
from mmpose_lite.visualization.sheet import LEFT, MIDDLE, RIGHT, PointTile, point_sheet

from .command_line import add_options_argument, errors_in_one_line

MODES = ('original', 'transformed', 'target')
_COLORS: dict[int, RGB] = {-1: LEFT, 0: MIDDLE, 1: RIGHT}
_MARGIN = 1.06  # of what is shown of a photograph, about box, crop and points


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line of ``tools/browse_dataset.py``."""
    parser = argparse.ArgumentParser(
        prog='browse_dataset', description='Draw the faces of a data set on sheets.'
    )
    parser.add_argument('config', help='config file')
    parser.add_argument('--split', choices=('train', 'val', 'test'), default='train')
    parser.add_argument(
        '--mode',
        choices=MODES,
        default='transformed',
        help='original: photographs with box and crop; transformed: crops as the network gets '
        'them; target: with their heatmaps. Where crops are mirrored at random, each is shown as '
        'it is and mirrored',
    )
    parser.add_argument('--out', metavar='DIR', default='browse', help='folder of the sheets')
    parser.add_argument(
        '--faces', type=int, default=24, help='how many, at even steps through the set'
    )
    parser.add_argument('--ids', nargs='+', metavar='ID', help='these annotation ids instead')
    parser.add_argument('--columns', type=int, default=6, help='pictures in a row')
    parser.add_argument('--rows', type=int, default=4, help='rows of a sheet')
    parser.add_argument('--tile', type=int, default=300, help='side of a picture, px')
    parser.add_argument('--seed', type=int, default=0, help='of the random transforms')
    add_options_argument(parser)
    args = parser.parse_args(argv)
    for name in ('faces', 'columns', 'rows', 'tile'):
        if getattr(args, name) < 1:
            parser.error(f'--{name} {getattr(args, name)}: at least 1')
    if args.seed < 0:
        parser.error(f'--seed {args.seed}: not below 0')
    return args


def load_browsers(cfg: Config, split: str, seed: int) -> tuple[list[Browser], dict[str, Any]]:
    """Build a split's data set; return its sets of faces, and the points that come out of it.

    Raises:
        InputError: If the config has no such split.
    """
    settings = (cfg.get(f'{split}_dataloader') or {}).get('dataset')
    if not settings:
        raise InputError(f'{split}_dataloader.dataset is not in the config')
    for _, nest in walk_datasets(settings):
        nest[-1].pop('cache', None)  # photographs are read, and no crops are cut
    init_default_scope(cfg.get('default_scope', 'mmpose_lite'))
    dataset = build_dataset(settings)
    return find_browsers(dataset, seed), dict(dataset.metainfo)


def choose(browser: Browser, count: int, ids: Sequence[str] | None) -> list[int]:
    """Choose faces: those with some ids, or so many at even steps from the first to the last."""
    total = len(browser.dataset)
    if ids is not None:
        wanted = set(ids)
        return [i for i in range(total) if str(browser.dataset.get_data_info(i)['id']) in wanted]
    return np.unique(np.linspace(0, total - 1, min(count, total)).astype(int)).tolist()


def views(browser: Browser, indices: Sequence[int], mode: str, cfg: Config) -> Iterator[FaceView]:
    """Look at faces in one of the modes.

    Raises:
        InputError: If targets are asked for, and neither pipeline nor head has a codec.
    """
    codec = None
    if mode == 'target':
        decoder = (cfg.get('model') or {}).get('head', {}).get('decoder')
        codec = decoder[-1] if isinstance(decoder, list) else decoder
        codec = {} if codec is None else dict(codec)
    for index in indices:
        if mode == 'original':
            yield browser.original(index)
        else:
            yield from browser.transformed(index, codec)


def to_tile(view: FaceView) -> PointTile:
    """Lay out a view: of a photograph what is about the face, of a crop all."""
    height, width = view.image_bgr.shape[:2]
    center, side = np.array([width - 1, height - 1]) / 2, float(max(width, height))
    if view.crop is not None:
        seen = np.concatenate([view.box, view.crop, view.points[view.shown]])
        low, high = seen.min(axis=0), seen.max(axis=0)
        center, side = (low + high) / 2, _MARGIN * float((high - low).max())
    caption, note = describe(view)
    return PointTile(
        image_rgb=np.ascontiguousarray(view.image_bgr[..., ::-1]),
        points=view.points,
        shown=view.shown,
        center=center,
        side=side,
        box=view.box,
        crop=view.crop,
        heatmap=view.heatmap,
        has_target=view.has_target,
        caption=caption,
        note=note,
    )


def draw_sheets(
    faces: Sequence[FaceView], metainfo: dict[str, Any], stem: Path, args: argparse.Namespace
) -> list[Path]:
    """Draw faces on as many sheets as they need; pairs stay side by side."""
    upright = [face for face in faces if not face.is_mirrored]
    sides = image_sides(
        np.stack([face.points for face in upright]),
        np.stack([face.shown for face in upright]),
        metainfo['flip_pairs'],
    )
    names = [metainfo['keypoint_id2name'][k] for k in range(len(sides))]
    pairs = len(faces) > len(upright)
    columns = max(2, args.columns - args.columns % 2) if pairs else args.columns
    size = columns * args.rows
    written = []
    for number, start in enumerate(range(0, len(faces), size), 1):
        path = stem.with_name(f'{stem.name}-{number:02d}.png')
        written.append(
            point_sheet(
                [to_tile(face) for face in faces[start : start + size]],
                path,
                names,
                [_COLORS[side] for side in sides.tolist()],
                columns,
                args.tile,
                heading=f'{metainfo["dataset_name"]}: {args.split}, {args.mode}',
            )
        )
    return written


@errors_in_one_line
def main(argv: Sequence[str] | None = None) -> None:
    """Run ``tools/browse_dataset.py``: draw faces, and name the sheets."""
    args = parse_args(argv)
    check_folder(args.out)
    cfg = load_config(args.config, args.cfg_options)
    browsers, metainfo = load_browsers(cfg, args.split, args.seed)
    console = Console(stderr=True)
    found = 0
    for number, browser in enumerate(browsers, 1):
        indices = choose(browser, args.faces, args.ids)
        found += len(indices)
        if not indices:
            continue
        seen = views(browser, indices, args.mode, cfg)
        faces = list(track(seen, 'faces', len(indices), console=console))
        # Data sets made of others may give points of their own to those of their parts.
        points = dict(browser.dataset.metainfo) if args.mode == 'original' else metainfo
        part = f'-{number}' if len(browsers) > 1 else ''
        stem = Path(args.out, f'{Path(args.config).stem}-{args.split}-{args.mode}{part}')
        for path in draw_sheets(faces, points, stem, args):
            print(path)
    if not found:
        raise InputError(f'--ids {" ".join(args.ids or ())}: no such annotation id in the set')
