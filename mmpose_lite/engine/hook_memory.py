"""The memory of hooks, as a part of checkpoints."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from mmengine.hooks import EarlyStoppingHook, Hook
from mmengine.runner import Runner

from mmpose_lite.checkpoints.schema import COUNT, Each, Fields, Number, check_form
from mmpose_lite.utils import InputError

# Hooks of mmengine's that remember something, and have no state_dict.
_FIELDS: dict[type[Hook], dict[str, Any]] = {
    EarlyStoppingHook: {'wait_count': COUNT, 'best_score': Number(infinite=True)}
}
_FORM = Each(Fields({'type': str, 'monitor': str, 'state': dict}))


def hook_states(hooks: Sequence[Hook]) -> list[dict[str, Any]]:
    """The memory of all hooks that have a ``state_dict``, and of those of mmengine's that should.

    Args:
        hooks: The hooks of a run.

    Returns:
        Class, metric that it watches (``''`` if none) and state of each, in order.
    """
    return [
        {'type': type(hook).__name__, 'monitor': _monitor_of(hook), 'state': _state_of(hook)}
        for hook in hooks
        if _remembers(hook)
    ]


def check_hook_states(stored: Any, hooks: Sequence[Hook], where: str) -> None:
    """Check what a file has of hooks; nothing is changed.

    Args:
        stored: What :func:`hook_states` is said to have given.
        hooks: The hooks of this run.
        where: The file and the place in it, for messages.

    Raises:
        InputError: If it is not what hooks can have.
    """
    check_form(_FORM, stored, where)
    for i, entry in enumerate(stored):
        for hook in hooks:
            if type(hook).__name__ == entry['type'] and (forms := _fields_of(hook)):
                check_form(Fields(forms), entry['state'], f'{where}.{i}.state')


def restore_hook_states(runner: Runner, stored: Sequence[dict[str, Any]], name: str) -> None:
    """Give hooks their memory back; hooks of one class are told apart by metric, then by order.

    Args:
        runner: The runner.
        stored: What a file has, checked.
        name: The file, for messages.

    Raises:
        InputError: If a hook refuses its state.
    """
    given: dict[tuple[str, str], list[Any]] = defaultdict(list)
    own: dict[tuple[str, str], list[Hook]] = defaultdict(list)
    for entry in stored:
        given[entry['type'], entry['monitor']].append(entry['state'])
    for hook in filter(_remembers, runner.hooks):
        own[type(hook).__name__, _monitor_of(hook)].append(hook)
    for key in given | own:
        if len(given[key]) != len(own[key]):
            label = f'{key[0]}({key[1]})' if key[1] else key[0]
            end = 'begins anew' if own[key] else 'is dropped'
            counts = f"{len(own[key])} in this run, {len(given[key])} in '{name}'"
            runner.logger.warning(f'{label}: {counts}: its memory {end}')
            continue
        for hook, state in zip(own[key], given[key], strict=True):
            _restore(hook, state, f"checkpoint '{name}': hooks.{key[0]}")


def _fields_of(hook: Hook) -> dict[str, Any]:
    if _has_state_dict(hook):
        return {}
    return next((forms for kind, forms in _FIELDS.items() if isinstance(hook, kind)), {})


def _has_state_dict(hook: Hook) -> bool:
    return all(callable(getattr(hook, each, None)) for each in ('state_dict', 'load_state_dict'))


def _remembers(hook: Hook) -> bool:
    return _has_state_dict(hook) or bool(_fields_of(hook))


def _monitor_of(hook: Hook) -> str:
    return str(getattr(hook, 'monitor', ''))


def _state_of(hook: Hook) -> dict[str, Any]:
    if _has_state_dict(hook):
        return hook.state_dict()
    return {key: getattr(hook, key) for key in _fields_of(hook)}


def _restore(hook: Hook, state: dict[str, Any], where: str) -> None:
    if not _has_state_dict(hook):
        vars(hook).update(state)
        return
    try:
        hook.load_state_dict(state)
    except Exception as error:  # somebody's own hook, which may say so in any way
        raise InputError(f'{where}: {type(error).__name__}: {error}') from error
