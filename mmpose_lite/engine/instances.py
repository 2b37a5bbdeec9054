"""Objects that mmengine keeps by name until the process ends, freed here with their run."""

from __future__ import annotations

from logging import FileHandler, Logger
from typing import Any

from mmengine.utils import ManagerMixin


def release(kind: Any, name: str) -> None:
    """Free a name for a new instance of a class; who holds the old one keeps it."""
    kind._instance_dict.pop(name, None)
    for child in kind.__subclasses__():
        release(child, name)


def forget(instance: ManagerMixin) -> None:
    """Drop a logger, hub, visualizer or scope from mmengine's tables; its file is closed."""
    for kind in type(instance).__mro__:
        table = vars(kind).get('_instance_dict', {})
        if table.get(instance.instance_name) is instance:
            del table[instance.instance_name]
    if isinstance(instance, Logger):
        close_files(instance)


def close_files(logger: Logger) -> None:
    """Close the files of a logger; a line that comes later opens them again, at their end."""
    for handler in logger.handlers:
        if isinstance(handler, FileHandler):
            handler.mode = 'a'
            handler.close()
