"""The package's own logger, for use outside a training run (a runner brings its logger along)."""

from __future__ import annotations

import logging
import os

_NAME = 'mmpose_lite'
_FORMAT = '%(asctime)s - %(name)s - %(levelname)s - %(message)s'


class _ScreenFormatter(logging.Formatter):
    """As a run's screen has it: the message alone, after the level of a warning or an error."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        is_warning = record.levelno >= logging.WARNING
        return f'{record.levelname}: ' * is_warning + super().format(record)


def get_root_logger(
    log_file: str | os.PathLike | None = None, log_level: int = logging.INFO
) -> logging.Logger:
    """Return the logger of the package, writing to the terminal and, if asked, to a file.

    Args:
        log_file: A file to write to as well.
        log_level: The lowest level that is shown; processes other than the first show errors only.
    """
    logger = logging.getLogger(_NAME)
    logger.propagate = False
    files = {h.baseFilename for h in logger.handlers if isinstance(h, logging.FileHandler)}
    if not logger.handlers:
        screen = logging.StreamHandler()
        screen.setFormatter(_ScreenFormatter())
        logger.addHandler(screen)
    if log_file is not None and os.path.abspath(log_file) not in files:
        file = logging.FileHandler(log_file)
        file.setFormatter(logging.Formatter(_FORMAT))
        logger.addHandler(file)
    first = os.environ.get('RANK', '0') == '0'
    logger.setLevel(log_level if first else logging.ERROR)
    return logger
