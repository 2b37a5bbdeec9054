"""Run commands within the tests' own process, as if each had one of its own."""

import contextlib
import io
import os.path as osp
import pickle
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mmengine.config import Config
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope
from mmengine.visualization import Visualizer


def run_main(main: Callable[[list[str]], None], *arguments: object, cwd: Path) -> str:
    """Call the ``main`` of a command in a folder; return what it printed."""
    argv = list(map(str, arguments))
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(printed):
        patch.chdir(cwd)
        patch.setenv('COLUMNS', '160')
        patch.setattr(sys, 'argv', [main.__module__.rpartition('.')[2] + '.py', *argv])
        # Laying out the text of its config would be most of a tiny run's time.
        patch.setattr('mmengine.config.config.FormatCode', lambda code, **_: (code, True))
        forget_globals()
        try:
            main(argv)
        except SystemExit as end:
            if end.code:
                raise
        finally:
            forget_globals()
    return printed.getvalue()


def forget_globals() -> None:
    """Close and forget the loggers, visualizers and scopes that mmengine keeps by name."""
    for logger in MMLogger._instance_dict.values():
        for handler in logger.handlers:
            handler.close()
    for manager in (MMLogger, MessageHub, Visualizer, DefaultScope):
        for kind in _with_subclasses(manager):
            kind._instance_dict.clear()


def _with_subclasses(kind: type) -> Iterator[type]:
    yield kind
    for child in kind.__subclasses__():
        yield from _with_subclasses(child)


# What a config may say that makes another of it each time it is read.
_CHANGING = re.compile(rb'^\s*(import|from) |\{\{ *\$|_deprecation_|read_base', re.MULTILINE)
_read_file = Config._file2dict
_read_before: dict[tuple, tuple[dict[str, bytes], bytes]] = {}
_reading: list[dict[str, bytes]] = []  # the files of each config that is being read


def remember_configs() -> None:
    """Let mmengine execute a config file once, and again if it or one of its bases changes."""
    Config._file2dict = staticmethod(_read_once)


def _read_once(filename: str, *args: Any, **kwargs: Any) -> Any:
    if Config._file2dict is not _read_once:  # somebody wants to see each base
        return _read_file(filename, *args, **kwargs)
    path = osp.abspath(osp.expanduser(filename))
    key = (path, args, tuple(kwargs.items()))
    files, packed = _read_before.get(key, ({}, b''))
    if not packed or files != {each: _content(each) for each in files}:
        files = {path: _content(path)}
        _reading.append(files)
        try:
            read = _read_file(filename, *args, **kwargs)
        finally:
            _reading.pop()
        if not any(map(_CHANGING.search, files.values())):
            with contextlib.suppress(Exception):  # values that are no plain data
                _read_before[key] = files, pickle.dumps(read)
    else:
        read = pickle.loads(packed)
    if _reading:
        _reading[-1].update(files)
    return read


def _content(path: str) -> bytes:
    return Path(path).read_bytes() if osp.isfile(path) else b''
