"""Optimizers: their fused step, and their states, checked before they are loaded.

Checks are given what a file has and ``where``, the file and the place in it, for messages.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from mmpose_lite.checkpoints.errors import one_line
from mmpose_lite.checkpoints.schema import COUNT, Each, Fields, Like, Number, check_form, show
from mmpose_lite.errors import InputError
from mmpose_lite.registry import OPTIMIZERS, require_type

# Classes and devices that have a fused step.
_FUSED_TYPES = (Adam, AdamW, SGD)
_FUSED_DEVICES = ('cuda', 'cpu')
# How a step is computed; torch keeps it among the settings that a checkpoint holds.
_IMPLEMENTATION = ('fused', 'foreach')
# States that are one number, which files of older torch have as such.
_NUMBERS = ('step', 'mu_product')
# States of which a step takes the square root.
_SQUARES = ('exp_avg_sq', 'max_exp_avg_sq', 'square_avg', 'sum', 'row_var', 'col_var')
# What schedulers put among the settings: where they begin, and between which bounds.
_OF_SCHEDULES = ('initial_', 'max_', 'min_')
_FILE_FORM = Fields({'state': dict, 'param_groups': Each(dict)}, open=True)


def prefer_fused(optimizer: Mapping[str, Any], device: str) -> dict[str, Any]:
    """Choose the fused step where the class has one for the device and the config says nothing.

    Besides being faster, it scales gradients of float16 without asking the device whether they
    overflowed.
    """
    silent = not any(key in optimizer for key in (*_IMPLEMENTATION, 'differentiable'))
    kind = optimizer.get('type')
    if isinstance(kind, str):
        kind = require_type(OPTIMIZERS, kind)  # mmengine does not say what is missing
    if silent and kind in _FUSED_TYPES and device in _FUSED_DEVICES:
        return {**optimizer, 'fused': True}
    return dict(optimizer)


def state_copies(optimizer: Optimizer) -> int:
    """Count the tensors of a parameter's size that an optimizer keeps for each: two for Adam."""
    probe = nn.Parameter(torch.zeros(2, 2))  # nearly all weights are in matrices
    probe.grad = torch.zeros_like(probe)
    fresh = type(optimizer)([probe], **_arguments(optimizer, optimizer.defaults))
    fresh.step()
    kept = fresh.state[probe].values()
    return sum(isinstance(each, Tensor) and each.shape == probe.shape for each in kept)


def load_optimizer_state(optimizer: Optimizer, state_dict: Mapping[str, Any]) -> None:
    """Load an optimizer's state, of this implementation and memory layout or of another.

    Raises:
        InputError: If it does not fit; see :func:`check_optimizer_state`.
    """
    check_optimizer_state(optimizer, state_dict)
    pairs = zip(optimizer.param_groups, state_dict['param_groups'], strict=True)
    groups = [{**_merge(own, given), 'params': given['params']} for own, given in pairs]
    optimizer.load_state_dict({**state_dict, 'param_groups': groups})
    for parameter, state in optimizer.state.items():
        for name, value in state.items():
            if not isinstance(value, Tensor):
                continue
            if value.shape == parameter.shape:
                # The fused step on CPUs walks through memory as if all were laid out alike.
                state[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
            else:  # in a file several may share their memory
                is_count = value.numel() == 1 and value.dim() == 1
                state[name] = value.reshape(()).clone() if is_count else value.clone()


def check_optimizer_state(
    optimizer: Optimizer,
    state_dict: Any,
    where: str = 'optimizer',
    names: Mapping[Tensor, str] | None = None,
) -> None:
    """Check that a state is one of an optimizer's, entry by entry; nothing is changed.

    The fused steps trust their states: one of another shape has them write beyond it. Messages
    name parameters by ``names``, or by their numbers.

    Raises:
        InputError: If a group, a setting or the state of a parameter is none of this optimizer's;
            the message names the parameter, the entry and the value.
    """
    check_form(_FILE_FORM, state_dict, where)
    own, given = optimizer.param_groups, state_dict['param_groups']
    if len(own) != len(given):
        raise InputError(
            f'{where}.param_groups are {len(given)} parameter groups, this run has {len(own)}'
        )
    parameters: dict[int, nn.Parameter] = {}
    settings: dict[int, dict[str, Any]] = {}
    for i, (group, theirs) in enumerate(zip(own, given, strict=True)):
        place = f'{where}.param_groups.{i}'
        numbers = theirs.get('params')
        check_form(Each(COUNT, length=len(group['params'])), numbers, f'{place}.params')
        check_settings(optimizer, group, theirs, place)
        parameters.update(zip(numbers, group['params'], strict=True))
        settings.update(dict.fromkeys(numbers, _merge(group, theirs)))
    if len(parameters) != sum(len(group['params']) for group in own):
        raise InputError(f'{where}.param_groups have one parameter twice among their params')
    unknown = next((key for key in state_dict['state'] if key not in parameters), None)
    if unknown is not None:
        raise InputError(f'{where}.state has {show(unknown)}, which is not one of the parameters')
    expected = _Expectations(optimizer)
    for number, entries in state_dict['state'].items():
        parameter = parameters[number]
        name = (names or {}).get(parameter, str(number))
        expected.check(entries, parameter, settings[number], f'{where}.state.{name}')


def with_own_settings(optimizer: Optimizer, state_dict: Mapping[str, Any]) -> dict[str, Any]:
    """A state that has been checked, with this run's settings in place of its own."""
    pairs = zip(optimizer.param_groups, state_dict['param_groups'], strict=True)
    groups = [{**own, 'params': given['params']} for own, given in pairs]
    return {**state_dict, 'param_groups': groups}


def check_settings(optimizer: Optimizer, own: Mapping[str, Any], given: Any, where: str) -> None:
    """Check the settings of a parameter group: their kinds, and the ranges that the class allows.

    Raises:
        InputError: If a setting is wrong, or they are those of another class.
    """
    check_form(dict, given, where)
    lacks = [
        key
        for key, value in optimizer.defaults.items()
        if key not in given and isinstance(_setting_form(value), Number | tuple)
    ]
    extra = [
        key
        for key in given
        if key not in own and key != 'momentum' and not key.startswith(_OF_SCHEDULES)
    ]
    if lacks and extra:
        raise InputError(
            f'{where} is of another optimizer than {type(optimizer).__name__}: it has {extra[0]} '
            f'and no {lacks[0]}'
        )
    known = {key: given[key] for key in _without_own(own) if key in given}
    for key, value in known.items():
        check_form(_setting_form(own[key]), value, f'{where}.{key}')
    _try_settings(optimizer, known, where)


def settings_of(group: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a parameter group that a config sets: not what a schedule makes of them."""
    scheduled = {key for key in group if f'initial_{key}' in group}
    if 'momentum' in scheduled:
        scheduled.add('betas')  # a schedule of Adam's momentum writes its first beta
    return {key: value for key, value in _without_own(group).items() if key not in scheduled}


def _merge(own: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a group once another's are loaded; the implementation stays its own."""
    kept = {key: own[key] for key in _IMPLEMENTATION if key in own}
    known = {key: value for key, value in theirs.items() if key in own}
    merged = {**own, **known, **kept}
    return {
        key: tuple(value) if isinstance(own[key], tuple) else value for key, value in merged.items()
    }


def _without_own(group: Mapping[str, Any]) -> dict[str, Any]:
    """A group without its parameters, and without how its steps are computed."""
    return {key: value for key, value in group.items() if key not in ('params', *_IMPLEMENTATION)}


def _setting_form(example: Any) -> Any:
    """The form of a setting: a number may be whole here and have fractions there."""
    if isinstance(example, int | float) and not isinstance(example, bool):
        return Number()
    return tuple(map(_setting_form, example)) if isinstance(example, tuple) else example


def _try_settings(optimizer: Optimizer, settings: Mapping[str, Any], where: str) -> None:
    """Try settings on the optimizer's class, each by itself if they do not pass together."""
    probe = nn.Parameter(torch.zeros(1))
    own = _arguments(optimizer, optimizer.defaults)
    try:
        type(optimizer)([probe], **own)
    except Exception:  # a class of somebody else's, which wants more than its settings
        return
    plain = {key: value for key, value in settings.items() if key in own}
    # Bounds of a schedule are to be what it schedules.
    bounds = {
        key: key.removeprefix(start)
        for key in settings
        for start in _OF_SCHEDULES
        if key.startswith(start) and key.removeprefix(start) in own
    }
    trials = [(key, {name: settings[key]}) for key, name in bounds.items()]
    try:
        type(optimizer)([probe], **{**own, **plain})
    except (ValueError, TypeError, RuntimeError):
        trials += [(key, {key: value}) for key, value in plain.items()]
    for key, tried in trials:
        try:
            type(optimizer)([probe], **{**own, **tried})
        except (ValueError, TypeError, RuntimeError) as error:
            fault = f'{where}.{key} is {show(settings[key])}: {one_line(error)}'
            raise InputError(fault) from error


def _arguments(optimizer: Optimizer, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as arguments of the optimizer's class, one parameter at a time."""
    known = inspect.signature(type(optimizer)).parameters
    found = {key: value for key, value in _without_own(settings).items() if key in known}
    return {**found, **({'foreach': False} if 'foreach' in known else {})}


class _Expectations:
    """The state that an optimizer keeps for its parameters, found by a step of a fresh one."""

    def __init__(self, optimizer: Optimizer) -> None:
        self._optimizer = optimizer
        self._found: dict[Any, dict[str, Any] | None] = {}

    def check(
        self, entries: Any, parameter: nn.Parameter, settings: Mapping[str, Any], where: str
    ) -> None:
        """Check what a file has for one parameter."""
        check_form(dict, entries, where)
        expected = self._expected(parameter, settings)
        if expected is None:  # all that can be said: numbers are finite
            tensors = {key: value for key, value in entries.items() if _is_floating(value)}
            expected = {key: value.to(parameter.dtype) for key, value in tensors.items()}
            entries = tensors
        kind = type(self._optimizer).__name__
        for key in entries:
            if key not in expected and entries[key] is not None:
                raise InputError(f'{where} has {show(key)}, and {kind} keeps no such state')
        for key, example in expected.items():
            given = entries.get(key)
            if given is not None:
                _check_entry(key, example, given, f'{where}.{key}')
            elif example is not None:
                raise InputError(f'{where}.{key} is missing, which {kind} keeps')

    def _expected(
        self, parameter: nn.Parameter, settings: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """The state after a step; None where none can be tried."""
        arguments = _arguments(self._optimizer, settings)
        case = (parameter.shape, parameter.dtype, *map(str, arguments.values()))
        if case not in self._found:
            probe = nn.Parameter(torch.zeros_like(parameter, device='cpu'))
            probe.grad = torch.zeros_like(probe)
            try:
                fresh = type(self._optimizer)([probe], **arguments)
                fresh.step()
                self._found[case] = dict(fresh.state[probe])
            except Exception:  # a class of somebody else's, which wants more than its settings
                self._found[case] = None
        return self._found[case]


def _check_entry(key: str, example: Any, given: Any, where: str) -> None:
    if key in _NUMBERS:
        if isinstance(given, Tensor) and given.numel() == 1 and given.dim() <= 1:
            given = given.item()
        if isinstance(given, float) and given.is_integer():  # torch keeps counts as floats
            given = int(given)
        check_form(COUNT if key == 'step' else Number(), given, where)
    elif isinstance(example, Tensor):
        least = 0 if key in _SQUARES else -float('inf')
        check_form(Like(example, least=least), given, where)
    else:
        check_form(example, given, where)


def _is_floating(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point()
