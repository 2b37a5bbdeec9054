"""Packages and modules some of whose names are imported at their first use."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import resolve_name
from typing import Any

from mmpose_lite.errors import InputError


def lazy_names(package: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make the ``__getattr__`` and ``__dir__`` of a package, or of a module (PEP 562).

    A name is imported when somebody asks for it, so that importing one module of a package loads
    no other one. The names and their modules are those of the imports under ``if TYPE_CHECKING:``
    in the package's ``__init__.py``, where type checkers and editors find them too; they are its
    ``__all__``.

    Args:
        package: Its ``__name__``; no public name of a package may be that of one of its modules.
    """
    spec: Any = sys.modules[package].__spec__
    source = spec.loader.get_source(package)
    homes = {
        alias.name: resolve_name('.' * node.level + (node.module or ''), spec.parent)
        for statement in ast.parse(source).body
        if isinstance(statement, ast.If) and ast.unparse(statement.test) == 'TYPE_CHECKING'
        for node in statement.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    vars(sys.modules[package]).setdefault('__all__', sorted(homes))
    below = (home for home in homes.values() if home.startswith(f'{package}.'))
    modules = {home.removeprefix(f'{package}.').partition('.')[0] for home in below}

    def get(name: str) -> Any:
        if name in homes:
            value = getattr(import_module(homes[name]), name)
            setattr(sys.modules[package], name, value)
            return value
        if name in modules:  # as after ``import package`` where its modules are imported at once
            return import_module(f'{package}.{name}')
        raise AttributeError(f'module {package!r} has no attribute {name!r}')

    return get, lambda: sorted({*vars(sys.modules[package]), *homes})


def load_optional(package: str) -> Any:
    """Import a package that people install for this alone.

    Raises:
        InputError: If it is not installed; the message has the command.
    """
    try:
        return import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package:  # something that it needs itself
            raise
        raise InputError(f'this needs {package}: pip install {package}') from error
