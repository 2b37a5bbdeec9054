"""Runs a script with stand-ins for packages that MMPose imports and these jobs never call.

    python -m benchmarks.measure.standins SCRIPT [ARGUMENT ...]

Detectors, compiled operators, bottom-up matching and masks take no part in a top-down job on
faces, yet ``import mmpose.models`` and ``import mmpose.datasets`` stop without them. A package
that is there is left alone; a stand-in has every name, and raises when one is called.
"""

from __future__ import annotations

import importlib
import runpy
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

# Parents before what is in them.
OPTIONAL = (
    'mmcv._ext',
    'mmdet',
    'mmdet.utils',
    'munkres',
    'pkg_resources',
    'six',
    'six.moves',
    'xtcocotools._mask',
)


class Unavailable:
    """Any name of a stand-in: it can be imported, annotated with and subclassed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        name = type(self).__qualname__
        raise RuntimeError(f'{name} is a stand-in for a package that is not installed')


class StandIn(ModuleType):
    """A module that has every name; who looks for it without importing it finds no loader."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__spec__ = ModuleSpec(name, loader=None)

    def __getattr__(self, name: str) -> type:
        if name.startswith('__'):
            raise AttributeError(name)
        return type(f'{self.__name__}.{name}', (Unavailable,), {})


class NoDistributions(ModuleType):
    """A ``pkg_resources`` that knows no distribution; mmengine then looks for the module."""

    class DistributionNotFound(Exception):
        """Answer to every attribute and call."""

    def get_distribution(self, name: str) -> None:
        """Find nothing."""
        raise self.DistributionNotFound(name)


def install() -> list[str]:
    """Stand in for the optional packages that do not import; return their names."""
    missing = []
    for name in OPTIONAL:
        try:
            importlib.import_module(name)
        except (ImportError, ValueError):  # ValueError: compiled for another NumPy
            kind = NoDistributions if name == 'pkg_resources' else StandIn
            sys.modules[name] = kind(name)
            missing.append(name)
    return missing


if __name__ == '__main__':
    del sys.argv[0]
    install()
    runpy.run_path(sys.argv[0], run_name='__main__')
