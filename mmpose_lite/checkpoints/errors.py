"""Errors of files that are not read."""

from __future__ import annotations


class RefusedError(Exception):
    """The file holds what no checkpoint needs; the message names the type or the field."""


class UnreadableError(Exception):
    """The file is no checkpoint, or a damaged one."""


def one_line(text: object, longest: int = 300) -> str:
    """Text that may be the file's own, made fit for a log: one short line that a terminal shows."""
    shown = ' '.join(str(text).split()).encode('ascii', 'backslashreplace').decode()
    return ''.join(each if each.isprintable() else '?' for each in shown)[:longest]
