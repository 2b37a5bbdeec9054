"""What the log of a run says before the run begins."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from mmengine.hooks import Hook, LoggerHook
from mmengine.runner import BaseLoop, Priority

from mmpose_lite.utils.collect_env import describe_devices, installed_versions


def environment_text() -> str:
    """Describe the command, the machine and the versions of what the package uses.

    mmengine's description imports torchvision, and with it torch's compiler, for its version.
    """
    facts = {
        'Command': ' '.join(sys.argv),
        'Python': sys.version.replace('\n', ''),
        'Platform': platform.platform(),
        **installed_versions(),
        'Devices': describe_devices(),
        'Threads': torch.get_num_threads(),
        'torch is built with': _build(),
    }
    return lines(facts)


def lines(facts: Mapping[str, Any]) -> str:
    """Lay out facts: an indented line each, which begins a new one."""
    return ''.join(f'\n    {name}: {value}' for name, value in facts.items())


def training_facts(cfg: Mapping[str, Any], processes: int) -> dict[str, Any]:
    """The learning rate of a config and the batch that it is meant for, beside that of the run.

    Returns:
        ``training: lr``, ``training: base batch`` and ``training: batch``, as far as the config
        says them.
    """
    loader, wrapper = cfg.get('train_dataloader'), cfg.get('optim_wrapper')
    if not isinstance(loader, Mapping) or not isinstance(wrapper, Mapping):
        return {}
    scaling = cfg.get('auto_scale_lr') or {}
    optimizer = wrapper.get('optimizer')
    facts = {
        'lr': optimizer.get('lr') if isinstance(optimizer, Mapping) else None,
        'base batch': scaling.get('base_batch_size'),
        'batch': processes * loader.get('batch_size', 1),
    }
    if facts['lr'] is not None and scaling.get('enable'):
        facts['lr'] = f'{facts["lr"]}, which is scaled from the base batch to the batch'
    return {f'training: {name}': fact for name, fact in facts.items() if fact is not None}


def hooks_text(hooks: Iterable[Hook]) -> str:
    """List hooks in their order, then who acts at each stage of a run."""
    hooks = list(hooks)
    stages = {stage: [] for stage in Hook.stages}  # type: dict[str, list[str]]
    for hook in hooks:
        for stage in hook.get_triggered_stages():
            stages[stage].append(_name(hook))
    order = ', '.join(f'{_name(hook)} ({_priority(hook)})' for hook in hooks)
    active = {stage: ', '.join(names) for stage, names in stages.items() if names}
    return order + lines(active)


def _name(hook: Hook) -> str:
    return type(hook).__name__


def _priority(hook: Hook) -> str:
    try:
        return Priority(hook.priority).name
    except ValueError:
        return str(hook.priority)


def _build() -> str:
    """The libraries in torch and the instructions that it uses, without the compiler's flags."""
    about = (line.strip(' -') for line in torch.__config__.show().splitlines()[1:])
    return '; '.join(line for line in about if line and not line.startswith('Build settings'))


def is_logged(runner: Any, batch_idx: int) -> bool:
    """Whether mmengine's LoggerHook writes a line after a training iteration."""
    logger = next((hook for hook in runner.hooks if isinstance(hook, LoggerHook)), None)
    if logger is None:
        return False
    if logger.every_n_inner_iters(batch_idx, logger.interval):
        return True
    loader = runner.train_dataloader
    is_short = not logger.ignore_last or len(loader) <= logger.interval
    return is_short and logger.end_of_epoch(loader, batch_idx)


def is_training(runner: Any) -> bool:
    """Tell whether a runner trains, rather than validating or testing alone.

    Ours says so; of mmengine's, the training loop is built by then.
    """
    if hasattr(runner, 'is_training'):
        return bool(runner.is_training)
    return isinstance(runner._train_loop, BaseLoop)
