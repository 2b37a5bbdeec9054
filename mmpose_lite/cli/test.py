"""Testing a checkpoint, or an exported file."""

from __future__ import annotations

import argparse
import os.path as osp
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from os import readlink
from os.path import islink
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from mmpose_lite import apis, checkpoints
from mmpose_lite.errors import InputError
from mmpose_lite.utils.paths import (
    check_apart,
    check_checkpoint,
    check_file,
    check_folder,
    find_config,
    find_weights,
    is_exported,
    shown,
)

from .command_line import (
    CommandParser,
    add_config_argument,
    add_shared_arguments,
    apply_shared_arguments,
    ending_process,
    errors_in_one_line,
    hook_settings,
    load_libraries,
    parse_with_one_file,
    trusted_checkpoints,
    write_results,
)
from .report import write_and_tell

if TYPE_CHECKING:
    from mmengine.config import Config
    from rich.table import Table

    from mmpose_lite.engine import PoseRunner
    from mmpose_lite.evaluation.metrics import RowMetric
    from mmpose_lite.export.estimator import ExportedEstimator
    from mmpose_lite.reporting.schema import Further

# Hooks of the shipped configs that write no file of their own.
_KNOWN_HOOKS = ('SyncBuffersHook', 'EMAHook', 'EarlyStoppingHook')
_NEEDS = ('model', 'test_dataloader', 'test_cfg', 'test_evaluator')


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command."""
    parser = CommandParser(
        prog='mmpose-lite test', description='Test a checkpoint, or an exported file.'
    )
    add_config_argument(parser)
    parser.add_argument(
        'checkpoint', help='checkpoint file, the name of packaged weights, or exported file'
    )
    parser.add_argument('--work-dir', help='folder of the log; without it, none is kept')
    parser.add_argument('--out', help='write the metrics to this JSON file')
    parser.add_argument('--dump', help='write the predictions to this .json or .pkl file')
    parser.add_argument('--report', metavar='DIR', help='write a report on the run to this folder')
    parser.add_argument(
        '--report-faces',
        type=int,
        default=500,
        metavar='N',
        help='number of faces that the report tests with perturbed boxes (default 500); 0 skips '
        'this, and the test with the flip test the other way round',
    )
    parser.add_argument(
        '--boxes',
        choices=('annotated', 'detector'),
        default='annotated',
        help='detector: test again with the boxes of a detector; see calibrate',
    )
    parser.add_argument(
        '--detector', metavar='NAME', default='retinaface', help='the detector of --boxes'
    )
    parser.add_argument('--badcase', action='store_true', help='collect the worst faces')
    add_shared_arguments(parser)
    return parser


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = make_parser()
    args = parse_with_one_file(parser, argv, 'checkpoint')
    if args.dump and not args.dump.endswith(('.json', '.pkl', '.pickle')):
        parser.error(f'--dump {args.dump}: the name must end in .json or .pkl')
    if args.report_faces < 0:
        parser.error(f'--report-faces {args.report_faces}: not below 0')
    return args


def merge_args(cfg: Config, args: argparse.Namespace) -> Config:
    """Write the arguments into a config."""
    apply_shared_arguments(cfg, args)
    cfg.load_from = args.checkpoint
    if args.amp:
        cfg.test_cfg.fp16 = True  # mmengine's name for it; on CPUs it is bfloat16
    if args.badcase:
        hook_settings(cfg, 'badcase', 'BadCaseAnalysisHook').enable = True
    if args.dump and not args.dump.endswith('.json'):
        evaluators = cfg.test_evaluator
        evaluators = list(evaluators) if isinstance(evaluators, list | tuple) else [evaluators]
        cfg.test_evaluator = [*evaluators, {'type': 'DumpResults', 'out_file_path': args.dump}]
    return cfg


def row_metrics(runner: PoseRunner) -> list[RowMetric]:
    """The metrics of a test run that keep rows."""
    from mmpose_lite.evaluation.metrics import RowMetric

    metrics = runner.test_loop.evaluator.metrics
    return [metric for metric in metrics if isinstance(metric, RowMetric)]


def format_table(metrics: Sequence[RowMetric]) -> Table:
    """Lay out the numbers of a test run: one line a number and subset."""
    from rich.table import Table

    from mmpose_lite.reporting.run import subset_label

    table = Table()
    for name in ('metric', 'set', 'value', 'normaliser', 'faces', 'points'):
        table.add_column(name, justify='right' if name in ('value', 'faces', 'points') else 'left')
    for metric in metrics:
        for score in metric.scores:
            value = f'{score.value:.4f}'
            if metric.is_fraction:
                value = f'{100 * score.value:.3f} %'
            subset = subset_label(score.subset)
            counts = (str(score.faces), str(score.points))
            table.add_row(score.name, subset, value, metric.normaliser, *counts)
    return table


def left_out_lines(metrics: Sequence[RowMetric]) -> list[str]:
    """Say of which metrics some faces are in no number."""
    return [f'{metric.title}: {text}' for metric in metrics for text in metric.left_out]


def _with_target(checkpoint: str) -> str:
    """A checkpoint's name, with the file that ``best.pth`` is a link to at this time."""
    return f'{checkpoint} -> {readlink(checkpoint)}' if islink(checkpoint) else checkpoint


def run_passes(runner: PoseRunner, args: argparse.Namespace) -> Further | None:
    """Make the further passes of a report; see :mod:`mmpose_lite.reporting.robustness`.

    Raises:
        InputError: If no metric keeps rows, from which a report is made.
    """
    if not args.report:
        return None
    from mmpose_lite.reporting.dumping import main_metric
    from mmpose_lite.reporting.robustness import predict_further

    metric = main_metric(row_metrics(runner))
    if metric is None:
        raise InputError('--report needs a metric that keeps a row per face, such as NME')
    return predict_further(runner, metric, args.report_faces)


def _test_in_detected_boxes(runner: PoseRunner, args: argparse.Namespace) -> list[str]:
    """Test in a detector's boxes, if that is asked for, and say what comes out.

    Raises:
        InputError: If no metric keeps rows.
    """
    if args.boxes == 'annotated':
        return []
    from mmpose_lite.inference import detected_test
    from mmpose_lite.reporting.dumping import main_metric

    metric = main_metric(row_metrics(runner))
    if metric is None:
        raise InputError('--boxes detector needs a metric that keeps a row per face, such as NME')
    name = args.detector
    box_map = detected_test.find_box_map(args.checkpoint, args.config, name)
    test = detected_test.predict_in_detected_boxes(runner, metric, runner.cfg, name, box_map)
    return list(detected_test.about_test(test))


def _leaves_files(cfg: Config) -> bool:
    """Tell whether hooks, backends or other processes may leave something in a test's work dir."""
    hooks = [*(cfg.get('default_hooks') or {}).values(), *(cfg.get('custom_hooks') or ())]
    backends = (cfg.get('visualizer') or {}).get('vis_backends') or ()
    pictures = [each for each in hooks if isinstance(each, dict) and each.get('enable')]
    return (
        cfg.get('launcher', 'none') != 'none'
        or any(not osp.isabs(each.get('out_dir') or '') for each in pictures)
        or any(each.get('type') not in _KNOWN_HOOKS for each in cfg.get('custom_hooks') or ())
        or any(each.get('type') != 'LocalVisBackend' for each in backends)
    )


@contextmanager
def _passing_work_dir(cfg: Config) -> Iterator[None]:
    """Give a test a work dir that is there for its time."""
    with TemporaryDirectory(prefix='mmpose_lite-', ignore_cleanup_errors=True) as folder:
        cfg.work_dir = folder
        yield


@errors_in_one_line
def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    args = parse_args(argv)
    for folder in filter(None, (args.work_dir, args.report)):
        check_folder(folder)
    for file in filter(None, (args.out, args.dump)):
        check_file(file)
    find_config(args.config)
    check_checkpoint(args.checkpoint)
    args.checkpoint = find_weights(args.checkpoint)
    load_libraries('mmpose_lite.apis.training', 'mmpose_lite.reporting.robustness')
    if args.boxes == 'detector':  # an error before the test, not after it
        from mmpose_lite.inference.detected_test import find_box_map

        find_box_map(args.checkpoint, args.config, args.detector)
    with ending_process():
        _run(argv, args)


def _run(argv: Sequence[str] | None, args: argparse.Namespace) -> None:
    from mmengine.dist import is_main_process

    from mmpose_lite.apis.training import dry_run
    from mmpose_lite.reporting.dumping import command_line

    cfg = apis.load_config(args.config, args.cfg_options, _NEEDS)
    is_named = args.work_dir or cfg.get('work_dir')
    _check_outputs(cfg, args)
    merge_args(cfg, args)
    with nullcontext() if is_named or _leaves_files(cfg) else _passing_work_dir(cfg):
        model = load_exported(cfg, args) if is_exported(args.checkpoint) else None
        tested = cfg if model is None else model.cfg
        with checkpoints.trusting(*trusted_checkpoints(cfg, args)):
            if args.dry_run:
                dry_run(tested, 'test', model)
                return
            runner, numbers = apis.test(tested, model)
        further = run_passes(runner, args)
        detected = _test_in_detected_boxes(runner, args)
    if is_main_process():
        engine = None if model is None else model.exported.engine
        _print_numbers(cfg, args, row_metrics(runner), engine)
        print(*detected, sep='\n', end='\n' * bool(detected))
        about_run = (command_line(argv), engine)
        _write_files(cfg, args, row_metrics(runner), numbers, about_run, further)


def _check_outputs(cfg: Config, args: argparse.Namespace) -> None:
    """Check that a test writes over nothing that it reads, and to no file twice.

    Raises:
        InputError: If it would.
    """
    from mmpose_lite.engine.config_rewrites import files_read
    from mmpose_lite.inference.detectors import file_of
    from mmpose_lite.reporting.writing import FILES

    inputs = [args.checkpoint, cfg.filename, *files_read(cfg)]
    if args.boxes == 'detector':
        inputs.append(file_of(args.detector))
    named = {'--out': args.out, '--dump': args.dump}
    report = [Path(args.report, name) for name in FILES] if args.report else []
    check_apart('--report', report, inputs)
    options = {each.resolve(): '--report' for each in report}
    for option, file in named.items():
        if file:
            check_apart(option, [file], inputs)
            other = options.setdefault(Path(file).resolve(), option)
            if other != option:
                raise InputError(f'{option} {shown(file)} is a file of {other}, too')


def load_exported(cfg: Config, args: argparse.Namespace) -> ExportedEstimator:
    """Load the exported file that a test is of, and have its config say what the file does.

    Raises:
        InputError: If the config has other points or crops, or the arguments ask for what an
            exported file cannot do.
    """
    from mmpose_lite.export.estimator import ExportedEstimator
    from mmpose_lite.export.runtime import ExportedModel
    from mmpose_lite.reporting.dumping import has_flip_test

    for name in ('amp', 'compile', 'augment_on_device', 'trust_checkpoint'):
        if getattr(args, name):
            option = name.replace('_', '-')
            raise InputError(f'--{option} applies to checkpoints, not to exported files')
    if args.launcher != 'none':
        raise InputError(f'--launcher {args.launcher}: exported files are tested by one process')
    model = ExportedEstimator(ExportedModel(args.checkpoint), cfg)
    asked = (args.cfg_options or {}).get('model.test_cfg.flip_test')
    if asked:
        model.check_settings(flip=True)
    has_flip = model.test_cfg['flip_test']
    if has_flip_test(cfg) != has_flip:
        there, ours = ('has', 'does not') if has_flip else ('has no', 'does')
        print(f'{args.checkpoint} {there} flip test, which the config {ours} ask for')
    cfg.model.setdefault('test_cfg', {})['flip_test'] = has_flip
    return model


def _print_numbers(
    cfg: Config, args: argparse.Namespace, metrics: list[RowMetric], engine: str | None
) -> None:
    from rich.console import Console

    from mmpose_lite.reporting.dumping import has_flip_test

    # Wide enough for whole paths and names where the output is not a terminal.
    console = Console(soft_wrap=True) if Console().is_terminal else Console(width=160)
    precision = ', half precision' if cfg.test_cfg.get('fp16') else ''
    flips = 'on' if has_flip_test(cfg) else 'off'
    by = f', by {engine}' if engine else ''
    print(f'{_with_target(args.checkpoint)}, flip test {flips}{precision}{by}')
    console.print(format_table(metrics))
    for line in left_out_lines(metrics):
        console.print(line, markup=False, highlight=False)


def _write_files(
    cfg: Config,
    args: argparse.Namespace,
    metrics: list[RowMetric],
    numbers: dict[str, float],
    about_run: tuple[str, str | None],
    further: Further | None,
) -> None:
    """Write what the arguments name, and print where it is; the run's command and engine."""
    from mmpose_lite.engine.config_rewrites import find_datasets
    from mmpose_lite.reporting import read_run
    from mmpose_lite.reporting.dumping import main_metric, make_dump

    if args.out:
        write_results(args.out, numbers)
        print(f'metrics written to {args.out}')
    if args.show_dir:
        print(f'pictures written to {args.show_dir}')
    dumped = args.dump and args.dump.endswith('.json')
    if not (dumped or args.report):
        return
    datasets = list(find_datasets(cfg.test_dataloader))
    metric = main_metric(metrics)
    command, engine = about_run
    dump = make_dump(cfg, args.config, datasets, metric, numbers, command, further, engine)
    content = dump.to_json()
    if dumped:
        write_results(args.dump, content)
        print(f'predictions written to {args.dump}')
    if args.report:
        write_and_tell(args.report, [read_run(content, 'rows of the test')])
