"""Stand-ins for what a checkpoint holds: what is there is described, and nothing is built.

A pickle names functions and calls them. Here each name of a short list has a stand-in, which checks
its arguments and returns a description; a name that is not on the list is refused. The list is what
torch and mmengine themselves store: tensors, arrays and numbers of numpy, log histories, and the
containers of Python. Names are written as pickles have them, module and name with a blank between.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .refusals import RefusedError

STATISTICS = ('min', 'max', 'mean', 'current')
HISTORY = 'mmengine.logging.history_buffer HistoryBuffer'

ITEM_SIZES = {
    f'torch {kind}Storage': size
    for size, kinds in {
        1: ('Bool', 'Byte', 'Char'),
        2: ('Half', 'BFloat16', 'Short'),
        4: ('Float', 'Int'),
        8: ('Double', 'Long'),
    }.items()
    for kind in kinds
}

_MOST_DIMENSIONS = 25
_LONGEST_SIDE = 1 << 40
_NUMBER_OF_NUMPY = re.compile(r'f[248]|[iu][1248]|b1|U(\d{1,6})')
_KEY_TYPES = (str, int, float, bool, bytes, type(None))


@dataclass(frozen=True)
class Name:
    """A function or class that the pickle names."""

    name: str


class Ordered(dict):
    """An ``OrderedDict``."""


class Counts(dict):
    """A ``Counter``."""


@dataclass(frozen=True)
class Storage:
    """The numbers that tensors share."""

    key: str
    kind: str
    count: int


@dataclass(frozen=True)
class Tensor:
    """A tensor or parameter."""

    shape: tuple[int, ...]


@dataclass
class Dtype:
    """A type of numpy's numbers."""

    item_size: int
    text: bool


@dataclass
class Array:
    """An array of numpy, filled later."""

    shape: tuple[int, ...] | None = None


@dataclass
class History:
    """A log history, filled later."""


@dataclass(frozen=True)
class Statistic:
    """A method of log histories."""

    name: str


def check_key(key: Any) -> None:
    """Refuse keys whose hash could take for ever or run something."""
    if type(key) not in _KEY_TYPES:
        raise RefusedError(f'a {type(key).__name__.lower()} as the key of a dict')


def _need(condition: Any, what: str) -> None:
    if not condition:
        raise RefusedError(what)


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= _LONGEST_SIDE


def _shape_of(value: Any, what: str) -> tuple[int, ...]:
    good = type(value) is tuple and len(value) <= _MOST_DIMENSIONS and all(map(_is_count, value))
    _need(good, f'{what} of an impossible shape')
    return value


def _tensor(
    storage: Any,
    offset: Any,
    size: Any,
    stride: Any,
    requires_grad: Any = False,
    hooks: Any = None,
    metadata: Any = None,
) -> Tensor:
    """``_rebuild_tensor_v2``: a view of a storage, whose every element must lie inside it."""
    _need(type(storage) is Storage, 'a tensor without a storage')
    size, stride = _shape_of(size, 'a tensor'), _shape_of(stride, 'a tensor')
    _need(_is_count(offset) and len(size) == len(stride), 'a tensor of an impossible shape')
    elements = math.prod(size)
    last = offset + sum((side - 1) * step for side, step in zip(size, stride, strict=True))
    # Steps of 0 would make a huge tensor of one number.
    fits = last < storage.count and elements <= storage.count if elements else True
    _need(
        fits and offset <= storage.count,
        f'a tensor of shape {size}, strides {stride} and offset {offset} on a storage of '
        f'{storage.count} numbers',
    )
    _need(type(requires_grad) is bool and not metadata, 'a tensor with metadata')
    _need(hooks is None or (type(hooks) is Ordered and not hooks), 'a tensor with hooks')
    return Tensor(size)


def _parameter(data: Any, requires_grad: Any, hooks: Any) -> Tensor:
    _need(type(data) is Tensor, 'a parameter without a tensor')
    _need(type(requires_grad) is bool, 'a parameter with odd arguments')
    _need(type(hooks) is Ordered and not hooks, 'a parameter with hooks')
    return data


def _ordered(pairs: Any = ()) -> Ordered:
    _need(type(pairs) in (list, tuple), 'an OrderedDict of odd arguments')
    result = Ordered()
    for pair in pairs:
        _need(type(pair) in (list, tuple) and len(pair) == 2, 'an OrderedDict of odd arguments')
        check_key(pair[0])
        result[pair[0]] = pair[1]
    return result


def _counter(counts: Any = None) -> Counts:
    counts = {} if counts is None else counts
    good = type(counts) in (dict, Counts) and all(type(each) is int for each in counts.values())
    _need(good, 'a Counter of odd arguments')
    return Counts(counts)


def _set(items: Any = ()) -> set:
    _need(type(items) in (list, tuple), 'a set of odd arguments')
    for item in items:
        check_key(item)
    return set(items)


def _encode(text: Any, encoding: Any) -> bytes:
    _need(type(text) is str and encoding == 'latin1', 'bytes in an odd encoding')
    return text.encode('latin1')


def _bytes() -> bytes:
    return b''


def _size(sides: Any) -> tuple[int, ...]:
    return _shape_of(sides, 'a torch.Size')


def _complex(real: Any, imaginary: Any) -> complex:
    _need(type(real) is float and type(imaginary) is float, 'a complex number of odd arguments')
    return complex(real, imaginary)


def _statistic(owner: Any, name: Any) -> Statistic:
    """``getattr``, by which a stored history names its own statistics, and only that."""
    good = owner == Name(HISTORY) and type(name) is str and name in STATISTICS
    _need(good, f'builtins.getattr of {name!r:.40}')
    return Statistic(name)


def _reconstruct(kind: Any, shape: Any, code: Any) -> Array:
    _need(kind == Name('numpy ndarray') and shape == (0,) and code == b'b', 'an odd numpy array')
    return Array()


def _dtype(code: Any, align: Any, copy: Any) -> Dtype:
    # Not copied it would be the one that all arrays share, and its state could be set.
    found = _NUMBER_OF_NUMPY.fullmatch(code) if type(code) is str else None
    _need(found and align in (False, 0) and copy in (True, 1), f'numpy.dtype of {code!r:.40}')
    assert found is not None
    if found[1] is not None:
        return Dtype(4 * int(found[1]), text=True)
    return Dtype(int(code[1:]), text=False)


def _scalar(dtype: Any, content: Any) -> float:
    good = type(dtype) is Dtype and type(content) is bytes and len(content) == dtype.item_size
    _need(good, 'an odd number of numpy')
    return 0.0


def _build_array(array: Array, state: Any) -> None:
    _need(type(state) is tuple and len(state) == 5, 'an odd numpy array')
    _, shape, dtype, fortran, content = state
    shape = _shape_of(shape, 'a numpy array')
    _need(type(dtype) is Dtype and type(fortran) is bool, 'an odd numpy array')
    good = type(content) is bytes and len(content) == math.prod(shape) * dtype.item_size
    _need(good, f'a numpy array of shape {shape} with other content')
    array.shape = shape


def _build_dtype(dtype: Dtype, state: Any) -> None:
    _need(type(state) is tuple and len(state) == 8, 'an odd numpy.dtype')
    version, order, subtype, names, fields, size, alignment, flags = state
    plain = subtype is None and names is None and fields is None
    _need(version == 3 and order in ('<', '>', '|', '=') and plain, 'an odd numpy.dtype')
    expected = (dtype.item_size, 4, 8) if dtype.text else (-1, -1, 0)
    _need((size, alignment, flags) == expected, 'an odd numpy.dtype')


def _build_history(history: History, state: Any) -> None:
    _need(type(state) is dict, 'an odd HistoryBuffer')
    arrays = [state.get(key) for key in ('_log_history', '_count_history')]
    shapes = [array.shape if type(array) is Array else None for array in arrays]
    good = shapes[0] is not None and len(shapes[0]) == 1 and shapes[0] == shapes[1]
    _need(good and type(state.get('max_length')) is int, 'an odd HistoryBuffer')
    known = {'max_length', '_log_history', '_count_history', 'statistics_methods'}
    _need(set(state) <= known, f'a HistoryBuffer with {min(set(state) - known, default="")!r:.40}')
    methods = state.get('statistics_methods', {})
    good = type(methods) is dict and all(
        type(method) is Statistic and method.name == name for name, method in methods.items()
    )
    _need(good, 'a HistoryBuffer with statistics of its own')


def _build_ordered(ordered: Ordered, state: Any) -> None:
    good = type(state) is dict and set(state) <= {'_metadata'}
    _need(good, 'an OrderedDict with attributes')
    metadata = state.get('_metadata')
    _need(metadata is None or type(metadata) in (dict, Ordered), 'an OrderedDict with attributes')


# What may be called, and what may be named as an argument only.
CALLS: dict[str, Callable[..., Any]] = {
    'collections OrderedDict': _ordered,
    'collections Counter': _counter,
    'builtins set': _set,
    'builtins bytes': _bytes,
    'builtins complex': _complex,
    'builtins getattr': _statistic,
    '_codecs encode': _encode,
    'torch Size': _size,
    'torch._utils _rebuild_tensor': _tensor,
    'torch._utils _rebuild_tensor_v2': _tensor,
    'torch._utils _rebuild_parameter': _parameter,
    'numpy dtype': _dtype,
    **{
        f'numpy.{core}.multiarray {name}': stand_in
        for core in ('core', '_core')
        for name, stand_in in (('_reconstruct', _reconstruct), ('scalar', _scalar))
    },
}
ARGUMENTS = {'numpy ndarray', HISTORY, *ITEM_SIZES}

# What may be given its content after it has been made.
BUILDS: dict[type, Callable[[Any, Any], None]] = {
    Array: _build_array,
    Dtype: _build_dtype,
    History: _build_history,
    Ordered: _build_ordered,
}
