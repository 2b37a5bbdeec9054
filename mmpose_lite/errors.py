"""Errors of what people give: configs, files, arguments. Tools print them as one line."""

from __future__ import annotations


class InputError(ValueError):
    """Something given cannot be used; the message names the file, the key and the value."""


class MissingFileError(InputError, FileNotFoundError):
    """A file or folder that was named is not there."""


class MissingKeyError(InputError, KeyError):
    """A key that is needed is not there."""

    # A KeyError shows its message in quotes.
    __str__ = Exception.__str__
