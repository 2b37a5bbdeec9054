"""Checking what a file holds against the form of what a fresh run has in its place."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import singledispatch
from numbers import Integral, Real
from typing import Any

import torch
from torch import Tensor

from mmpose_lite.errors import InputError

from .errors import one_line

_SHOWN = 40  # characters of a value in a message


@dataclass(frozen=True)
class Number:
    """The form of a number from ``least`` to ``most``, which may be infinite only where told."""

    least: float = -math.inf
    most: float = math.inf
    whole: bool = False
    infinite: bool = False


COUNT = Number(least=0, whole=True)


@dataclass(frozen=True)
class Each:
    """The form of a list or dict of any length whose items have one form.

    Attributes:
        kind: ``list`` or ``dict``.
        length: How many there must be; any number by default.
    """

    form: Any = object
    kind: type = list
    length: int | None = None


@dataclass(frozen=True)
class Fields:
    """The form of a dict, by key; optional ones may be missing, an open dict may have others."""

    forms: Mapping[Any, Any]
    optional: frozenset[Any] = field(default_factory=frozenset)
    open: bool = False


@dataclass(frozen=True)
class Like:
    """The form of a tensor: another's shape, and floating point where that is.

    All numbers are from ``least`` to ``most``, and finite, in the other's precision too.
    """

    tensor: Tensor
    finite: bool = True
    least: float = -math.inf
    most: float = math.inf


@singledispatch
def check_form(form: Any, value: Any, where: str) -> None:
    """Check that a value has a form.

    A form is one of the classes above; a type, of which the value must be; or an example, whose
    kind it must be of: a dict has the example's keys, a tuple its length, a list may be longer or
    shorter, a tensor has its shape. In place of None any plain scalar may stand.

    Raises:
        InputError: If it has not; the message names the place (``where``) and the value.
    """
    check_form(_form_of(form), value, where)


def _form_of(example: Any) -> Any:
    """The form of what an example is of; tuples, counters and None have checks of their own."""
    if isinstance(example, bool | str):
        return type(example)
    if isinstance(example, int):
        return Number(whole=True)
    if isinstance(example, float):
        return Number(infinite=math.isinf(example))
    if isinstance(example, Tensor):
        return Like(example)
    if isinstance(example, dict):
        return Fields(example)
    if isinstance(example, list):
        return Each(example[0] if example else object)
    raise TypeError(f'{type(example).__name__} is not a form')


@check_form.register
def _(form: type, value: Any, where: str) -> None:
    if not isinstance(value, form):
        _refuse(value, where, f'not a {form.__name__}')


@check_form.register
def _(form: Number, value: Any, where: str) -> None:
    kind = Integral if form.whole else Real
    if not isinstance(value, kind) or isinstance(value, bool):
        _refuse(value, where, 'not an integer' if form.whole else 'not a number')
    if math.isnan(value) or (math.isinf(value) and not form.infinite):
        _refuse(value, where, 'which is not finite')
    if not form.least <= value <= form.most:
        _refuse(value, where, _range(form))


@check_form.register
def _(form: Each, value: Any, where: str) -> None:
    kind = (list, tuple) if form.kind is list else form.kind
    if not isinstance(value, kind):
        _refuse(value, where, f'not a {form.kind.__name__}')
    if form.length not in (None, len(value)):
        raise InputError(f'{where} has {len(value)} items, not {form.length}')
    for key, item in value.items() if form.kind is dict else enumerate(value):
        check_form(form.form, item, f'{where}.{one_line(key, _SHOWN)}')


@check_form.register
def _(form: Fields, value: Any, where: str) -> None:
    check_form(dict, value, where)
    for key in form.forms:
        if key in value:
            check_form(form.forms[key], value[key], f'{where}.{key}')
        elif key not in form.optional:
            raise InputError(f'{where}.{key} is missing')
    unknown = next((key for key in value if key not in form.forms), None)
    if unknown is not None and not form.open:
        raise InputError(f'{where}.{one_line(unknown, _SHOWN)} is unknown here')


@check_form.register
def _(form: Like, value: Any, where: str) -> None:
    if not isinstance(value, Tensor) or value.layout is not torch.strided:
        _refuse(value, where, 'not a dense tensor')
    wanted = form.tensor
    if value.shape != wanted.shape:
        shapes = f'{tuple(value.shape)}, not {tuple(wanted.shape)}'
        raise InputError(f'{where} has the shape {shapes}')
    if _kind(value.dtype) != _kind(wanted.dtype):
        raise InputError(f'{where} is of {value.dtype}, not of {wanted.dtype}')
    if form.finite and not bool(torch.isfinite(value.to(wanted.dtype)).all()):
        raise InputError(f'{where} has numbers that are not finite')
    if value.numel() and not form.least <= float(value.min()) <= float(value.max()) <= form.most:
        extremes = f'{float(value.min()):g} to {float(value.max()):g}'
        raise InputError(f'{where} has numbers from {extremes}, {_range(form)}')


@check_form.register
def _(form: Counter, value: Any, where: str) -> None:
    check_form(Each(COUNT, dict), value, where)
    check_form(Each(COUNT), list(value), f'{where} (keys)')


@check_form.register
def _(form: tuple, value: Any, where: str) -> None:
    check_form(Each(length=len(form)), value, where)
    for i, each in enumerate(form):
        check_form(each, value[i], f'{where}.{i}')


@check_form.register
def _(form: None, value: Any, where: str) -> None:
    if isinstance(value, Real) and not isinstance(value, bool):
        check_form(Number(), value, where)
    elif not isinstance(value, bool | str | None):
        _refuse(value, where, 'not a plain value')


def show(value: Any) -> str:
    """A value as messages show it, in few characters."""
    if isinstance(value, Tensor):
        return f'a tensor {tuple(value.shape)}'
    sized = isinstance(value, Mapping | Sequence) and not isinstance(value, str | bytes)
    long = sized and len(value) > 3
    return f'a {type(value).__name__} of {len(value)}' if long else one_line(repr(value), _SHOWN)


def _kind(dtype: torch.dtype) -> str:
    if dtype is torch.bool:
        return 'flags'
    return 'fractions' if dtype.is_floating_point or dtype.is_complex else 'integers'


def _range(form: Number | Like) -> str:
    if form.most == math.inf:
        return f'not from {form.least:g} on'
    return f'not between {form.least:g} and {form.most:g}'


def _refuse(value: Any, where: str, fault: str) -> None:
    raise InputError(f'{where} is {show(value)}, {fault}')
