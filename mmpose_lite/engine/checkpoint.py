"""Reading checkpoints without running what is in them."""

from __future__ import annotations

import os.path as osp
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner.checkpoint import CheckpointLoader

# Beside tensors and plain data, what mmengine stores in its own files: logs and metainfo.
_NUMPY_DTYPES = [type(np.dtype(kind)) for kind in ('f2', 'f4', 'f8', 'i4', 'i8', 'u1', 'b1', 'U1')]


def _numpy_module_global(name: str) -> list[tuple[Any, str]]:
    """A function of numpy's under the names that files of NumPy 1 and of NumPy 2 call it by."""
    core = getattr(np, '_core', None) or np.core  # type: ignore[attr-defined]
    function = getattr(core.multiarray, name)
    return [(function, f'numpy.{place}.multiarray.{name}') for place in ('core', '_core')]


def _allowed() -> list[Any]:
    return [
        HistoryBuffer,
        np.ndarray,
        np.dtype,
        *_NUMPY_DTYPES,
        *_numpy_module_global('_reconstruct'),
        *_numpy_module_global('scalar'),
    ]


def read_checkpoint(path: str, map_location: str | Callable | None = 'cpu') -> dict[str, Any]:
    """Read a checkpoint file: tensors, plain data, and a short list of harmless types.

    Args:
        path: The file.
        map_location: See :func:`torch.load`.

    Returns:
        The content. ``meta.config``, which mmengine would run as Python when it resumes, is
        dropped.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no checkpoint, or holds anything else; the message names the type.
    """
    path = osp.expanduser(path)
    if not osp.isfile(path):
        raise FileNotFoundError(f"checkpoint '{path}' does not exist")
    try:
        with torch.serialization.safe_globals(_allowed()):
            checkpoint = torch.load(path, map_location=map_location, weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError) as error:
        reason = str(error).strip().splitlines()
        unsafe = next((line for line in reason if 'GLOBAL' in line), reason[0] if reason else '')
        raise ValueError(f"checkpoint '{path}' cannot be read: {unsafe.strip()}") from error
    meta = checkpoint.get('meta') if isinstance(checkpoint, dict) else None
    if isinstance(meta, dict):
        meta.pop('config', None)
    return checkpoint


def install_checkpoint_reader() -> None:
    """Make mmengine read local files by :func:`read_checkpoint`."""
    CheckpointLoader.register_scheme(prefixes='', loader=_load_from_local, force=True)


def _load_from_local(filename: str, map_location: Any) -> dict[str, Any]:
    return read_checkpoint(filename, map_location)
