"""Whether tensors are those of a model."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

import torch
from mmengine.logging import print_log
from torch import Tensor

from .dialects import about_wrapper, unwrap
from .refusals import one_line


def differences(
    given: Mapping[str, Any], wanted: Mapping[str, Tensor], owner: str = 'the model has'
) -> list[str]:
    """List what is missing, left over, of another shape, or whole numbers in place of fractions.

    Args:
        given: Tensors by name, and what else a file may hold in their place.
        wanted: Those that there should be.
        owner: Who wants them, in words, for the lines.

    Returns:
        One line each.
    """
    faults = [f'{key} is missing' for key in wanted if key not in given]
    faults += [f'{one_line(key, 100)} is left over' for key in given if key not in wanted]
    return faults + [
        f'{key} is {_form(given[key])}, {owner} {_form(wanted[key])}'
        for key in wanted
        if key in given and _form(given[key]) != _form(wanted[key])
    ]


def take_wrapper_off(
    given: Mapping[str, Any], wanted: Container[str], source: str
) -> dict[str, Any]:
    """Take what wraps all names off them where more are wanted so, and log what it was.

    Args:
        given: Tensors by name.
        wanted: The names of the model.
        source: Where they come from, for the log.
    """
    names = unwrap(given, wanted)
    said = about_wrapper(names)
    if said is not None:
        print_log(f"'{source}': {said}", 'current')
    return {bare: given[stored] for stored, bare in names.items()}


def not_finite(state: Mapping[str, Tensor]) -> list[str]:
    """The names of tensors that hold a NaN or an infinite number."""
    return [name for name, tensor in state.items() if not bool(torch.isfinite(tensor).all())]


def _form(value: Any) -> str:
    """The shape of a tensor, and which kind of numbers it has."""
    if not isinstance(value, Tensor):
        return f'a {type(value).__name__}'
    return f'{tuple(value.shape)}{"" if value.is_floating_point() else " of whole numbers"}'
