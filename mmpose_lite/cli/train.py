"""Training from a config."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mmpose_lite import apis, checkpoints
from mmpose_lite.errors import InputError
from mmpose_lite.utils.paths import check_checkpoint, check_folder, find_config

from .command_line import (
    add_shared_arguments,
    apply_shared_arguments,
    ending_process,
    errors_in_one_line,
    hook_settings,
    load_libraries,
    parse_with_one_file,
    trusted_checkpoints,
)
from .log_backends import add_log_argument, add_log_backends

if TYPE_CHECKING:
    from mmengine.config import Config

_NEEDS = ('model', 'train_dataloader', 'train_cfg', 'optim_wrapper')


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line of ``tools/train.py``."""
    parser = argparse.ArgumentParser(prog='train', description='Train a model from a config.')
    parser.add_argument('config', help='config file')
    parser.add_argument('--work-dir', help='folder of logs and checkpoints')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CKPT',
        help='continue from this checkpoint, or the latest of this folder; without a value, from '
        "the work dir's latest, or anew if it has none; 'latest': it must have one",
    )
    parser.add_argument(
        '--overwrite',
        action='store_true',
        help="remove an earlier training's checkpoints from the work dir, which else move to "
        '`previous` in it',
    )
    parser.add_argument(
        '--resume-settings',
        choices=('checkpoint', 'config'),
        help='whose learning rate, other settings and schedules stand where they differ; the '
        "checkpoint's by default",
    )
    parser.add_argument('--no-validate', action='store_true', help='no validation while training')
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help="scale the learning rate from the config's batch to the actual one",
    )
    add_log_argument(parser)
    add_shared_arguments(parser)
    return parse_with_one_file(parser, argv, 'resume')


def merge_args(cfg: Config, args: argparse.Namespace) -> Config:
    """Write the arguments of ``tools/train.py`` into a config.

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
        raise InputError('--overwrite removes the checkpoints that --resume goes on from: use one')
    add_log_backends(cfg, args.log)
    if args.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
        hook_settings(cfg, 'checkpoint', 'CheckpointHook').pop('save_best', None)
    if args.auto_scale_lr:
        if not cfg.get('auto_scale_lr', {}).get('base_batch_size'):
            raise InputError(f'--auto-scale-lr: {args.config} has no auto_scale_lr.base_batch_size')
        cfg.auto_scale_lr.enable = True
    return cfg


@errors_in_one_line
def main(argv: Sequence[str] | None = None) -> None:
    """Run ``tools/train.py``."""
    args = parse_args(argv)
    if args.work_dir:
        check_folder(args.work_dir)
    find_config(args.config)
    if args.resume not in (None, 'auto', 'latest'):
        check_checkpoint(args.resume)
    load_libraries('mmpose_lite.apis.training')
    with ending_process():
        cfg = merge_args(apis.load_config(args.config, args.cfg_options, _NEEDS), args)
        with checkpoints.trusting(*trusted_checkpoints(cfg, args)):
            apis.train(cfg)
