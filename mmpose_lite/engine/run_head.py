"""The head of a run: a few lines that say what was built."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from mmengine.device import get_device
from mmengine.dist import get_world_size, is_main_process
from mmengine.runner import BaseLoop, EpochBasedTrainLoop, Runner
from torch import nn

from mmpose_lite.errors import counted
from mmpose_lite.utils.tensor_utils import unwrap_model

from .optim_wrappers import default_amp_dtype
from .preflight import is_warm_up, learning_rates
from .run_state import global_batch, optim_wrappers
from .scheduler_states import pairs_of

_ROLES = {'train': 'training', 'val': 'validation', 'test': 'the test'}
_PARTS = ('backbone', 'neck', 'head')


def describe_run(runner: Runner, work_dir: str | None = None) -> list[str]:
    """Describe a run whose loops are built, a line a fact.

    Args:
        runner: Its runner. What is built of training, validation and test is described.
        work_dir: The folder to name where it is not the runner's.

    Returns:
        Lines such as ``device    cpu, 2 threads; float32``.
    """
    loops = {role: loop for role in _ROLES if (loop := _loop_of(runner, role)) is not None}
    facts = {
        'data': _data(runner, loops),
        'network': _network(runner, loops),
        'weights': _weights(runner),
        'device': _device(runner, loops),
    }
    if 'train' in loops:
        facts |= _training(runner, loops)
    elif loops:
        facts['batch'] = _faces(next(iter(loops.values())))
    if 'train' in loops or work_dir:
        facts['work dir'] = _from_here(work_dir or runner.work_dir)
    width = max(map(len, facts))
    return [f'{name:<{width}}  {fact}' for name, fact in facts.items()]


def _from_here(folder: str) -> str:
    """A folder, relative to the working directory if it is below that."""
    path, here = Path(folder).absolute(), Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else folder


def _loop_of(runner: Runner, role: str) -> Any:
    loop = getattr(runner, f'_{role}_loop', None)
    return loop if isinstance(loop, BaseLoop) else None


def _metainfo(loops: dict[str, Any]) -> dict[str, Any]:
    dataset = next(iter(loops.values())).dataloader.dataset if loops else None
    return dict(getattr(dataset, 'metainfo', None) or {})


def _data(runner: Runner, loops: dict[str, Any]) -> str:
    counts = {role: f'{len(loop.dataloader.dataset):,}' for role, loop in loops.items()}
    if 'val' in counts and 'test' not in counts and _is_shared(runner):
        counts['test'] = counts['val']
    parts = [f'{count} for {_ROLES[role]}' for role, count in counts.items()]
    name = _metainfo(loops).get('dataset_name', 'faces')
    return f'{name}, faces: {", ".join(parts)}'


def _is_shared(runner: Runner) -> bool:
    """Tell whether the test is on the faces of the validation."""
    tested, validated = (
        (runner.cfg.get(f'{role}_dataloader') or {}).get('dataset') for role in ('test', 'val')
    )
    return tested is not None and tested == validated


def _network(runner: Runner, loops: dict[str, Any]) -> str:
    model = unwrap_model(runner.model)
    found = [getattr(model, part, None) for part in _PARTS]
    names = [type(part).__name__ for part in found if isinstance(part, nn.Module)]
    count = sum(parameter.numel() for parameter in model.parameters())
    text = f'{", ".join(names or [type(model).__name__])}: {count / 1e6:.2f} million parameters'
    points = _metainfo(loops).get('num_keypoints')
    if points:
        text += f'; {points} points'
    size = getattr(getattr(getattr(model, 'head', None), 'decoder', None), 'input_size', None)
    if size is not None:
        text += f'{"" if points else ";"} in crops of {size[0]}x{size[1]}'
    return text


def _weights(runner: Runner) -> str:
    resumed = getattr(runner, 'resumed_from', None)
    if resumed:
        return f"of '{resumed}', resumed after iteration {runner.iter:,}"
    loaded = getattr(runner, '_load_from', None)
    if loaded:
        return f"of '{loaded}'"
    started = list(dict.fromkeys(_pretrained(unwrap_model(runner.model))))
    return f'pretrained: {", ".join(started)}' if started else 'random'


def _pretrained(model: nn.Module) -> Iterator[str]:
    """The checkpoints that parts of a model start from."""
    for module in model.modules():
        settings = getattr(module, 'init_cfg', None)
        for each in settings if isinstance(settings, list) else [settings]:
            if isinstance(each, dict) and each.get('type') == 'Pretrained':
                yield str(each.get('checkpoint'))


def _device(runner: Runner, loops: dict[str, Any]) -> str:
    device, processes = get_device(), get_world_size()
    name = torch.cuda.get_device_name() if device == 'cuda' else device
    text = f'{name}, {counted(torch.get_num_threads(), "thread")}'
    if processes > 1:
        text += f' in each of {processes} processes'
    return f'{text}; {_precision(runner, loops, device)}'


def _precision(runner: Runner, loops: dict[str, Any], device: str) -> str:
    dtype = None
    if 'train' in loops:
        dtype = next(
            (getattr(each, 'cast_dtype', None) for each in optim_wrappers(runner).values()), None
        )
    elif any(getattr(loop, 'fp16', False) for loop in loops.values()):
        dtype = default_amp_dtype(device)
    return 'float32' if dtype is None else f'{str(dtype).removeprefix("torch.")}, mixed'


def _faces(loop: Any) -> str:
    """The size of a batch, of all processes."""
    each, processes = loop.dataloader.batch_size or 1, get_world_size()
    parts = f' ({processes} processes of {each})' if processes > 1 else ''
    return f'{counted(each * processes, "face")}{parts}'


def _training(runner: Runner, loops: dict[str, Any]) -> dict[str, str]:
    loop = loops['train']
    by_epoch, length = isinstance(loop, EpochBasedTrainLoop), counted(loop.max_iters, 'iteration')
    if by_epoch:
        each, epochs = len(loop.dataloader), counted(loop.max_epochs, 'epoch')
        length = f'{counted(each, "iteration")} an epoch, {epochs}: {length}'
    checks = 'none'
    if 'val' in loops:
        unit, interval = 'epoch' if by_epoch else 'iteration', loop.val_interval
        checks = f'after every {unit if interval == 1 else counted(interval, unit)}'
        best = getattr(getattr(runner, 'checkpoint_hook', None), 'save_best', None)
        names = [best] if isinstance(best, str) else best or []
        checks += f', the best by {", ".join(names)}' if names else ''
    return {
        'batch': f'{_faces(loop)}; {length}',
        **_memory(loop),
        'lr': _learning_rate(runner),
        'warm-up': ', '.join(_warm_ups(runner, loop)) or 'none',
        'validation': checks,
    }


def _memory(loop: Any) -> dict[str, str]:
    """The memory of a step, where there is an estimate; the first process has the screen."""
    estimate = getattr(loop, 'memory', None) if is_main_process() else None
    faces = loop.dataloader.batch_size
    return {'memory': estimate.describe(faces)} if estimate is not None else {}


def _learning_rate(runner: Runner) -> str:
    """The learning rate, and what has scaled it, or should."""
    rates = sorted(learning_rates(runner))
    optimizers = dict.fromkeys(
        type(each.optimizer).__name__ for each in optim_wrappers(runner).values()
    )
    text = f'{", ".join(f"{rate:g}" for rate in rates)} ({", ".join(optimizers)})'
    settings = runner.auto_scale_lr or {}
    base = settings.get('base_batch_size')
    actual = global_batch(runner)
    if not base or base == actual or len(rates) != 1:
        return text
    if settings.get('enable', False):
        return f'{text}: {rates[0] * base / actual:.4g} for a batch of {base}, scaled to {actual}'
    scaled = rates[0] * actual / base
    return f'{text}, meant for a batch of {base}: --auto-scale-lr makes it {scaled:.4g}'


def _warm_ups(runner: Runner, loop: Any) -> Iterator[str]:
    schedulers = runner.param_schedulers or []
    for scheduler in (each for _, each, _ in pairs_of(schedulers, schedulers) if is_warm_up(each)):
        length = loop.max_epochs if scheduler.by_epoch else loop.max_iters
        unit = 'epoch' if scheduler.by_epoch else 'iteration'
        steps = scheduler.end - scheduler.begin
        yield f'{steps:,} of {counted(length, unit)} ({100 * steps / length:.3g} %)'
