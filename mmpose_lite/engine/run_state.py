"""The content of checkpoints."""

from __future__ import annotations

import os.path as osp
import time
from dataclasses import asdict, dataclass
from typing import Any

import mmengine
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapperDict
from mmengine.runner import Runner

from mmpose_lite import __version__
from mmpose_lite.engine.hook_memory import hook_states
from mmpose_lite.engine.schedulers import scheduler_states, scheduler_types
from mmpose_lite.utils.tensor_utils import to_cpu


@dataclass
class Position:
    """Where a training is.

    Attributes:
        epoch: Epochs that are over.
        iter: Iterations that are over.
        batch: Batches of the current epoch that are over.
        validated: Whether the validation that was due after them is over too.
    """

    epoch: int = 0
    iter: int = 0
    batch: int = 0
    validated: bool = True


def position_of(runner: Runner, by_epoch: bool = False) -> Position:
    """Where a training is, as a hook sees it.

    A loop of others tells it by mmengine's counters, which are one behind at the end of an epoch
    or iteration.
    """
    loop = runner.train_loop
    if hasattr(loop, 'position'):
        return loop.position
    return Position(loop.epoch + by_epoch, loop.iter + (not by_epoch))


def capture_run(
    runner: Runner, position: Position, *, optimizer: bool, schedulers: bool
) -> dict[str, Any]:
    """Describe a run as mmengine's checkpoints do, and its position.

    Args:
        runner: The runner.
        position: Where it is.
        optimizer: Whether a run can go on from it: the optimizer's state and the memory of hooks
            go in.
        schedulers: Whether the states of the schedulers go in.

    Returns:
        ``meta``, ``state_dict``, ``message_hub``, ``position`` and, where they are asked for,
        ``optimizer``, ``hooks`` and ``param_schedulers``; all tensors on the CPU.
    """
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    checkpoint = {
        'meta': {
            'epoch': position.epoch,
            'iter': position.iter,
            'cfg': runner.cfg.pretty_text,
            'seed': runner.seed,
            'experiment_name': runner.experiment_name,
            'time': time.strftime('%Y%m%d_%H%M%S'),
            'mmengine_version': mmengine.__version__,
            'mmpose_lite': __version__,
            'trained_with': describe_training(runner),
        },
        'state_dict': model.state_dict(),
        'message_hub': runner.message_hub.state_dict(),
        'position': {
            **asdict(position),
            'global_batch': global_batch(runner),
            'stopped': bool(getattr(runner.train_loop, 'stop_training', False)),
        },
    }
    metainfo = getattr(runner.train_dataloader.dataset, 'metainfo', None)
    if metainfo is not None:
        checkpoint['meta']['dataset_meta'] = metainfo
    if optimizer:
        checkpoint['optimizer'] = runner.optim_wrapper.state_dict()
        checkpoint['hooks'] = hook_states(runner.hooks)
    if schedulers and runner.param_schedulers is not None:
        checkpoint['param_schedulers'] = scheduler_states(runner.param_schedulers)
    return to_cpu(checkpoint)


def describe_training(runner: Runner) -> dict[str, Any]:
    """Plain facts of what a run is trained with, which a run that goes on is compared with.

    Returns:
        ``optimizer`` and ``schedulers``, names of classes; ``accumulative_counts``; ``data``:
        the class and file of the training set (from its root), its number of faces, and the
        batches of an epoch.
    """
    loader = runner.train_dataloader
    wrappers = optim_wrappers(runner).values()
    return {
        'optimizer': [type(each.optimizer).__name__ for each in wrappers],
        'schedulers': scheduler_types(runner.param_schedulers or []),
        'accumulative_counts': [getattr(each, '_accumulative_counts', 1) for each in wrappers],
        'data': {
            'dataset': type(loader.dataset).__name__,
            'ann_file': ', '.join(_annotation_files(loader.dataset)),
            'faces': len(loader.dataset),
            'batch': global_batch(runner),
            'batches': len(loader),
        },
    }


def optim_wrappers(runner: Runner) -> dict[str, Any]:
    """The optimizer's wrapper as ``''``, or several by their names."""
    wrapper = runner.optim_wrapper
    return dict(wrapper.items()) if isinstance(wrapper, OptimWrapperDict) else {'': wrapper}


def global_batch(runner: Runner) -> int:
    """Faces in a batch over all processes."""
    return runner.world_size * (runner.train_dataloader.batch_size or 1)


def _annotation_files(dataset: Any) -> list[str]:
    """The files of a data set and of those it is made of, from its root if they lie below it."""
    parts = [name for each in getattr(dataset, 'datasets', ()) for name in _annotation_files(each)]
    file = getattr(dataset, 'ann_file', None)
    if not isinstance(file, str) or not file:
        return parts
    root = getattr(dataset, 'data_root', None) or ''
    below = osp.relpath(file, root) if root and osp.isabs(file) == osp.isabs(root) else file
    return [file if below.startswith('..') else below, *parts]
