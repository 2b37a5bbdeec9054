"""Errors of what people give: configs, files, arguments. Tools print them as one line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from reprlib import Repr
from typing import Any

_SHORT = Repr()
_SHORT.maxstring, _SHORT.maxother, _SHORT.maxlong = 200, 60, 60


class InputError(ValueError):
    """Something given cannot be used; the message names the file, the key and the value."""


class MissingFileError(InputError, FileNotFoundError):
    """A file or folder that was named is not there."""


class MissingKeyError(InputError, KeyError):
    """A key that is needed is not there."""

    # A KeyError shows its message in quotes.
    __str__ = Exception.__str__


class ArgumentError(InputError, AssertionError):
    """An argument of a part cannot be used; where MMPose asserts, callers may await either."""


def short(value: Any) -> str:
    """Show a value, of any length and depth, on one short line."""
    return _SHORT.repr(value)


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> list[str]:
    """Find the names that a mistyped one may mean, for a message.

    Args:
        name: What was typed; its case does not matter.
        known: The names that there are.
        cutoff: How alike two names must be, from 0 to 1; see :func:`difflib.get_close_matches`.

    Returns:
        Up to three names, the nearest first.
    """
    by_lower = {each.lower(): each for each in known}
    found = difflib.get_close_matches(name.lower(), by_lower, n=3, cutoff=cutoff)
    return [by_lower[each] for each in found]


def counted(number: int, thing: str) -> str:
    """Name a number of things: ``1 face``, ``2,000 faces``."""
    return f'{number:,} {thing}{"" if number == 1 else "s"}'


def first_few(names: Sequence[str], most: int) -> str:
    """Name the first of many things, for a message: ``a, b and 3 more``."""
    more = f' and {len(names) - most} more' if len(names) > most else ''
    return ', '.join(names[:most]) + more


def about_nearest(name: str, known: Iterable[str]) -> str:
    """Say which names a mistyped one may mean, for a message: ``the nearest are ...``."""
    near = nearest(name, known)
    return f'the nearest are {", ".join(near)}' if near else 'none is near'
