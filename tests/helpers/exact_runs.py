"""Tiny trainings that can be interrupted, and digests of their checkpoints."""

import hashlib
import json
import os
import random
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.logging import HistoryBuffer

from helpers.data_factory import make_face_set, write_tiny_config
from mmpose_lite.apis.config import load_config
from mmpose_lite.checkpoints import read_checkpoint
from mmpose_lite.engine import PoseRunner

# Of a run's time, not of its result.
_CLOCKS = ('time', 'data_time', 'memory', 'eta')
_OF_THE_RUN = (
    *('cfg', 'eta', 'experiment_name', 'mmengine_version'),  # with the commit of the folder
    *('last_ckpt', 'best_ckpt', 'kept_checkpoints'),
)

AUGMENTED = [
    {'type': 'LoadImage'},
    {'type': 'GetBBoxCenterScale'},
    {'type': 'RandomFlip', 'direction': 'horizontal'},
    {'type': 'RandomBBoxTransform', 'rotate_factor': 60, 'scale_factor': (0.75, 1.25)},
    {'type': 'TopdownAffine', 'input_size': (64, 64)},
]

WITH_EMA = {
    'custom_hooks': [
        {'type': 'EMAHook', 'ema_type': 'ExpMomentumEMA', 'update_buffers': True, 'momentum': 0.1}
    ]
}
BY_ITERATION = {
    'train_cfg': {'_delete_': True, 'by_epoch': False, 'max_iters': 12, 'val_interval': 4},
    'train_dataloader__sampler__type': 'InfiniteSampler',
    'default_hooks__checkpoint__by_epoch': False,
    'default_hooks__checkpoint__interval': 4,
}


class DrawHook(Hook):
    """Draw from each global generator, as a model with dropout or a user's hook would."""

    def draw(self, runner):
        drawn = random.random() + np.random.rand() + float(torch.rand(()))
        runner.message_hub.update_scalar('train/drawn', drawn)

    def after_train_iter(self, runner, **kwargs):
        self.draw(runner)

    def after_val_iter(self, runner, **kwargs):
        self.draw(runner)


def make_config(folder: Path, **options: Any):
    """The tiny AFLW config: 3 epochs of 4 iterations of 4 faces, augmented, with validation.

    Args:
        folder: Where the faces go, once, and the config.
        options: Overrides, with ``__`` for the dots of their keys.
    """
    if not (folder / 'data').exists():
        make_face_set(folder / 'data', train=16, test=5)
    base = write_tiny_config(folder, folder / 'data')
    codec = {'type': 'MSRAHeatmap', 'input_size': (64, 64), 'heatmap_size': (16, 16), 'sigma': 1}
    targets = {'type': 'GenerateTarget', 'encoder': codec}
    pipeline = [*AUGMENTED, targets, {'type': 'PackPoseInputs'}]
    settings = {
        'train_cfg.max_epochs': 3,
        'train_dataloader.batch_size': 4,
        'train_dataloader.dataset.pipeline': pipeline,
        'param_scheduler': [
            {'type': 'LinearLR', 'by_epoch': False, 'begin': 0, 'end': 6, 'start_factor': 0.1},
            {'type': 'MultiStepLR', 'begin': 0, 'end': 3, 'milestones': [1, 2]},
        ],
        'default_hooks.logger.interval': 2,
        # Merging takes `_delete_` out of them.
        **{key.replace('__', '.'): deepcopy(value) for key, value in options.items()},
    }
    return load_config(str(base), settings)


def train(cfg, work_dir: Path, *, resume: bool = False, hook: Any = None) -> PoseRunner:
    """Train in a folder, or resume the run that is there."""
    cfg = cfg.copy()
    cfg.work_dir, cfg.resume = str(work_dir), resume
    runner = PoseRunner.from_cfg(cfg)
    runner.register_hook(DrawHook())
    if hook is not None:
        runner.register_hook(hook, priority='LOWEST')
    runner.train()
    return runner


def last_checkpoint(work_dir: Path) -> Path:
    """The checkpoint that a run has pointed to last."""
    return work_dir / os.path.basename((work_dir / 'last_checkpoint').read_text())


def contents(work_dir: Path) -> dict[str, Any]:
    """Map each file of a run to nothing, each checkpoint to its digests, and name the last one."""
    files = [path for path in sorted(work_dir.iterdir()) if path.is_file() and path.suffix != '.py']
    found: dict[str, Any] = {path.name: '' for path in files}
    found |= {path.name: digests(path) for path in files if path.suffix == '.pth'}
    return {**found, 'last_checkpoint': last_checkpoint(work_dir).name}


def digests(path: Path) -> dict[str, str]:
    """SHA-256 of each part of a checkpoint; equal ones are of equal runs."""
    content = read_checkpoint(str(path))
    hub = content.pop('message_hub')
    hub['log_scalars'] = {
        name: value
        for name, value in hub['log_scalars'].items()
        if not name.split('/')[-1].startswith(_CLOCKS)
    }
    info = hub['runtime_info']
    hub['runtime_info'] = {k: v for k, v in info.items() if not k.startswith(_OF_THE_RUN)}
    hub.pop('resumed_keys')
    meta = {key: content['meta'][key] for key in ('epoch', 'iter', 'seed')}
    parts = {**content, 'meta': meta, 'logs': hub}
    return {name: _digest(part) for name, part in parts.items()}


def _digest(value: Any) -> str:
    found = hashlib.sha256()
    _feed(found, value)
    return found.hexdigest()


def _feed(found: Any, value: Any) -> None:
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray):
        found.update(f'{value.dtype}{value.shape}'.encode() + np.ascontiguousarray(value).tobytes())
    elif isinstance(value, HistoryBuffer):
        _feed(found, list(value.data))
    elif isinstance(value, dict):
        for key in sorted(value, key=str):
            found.update(str(key).encode())
            _feed(found, value[key])
    elif isinstance(value, list | tuple):
        found.update(f'[{len(value)}'.encode())
        for each in value:
            _feed(found, each)
    else:
        found.update(json.dumps(value).encode())
