"""Timing exported files beside the model that they came from."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

from mmpose_lite.errors import InputError
from mmpose_lite.utils.paths import check_apart, check_file, file_problem, find_config, shown

from .command_line import CommandParser, errors_in_one_line, load_libraries, write_results
from .export import check_named_model, load_named_model

if TYPE_CHECKING:
    from mmpose_lite.export.benchmark import Timing


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command."""
    parser = CommandParser(
        prog='mmpose-lite bench',
        description='Time exported files with each installed engine, on one thread and on all '
        'cores, and compare the times with the model in torch.',
    )
    parser.add_argument('files', nargs='+', help='exported files, of one input size')
    parser.add_argument(
        '--model',
        nargs='+',
        metavar='FILE',
        help='config and checkpoint, or a checkpoint alone, to time in torch and compare with',
    )
    parser.add_argument(
        '--data',
        metavar='CONFIG',
        help='config whose test set the NME is measured on; needs --model',
    )
    parser.add_argument(
        '--faces', type=int, metavar='N', help='number of test faces for the NME (default: all)'
    )
    parser.add_argument(
        '--batch',
        type=int,
        nargs='+',
        default=[1, 8],
        metavar='N',
        help='faces per call (default 1 8)',
    )
    parser.add_argument(
        '--rounds',
        type=int,
        default=10,
        metavar='N',
        help='calls per file and batch size (default 10)',
    )
    parser.add_argument(
        '--threads',
        type=int,
        nargs='+',
        metavar='N',
        help='numbers of threads (default: 1, and as many as there are cores)',
    )
    parser.add_argument(
        '--bf16', action='store_true', help='OpenVINO in bfloat16 too, for CPUs that have it'
    )
    parser.add_argument('--out', metavar='FILE', help='write the numbers to this JSON file')
    return parser


@errors_in_one_line
def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    args = make_parser().parse_args(argv)
    _check(args)
    load_libraries('mmpose_lite.export.benchmark')
    from mmpose_lite import apis
    from mmpose_lite.export.benchmark import time_files

    needs = ('test_dataloader', 'test_evaluator')
    data = apis.load_config(args.data, needs=needs) if args.data else None
    model = None
    if args.model:
        model = load_named_model(args.model)
        model.test_cfg = {**model.test_cfg, 'flip_test': False}
    if data and model:
        _check_crops([data, model.cfg], args.files)
    timings = list(time_files(args.files, model, args.batch, args.rounds, args.bf16, args.threads))
    print(*_lines(timings, 'torch' if model else 'the first'), sep='\n')
    errors = _measure(model, data, args) if data else []
    if args.out:
        write_results(args.out, [vars(each) for each in (*timings, *errors)])


def _check(args: argparse.Namespace) -> None:
    """Check the arguments before anything is loaded."""
    for file in args.files:
        if problem := file_problem(file):
            raise InputError(f'exported file {shown(file)} {problem}')
    if args.model:
        check_named_model(args.model)
    if args.data:
        find_config(args.data)
        if not args.model:
            raise InputError('--data needs --model, which says how crops are cut from photographs')
    if min([args.rounds, *args.batch, *(args.threads or ())]) < 1:
        raise InputError('--rounds, --batch and --threads: at least 1')
    if args.out:
        check_file(args.out)
        check_apart('--out', [args.out], [*args.files, *(args.model or ()), args.data])


def _check_crops(configs: Sequence[Any], files: Sequence[str]) -> None:
    """Check that data and model have the points and crops of the files, before any is timed."""
    from mmpose_lite.export import read_metadata
    from mmpose_lite.export.estimator import check_crops, check_points

    for cfg, file in product(configs, files):
        for check in (check_points, check_crops):
            check(cfg, read_metadata(file), shown(file))


def _lines(timings: Sequence[Timing], first: str) -> list[str]:
    """Lay out timings, whose ratios are to the first way; see :class:`Timing`."""
    width = max(len(each.name) for each in timings)
    head = f'{"":<{width}}  batch  threads  ms a call (median)  CPU ms  images/s  against {first}'
    return [head, *(f'{each.name:<{width}}  {_numbers(each)}' for each in timings)]


def _numbers(timing: Timing) -> str:
    wall, median, cpu = (1e3 * each for each in (timing.seconds, timing.median, timing.cpu))
    return (
        f'{timing.batch:>5}  {timing.threads:>7}  {wall:>8.1f} ({median:>6.1f})  {cpu:>6.1f}  '
        f'{timing.rate:>8.1f}  {timing.ratio:>13.2f}'
    )


def _measure(model: Any, data: Any, args: argparse.Namespace) -> list[Any]:
    """Measure the NME of the model and of all that was timed, and print it."""
    from mmpose_lite.export.benchmark import load_files
    from mmpose_lite.export.verification import (
        TOLERANCE,
        by_file,
        by_model,
        measure_errors,
        nme_fault,
    )

    exported = dict(load_files(args.files, bf16=args.bf16))
    flips = {name: bool(file.metadata['flip']) for name, file in exported.items()}
    names = {False: 'torch eager', True: 'torch eager, flip test'}
    ways = {names[flip]: by_model(model, flip) for flip in sorted({False, *flips.values()})}
    ways |= {name: by_file(model, file) for name, file in exported.items()}
    errors = measure_errors(data, ways, args.faces)
    for error in errors:
        fault = None
        if file := exported.get(error.name):
            tolerance = (file.metadata.get('verified') or {}).get('tolerance', TOLERANCE)
            fault = nme_fault(errors, error.name, names[flips[error.name]], tolerance)
        remark = f': {fault}' if fault else ''
        print(f'NME {100 * error.nme:.3f} %  {error.name}  ({error.faces} faces){remark}')
    return errors
