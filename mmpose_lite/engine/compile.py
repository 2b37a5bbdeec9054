"""torch.compile for the network, and only for the network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from mmpose_lite.utils import InputError

_PARTS = ('backbone', 'neck', 'head')


def compile_settings(choice: bool | str | Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Read the config's key ``compile``.

    Args:
        choice: True, the name of a mode, or arguments of :func:`torch.compile`.

    Returns:
        The arguments, or None where nothing is to be compiled.

    Raises:
        InputError: If it is none of these.
    """
    if choice is None or choice is False:
        return None
    if choice is True:
        return {}
    if isinstance(choice, str):
        return {'mode': choice}
    if isinstance(choice, Mapping):
        return dict(choice)
    raise InputError(f'compile={choice!r} is none of a bool, the name of a mode, a dict')


def compile_network(model: nn.Module, settings: Mapping[str, Any]) -> list[str]:
    """Compile a model's backbone, neck and head in place.

    What handles samples (targets, losses, decoding) stays as it is. Names and tensors of the
    model's state stay too, so checkpoints fit either way.

    Args:
        model: A pose estimator.
        settings: Arguments of :func:`torch.compile`.

    Returns:
        The names of the parts that were compiled.
    """
    parts = {name: getattr(model, name) for name in _PARTS if hasattr(model, name)}
    for part in parts.values():
        # Heads call their forward by its name, so wrapping the call would miss them.
        part.forward = torch.compile(part.forward, **settings)
    return list(parts)
