"""Training from a config."""

from __future__ import annotations

import argparse
import os
import os.path as osp
import re
import shlex
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmpose_lite import apis, checkpoints
from mmpose_lite.errors import InputError
from mmpose_lite.utils.paths import check_checkpoint, check_folder, find_config

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
)

if TYPE_CHECKING:
    from mmengine.config import Config

# The backend of each, and the package that it needs.
_BACKENDS: dict[str, tuple[str, str | None]] = {
    'tensorboard': ('TensorboardVisBackend', 'tensorboard'),
    'csv': ('CsvVisBackend', None),
    'wandb': ('WandbVisBackend', 'wandb'),
    'mlflow': ('MLflowVisBackend', 'mlflow'),
}
_NEEDS = ('model', 'train_dataloader', 'train_cfg', 'optim_wrapper')


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command."""
    parser = CommandParser(prog='mmpose-lite train', description='Train a model from a config.')
    add_config_argument(parser)
    parser.add_argument(
        '--work-dir', help='folder of logs and checkpoints (default work_dirs/NAME of the config)'
    )
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CKPT',
        help='continue from this checkpoint, or from the latest in this folder; without a value, '
        'from the latest in the work dir, or start from the '
        "beginning if there is none; 'latest' requires one",
    )
    parser.add_argument(
        '--overwrite',
        action='store_true',
        help='delete the checkpoints of an earlier training in the work dir instead of moving them '
        'to `previous`',
    )
    parser.add_argument(
        '--resume-settings',
        choices=('checkpoint', 'config'),
        help='on --resume, take the learning rate, other optimizer settings and schedules from the '
        'checkpoint (default) or from the config',
    )
    parser.add_argument(
        '--no-validate', action='store_true', help='do not validate during training'
    )
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help="scale the learning rate from the config's batch size to the actual one",
    )
    add_log_argument(parser)
    add_shared_arguments(parser)
    return parser


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    return parse_with_one_file(make_parser(), argv, 'resume')


def merge_args(cfg: Config, args: argparse.Namespace) -> Config:
    """Write the arguments into a config.

    Raises:
        InputError: If ``--auto-scale-lr`` is asked for and the config names no base batch,
            ``--log`` for what is not installed, or ``--overwrite`` with ``--resume``.
    """
    apply_shared_arguments(cfg, args)
    if args.amp:
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
    if args.resume in ('auto', 'latest'):
        cfg.resume = True if args.resume == 'auto' else 'latest'
        cfg.load_from = None
    elif args.resume is not None:
        cfg.resume, cfg.load_from = True, args.resume
    if args.resume_settings is not None:
        cfg.resume_settings = args.resume_settings
    if args.overwrite:
        cfg.overwrite = True
    if cfg.get('overwrite') and cfg.get('resume'):
        raise InputError('--overwrite removes the checkpoints that --resume starts from: use one')
    add_log_backends(cfg, args.log)
    if args.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
        hook_settings(cfg, 'checkpoint', 'CheckpointHook').pop('save_best', None)
    if args.auto_scale_lr:
        if not cfg.get('auto_scale_lr', {}).get('base_batch_size'):
            raise InputError(f'--auto-scale-lr: {args.config} has no auto_scale_lr.base_batch_size')
        cfg.auto_scale_lr.enable = True
    return cfg


def add_log_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--log``: where the numbers of a training go beside its log."""
    parser.add_argument(
        '--log',
        nargs='+',
        action='extend',
        choices=_BACKENDS,
        default=[],
        metavar='WHERE',
        help='also log to one or several of tensorboard, csv, wandb, mlflow',
    )


def add_log_backends(cfg: Config, names: list[str]) -> None:
    """Give a config's visualizer the backends that ``--log`` asks for.

    Args:
        cfg: The config; its ``work_dir`` is decided.
        names: Of ``tensorboard``, ``csv``, ``wandb`` and ``mlflow``.

    Raises:
        InputError: If a package is not installed; the message has the command that installs it.
    """
    for name in names:
        package = _BACKENDS[name][1]
        if package is not None and find_spec(package) is None:
            raise InputError(f'--log {name}: the package is not installed: pip install {package}')
    if not names:
        return
    from mmengine.config import ConfigDict

    visualizer = cfg.setdefault('visualizer', ConfigDict(type='PoseLocalVisualizer'))
    backends = list(visualizer.get('vis_backends') or [{'type': 'LocalVisBackend'}])
    present = {backend.get('type') for backend in backends}
    for name in dict.fromkeys(names):
        if _BACKENDS[name][0] not in present:
            backends.append({'type': _BACKENDS[name][0], **_settings(name, cfg)})
    visualizer.vis_backends = backends


def _settings(name: str, cfg: Config) -> dict[str, Any]:
    run = osp.basename(osp.normpath(cfg.work_dir))
    if name == 'csv':
        return {'save_dir': cfg.work_dir, 'resume': bool(cfg.get('resume'))}
    if name == 'wandb':
        project = os.environ.get('WANDB_PROJECT', 'mmpose_lite')
        return {'init_kwargs': {'project': project, 'name': run}}
    if name == 'mlflow':
        folder = Path(cfg.work_dir).absolute()
        store = os.environ.get('MLFLOW_TRACKING_URI', f'sqlite:///{folder}/mlflow.db')
        # Folders without a database are what MLflow no longer takes; the work dir is not copied.
        return {
            'exp_name': run,
            'tracking_uri': store,
            'artifact_location': (folder / 'mlflow').as_uri(),
            'artifact_suffix': (),
        }
    return {}


@errors_in_one_line
def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    args = parse_args(argv)
    if args.work_dir:
        check_folder(args.work_dir)
    find_config(args.config)
    if args.resume not in (None, 'auto', 'latest'):
        check_checkpoint(args.resume)
    load_libraries('mmpose_lite.apis.training')
    from mmpose_lite.apis.training import dry_run

    with ending_process():
        cfg = merge_args(apis.load_config(args.config, args.cfg_options, _NEEDS), args)
        with checkpoints.trusting(*trusted_checkpoints(cfg, args)):
            if args.dry_run:
                dry_run(cfg, 'train')
            else:
                _print_next(apis.train(cfg), args)


# Options that a test has no use for.
_OF_TRAINING = ('train_cfg', 'optim_wrapper', 'param_scheduler', 'load_from')


def _print_next(runner: Any, args: argparse.Namespace) -> None:
    """Print the command that tests what a run has trained, where a screen is meant for people."""
    from mmpose_lite.checkpoints.latest import BEST
    from mmpose_lite.engine.run_log import screen_of

    hook, console = getattr(runner, 'checkpoint_hook', None), screen_of(runner)
    if hook is None or console is None:
        return
    folder = hook.folder_of(runner.work_dir)
    names = [BEST if hook.save_best else '', osp.basename(hook.last_ckpt or '')]
    files = [path for name in names if osp.isfile(path := osp.relpath(osp.join(folder, name)))]
    options = getattr(args, 'option_words', [])
    options = [each for each in options if re.split('[.=]', each)[0] not in _OF_TRAINING]
    for file in files[:1]:
        words = ['mmpose-lite', 'test', args.config, file]
        words += ['--cfg-options', *options] if options else []
        console.print(f'next: {shlex.join(words)}', markup=False, soft_wrap=True)
