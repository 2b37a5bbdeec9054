"""Points of the faces of photographs, from the command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmpose_lite.utils.paths import check_checkpoint, check_folder, find_config

from .command_line import errors_in_one_line, load_libraries, tell_loading


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command."""
    parser = argparse.ArgumentParser(
        prog='mmpose-lite predict',
        description='Find the faces of photographs, and their points.',
    )
    parser.add_argument('config', help='config file, or the name of a shipped config')
    parser.add_argument('checkpoint', metavar='CKPT', help='weights')
    parser.add_argument('sources', nargs='+', metavar='SOURCE', help='file, folder or pattern')
    parser.add_argument('--detector', metavar='NAME', default='retinaface')
    parser.add_argument('--device', metavar='NAME', default='auto')
    parser.add_argument('--batch', type=int, default=16, help='faces in a batch')
    parser.add_argument('--flip', action='store_true', help='predict mirrored crops too')
    parser.add_argument('--amp', action='store_true', help='half precision')
    parser.add_argument('--out', metavar='DIR', default='predictions')
    return parser


@errors_in_one_line
def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    args = make_parser().parse_args(argv)
    find_config(args.config)
    check_checkpoint(args.checkpoint)
    check_folder(args.out)
    tell_loading()
    load_libraries('mmpose_lite.inference.landmarker')
    import cv2

    from mmpose_lite.inference import Landmarker

    landmarker = Landmarker(
        args.config,
        args.checkpoint,
        args.detector,
        device=args.device,
        batch=args.batch,
        flip=args.flip,
        amp=args.amp,
    )
    Path(args.out).mkdir(parents=True, exist_ok=True)
    for result in landmarker(args.sources, stream=True):
        cv2.imwrite(str(Path(args.out, Path(result.name).name)), result.draw())
        print(f'{result.name}: {len(result)} faces')
