"""Whether a file has all tensors of its model, as far as the tensors themselves tell."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from mmpose_lite.registry import MODELS

from .dialects import DIALECTS, unwrap

_STAGES = (2, 3, 4)
_BACKBONE = 'backbone.'


def find_missing(state: dict[str, Any], stored: Iterable[str], key: str) -> list[str]:
    """Find what a file lacks.

    An HRNet must be the network that its numbers of stages, modules and blocks make, with tensors
    of the shapes that its numbers of channels make. Of all else, each norm must have its
    statistics, and each bias its weight.

    Args:
        state: Tensors by their names here.
        stored: Their names in the file.
        key: What these speak, of :data:`DIALECTS`.

    Returns:
        One line each.
    """
    names = set(unwrap(stored).values())
    missing = [f'{name} is missing' for name in DIALECTS[key].needs if name not in names]
    start = _BACKBONE if any(name.startswith(_BACKBONE) for name in state) else ''
    parts = {name.removeprefix(start): state[name] for name in state if name.startswith(start)}
    if any(name.startswith('stage4.') for name in parts):
        missing += _compare_with_hrnet(parts, start)
    return missing + [each for each in _find_lone(state) if each not in missing]


def _find_lone(state: dict[str, Any]) -> list[str]:
    missing = []
    for name in state:
        module, _, kind = name.rpartition('.')
        needed = {
            'running_mean': ('weight', 'bias', 'running_var'),
            'running_var': ('running_mean',),
            'bias': ('weight',),
        }.get(kind, ())
        missing += [f'{module}.{each}' for each in needed if f'{module}.{each}' not in state]
    return [f'{name} is missing' for name in dict.fromkeys(missing)]


def _compare_with_hrnet(parts: dict[str, Tensor], start: str) -> list[str]:
    """The tensors that are missing, or of another shape than the others say."""
    known = re.compile(r'(conv[12]|bn[12]|layer1|transition[123]|stage[234])\.')
    given = {name: tensor for name, tensor in parts.items() if known.match(name)}
    try:
        extra = _describe(given)
    except ValueError as error:
        return [f'{start}{error}']
    with torch.device('meta'):
        wanted = MODELS.build({'type': 'HRNet', 'extra': extra}).state_dict()
    faults = [f'{start}{name} is missing' for name in wanted if name not in given]
    faults += [f'{start}{name} has no place' for name in given if name not in wanted]
    return faults + [
        f'{start}{name} is {tuple(given[name].shape)}, the others ask for {tuple(tensor.shape)}'
        for name, tensor in wanted.items()
        if name in given and given[name].shape != tensor.shape
    ]


def _describe(given: dict[str, Tensor]) -> dict[str, Any]:
    """The ``extra`` of an HRNet's config, read from its tensors.

    Raises:
        ValueError: If one that is needed for this is missing.
    """
    extra = {'stage1': {'num_modules': 1, 'num_branches': 1, **_blocks(given, ['layer1'])}}
    for stage in _STAGES:
        module = f'stage{stage}.0.branches'
        branches = [f'{module}.{i}' for i in range(stage)]
        extra[f'stage{stage}'] = {
            'num_modules': _count(given, f'stage{stage}'),
            'num_branches': stage,
            **_blocks(given, branches),
        }
    last = f'stage4.{extra["stage4"]["num_modules"] - 1}.fuse_layers'
    extra['stage4']['multiscale_output'] = _count(given, last) > 1
    return extra


def _blocks(given: dict[str, Tensor], branches: list[str]) -> dict[str, Any]:
    return {
        'block': 'BOTTLENECK' if f'{branches[0]}.0.conv3.weight' in given else 'BASIC',
        'num_blocks': tuple(_count(given, branch) for branch in branches),
        'num_channels': tuple(_width(given, f'{branch}.0.conv1.weight') for branch in branches),
    }


def _width(given: dict[str, Tensor], name: str) -> int:
    if name not in given:
        raise ValueError(f'{name} is missing')
    if given[name].ndim == 0 or len(given[name]) == 0:
        raise ValueError(f'{name} has no channels')
    return len(given[name])


def _count(given: dict[str, Tensor], start: str) -> int:
    """How many numbers follow a name; they begin with 0 and leave out none."""
    pattern = re.compile(rf'{re.escape(start)}\.([0-9]+)\.')
    numbers = {int(found[1]) for name in given if (found := pattern.match(name))}
    gap = next(i for i in range(len(numbers) + 1) if i not in numbers)
    if gap < len(numbers) or not numbers:
        raise ValueError(f'{start}.{gap} is missing')
    return len(numbers)
