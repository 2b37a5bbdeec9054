"""Schedulers: settings in shares of a run, states as plain data, schedules walked through anew.

Schedulers are a list or a dict of lists, and so are their states.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from types import SimpleNamespace
from typing import Any

from mmengine.optim import _ParamScheduler

from mmpose_lite.checkpoints.schema import COUNT, Each, Fields, Number, check_form, show
from mmpose_lite.errors import InputError

# What schedulers remember; their other fields are settings.
_MEMORY = (
    *('last_step', '_global_step', '_last_value', 'base_values'),
    *('best', 'num_bad_epochs', 'cooldown_counter'),
)
_COUNTS = (
    *('begin', 'end', 'step_size', 'T_max', 'total_iters', 'total_steps'),
    *('patience', 'cooldown', 'num_bad_epochs', 'cooldown_counter'),
)
_STEPS = ('last_step', '_global_step')
# What a config may give as a share of the run.
_SHARED = ('begin', 'end', 'T_max')
# One value a parameter group each.
_OF_GROUPS = ('_last_value', 'base_values', 'min_values')


def in_iterations(settings: Any, max_iters: int, where: str, tell: Callable[[str], None]) -> Any:
    """Turn the shares of a run in a schedule's config, such as ``end=0.05``, into iterations.

    Args:
        settings: The config of a scheduler; anything else comes back as it is.
        max_iters: The length of the run, iterations.
        where: Its place in the config.
        tell: Is told what a share comes to.

    Raises:
        InputError: If the schedule is one of epochs.
    """
    given = settings if isinstance(settings, dict) else {}
    shares = {key: given[key] for key in _SHARED if _is_share(given.get(key))}
    if not shares:
        return settings
    named = ', '.join(f'{key}={share}' for key, share in shares.items())
    if given.get('by_epoch', True):
        raise InputError(
            f'{where}: {named} is a share of the iterations of a run, which needs by_epoch=False'
        )
    # Two iterations, where there are so many: a warm-up over one would never end.
    steps = {
        key: max(min(max(round(share * max_iters), 2), max_iters - 1), int(key != 'begin'))
        for key, share in shares.items()
    }
    taken = ', '.join(f'{key}={step:,}' for key, step in steps.items())
    tell(f'{where}: {named} of {max_iters:,} iterations is {taken}')
    return {**given, **steps}


def _is_share(value: Any) -> bool:
    return isinstance(value, float) and 0 < value < 1


def scheduler_states(schedulers: Any) -> Any:
    """The states of schedulers, without the functions that some keep: those are rebuilt."""
    if isinstance(schedulers, dict):
        return {name: scheduler_states(each) for name, each in schedulers.items()}
    return [_state_of(each) for each in schedulers]


def scheduler_types(schedulers: Any) -> list[str]:
    """The names of the schedulers' classes, in the order of their states."""
    return [type(each).__name__ for _, each, _ in pairs_of(schedulers, schedulers)]


def check_scheduler_states(
    schedulers: Any, states: Any, types: list[str] | None, over: tuple[int, int], where: str
) -> None:
    """Check that states are those of schedulers of the same kinds; nothing is changed.

    A file may name the ``types`` of its own. Iterations and epochs, of which so many are over,
    bound their steps. Messages name the states by ``where``, the file and the place in it.

    Raises:
        InputError: If there is another number of them or one of another class, or if a field is
            not what such a scheduler has.
    """
    _check_layout(schedulers, states, where)
    own = scheduler_types(schedulers)
    if types is not None and types != own:
        raise _others(f'{where} are of {", ".join(types)}', ', '.join(own))
    for place, scheduler, state in pairs_of(schedulers, states):
        _check_state(scheduler, state, over, f'{where}{place}')


def load_scheduler_states(schedulers: Any, states: Any) -> None:
    """Load states that have been checked; what they lack stays as it is."""
    for _, scheduler, state in pairs_of(schedulers, states):
        scheduler.load_state_dict({key: state[key] for key in _own_fields(scheduler, state)})
        _forget_order(scheduler)


def changed_schedules(schedulers: Any, states: Any) -> Iterator[tuple[str, Any, Any]]:
    """Settings of schedules in which a file and this run differ: name, the file's, this run's."""
    for place, scheduler, state in pairs_of(schedulers, states):
        own = _state_of(scheduler)
        for key in _own_fields(scheduler, state):
            if key not in _MEMORY and own[key] != state[key]:
                yield f'{_name(place, scheduler)} {key}', state[key], own[key]


def replay_schedules(schedulers: Any, states: Any, epoch_length: float) -> None:
    """Bring fresh schedulers to where those of a file are, by as many steps in the same order.

    A schedule by epochs makes a step after ``epoch_length`` iterations.

    Raises:
        InputError: If one follows the metrics of validations, which cannot be made again, or has
            no value for so many steps.
    """
    pairs = list(pairs_of(schedulers, states))
    for place, scheduler, _ in pairs:
        if getattr(scheduler, 'need_val_args', False):
            raise InputError(
                f"resume_settings='config': {_name(place, scheduler)} follows the validations, "
                "which are over; 'checkpoint' resumes it"
            )
    steps = [
        ((i + 1) * (epoch_length if scheduler.by_epoch else 1), scheduler.by_epoch, number)
        for number, (_, scheduler, state) in enumerate(pairs)
        for i in range(state['_global_step'])
    ]
    for _, _, number in sorted(steps):
        place, scheduler, _ = pairs[number]
        _forget_order(scheduler)
        try:
            scheduler.step()
        except (ValueError, ZeroDivisionError, OverflowError) as error:
            name = _name(place, scheduler)
            raise InputError(f"resume_settings='config': {name}: {error}") from error


def pairs_of(schedulers: Any, states: Any, place: str = '') -> Iterator[tuple[str, Any, Any]]:
    """Each scheduler with its state, behind their place, such as ``'.0'``."""
    if isinstance(schedulers, dict):
        for name, each in schedulers.items():
            yield from pairs_of(each, states[name], f'{place}.{name}')
        return
    for i, (scheduler, state) in enumerate(zip(schedulers, states, strict=True)):
        yield f'{place}.{i}', scheduler, state


def _name(place: str, scheduler: Any) -> str:
    return f'scheduler {place.strip(".")} ({type(scheduler).__name__})'


def _state_of(scheduler: Any) -> dict[str, Any]:
    state = scheduler.state_dict()
    return {key: value for key, value in state.items() if not _has_function(value)}


def _has_function(value: Any) -> bool:
    items = value.values() if isinstance(value, dict) else value
    nested = isinstance(value, dict | list | tuple) and any(map(_has_function, items))
    return callable(value) or nested


def _own_fields(scheduler: Any, state: dict[str, Any]) -> list[str]:
    """The fields of a state that a scheduler takes."""
    own = _state_of(scheduler)
    return [key for key in state if key in own]


def _forget_order(scheduler: Any) -> None:
    """Tell mmengine, which warns of schedulers that step before their optimizer, that it has."""
    scheduler.optimizer._global_step = 0


def _check_layout(schedulers: Any, states: Any, where: str) -> None:
    if isinstance(schedulers, dict):
        check_form(Fields(dict.fromkeys(schedulers, list)), states, where)
        for name, each in schedulers.items():
            _check_layout(each, states[name], f'{where}.{name}')
        return
    check_form(Each(dict), states, where)
    if len(states) != len(schedulers):
        raise _others(f'{where} are of {len(states)} schedulers', str(len(schedulers)))


def _others(stored: str, own: str) -> InputError:
    return InputError(
        f'{stored}, the config has {own}: a run resumes with those that it began with; load_from '
        'starts a new one from its weights'
    )


def _check_state(scheduler: Any, state: dict[str, Any], over: tuple[int, int], where: str) -> None:
    own = _state_of(scheduler)
    kind = type(scheduler).__name__
    for key, value in state.items():
        if key not in own and not _has_function(value):
            raise InputError(f'{where} has {show(key)}, which no {kind} has')
    for key in _STEPS:
        if key in own and key not in state:
            raise InputError(f'{where}.{key} is missing')
    most = {'last_step': over[0], '_global_step': over[state.get('by_epoch') is True]}
    for key in _own_fields(scheduler, state):
        # mmengine counts one more while a hook saves.
        form = Number(-1, most[key] + 1, whole=True) if key in most else _form_of(key, own[key])
        # A setting may be None; whether the scheduler can do without it is tried.
        if state[key] is not None or key in (*_MEMORY, *_COUNTS):
            check_form(form, state[key], f'{where}.{key}')
    if state.get('param_name', own.get('param_name')) != own.get('param_name'):
        raise InputError(
            f'{where}.param_name is {show(state["param_name"])}, here {own["param_name"]!r}'
        )
    if isinstance(scheduler, _ParamScheduler):
        _try_value(scheduler, state, where)


def _form_of(key: str, own: Any) -> Any:
    """The form of a field: a number may be whole here and have fractions there."""
    is_number = isinstance(own, int | float) and not isinstance(own, bool)
    if isinstance(own, list | tuple) and all(isinstance(each, int | float) for each in own):
        return Each(Number(), length=len(own) if key in _OF_GROUPS else None)
    if is_number and key in _COUNTS and isinstance(own, int):
        return COUNT
    return Number(infinite=key == 'best') if is_number else own


def _try_value(scheduler: Any, state: dict[str, Any], where: str) -> None:
    """Compute a scheduler's value on a copy, with groups that nobody uses."""
    trial = copy(scheduler)
    trial.__dict__.update({key: state[key] for key in _own_fields(scheduler, state)})
    trial.last_step = max(trial.last_step, 0)
    groups = [dict(group) for group in scheduler.optimizer.param_groups]
    trial.optimizer = SimpleNamespace(param_groups=groups)
    kind = type(scheduler).__name__
    try:
        values = trial._get_value()
    except (ValueError, TypeError, KeyError, IndexError, ArithmeticError) as error:
        raise InputError(f'{where}: {kind} has no value with these settings: {error}') from error
    check_form(Each(Number()), list(values), f'{where}: the value of {kind}')
