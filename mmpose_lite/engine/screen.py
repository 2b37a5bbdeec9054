"""The part of a run's log that is printed; the file has everything."""

from __future__ import annotations

import logging
import os
import sys

from mmengine.dist import is_main_process
from mmengine.runner import Runner
from rich.console import Console
from rich.text import Text

# For `logger.info(..., extra=FILE_ONLY)`: what readers of the screen have no use for.
FILE_ONLY = {'file_only': True}
# Deprecations inside mmengine that no user can mend.
_NOT_FOR_USERS = ('"FileClient" will', '"HardDiskBackend" is')
# A run prints its whole log, as `verbose=True` in its config has it.
VERBOSE = 'MMPOSE_LITE_VERBOSE'


class ScreenHandler(logging.Handler):
    """Prints what a run logs: warnings, and the information that is for people.

    That is not what mmengine says of itself, nor records marked by :data:`FILE_ONLY`.

    Args:
        console: Where to print.
        level: The least level that is printed.
    """

    def __init__(self, console: Console, level: int = logging.INFO) -> None:
        super().__init__(level)
        self.console = console

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record."""
        is_warning = record.levelno >= logging.WARNING
        if not is_warning and (hasattr(record, 'file_only') or _speaker() == 'mmengine'):
            return
        style = 'yellow' if is_warning else ''
        label = f'{record.levelname}: ' if is_warning else ''
        self.console.print(Text(label + record.getMessage(), style), soft_wrap=True)


def _speaker() -> str:
    """The package that logs the record at hand; `print_log` is only its way."""
    frame = sys._getframe(2)
    while frame.f_back is not None:
        module = frame.f_globals.get('__name__', '')
        if module != 'logging' and not module.startswith('mmengine.logging'):
            return module.partition('.')[0]
        frame = frame.f_back
    return ''


def use_screen(logger: logging.Logger, verbose: bool | None) -> None:
    """Make a logger print for people; with ``verbose``, all that it writes.

    Deprecations inside mmengine that no user can mend are left out of both.

    Args:
        logger: Of a run.
        verbose: None leaves the choice to the environment's ``MMPOSE_LITE_VERBOSE``.
    """
    for handler in logger.handlers:
        handler.addFilter(lambda record: not record.getMessage().startswith(_NOT_FOR_USERS))
    if verbose or (verbose is None and os.environ.get(VERBOSE, '0') != '0'):
        return
    for handler in list(logger.handlers):
        if type(handler) is logging.StreamHandler:
            screen = ScreenHandler(Console(highlight=False), handler.level)
            screen.filters = handler.filters
            logger.removeHandler(handler)
            logger.addHandler(screen)


def screen_of(runner: Runner) -> Console | None:
    """The console of a run's first process; None if the run prints its whole log."""
    handlers = runner.logger.handlers if is_main_process() else ()
    return next((each.console for each in handlers if isinstance(each, ScreenHandler)), None)
