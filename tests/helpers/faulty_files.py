"""A file system that refuses a call, or at which the process dies."""

import errno
import os
from contextlib import contextmanager
from unittest.mock import patch

from mmpose_lite.checkpoints import archive
from mmpose_lite.utils import files

# What saving and rotating call; files count each of their own calls too.
_CALLS = ('fsync', 'replace', 'rename', 'remove', 'unlink', 'open', 'mkdir', 'symlink')
_OF_FILES = ('write', 'read', 'flush', 'close')


class Faults:
    """Counts calls, and acts at one of them.

    Args:
        at: The number of the call, from 1; 0: none.
        act: What happens there.
        forever: Whether it happens at all later ones too.
    """

    def __init__(self, at=0, act=None, forever=False):
        self.at, self.act, self.forever = at, act, forever
        self.calls = []

    def meet(self, name):
        self.calls.append(name)
        count = len(self.calls)
        if self.at and (count == self.at or (self.forever and count > self.at)):
            self.act()


class FaultyFile:
    """A file each of whose calls may fail; it is closed all the same, as files are."""

    def __init__(self, file, faults):
        self._file, self._faults = file, faults

    def __getattr__(self, name):
        found = getattr(self._file, name)
        if name not in _OF_FILES:
            return found

        def call(*arguments):
            self._faults.meet(f'file.{name}')
            return found(*arguments)

        return call

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self._faults.meet('file.close')
        finally:
            self._file.close()


@contextmanager
def faulty(faults):
    """Let faults act on the calls of saving and rotating checkpoints."""

    def counted(name, function):
        def call(*arguments, **options):
            faults.meet(f'os.{name}')
            return function(*arguments, **options)

        return call

    def open_file(path, *arguments, **options):
        faults.meet('open')
        return FaultyFile(open(path, *arguments, **options), faults)

    patches = [patch.object(os, name, counted(name, getattr(os, name))) for name in _CALLS]
    patches += [patch.object(module, 'open', open_file, create=True) for module in (archive, files)]
    for each in patches:
        each.start()
    try:
        yield
    finally:
        for each in patches:
            each.stop()


def refusing(number):
    """An act: the system's refusal of that number."""

    def refuse():
        raise OSError(number, os.strerror(number))

    return refuse


REFUSALS = {name: refusing(getattr(errno, name)) for name in ('ENOSPC', 'EIO', 'EACCES')}


def die():
    """An act: the process ends without a word."""
    os._exit(9)
