"""Names of photographs: the files that they mean, and the groups that they tell of."""

from __future__ import annotations

import os
import os.path as osp
import re
import unicodedata
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from mmpose_lite.errors import InputError, short
from mmpose_lite.utils.images import is_address

NAME_MODES = ('exact', 'lenient')

_DRIVE = re.compile(r'^[A-Za-z]:$')


class PhotoFinder:
    """Find the files of photographs below a folder.

    Args:
        folder: The folder; an absolute name, or one that leads out of it by ``..``, is taken as it
            is.
        mode: ``'exact'``: as the annotations have the name; ``'lenient'``: where there is no such
            file, the one that :meth:`nearest` finds.

    Attributes:
        nearly: The names that were read in another form, with their files.
    """

    def __init__(self, folder: str, mode: str = 'exact') -> None:
        self.folder = folder
        self.mode = mode
        self.nearly: dict[str, str] = {}
        self._entries: dict[str, dict[str, list[str]]] = {}

    def path(self, name: str) -> str:
        """The file of a name; in the exact mode nothing is looked up."""
        if is_address(name):
            return name
        path = osp.join(self.folder, name)
        if self.mode == 'exact' or _is_file(path):
            return path
        found = self.nearest(name)
        if found is None:
            return path
        self.nearly[name] = found
        return found

    def remarks(self) -> Iterator[str]:
        """Report photographs that were read under another name."""
        for name, file in [*self.nearly.items()][:1]:
            yield (
                f'{len(self.nearly)} photographs are read under another name (file_names), such '
                f'as {file!r} for {name!r}'
            )

    def nearest(self, name: str) -> str | None:
        r"""Find the only file that a name may mean; None if there is none, or several.

        Such a name has backslashes or ``%20``, begins with ``./``, ``/``, a drive or folders that
        ``folder`` ends with already, or differs in upper and lower case, or in how accents are
        composed.
        """
        for parts in _forms(name, osp.basename(osp.normpath(self.folder))):
            path: str | None = self.folder
            for part in parts:
                path = None if path is None else self._entry(path, part)
            if path is not None and _is_file(path):
                return path
        return None

    def _entry(self, folder: str, name: str) -> str | None:
        """Find an entry of a folder by its name, else the only one that is nearly the same."""
        exact = osp.join(folder, name)
        if name == '..' or osp.lexists(exact):
            return exact
        if folder not in self._entries:
            self._entries[folder] = _listed(folder)
        near = self._entries[folder].get(_key(name), [])
        return osp.join(folder, near[0]) if len(near) == 1 else None


def near_file(photographs: PhotoFinder, path: str) -> str:
    """Suggest a file with a near name for a missing photograph; empty if there is none."""
    if is_address(path):
        return ''
    near = photographs.nearest(path.removeprefix(osp.join(photographs.folder, '')))
    return '' if near is None else f"; {near!r} does: dataset.file_names='lenient' reads it"


def _forms(name: str, last: str) -> Iterator[list[str]]:
    """Split a name into folders and file, whole and without folders that it repeats."""
    for text in dict.fromkeys((name, unquote(name))):
        if '\0' in text:
            continue
        parts = [part for part in text.replace('\\', '/').split('/') if part not in ('', '.')]
        parts = parts[1:] if parts and _DRIVE.match(parts[0]) else parts
        yield parts
        for i, part in enumerate(parts[:-1]):
            if _key(part) == _key(last):
                yield parts[i + 1 :]


def _listed(folder: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    try:
        for entry in os.listdir(folder or '.'):
            found.setdefault(_key(entry), []).append(entry)
    except OSError:
        pass  # no folder, or one that cannot be read, has no entry that is near
    return found


def _key(name: str) -> str:
    return unicodedata.normalize('NFC', name).casefold()


def _is_file(path: str) -> bool:
    try:
        return osp.isfile(path)
    except ValueError:  # a name that no file can have
        return False


def check_group(pattern: Any, where: str) -> None:
    """Check that a pattern is a regular expression with one group in brackets.

    Raises:
        InputError: If it is not; the message names the setting, ``where``.
    """
    try:
        count = re.compile(pattern).groups if isinstance(pattern, str) else None
    except re.error as error:
        raise InputError(f'{where}={pattern!r} is not a regular expression: {error}') from error
    if count != 1:
        has = 'is not text' if count is None else f'has {count} groups in brackets'
        raise InputError(
            f'{where}={pattern!r} {has}; it must be a regular expression with one, whose text is '
            "the same for photographs that belong together: r'(.+)_\\d+'"
        )


def find_group(pattern: str, name: str, where: str) -> str:
    """Find what the brackets of a pattern match in the name of a photograph.

    Raises:
        InputError: If that is nothing; the message names the setting, ``where``, and the image.
    """
    found = re.search(pattern, name)
    if found is None or found[1] is None:
        raise InputError(f'{where}={pattern!r} finds nothing in the image name {short(name)}')
    return found[1]
