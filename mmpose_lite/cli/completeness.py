"""Whether a file has all tensors of its model, as far as the tensors themselves tell."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mmpose_lite.checkpoints.dialects import DIALECTS, Translation
from mmpose_lite.checkpoints.fitting import differences
from mmpose_lite.registry import MODELS

from .networks import describe_backbone, describe_head

_PARTS: dict[str, Callable[[dict[str, Tensor]], dict[str, Any]]] = {
    'backbone.': describe_backbone,
    'head.': describe_head,
}
_LAST = 'head.final_layer.weight'
_NUMBERED = re.compile(r'\.([0-9]+)\.weight')


def find_missing(result: Translation, key: str) -> list[str]:
    """Find what a file lacks, or has too much.

    Its backbone must be the HRNet or ResNet, and its head the one of heatmaps or of coordinates,
    that its numbers of layers and channels make.

    Args:
        result: Its tensors, by their names here.
        key: What the file speaks, of :data:`DIALECTS`.

    Returns:
        One line each.
    """
    if not DIALECTS[key].whole:
        return _compare(result.state, '', describe_backbone)
    faults = [
        f'{name} is left over: only --config tells whether it belongs to the model'
        for name in result.state
        if not name.startswith(tuple(_PARTS))
    ]
    for start, describe in _PARTS.items():
        parts = {k.removeprefix(start): v for k, v in result.state.items() if k.startswith(start)}
        faults += _compare(parts, start, describe)
    return faults or _find_gap(result)


def _compare(given: dict[str, Tensor], start: str, describe: Callable) -> list[str]:
    """Compare a part with what its own numbers make; see :func:`.differences`."""
    try:
        config = describe(given)
        with torch.device('meta'):
            wanted = MODELS.build(config).state_dict()
    except ValueError as error:
        return [f'{start}{error}']
    return [f'{start}{fault}' for fault in differences(given, wanted, 'the others ask for')]


def _find_gap(result: Translation) -> list[str]:
    """The layers before the last one, where the file numbers them in one sequence with it."""
    stored = next((old for old, new in result.renamed.items() if new == _LAST), '')
    number = _NUMBERED.search(stored)
    units = sum(
        re.fullmatch(r'head\.conv_layers\.[0-9]+\.running_mean', name) is not None
        for name in result.state
    )
    if number is None or int(number[1]) == 3 * units:
        return []
    return [f'{stored} is the first layer of its kind: those before it are missing']
