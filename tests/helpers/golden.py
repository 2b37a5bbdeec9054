"""Reference numbers of MMPose 1.3.2: those in the repository, and the whole tables beside it."""

import gzip
import importlib.util
import json
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
TABLES = HERE.parents[2] / 'shared' / 'golden'  # conftest.py: tests of these are not collected


def table(name: str) -> Any:
    """Read a whole table: arrays by name, or the content of a JSON file."""
    path = TABLES / name
    if path.suffix == '.gz':
        return json.loads(gzip.decompress(path.read_bytes()))
    if path.suffix == '.json':
        return json.loads(path.read_text(encoding='utf-8'))
    with np.load(path) as arrays:
        return dict(arrays)


@cache
def load_module(name: str) -> ModuleType:
    """Run a program that lies among the tables."""
    path = TABLES / name
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def facts() -> dict[str, Any]:
    """Read the numbers of the AFLW model that are too many for a line of a test."""
    return json.loads((HERE / 'mmpose_aflw.json').read_text(encoding='utf-8'))
