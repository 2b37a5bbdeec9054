"""Readers that only converters need."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from mmpose_lite.utils import InputError


def import_reader(module: str, file: str) -> Any:
    """Import a package that reads a file's form.

    Args:
        module: The module.
        file: The file, for the message.

    Raises:
        InputError: If the package is missing; the message says how to install it.
    """
    package = module.partition('.')[0]
    try:
        return import_module(module)
    except ImportError as error:
        raise InputError(
            f"{file}: needs {package} to be read: pip install 'mmpose_lite[convert]' (or {package})"
        ) from error
