"""Testing a checkpoint."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import json_tricks
from mmengine.config import Config
from mmengine.dist import is_main_process
from rich.console import Console
from rich.table import Table

from mmpose_lite.engine import PoseRunner
from mmpose_lite.engine.checkpoints import trusting
from mmpose_lite.engine.run_hooks import FoldNormsHook
from mmpose_lite.evaluation.metrics import RowMetric

from .command_line import (
    add_shared_arguments,
    apply_shared_arguments,
    errors_in_one_line,
    hook_settings,
    trusted_checkpoint,
)
from .config import load_config, naming_near_types
from .train import build_runner

_FRACTIONS = ('NME', 'PCK', 'PCKh', 'tPCK', 'AUC')


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line of ``tools/test.py``."""
    parser = argparse.ArgumentParser(prog='test', description='Test a checkpoint.')
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--work-dir', help='folder of logs')
    parser.add_argument('--out', help='write the metrics to this JSON file')
    parser.add_argument('--dump', help='write the predictions to this .json or .pkl file')
    parser.add_argument('--badcase', action='store_true', help='collect the worst cases')
    add_shared_arguments(parser)
    args = parser.parse_args(argv)
    if args.dump and not args.dump.endswith(('.json', '.pkl', '.pickle')):
        parser.error(f'--dump {args.dump}: the name must end in .json or .pkl')
    return args


def merge_args(cfg: Config, args: argparse.Namespace) -> Config:
    """Write the arguments of ``tools/test.py`` into a config."""
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


@naming_near_types()
def test(cfg: Config) -> tuple[PoseRunner, dict[str, float]]:
    """Test the checkpoint ``cfg.load_from``.

    Returns:
        The runner, whose metrics hold one row a face, and the numbers by name.
    """
    runner = build_runner(cfg)
    runner.register_hook(FoldNormsHook())
    return runner, runner.test()


def row_metrics(runner: PoseRunner) -> list[RowMetric]:
    """The metrics of a test run that keep rows."""
    metrics = runner.test_loop.evaluator.metrics
    return [metric for metric in metrics if isinstance(metric, RowMetric)]


def format_table(metrics: Sequence[RowMetric]) -> Table:
    """Lay out the numbers of a test run: one line a number and subset."""
    table = Table()
    for name in ('metric', 'set', 'value', 'normaliser', 'faces', 'points'):
        table.add_column(name, justify='right' if name in ('value', 'faces', 'points') else 'left')
    for metric in metrics:
        for score in metric.scores:
            value = f'{score.value:.4f}'
            if score.name in _FRACTIONS:
                value = f'{100 * score.value:.3f} %'
            subset = score.subset or 'full'
            counts = (str(score.faces), str(score.points))
            table.add_row(score.name, subset, value, metric.normaliser, *counts)
    return table


def write_json(path: str, content: Any) -> None:
    """Write numbers, lists and arrays as JSON, making the folder where it is missing."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(json_tricks.dumps(content, primitives=True, indent=1) + '\n')


@errors_in_one_line
def main(argv: Sequence[str] | None = None) -> None:
    """Run ``tools/test.py``."""
    args = parse_args(argv)
    cfg = merge_args(load_config(args.config, args.cfg_options), args)
    with trusting(trusted_checkpoint(cfg, args)):
        runner, numbers = test(cfg)
    if not is_main_process():
        return
    metrics = row_metrics(runner)
    flip_test = bool((cfg.model.get('test_cfg') or {}).get('flip_test', False))
    # Wide enough for whole paths and names where the output is not a terminal.
    console = Console(soft_wrap=True) if Console().is_terminal else Console(width=160)
    precision = ', half precision' if cfg.test_cfg.get('fp16') else ''
    print(f'{args.checkpoint}, flip test {"on" if flip_test else "off"}{precision}')
    console.print(format_table(metrics))
    if args.out:
        write_json(args.out, numbers)
    if args.dump and args.dump.endswith('.json'):
        content = {'config': args.config, 'checkpoint': args.checkpoint, 'metrics': numbers}
        write_json(args.dump, {**content, 'faces': metrics[0].rows if metrics else []})
