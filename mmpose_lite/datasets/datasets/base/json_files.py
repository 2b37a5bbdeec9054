"""Reading JSON as tools write it, with a name for each fault."""

from __future__ import annotations

import json
from reprlib import Repr
from typing import Any

from mmpose_lite.utils import InputError, MissingFileError

_SHORT = Repr()
_SHORT.maxstring, _SHORT.maxother, _SHORT.maxlong = 200, 60, 60


def short(value: Any) -> str:
    """A value as messages show it: of any length and depth, on one line."""
    return _SHORT.repr(value)


class AnnotationError(InputError):
    """A record that cannot be used; the message names the file, the record and the field."""


def read_json(path: str) -> Any:
    """Read a JSON file in UTF-8, UTF-16 or UTF-32, with or without a byte-order mark.

    Raises:
        MissingFileError: If there is no such file.
        AnnotationError: If it cannot be read, is no JSON, or has a key twice in one object, of
            which JSON would keep the last.
    """
    try:
        with open(path, 'rb') as file:
            return json.loads(file.read(), object_pairs_hook=_each_key_once)
    except FileNotFoundError as error:
        raise MissingFileError(f'annotation file {path!r} does not exist') from error
    except OSError as error:
        raise AnnotationError(f'{path}: cannot be read: {error.strerror}') from error
    except AnnotationError as error:
        raise AnnotationError(f'{path}: {error}') from None
    except (ValueError, RecursionError) as error:  # a wrong encoding, a number of 5,000 digits
        raise AnnotationError(f'{path}: no JSON: {error}') from error


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    seen: dict[str, Any] = {}
    for key, value in pairs:
        if key in seen:
            where = f'the record of id {short(found["id"])}' if 'id' in found else 'an object'
            values = f'{short(seen[key])} and {short(value)}'
            raise AnnotationError(f'{where} has the key {short(key)} twice: {values}')
        seen[key] = value
    return found
