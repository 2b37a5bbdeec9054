"""The state of a run, as its checkpoints hold it: position, generators, hooks, and weights.

Checks are given what a file has and ``where``, the file and the place in it, for messages. They
raise an InputError where this run cannot have that, and change nothing.
"""

from __future__ import annotations

import io
import os.path as osp
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import mmengine
import numpy as np
import torch
from mmengine.hooks import EarlyStoppingHook, EMAHook, Hook
from mmengine.optim import OptimWrapperDict
from mmengine.runner import BaseLoop, Runner
from torch import nn

from mmpose_lite import __version__
from mmpose_lite.checkpoints.schema import COUNT, Each, Fields, Like, Number, check_form
from mmpose_lite.engine.scheduler_states import scheduler_states, scheduler_types
from mmpose_lite.errors import InputError
from mmpose_lite.utils.collectives import gather_bytes
from mmpose_lite.utils.nested_datasets import walk_datasets
from mmpose_lite.utils.tensor_utils import to_cpu, unwrap_model

_HookKind = TypeVar('_HookKind', bound=Hook)


@dataclass
class Position:
    """The position of a training.

    Attributes:
        epoch: Epochs that are over.
        iter: Iterations that are over.
        batch: Batches of the current epoch that are over.
        validated: False while a validation is due but has not begun, or was broken off.
    """

    epoch: int = 0
    iter: int = 0
    batch: int = 0
    validated: bool = True


def position_of(runner: Runner, by_epoch: bool = False) -> Position:
    """Return the position of a training, as a hook sees it.

    A loop of others tells it by mmengine's counters, which are one behind at the end of an epoch
    or iteration.
    """
    loop = runner.train_loop
    if hasattr(loop, 'position'):
        return loop.position
    return Position(loop.epoch + by_epoch, loop.iter + (not by_epoch))


def is_training(runner: Any) -> bool:
    """Tell whether a runner trains, rather than validating or testing alone.

    Ours says so; of mmengine's, the training loop is built by then.
    """
    if hasattr(runner, 'is_training'):
        return bool(runner.is_training)
    return isinstance(runner._train_loop, BaseLoop)


def capture_run(
    runner: Runner, position: Position, *, optimizer: bool, schedulers: bool
) -> dict[str, Any]:
    """Describe a run as mmengine's checkpoints do, and its position.

    Returns:
        ``meta``, ``state_dict``, ``message_hub`` and ``position``; with ``optimizer`` what a run
        needs to resume, ``optimizer`` and ``hooks``; with ``schedulers`` ``param_schedulers``. All
        tensors are on the CPU.
    """
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
        'state_dict': unwrap_model(runner.model).state_dict(),
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
    """Plain facts of what a run is trained with, which a resumed run is compared with.

    Returns:
        ``optimizer`` and ``schedulers``, names of classes; ``accumulative_counts``; ``data``:
        the class and file of the training set (from its root), its number of faces, and the
        batches of an epoch; ``threads``.
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
        'threads': torch.get_num_threads(),
    }


def optim_wrappers(runner: Runner) -> dict[str, Any]:
    """The optimizer's wrapper as ``''``, or several by their names."""
    wrapper = runner.optim_wrapper
    return dict(wrapper.items()) if isinstance(wrapper, OptimWrapperDict) else {'': wrapper}


def global_batch(runner: Runner) -> int:
    """Faces in a batch over all processes."""
    return runner.world_size * (runner.train_dataloader.batch_size or 1)


def find_hook(runner: Runner, kind: type[_HookKind]) -> _HookKind | None:
    """The first hook of a class, if there is one."""
    return next(iter(find_hooks(runner, kind)), None)


def find_hooks(runner: Runner, kind: type[_HookKind]) -> list[_HookKind]:
    """All hooks of a class, in their order."""
    return [hook for hook in runner.hooks if isinstance(hook, kind)]


def _annotation_files(dataset: Any) -> Iterator[str]:
    """The files of a data set and of those it is made of, from their roots if they lie below."""
    for _, (*_, part) in walk_datasets(dataset):
        file = getattr(part, 'ann_file', None)
        if isinstance(file, str) and file:
            root = getattr(part, 'data_root', None) or ''
            below = osp.relpath(file, root) if root and osp.isabs(file) == osp.isabs(root) else file
            yield file if below.startswith('..') else below


_RANDOM_FORM = Fields(
    {
        'python': {
            'version': Number(3, 3, whole=True),
            'words': Like(torch.zeros(625, dtype=torch.int64), least=0, most=2**32 - 1),
            'gauss': None,
        },
        'numpy': {
            'bit_generator': str,
            'state': {
                'key': Like(torch.zeros(624, dtype=torch.int64), least=0, most=2**32 - 1),
                'pos': Number(0, 624, whole=True),
            },
            'has_gauss': Number(0, 1, whole=True),
            'gauss': Number(),
        },
        'torch': torch.Tensor,
    },
    open=True,
)


def gather_rank_states(runner: Runner) -> list[dict[str, Any]]:
    """Gather the state of every process, in their order; every process gets all of them."""
    partial_step = getattr(runner.optim_wrapper, 'partial_step', dict)
    state = to_cpu(
        {
            'random': runner.train_loop.random_state(),
            'buffers': [dict(module.named_buffers()) for module in _averaged(runner)],
            'step': partial_step(),
        }
    )
    if runner.world_size == 1:
        return [{**state, 'buffers': []}]  # they are in the state dict
    content = io.BytesIO()
    torch.save(state, content)
    return [
        torch.load(io.BytesIO(part), weights_only=True) for part in gather_bytes(content.getvalue())
    ]


def check_rank_states(runner: Runner, states: Any, where: str) -> None:
    """Check the states of all processes (generators, buffers, gradients), as each of them does."""
    check_form(Each(Fields({'random': dict, 'buffers': list, 'step': dict})), states, where)
    if len(states) != runner.world_size:
        return
    own = [dict(module.named_buffers()) for module in _averaged(runner)]
    check_step = getattr(runner.optim_wrapper, 'check_partial_step', None)
    for i, state in enumerate(states):
        check_random_state(state['random'], f'{where}.{i}.random')
        for j, (buffers, given) in enumerate(zip(own, state['buffers'], strict=False)):
            check_form(buffers, given, f'{where}.{i}.buffers.{j}')
        if check_step is not None:
            check_step(state['step'], f'{where}.{i}.step')


def check_averages(runner: Runner, checkpoint: dict[str, Any], name: str) -> None:
    """Check the moving averages of a file of some name, before a resumed run's hook takes them."""
    stored = checkpoint.get('ema_state_dict')
    for average in _averages(runner) if stored is not None else ():
        own = average.state_dict()
        forms = {
            key: Like(tensor, finite=bool(torch.isfinite(tensor).all()))
            for key, tensor in own.items()
        }
        where = f"checkpoint '{name}': ema_state_dict"
        check_form(Fields({**forms, 'steps': Like(own['steps'], least=0)}), stored, where)
        check_form(dict, checkpoint.get('state_dict'), f"checkpoint '{name}': state_dict")


def restore_rank_state(
    runner: Runner, states: list[dict[str, Any]], iterations: int
) -> dict[str, Any] | None:
    """Give this process back its buffers and the gradients of an unfinished step.

    Returns:
        The random state, for :func:`set_random_state` at the last moment; None, and nothing is
        done, where the run had another number of processes.
    """
    if len(states) != runner.world_size:
        runner.logger.warning(
            f'the checkpoint is of {len(states)} process(es), this run has {runner.world_size}: '
            "faces and their augmentation stay the same, the generators' states do not"
        )
        if any(state['step'] for state in states):
            counts = runner.optim_wrapper._accumulative_counts
            runner.logger.warning(
                f'the gradients of an unfinished step, of {iterations % counts} of its {counts} '
                f'batches in each of {len(states)} process(es), are dropped'
            )
        return None
    state = states[runner.rank]
    for module, buffers in zip(_averaged(runner), state['buffers'], strict=False):
        own = dict(module.named_buffers())
        for name, value in buffers.items():
            own[name].copy_(value)
    if hasattr(runner.optim_wrapper, 'resume_step'):
        runner.optim_wrapper.resume_step(state['step'])
    return state['random']


def random_state() -> dict[str, Any]:
    """The state of the global generators of Python, numpy and torch, as tensors and plain data."""
    version, words, gauss = random.getstate()
    numpy = np.random.get_state(legacy=False)
    # torch has no type for the unsigned words of the Mersenne twister.
    keys = torch.from_numpy(numpy['state']['key'].astype(np.int64))
    state: dict[str, Any] = {
        'python': {'version': version, 'words': torch.tensor(words), 'gauss': gauss},
        'numpy': {**numpy, 'state': {**numpy['state'], 'key': keys}},
        'torch': torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        state['cuda'] = torch.cuda.get_rng_state()
    return state


def check_random_state(state: Any, where: str) -> None:
    """Check that generators can be set to a state, on generators that nobody uses."""
    check_form(_RANDOM_FORM, state, where)
    for key, device in (('torch', 'cpu'), ('cuda', 'cuda')):
        if key not in state or not (device == 'cpu' or torch.cuda.is_available()):
            continue
        trial = torch.Generator(device)
        check_form(trial.get_state(), state[key], f'{where}.{key}')
        try:
            trial.set_state(state[key].cpu())
        except (RuntimeError, TypeError) as error:
            raise InputError(f'{where}.{key} is not a state of a generator') from error
    trials: dict[str, Callable[[], Any]] = {
        'python': lambda: random.Random().setstate(_python_state(state)),
        'numpy': lambda: np.random.RandomState().set_state(_numpy_state(state)),
    }
    for key, set_trial in trials.items():
        try:
            set_trial()
        except (ValueError, TypeError, OverflowError) as error:
            raise InputError(f'{where}.{key} is not a state of a generator: {error}') from error


def set_random_state(state: dict[str, Any]) -> None:
    """Set the global generators to what :func:`random_state` gave."""
    random.setstate(_python_state(state))
    np.random.set_state(_numpy_state(state))
    torch.set_rng_state(state['torch'].cpu())
    if 'cuda' in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state['cuda'].cpu())


def _python_state(state: dict[str, Any]) -> tuple:
    python = state['python']
    return python['version'], tuple(python['words'].tolist()), python['gauss']


def _numpy_state(state: dict[str, Any]) -> dict[str, Any]:
    numpy = state['numpy']
    keys = numpy['state']['key'].cpu().numpy().astype(np.uint32)
    return {**numpy, 'state': {**numpy['state'], 'key': keys}}


def _averages(runner: Runner) -> list[nn.Module]:
    return [hook.ema_model for hook in runner.hooks if isinstance(hook, EMAHook)]


def _averaged(runner: Runner) -> list[nn.Module]:
    """The model and its moving averages, whose buffers differ between processes."""
    return [unwrap_model(runner.model), *_averages(runner)]


# The memory of mmengine's one hook that remembers something and has no state_dict.
_EARLY_STOPPING = {'wait_count': COUNT, 'best_score': Number(infinite=True)}
_FORM = Each(Fields({'type': str, 'monitor': str, 'state': dict}))


def hook_states(hooks: Sequence[Hook]) -> list[dict[str, Any]]:
    """The memory of all hooks that have a ``state_dict``, and of mmengine's that should.

    Returns:
        Class, metric that it watches (``''`` if none) and state of each, in order.
    """
    states = []
    for hook in filter(_remembers, hooks):
        kind, monitor = _key_of(hook)
        if _has_state_dict(hook):
            state = hook.state_dict()
        else:
            state = {key: getattr(hook, key) for key in _EARLY_STOPPING}
        states.append({'type': kind, 'monitor': monitor, 'state': state})
    return states


def check_hook_states(stored: Any, hooks: Sequence[Hook], where: str) -> None:
    """Check what :func:`hook_states` is said to have given."""
    check_form(_FORM, stored, where)
    for i, entry in enumerate(stored):
        for hook in hooks:
            is_early_stopping = isinstance(hook, EarlyStoppingHook) and not _has_state_dict(hook)
            if is_early_stopping and type(hook).__name__ == entry['type']:
                check_form(Fields(_EARLY_STOPPING), entry['state'], f'{where}.{i}.state')


def restore_hook_states(runner: Runner, stored: Sequence[dict[str, Any]], name: str) -> None:
    """Give hooks the memory of a file of some name, which is checked.

    Hooks of one class are told apart by metric, then by order.

    Raises:
        InputError: If a hook refuses its state.
    """
    given: dict[tuple[str, str], list[Any]] = defaultdict(list)
    own: dict[tuple[str, str], list[Hook]] = defaultdict(list)
    for entry in stored:
        given[entry['type'], entry['monitor']].append(entry['state'])
    for hook in filter(_remembers, runner.hooks):
        own[_key_of(hook)].append(hook)
    for key in given | own:
        if len(given[key]) != len(own[key]):
            label = f'{key[0]}({key[1]})' if key[1] else key[0]
            end = 'begins anew' if own[key] else 'is dropped'
            counts = f"{len(own[key])} in this run, {len(given[key])} in '{name}'"
            runner.logger.warning(f'{label}: {counts}: its memory {end}')
            continue
        for hook, state in zip(own[key], given[key], strict=True):
            _restore(hook, state, f"checkpoint '{name}': hooks.{key[0]}")


def _key_of(hook: Hook) -> tuple[str, str]:
    return type(hook).__name__, str(getattr(hook, 'monitor', ''))


def _has_state_dict(hook: Hook) -> bool:
    return all(callable(getattr(hook, each, None)) for each in ('state_dict', 'load_state_dict'))


def _remembers(hook: Hook) -> bool:
    return _has_state_dict(hook) or isinstance(hook, EarlyStoppingHook)


def _restore(hook: Hook, state: dict[str, Any], where: str) -> None:
    if not _has_state_dict(hook):
        vars(hook).update(state)
        return
    try:
        hook.load_state_dict(state)
    except Exception as error:  # somebody's own hook, which may say so in any way
        raise InputError(f'{where}: {type(error).__name__}: {error}') from error
