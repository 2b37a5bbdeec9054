"""Reading JSON data as classes; messages name what does not fit.

Unknown keys are ignored: a later version may have more.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints, is_typeddict

import numpy as np
from numpy import ndarray

from mmpose_lite.errors import InputError, short

_WORDS = {dict: 'JSON object', list: 'list', str: 'string', int: 'whole number', float: 'number'}
_type_hints = cache(get_type_hints)


def read(kind: Any, value: Any, place: str) -> Any:
    """Read JSON data as a type: a dataclass or TypedDict, container, union, array or plain type.

    Args:
        kind: The type. A field with a default may be missing or null.
        value: The data.
        place: File, colon and key, for messages.

    Raises:
        InputError: If a key is missing, or a value does not fit; the message names file, key and
            value.
    """
    parts = get_args(kind)
    if isinstance(kind, UnionType):
        if value is None:
            return None
        kinds = tuple(part for part in parts if part is not NoneType)
        return read(*kinds, value, place) if len(kinds) == 1 else _typed(value, kinds, place)
    if is_dataclass(kind) or is_typeddict(kind):
        return _read_fields(kind, _typed(value, dict, place), place)
    if kind is ndarray:
        return _read_array(value, place)
    container = get_origin(kind)
    if container is dict:
        items = _typed(value, dict, place).items()
        return {key: read(parts[1], item, f'{place}.{key}') for key, item in items}
    if container in (list, tuple):
        return container(_read_items(parts, _typed(value, (list, tuple), place), place))
    return value if kind is Any else _typed(value, kind, place)


def _read_items(kinds: tuple[Any, ...], items: Any, place: str) -> Iterable[Any]:
    if len(kinds) == 2 and kinds[1] is not Ellipsis and len(items) != 2:
        raise InputError(f'{place} is {short(items)}, not a pair')
    return [read(kinds[0], item, f'{place}[{i}]') for i, item in enumerate(items)]


def _read_fields(kind: Any, content: dict[str, Any], place: str) -> Any:
    optional = _optional(kind)
    values = {}
    for key, hint in _type_hints(kind).items():
        if content.get(key) is None and key in optional:
            continue
        if key not in content:
            raise InputError(f'{_at(place, key)} is missing')
        values[key] = read(hint, content[key], _at(place, key))
    try:
        return kind(**values)
    except ValueError as error:  # of __post_init__; it begins with the key
        raise InputError(_at(place, str(error))) from error


def _at(place: str, key: str) -> str:
    return f'{place} {key}' if place.endswith(':') else f'{place}.{key}'


@cache
def _optional(kind: Any) -> frozenset[str]:
    """The fields with a default, or the keys that may be missing."""
    if is_typeddict(kind):
        return kind.__optional_keys__
    return frozenset(each.name for each in fields(kind) if each.default is not MISSING)


def _read_array(value: Any, place: str) -> ndarray:
    if value is None:
        raise InputError(f'{place} is missing')
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f'{place} holds no numbers: {short(value)}') from error


def _typed(value: Any, kind: Any, place: str) -> Any:
    kinds = kind if isinstance(kind, tuple) else (kind,)
    allowed = (*kinds, int) if float in kinds else kinds
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in kinds):
        words = dict.fromkeys(_WORDS.get(one, 'list' if one is tuple else 'bool') for one in kinds)
        raise InputError(f'{place} is {short(value)}, not a {" or ".join(words)}')
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f'{place} is {value}, not a finite number')
    return value
