"""Following a pickle without running it."""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from typing import Any, BinaryIO, Protocol, cast

from .refusals import RefusedError, UnreadableError, one_line
from .stand_ins import (
    ARGUMENTS,
    BUILDS,
    CALLS,
    HISTORY,
    ITEM_SIZES,
    Counts,
    History,
    Name,
    Ordered,
    Storage,
    check_key,
)

# Far above any model's: a network with three hundred layers takes some ten thousand steps.
MOST_STEPS = 2_000_000
LONGEST_PICKLE = 1 << 28
# A generator of numpy keeps two. Integers of 64 bits share a hash with eight others at most, wider
# ones with any number, and a dict of such keys would take hours.
MOST_WIDE_INTEGERS = 1000

_CONSTANTS: dict[str, Callable[[], Any]] = {
    'NONE': lambda: None,
    'NEWTRUE': lambda: True,
    'NEWFALSE': lambda: False,
    'EMPTY_DICT': dict,
    'EMPTY_LIST': list,
    'EMPTY_TUPLE': tuple,
}
_VALUES = ('BININT', 'BININT1', 'BININT2', 'LONG1', 'BINFLOAT', 'BINUNICODE', 'SHORT_BINSTRING')
# What Python 2 called them, which torch's protocol keeps.
_OLD_MODULES = {'__builtin__': 'builtins'}

OpenStorage = Callable[[Storage, int], None]


class Stream(Protocol):
    """What is asked of a file; it must make no room for bytes that it does not have."""

    def read(self, count: int, /) -> bytes: ...

    def readline(self) -> bytes: ...

    def tell(self) -> int: ...


class DryRun:
    """One pickle, followed step by step with stand-ins for all that it names.

    It knows the steps that ``torch.save`` writes and that ``torch.load(weights_only=True)`` knows,
    and no others. Nothing that the pickle names is imported, called or changed.

    Args:
        stream: Where the pickle begins; afterwards, where it ends.
        open_storage: Is given each storage that the pickle opens and its number of bytes, and
            raises :class:`RefusedError` if the file does not hold it. Without it there may be none.
        fields: Number of fields of a storage's name.
    """

    def __init__(
        self, stream: Stream, open_storage: OpenStorage | None = None, fields: int = 5
    ) -> None:
        self._stream = stream
        self._open_storage = open_storage
        self._fields = fields
        self._stack: list[Any] = []
        self._frames: list[list[Any]] = []
        self._memo: dict[int, Any] = {}
        self._storages: dict[str, Storage] = {}
        self._steps: dict[str, Callable[[Any], None]] = {
            **{name: self._constant(make) for name, make in _CONSTANTS.items()},
            **dict.fromkeys(_VALUES, self._push),
            **{f'TUPLE{count}': self._short_tuple(count) for count in (1, 2, 3)},
            **dict.fromkeys(('BINPUT', 'LONG_BINPUT'), self._remember),
            **dict.fromkeys(('BINGET', 'LONG_BINGET'), self._recall),
            'PROTO': self._proto,
            'STOP': lambda _: None,
            'MARK': self._mark,
            'TUPLE': lambda _: self._push(tuple(self._items())),
            'APPEND': lambda _: self._extend([self._stack.pop()]),
            'APPENDS': lambda _: self._extend(self._items()),
            'SETITEM': lambda _: self._set([self._stack.pop(), self._stack.pop()][::-1]),
            'SETITEMS': lambda _: self._set(self._items()),
            'GLOBAL': self._global,
            'NEWOBJ': self._new,
            'REDUCE': self._reduce,
            'BUILD': self._build,
            'BINPERSID': self._persistent,
        }

    def load(self) -> Any:
        """Follow the pickle to its end.

        Returns:
            Its content, with stand-ins for what is neither plain data nor a container.

        Raises:
            RefusedError: If it holds anything that is not on the list; the message names it.
            UnreadableError: If it is no pickle, or has no end.
        """
        start, stream = self._stream.tell(), cast(BinaryIO, self._stream)
        wide = 0
        try:
            for number, (step, argument, position) in enumerate(pickletools.genops(stream)):
                wide += isinstance(argument, int) and argument.bit_length() > 64
                if wide > MOST_WIDE_INTEGERS:
                    raise RefusedError(f'more than {MOST_WIDE_INTEGERS} integers above 64 bits')
                if number > MOST_STEPS or (position or 0) - start > LONGEST_PICKLE:
                    raise RefusedError('a pickle that is longer than any checkpoint')
                self._follow(step.name, argument)
            (content,) = self._stack
        except (ValueError, IndexError, KeyError, TypeError, OverflowError) as error:
            raise UnreadableError(f'its pickle is damaged ({type(error).__name__})') from error
        if self._frames:
            raise UnreadableError('its pickle is damaged')
        return content

    def _follow(self, name: str, argument: Any) -> None:
        act = self._steps.get(name)
        if act is None:
            raise RefusedError(f'the pickle instruction {name}{self._place()}')
        try:
            act(argument)
        except RefusedError as error:
            raise RefusedError(f'{error}{self._place()}') from None

    def _place(self) -> str:
        """The keys that lead to where the pickle is, as far as they are known."""
        keys = []
        for frame in [*self._frames, self._stack]:
            texts = [item for item in frame if type(item) is str]
            keys += texts[-1:]
        clean = one_line('.'.join(keys), 120)
        return f' (at {clean})' if clean else ''

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _constant(self, make: Callable[[], Any]) -> Callable[[Any], None]:
        return lambda _: self._stack.append(make())

    def _short_tuple(self, count: int) -> Callable[[Any], None]:
        def act(_: Any) -> None:
            if len(self._stack) < count:
                raise IndexError
            self._stack[-count:] = [tuple(self._stack[-count:])]

        return act

    def _proto(self, number: int) -> None:
        if number != 2:
            raise RefusedError(f'pickle protocol {number}, where torch writes 2')

    def _mark(self, _: Any) -> None:
        self._frames.append(self._stack)
        self._stack = []

    def _items(self) -> list[Any]:
        items, self._stack = self._stack, self._frames.pop()
        return items

    def _remember(self, number: int) -> None:
        self._memo[number] = self._stack[-1]

    def _recall(self, number: int) -> None:
        self._stack.append(self._memo[number])

    def _extend(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if type(target) is not list:
            raise RefusedError(f'items appended to a {_describe(target)}')
        target.extend(items)

    def _set(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if type(target) not in (dict, Ordered, Counts):
            raise RefusedError(f'items set in a {_describe(target)}')
        for key, value in zip(items[::2], items[1::2], strict=True):
            check_key(key)
            target[key] = value

    def _global(self, argument: str) -> None:
        module, _, name = argument.partition(' ')
        full = f'{_OLD_MODULES.get(module, module)} {name}'
        if full not in CALLS and full not in ARGUMENTS:
            raise RefusedError(one_line(full.replace(' ', '.'), 120))
        self._push(Name(full))

    def _new(self, _: Any) -> None:
        arguments, kind = self._stack.pop(), self._stack.pop()
        if kind != Name(HISTORY) or arguments != ():
            raise RefusedError(f'a new {_describe(kind)}')
        self._push(History())

    def _reduce(self, _: Any) -> None:
        arguments, function = self._stack.pop(), self._stack.pop()
        if type(function) is not Name or function.name not in CALLS or type(arguments) is not tuple:
            raise RefusedError(f'a call of a {_describe(function)}')
        try:
            self._push(CALLS[function.name](*arguments))
        except TypeError as error:
            raise RefusedError(f'{_describe(function)} with odd arguments') from error

    def _build(self, _: Any) -> None:
        state, target = self._stack.pop(), self._stack[-1]
        build = BUILDS.get(type(target))
        if build is None:
            raise RefusedError(f'a state for a {_describe(target)}')
        build(target, state)

    def _persistent(self, _: Any) -> None:
        name = self._stack.pop()
        if type(name) is not tuple or name[:1] != ('storage',) or len(name) != self._fields:
            raise RefusedError('a reference that is no storage')
        if self._open_storage is None or any(name[5:]):
            raise RefusedError('a storage that is a view or out of place')
        _, kind, key, location, count = name[:5]
        if type(kind) is not Name or kind.name not in ITEM_SIZES:
            raise RefusedError(f'a storage of a {_describe(kind)}')
        if type(key) is not str or not key.isascii() or not key.isdigit():
            raise RefusedError(f'a storage named {key!r:.40}')
        if type(location) is not str or not _is_device(location):
            raise RefusedError(f'a storage on the device {location!r:.40}')
        if type(count) is not int or count < 0:
            raise RefusedError(f'a storage of {count!r:.40} numbers')
        self._push(self._opened(Storage(key, kind.name, count)))

    def _opened(self, storage: Storage) -> Storage:
        known = self._storages.get(storage.key)
        if known is None or not known.count == storage.count == 0:
            if known not in (None, storage):
                raise RefusedError(f'the storage {storage.key} with two sizes or types')
            assert self._open_storage is not None
            self._open_storage(storage, storage.count * ITEM_SIZES[storage.kind])
        return self._storages.setdefault(storage.key, storage)


def _is_device(location: str) -> bool:
    kind, _, number = location.partition(':')
    return kind in ('cpu', 'cuda', 'mps', 'npu', 'xpu') and (not number or number.isdigit())


def _describe(value: Any) -> str:
    if type(value) is Name:
        return value.name.replace(' ', '.')
    return type(value).__name__.lower()
