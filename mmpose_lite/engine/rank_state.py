"""What each process of a run has of its own, beside the weights that all share."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from mmengine.hooks import EMAHook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from mmpose_lite.checkpoints.schema import Each, Fields, Like, Number, check_form
from mmpose_lite.utils import InputError
from mmpose_lite.utils.collectives import gather_bytes
from mmpose_lite.utils.tensor_utils import to_cpu

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
    """Check the states of all processes, as each of them does; nothing is changed.

    Args:
        runner: The runner.
        states: What a file has.
        where: The file and the place in it, for messages.

    Raises:
        InputError: If a generator, a buffer or a gradient is not what this run can have.
    """
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
    """Check the moving averages that a run is to go on with, before its hook takes them.

    Args:
        runner: The runner.
        checkpoint: What a file has.
        name: The file, for messages.

    Raises:
        InputError: If they are not those of this model.
    """
    stored = checkpoint.get('ema_state_dict')
    for hook in runner.hooks if stored is not None else ():
        if isinstance(hook, EMAHook):
            own = hook.ema_model.state_dict()
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

    Args:
        runner: The runner, whose weights are loaded.
        states: Of all processes; see :func:`check_rank_states`.
        iterations: How many are over.

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
    state: dict[str, Any] = {
        'python': {'version': version, 'words': torch.tensor(words), 'gauss': gauss},
        'numpy': {**numpy, 'state': _with_tensor(numpy['state'])},
        'torch': torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        state['cuda'] = torch.cuda.get_rng_state()
    return state


def check_random_state(state: Any, where: str) -> None:
    """Check that generators can be set to a state, on generators that nobody uses.

    Args:
        state: What a file has.
        where: The file and the place in it, for messages.

    Raises:
        InputError: If they cannot.
    """
    check_form(_RANDOM_FORM, state, where)
    for key, device in (('torch', 'cpu'), ('cuda', 'cuda')):
        if key not in state or not (device == 'cpu' or torch.cuda.is_available()):
            continue
        trial = torch.Generator(device)
        check_form(trial.get_state(), state[key], f'{where}.{key}')
        try:
            trial.set_state(state[key].cpu())
        except (RuntimeError, TypeError) as error:
            raise InputError(f'{where}.{key} is no state of a generator') from error
    trials: dict[str, Callable[[], Any]] = {
        'python': lambda: random.Random().setstate(_python_state(state)),
        'numpy': lambda: np.random.RandomState().set_state(_numpy_state(state)),
    }
    for key, set_trial in trials.items():
        try:
            set_trial()
        except (ValueError, TypeError, OverflowError) as error:
            raise InputError(f'{where}.{key} is no state of a generator: {error}') from error


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


def _with_tensor(state: dict[str, Any]) -> dict[str, Any]:
    """The Mersenne twister's state, whose words torch has no unsigned type for."""
    return {**state, 'key': torch.from_numpy(state['key'].astype(np.int64))}


def _averaged(runner: Runner) -> list[nn.Module]:
    """The model and its moving averages, whose buffers differ between processes."""
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    averages = [hook.ema_model for hook in runner.hooks if isinstance(hook, EMAHook)]
    return [model, *averages]
