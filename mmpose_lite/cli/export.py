"""Exporting a model to a file that runs without this package."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmpose_lite.errors import InputError
from mmpose_lite.utils.paths import check_checkpoint, check_folder, find_config, find_run_config

from .command_line import (
    add_options_argument,
    add_size_argument,
    errors_in_one_line,
    load_libraries,
    tell_loading,
)

FORMATS = ('onnx', 'openvino', 'pt2')


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command."""
    parser = argparse.ArgumentParser(
        prog='mmpose-lite export',
        description='Write a file that takes pixels and gives points: normalisation, network, flip '
        'test and decoding are inside. It is tried on faces before it is kept.',
    )
    add_model_argument(parser)
    parser.add_argument(
        '--format', choices=FORMATS, default='onnx', help='kind of file (default onnx)'
    )
    parser.add_argument(
        '--input',
        choices=('crops', 'image'),
        default='crops',
        help='the file takes crops (default), or a photograph and boxes, and cuts the crops itself',
    )
    parser.add_argument(
        '--flip', action='store_true', help='put the flip test into the file, at twice the time'
    )
    parser.add_argument(
        '--weights',
        choices=('fp32', 'fp16', 'int8'),
        default='fp32',
        help='fp16: half the size, computed as fp32; int8: a quarter, and computed so',
    )
    parser.add_argument(
        '--calibrate', metavar='CONFIG', help='for int8: config whose faces its scales come from'
    )
    parser.add_argument(
        '--data', metavar='CONFIG', help="config whose test set tells the file's NME"
    )
    parser.add_argument('--faces', type=int, metavar='N', help='of so many faces; all by default')
    parser.add_argument(
        '--out', metavar='DIR', default='exported', help='folder to write (default exported)'
    )
    add_size_argument(parser)
    add_options_argument(parser)
    return parser


def add_model_argument(parser: argparse.ArgumentParser) -> None:
    """Add the model, a config and a checkpoint, or a checkpoint in the folder of its run."""
    parser.add_argument(
        'model',
        nargs='+',
        help='config and checkpoint; or the checkpoint alone, where its config is beside it',
    )


def find_model(words: Sequence[str]) -> tuple[str, str]:
    """Find the config and the checkpoint that a command line names.

    Raises:
        InputError: If there are more words, a file is missing, or no config lies beside a
            checkpoint that is named alone.
    """
    if len(words) > 2:
        raise InputError(f'a config and a checkpoint are expected, got {", ".join(words)}')
    if len(words) == 1:
        check_checkpoint(words[0])
        return str(find_run_config(words[0])), words[0]
    find_config(words[0])
    check_checkpoint(words[1])
    return words[0], words[1]


@errors_in_one_line
def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    args = make_parser().parse_args(argv)
    config, checkpoint = find_model(args.model)
    for other in filter(None, (args.calibrate, args.data)):
        find_config(other)
    check_folder(args.out)
    tell_loading()
    load_libraries('mmpose_lite.export.exporting')
    from mmpose_lite import apis
    from mmpose_lite.export import ExportOptions, export_model

    needs = ('model', 'test_dataloader', 'test_evaluator')
    options = ExportOptions(
        form=args.format,
        takes_photographs=args.input == 'image',
        flip=args.flip,
        weights=args.weights,
        data=apis.load_config(args.data, args.cfg_options, needs) if args.data else None,
        calibration=apis.load_config(args.calibrate, args.cfg_options, needs)
        if args.calibrate
        else None,
        faces=args.faces,
    )
    options.check()
    cfg = apis.load_config(config, args.cfg_options, ('model',))
    model = apis.init_model(cfg, checkpoint, 'cpu')
    file = export_model(model, checkpoint, args.out, Path(config).stem, options)
    size = sum(each.stat().st_size for each in (file, file.with_suffix('.bin')) if each.exists())
    print(f'written: {file} ({size / 1e6:.1f} MB)')
