"""What a checkpoint holds of a run, and how a run takes it back."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

import mmengine
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmpose_lite import __version__
from mmpose_lite.utils import InputError
from mmpose_lite.utils.tensor_utils import to_cpu

from .rank_state import restore_rank_state


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
        optimizer: Whether the optimizer's state goes in.
        schedulers: Whether that of the schedulers goes in.

    Returns:
        ``meta``, ``state_dict``, ``message_hub``, ``position`` and, where they are asked for,
        ``optimizer`` and ``param_schedulers``; all tensors on the CPU.
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
        },
        'state_dict': model.state_dict(),
        'message_hub': runner.message_hub.state_dict(),
        'position': {**asdict(position), 'global_batch': _global_batch(runner)},
    }
    metainfo = getattr(runner.train_dataloader.dataset, 'metainfo', None)
    if metainfo is not None:
        checkpoint['meta']['dataset_meta'] = metainfo
    if optimizer:
        checkpoint['optimizer'] = runner.optim_wrapper.state_dict()
    if schedulers and runner.param_schedulers is not None:
        checkpoint['param_schedulers'] = _states(runner.param_schedulers)
    return to_cpu(checkpoint)


def restore_run(
    runner: Runner, checkpoint: dict[str, Any], name: str, *, optimizer: bool, schedulers: bool
) -> None:
    """Give a run back what :func:`capture_run` described; its weights are loaded already.

    Args:
        runner: The runner, which is built.
        checkpoint: A checkpoint of this package, or of mmengine's, which is at the start of an
            epoch.
        name: The file, for messages.
        optimizer: Whether the optimizer's state is taken.
        schedulers: Whether that of the schedulers is.

    Raises:
        InputError: If it lacks what a run needs to go on, or is inside an epoch of batches of
            another size.
    """
    missing = [key for key in ('meta', 'message_hub') if key not in checkpoint]
    missing += ['optimizer'] if optimizer and 'optimizer' not in checkpoint else []
    if missing:
        raise InputError(
            f"checkpoint '{name}' has no {' and no '.join(missing)}: no run can go on from it; "
            'load_from starts a new one from its weights'
        )
    position = _read_position(checkpoint, _global_batch(runner), name)
    try:
        random = _restore(runner, checkpoint, name, optimizer, schedulers)
    except InputError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise InputError(
            f"checkpoint '{name}' does not fit this run: {type(error).__name__}: {error}"
        ) from error
    runner.train_loop.resume(position, random)
    where = f'epoch {position.epoch + 1}'
    if position.batch:
        where += f', batch {position.batch + 1}'
    runner.logger.info(f"goes on from '{name}': {position.iter} iterations are done, {where} next")


def _restore(
    runner: Runner, checkpoint: dict[str, Any], name: str, optimizer: bool, schedulers: bool
) -> dict[str, Any] | None:
    """All but weights and position; returns the state of the generators."""
    seed = checkpoint['meta'].get('seed')
    if seed is not None and seed != runner.seed:
        runner.logger.warning(f"'{name}' was trained with seed {seed}, this run has {runner.seed}")
    runner.message_hub.load_state_dict(checkpoint['message_hub'])
    runner.message_hub.update_info('cfg', runner.cfg.pretty_text)
    if optimizer:
        runner.optim_wrapper.load_state_dict(checkpoint['optimizer'])
    if schedulers and runner.param_schedulers is not None:
        _load_states(runner.param_schedulers, checkpoint.get('param_schedulers', []))
    if 'ranks' not in checkpoint:
        return None
    return restore_rank_state(runner, checkpoint['ranks'])


def _read_position(checkpoint: dict[str, Any], global_batch: int, name: str) -> Position:
    stored = {key: checkpoint['meta'].get(key) for key in ('epoch', 'iter')}
    stored.update(checkpoint.get('position', {}))
    before = stored.pop('global_batch', global_batch)
    for key, value in stored.items():
        known = key in Position.__dataclass_fields__
        if not (known and isinstance(value, int) and value >= 0):
            raise InputError(f"checkpoint '{name}': position.{key}={value!r} is no position")
    position = Position(**stored)
    if position.batch and before != global_batch:
        raise InputError(
            f"checkpoint '{name}' is inside an epoch of batches of {before} faces over all "
            f'processes, this run has {global_batch}: go on with the same, or from the end of an '
            'epoch'
        )
    return position


def _global_batch(runner: Runner) -> int:
    return runner.world_size * (runner.train_dataloader.batch_size or 1)


def _states(schedulers: Any) -> Any:
    if isinstance(schedulers, dict):
        return {name: _states(each) for name, each in schedulers.items()}
    return [each.state_dict() for each in schedulers]


def _load_states(schedulers: Any, states: Any) -> None:
    if isinstance(schedulers, dict):
        for name, each in schedulers.items():
            _load_states(each, states[name])
        return
    for scheduler, state in zip(schedulers, states, strict=True):
        scheduler.load_state_dict(state)
        # mmengine warns of schedulers that step before their optimizer has; this one has.
        scheduler.optimizer._global_step = 0
