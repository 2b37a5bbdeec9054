"""Checkpoints: ours hold tensors and plain data; those of others are read without running them."""

from __future__ import annotations

import os
import os.path as osp
import pickle
from collections.abc import Callable
from typing import Any
from urllib.parse import urlparse

import numpy as np
import torch
from mmengine.dist import barrier, is_main_process
from mmengine.logging import HistoryBuffer
from mmengine.runner.checkpoint import CheckpointLoader
from torch import nn

from mmpose_lite.utils import InputError, MissingFileError

from .old_checkpoints import rename_old_keys

_STATISTICS = ('min', 'max', 'mean', 'current')
_NUMPY_DTYPES = [type(np.dtype(kind)) for kind in ('f2', 'f4', 'f8', 'i4', 'i8', 'u1', 'b1', 'U1')]


def make_plain(checkpoint: dict[str, Any]) -> None:
    """Turn what mmengine is about to save into tensors and plain data, in place.

    Log histories become dicts, and the metainfo's arrays become tensors.
    """
    hub = checkpoint.get('message_hub', {})
    hub['log_scalars'] = {
        name: {
            'log_history': torch.from_numpy(np.asarray(buffer.data[0])),
            'count_history': torch.from_numpy(np.asarray(buffer.data[1])),
            'max_length': buffer.max_length,
        }
        for name, buffer in hub.get('log_scalars', {}).items()
        if isinstance(buffer, HistoryBuffer)
    }
    for holder, key in _metainfo_places(checkpoint):
        holder[key] = _convert(holder[key], (np.ndarray, np.generic), _to_plain)


def read_checkpoint(path: str, map_location: str | Callable | None = 'cpu') -> dict[str, Any]:
    """Read a checkpoint file: tensors, plain data, and what mmengine's own files hold.

    Args:
        path: The file.
        map_location: See :func:`torch.load`.

    Returns:
        The content, with log histories and the metainfo's arrays as mmengine has them, and the
        names of MMPose 0.x renewed. ``meta.config``, which mmengine would run as Python when it
        resumes, is dropped.

    Raises:
        MissingFileError: If there is no such file.
        InputError: If it is no checkpoint, or holds anything else; the message names the type.
    """
    path = osp.expanduser(path)
    if not osp.isfile(path):
        raise MissingFileError(f"checkpoint '{path}' does not exist")
    try:
        with torch.serialization.safe_globals(_allowed()):
            checkpoint = torch.load(path, map_location=map_location, weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError) as error:
        raise InputError(f"checkpoint '{path}' cannot be read: {_reason(error)}") from error
    if not isinstance(checkpoint, dict):
        raise InputError(f"checkpoint '{path}' holds a {type(checkpoint).__name__}, not a dict")
    meta = checkpoint.get('meta')
    if isinstance(meta, dict):
        meta.pop('config', None)
    if isinstance(checkpoint.get('state_dict'), dict):
        checkpoint['state_dict'] = rename_old_keys(checkpoint['state_dict'])
    for holder, key in _metainfo_places(checkpoint):
        holder[key] = _convert(holder[key], torch.Tensor, _to_array)
    scalars = checkpoint.get('message_hub', {}).get('log_scalars', {})
    for name, history in scalars.items():
        if isinstance(history, dict):
            scalars[name] = HistoryBuffer(
                _to_array(history['log_history']),
                _to_array(history['count_history']),
                history['max_length'],
            )
    return checkpoint


def load_strictly(model: nn.Module, checkpoint: dict[str, Any], name: str) -> None:
    """Load weights that must fit the model to the last tensor.

    Args:
        model: The model.
        checkpoint: A checkpoint, or its ``state_dict``; a prefix ``module.`` is taken off.
        name: Where it comes from, for the message of an error.

    Raises:
        InputError: If a tensor is missing, left over or of another shape; the message lists the
            first ten.
    """
    given = checkpoint.get('state_dict', checkpoint)
    given = {key.removeprefix('module.'): tensor for key, tensor in given.items()}
    wanted = model.state_dict()
    faults = [f'{key} is missing' for key in wanted if key not in given]
    faults += [f'{key} is left over' for key in given if key not in wanted]
    faults += [
        f'{key} is {tuple(given[key].shape)}, the model has {tuple(wanted[key].shape)}'
        for key in wanted
        if key in given and given[key].shape != wanted[key].shape
    ]
    if faults:
        listed = '; '.join(faults[:10]) + ('; ...' if len(faults) > 10 else '')
        raise InputError(
            f"checkpoint '{name}' does not fit the model in {len(faults)} tensors: {listed}"
        )
    model.load_state_dict(given)


def install_checkpoint_reader() -> None:
    """Make mmengine read files, local and downloaded, by :func:`read_checkpoint`."""
    CheckpointLoader.register_scheme(prefixes='', loader=_load_from_local, force=True)
    CheckpointLoader.register_scheme(
        prefixes=['http://', 'https://'], loader=_load_from_http, force=True
    )


def _load_from_local(filename: str, map_location: Any) -> dict[str, Any]:
    return read_checkpoint(filename, map_location)


def _load_from_http(filename: str, map_location: Any, model_dir: str | None = None) -> dict:
    """Download once, by the first process, and read."""
    folder = model_dir or osp.join(torch.hub.get_dir(), 'checkpoints')
    path = osp.join(folder, osp.basename(urlparse(filename).path))
    if is_main_process() and not osp.isfile(path):
        os.makedirs(folder, exist_ok=True)
        torch.hub.download_url_to_file(filename, path)
    barrier()
    return read_checkpoint(path, map_location)


def _allowed() -> list[Any]:
    """What mmengine's own files hold beside tensors and plain data: logs and metainfo."""
    core = getattr(np, '_core', None) or np.core  # type: ignore[attr-defined]
    # Files of NumPy 1 and of NumPy 2 call these by different names.
    functions = [
        (getattr(core.multiarray, name), f'numpy.{place}.multiarray.{name}')
        for name in ('_reconstruct', 'scalar')
        for place in ('core', '_core')
    ]
    stand_ins = [(_statistic, 'builtins.getattr'), (_statistic, '__builtin__.getattr')]
    # An empty array stores `bytes()`.
    return [HistoryBuffer, bytes, np.ndarray, np.dtype, *_NUMPY_DTYPES, *functions, *stand_ins]


def _metainfo_places(checkpoint: dict[str, Any]) -> list[tuple[dict, str]]:
    """Where mmengine keeps metainfo: each a dict and the key in it."""
    places = [
        (checkpoint.get('meta'), 'dataset_meta'),
        (checkpoint.get('message_hub'), 'runtime_info'),
    ]
    return [(holder, key) for holder, key in places if isinstance(holder, dict) and key in holder]


def _statistic(owner: Any, name: str) -> Any:
    """Stands in for getattr, by which a stored history names its own statistics, and only that."""
    if owner is not HistoryBuffer or name not in _STATISTICS:
        raise pickle.UnpicklingError(f'getattr of {name!r} is refused')
    return getattr(HistoryBuffer, name)


def _convert(value: Any, kind: type | tuple[type, ...], convert: Callable[[Any], Any]) -> Any:
    """Convert every value of a kind in nested dicts, lists and tuples."""
    if isinstance(value, kind):
        return convert(value)
    if isinstance(value, dict):
        return {key: _convert(item, kind, convert) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_convert(item, kind, convert) for item in value)
    return value


def _to_plain(value: np.ndarray | np.generic) -> Any:
    return torch.from_numpy(value) if isinstance(value, np.ndarray) else value.item()


def _to_array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.cpu().numpy()


def _reason(error: Exception) -> str:
    """The line of torch's message that says what is wrong."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    line = next((line for line in lines if 'unsupported' in line.lower()), lines[0])
    return f'{type(error).__name__}: {line.split("Please use")[0].strip()}'
