"""Exporting a model to a file that runs without this package."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmpose_lite.errors import InputError
from mmpose_lite.utils.paths import (
    check_apart,
    check_folder,
    check_model,
    check_weights,
    find_config,
    size_of_model,
)

from .command_line import (
    CommandParser,
    add_options_argument,
    add_size_argument,
    errors_in_one_line,
    load_libraries,
)

FORMATS = ('onnx', 'openvino', 'pt2')


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command."""
    parser = CommandParser(
        prog='mmpose-lite export',
        description='Export a model to ONNX, OpenVINO or torch.export. The file takes pixels and '
        'returns points, with normalisation, network and decoding inside. It is compared with '
        'the model before it is kept.',
    )
    add_model_argument(parser)
    parser.add_argument(
        '--format', choices=FORMATS, default='onnx', help='file format (default onnx)'
    )
    parser.add_argument(
        '--input',
        choices=('crops', 'image'),
        default='crops',
        help='the file takes crops (default), or a photograph and boxes, and cuts the crops itself',
    )
    parser.add_argument(
        '--flip', action='store_true', help='include the flip test, which doubles the time'
    )
    parser.add_argument(
        '--weights',
        choices=('fp32', 'fp16', 'int8'),
        default='fp32',
        help='fp16: half the size, computed in fp32; int8: a quarter of the size, computed in int8',
    )
    parser.add_argument(
        '--calibrate',
        metavar='CONFIG',
        help='for int8: config whose training faces set the ranges of the activations',
    )
    parser.add_argument(
        '--data', metavar='CONFIG', help="config whose test set the file's NME is measured on"
    )
    parser.add_argument(
        '--faces', type=int, metavar='N', help='number of test faces for the NME (default: all)'
    )
    parser.add_argument(
        '--tolerance',
        type=float,
        metavar='N',
        help="percentage points by which the file's NME may be off (default 0.02)",
    )
    parser.add_argument(
        '--out', metavar='DIR', default='exported', help='folder to write (default exported)'
    )
    add_size_argument(parser)
    add_options_argument(parser)
    return parser


def add_model_argument(parser: argparse.ArgumentParser, others: str = '') -> None:
    """Add the model: a config and a checkpoint, or a checkpoint that holds its config."""
    known = 'config and checkpoint; or a checkpoint of a training here, which holds its config'
    parser.add_argument(
        'model', nargs='+', help='; '.join(each for each in (known, others) if each)
    )


def check_named_model(words: Sequence[str]) -> None:
    """Check the files of a model that a command line names; see :func:`.check_model`.

    Raises:
        InputError: If there are more than two, one is missing, or a config is alone.
    """
    if len(words) > 2:
        raise InputError(f'a config and a checkpoint are expected, got {", ".join(words)}')
    check_model(*words)
    check_weights(words[-1])


def load_named_model(words: Sequence[str], options: Mapping[str, Any] | None = None) -> Any:
    """Load a model that a command line names, on the CPU.

    Raises:
        InputError: If it cannot be loaded, or a checkpoint alone is given options of a config.
    """
    from mmpose_lite import apis
    from mmpose_lite.inference.models import load_model

    if len(words) == 2:
        cfg = apis.load_config(words[0], options, ('model',))
        return apis.init_model(cfg, words[1], 'cpu')
    if options:
        raise InputError('--cfg-options and --input-size need the config before the checkpoint')
    return load_model(words[0], device='cpu')


@errors_in_one_line
def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    args = make_parser().parse_args(argv)
    check_named_model(args.model)
    checkpoint = args.model[-1]
    for other in filter(None, (args.calibrate, args.data)):
        find_config(other)
    check_folder(args.out)
    stem = Path(args.model[0]).stem
    if args.format == 'openvino':  # which writes its weights to a file of their own
        check_apart('--out', [Path(args.out, f'{stem}.bin')], args.model)
    load_libraries('mmpose_lite.export.exporting', 'mmpose_lite.inference.models')
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
        **({} if args.tolerance is None else {'tolerance': args.tolerance}),
    )
    options.check()
    model = load_named_model(args.model, args.cfg_options)
    facts = calibration_of(checkpoint)
    file = export_model(model, checkpoint, args.out, stem, options, _tell, facts)
    print(f'written: {file} ({size_of_model(file) / 1e6:.1f} MB)')


def _tell(line: str) -> None:
    print(line, flush=True)


def calibration_of(checkpoint: str) -> dict[str, Any]:
    """Take for the metadata what was fitted for a checkpoint: maps of boxes, and confidence."""
    from mmpose_lite.inference.calibration import find_calibration

    found = find_calibration(checkpoint)
    if found is None:
        return {}
    content = found.to_json()
    for detector in content.get('detectors', {}).values():
        detector.pop('missed', None)  # files of the training
    return {'calibration': content}
