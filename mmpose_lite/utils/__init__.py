"""Helpers that stand by themselves; importing them costs nothing but the standard library."""

from typing import TYPE_CHECKING

from .collect_env import collect_env  # at once: its module has the same name
from .lazy import lazy_names

if TYPE_CHECKING:
    from ..errors import InputError, MissingFileError, MissingKeyError
    from .collect_env import Problem, check_env
    from .logger import get_root_logger
    from .setup_env import collector_at_rest, register_all_modules, setup_multi_processes
    from .timer import StopWatch

__all__ = [
    'InputError',
    'MissingFileError',
    'MissingKeyError',
    'Problem',
    'StopWatch',
    'check_env',
    'collect_env',
    'collector_at_rest',
    'get_root_logger',
    'register_all_modules',
    'setup_multi_processes',
]

__getattr__, __dir__ = lazy_names(__name__)
