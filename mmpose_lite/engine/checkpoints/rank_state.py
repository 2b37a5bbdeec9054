"""What each process of a run has of its own, beside the weights that all share."""

from __future__ import annotations

import io
import random
from typing import Any

import numpy as np
import torch
from mmengine.hooks import EMAHook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from mmpose_lite.utils.collectives import gather_bytes
from mmpose_lite.utils.tensor_utils import to_cpu


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


def restore_rank_state(runner: Runner, states: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Give this process back its buffers and the gradients of an unfinished step.

    Args:
        runner: The runner, whose weights are loaded.
        states: Of all processes.

    Returns:
        The random state, for :func:`set_random_state` at the last moment; None, and nothing is
        done, where the run had another number of processes.
    """
    if len(states) != runner.world_size:
        runner.logger.warning(
            f'the checkpoint is of {len(states)} process(es), this run has {runner.world_size}: '
            "faces and their augmentation stay the same, the generators' states do not"
        )
        return None
    state = states[runner.rank]
    for module, buffers in zip(_averaged(runner), state['buffers'], strict=False):
        own = dict(module.named_buffers())
        for name, value in buffers.items():
            own[name].copy_(value)
    if state['step']:
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


def set_random_state(state: dict[str, Any]) -> None:
    """Set the global generators to what :func:`random_state` gave."""
    python, numpy = state['python'], state['numpy']
    random.setstate((python['version'], tuple(python['words'].tolist()), python['gauss']))
    keys = numpy['state']['key'].cpu().numpy().astype(np.uint32)
    np.random.set_state({**numpy, 'state': {**numpy['state'], 'key': keys}})
    torch.set_rng_state(state['torch'].cpu())
    if 'cuda' in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state['cuda'].cpu())


def _with_tensor(state: dict[str, Any]) -> dict[str, Any]:
    """The Mersenne twister's state, whose words torch has no unsigned type for."""
    return {**state, 'key': torch.from_numpy(state['key'].astype(np.int64))}


def _averaged(runner: Runner) -> list[nn.Module]:
    """The model and its moving averages, whose buffers differ between processes."""
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    averages = [hook.ema_model for hook in runner.hooks if isinstance(hook, EMAHook)]
    return [model, *averages]
