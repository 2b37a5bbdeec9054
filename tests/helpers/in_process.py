"""Run commands within the tests' own process, as if each had one of its own."""

import contextlib
import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
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
