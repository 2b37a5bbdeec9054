"""Runs without a network: the hook that saves checkpoints, and three numbers for weights."""

import os
from dataclasses import asdict
from types import SimpleNamespace

import torch
from mmengine.logging import MessageHub

from mmpose_lite.checkpoints import read_checkpoint
from mmpose_lite.checkpoints.latest import find_latest
from mmpose_lite.checkpoints.writing import write_checkpoint
from mmpose_lite.engine.hooks import CheckpointHook
from mmpose_lite.engine.run_state import Position

BATCHES = 4  # of an epoch


class Run:
    """Stand in for the runner that the hook is given, with three numbers for weights."""

    rank, world_size, is_training = 0, 1, True
    max_epochs = 100

    def __init__(self, folder, best):
        self.work_dir = str(folder)
        self.best = best  # the last epoch that is better than all before
        self.warnings = []
        self.logger = SimpleNamespace(info=lambda text, **_: None, warning=self.warnings.append)
        self.message_hub = MessageHub('run')
        self.train_loop = SimpleNamespace(position=Position())
        self.resumed_from = None
        self.cfg, self.timestamp = {}, 'now'
        self.epoch = 0  # as mmengine counts: within the hooks of an epoch's end it is not over yet

    def save_checkpoint(self, folder, name, save_optimizer, **options):
        position = self.train_loop.position
        content = {
            'meta': {'mmpose_lite': '0', 'iter': position.iter},
            'position': asdict(position),
            'state_dict': {'weight': torch.full((3,), float(position.epoch))},
            'message_hub': {'runtime_info': dict(self.message_hub.runtime_info)},
        }
        write_checkpoint(content, os.path.join(folder, name), resumable=save_optimizer)


def begin(folder, keep, best, resume=True, **settings):
    """Begin a run, or resume the one that is there, as the runner does."""
    run = Run(folder, best)
    run.cfg.update(settings)
    hook = CheckpointHook(interval=1, save_best='NME', rule='less', max_keep_ckpts=keep)
    path = find_latest(str(folder), run.logger.warning) if resume else None
    if path:
        content = read_checkpoint(path)
        run.resumed_from = path
        run.message_hub.runtime_info.update(content['message_hub']['runtime_info'])
        run.train_loop.position = Position(**content['position'])
    hook.before_train(run)
    if not run.train_loop.position.validated:
        validate(run, hook)
    return run, hook


def train_epoch(run, hook):
    """Call the hook at the end of an epoch and after the validation that follows."""
    epoch = run.train_loop.position.epoch + 1
    run.train_loop.position = Position(epoch, epoch * BATCHES, validated=False)
    run.epoch = epoch - 1
    hook.after_train_epoch(run)
    validate(run, hook)


def validate(run, hook):
    """End a validation: let the hook save the best checkpoint."""
    run.epoch = run.train_loop.position.epoch
    run.train_loop.position.validated = True
    hook._save_best_checkpoint(run, {'NME': 1 / min(run.epoch, run.best)})


def train(folder, keep, best, epochs, **options):
    """Train up to a number of epochs; return the run."""
    run, hook = begin(folder, keep, best, **options)
    while run.train_loop.position.epoch < epochs:
        train_epoch(run, hook)
    return run


def names_of(folder):
    """Map the files of a folder to contents, and its checkpoints to their epochs."""
    found = {path.name: path.read_text() for path in folder.glob('last_*')}
    found = {name: os.path.basename(text) for name, text in found.items()}
    epochs = {
        path.name: read_checkpoint(str(path))['position']['epoch'] for path in folder.glob('*.pth')
    }
    parts = [path.name for path in folder.glob('.*')]
    return {**found, **epochs, **dict.fromkeys(parts, 'part')}
