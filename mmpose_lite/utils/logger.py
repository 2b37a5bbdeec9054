"""The package's own logger, for use outside a training run (a runner brings its logger along)."""

from __future__ import annotations

import logging
import os

_NAME = 'mmpose_lite'


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
    if not logger.handlers:
        _add(logger, logging.StreamHandler())
    if log_file is not None and os.path.abspath(log_file) not in _files(logger):
        _add(logger, logging.FileHandler(log_file))
    first = os.environ.get('RANK', '0') == '0'
    logger.setLevel(log_level if first else logging.ERROR)
    return logger


def _add(logger: logging.Logger, handler: logging.Handler) -> None:
    handler.setFormatter(logging.Formatter('%(asctime)s - %(name)s - %(levelname)s - %(message)s'))
    logger.addHandler(handler)


def _files(logger: logging.Logger) -> set[str]:
    return {h.baseFilename for h in logger.handlers if isinstance(h, logging.FileHandler)}
