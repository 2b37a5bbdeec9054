"""What a checkpoint holds: as plain data in the file, and as mmengine has it in memory."""

from __future__ import annotations

import os.path as osp
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer, print_log

from mmpose_lite.utils import InputError

from .dialects import translate_content, weights_of
from .refusals import one_line

CONTAINERS = (
    *(
        'state_dict',
        'model_state_dict',
        'model_state',
        'model',
        'module',
        'net',
        'network',
        'weights',
        'params',
    ),
    *('ema_state_dict', 'state_dict_ema', 'model_ema', 'ema_model', 'ema', 'params_ema'),
)
"""Keys under which files of others have their weights, the likeliest first."""


class StoredHistory:
    """Stands for a log history while a file is read: keeps its state, and calls nothing.

    mmengine's own class puts the functions that a file names among those of all histories.

    Attributes:
        state: What the file gives it.
    """

    state: dict[str, Any] = {}  # noqa: RUF012 (of one that was given none; nobody writes to it)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.state = state


def stored_histories(checkpoint: Any) -> list[StoredHistory]:
    """The log histories of what was read, where mmengine keeps them."""
    scalars = _part(checkpoint, 'message_hub', 'log_scalars')
    return [value for value in scalars.values() if isinstance(value, StoredHistory)]


def make_plain(checkpoint: dict[str, Any]) -> None:
    """Turn what is about to be saved into tensors and plain data, in place.

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


def restore_content(checkpoint: dict[str, Any], path: str) -> None:
    """Turn what was read into what mmengine and this package work with, in place.

    The inverse of :func:`make_plain`, for mmengine's own files too. Weights under one of
    :data:`CONTAINERS` are the ``state_dict``, and names of other packages become those here; see
    :mod:`.dialects`. Text that
    mmengine would run as Python falls away, and the former checkpoints that are to be removed are
    looked for in the file's own folder only.

    Args:
        checkpoint: The content of a file.
        path: The file.

    Raises:
        InputError: If a part is not what it should be; the message names the field.
    """
    _find_weights(checkpoint, path)
    _drop_text(checkpoint)
    _keep_to_folder(checkpoint, osp.dirname(osp.abspath(path)))
    odd = next((key for key in weights_of(checkpoint) if not isinstance(key, str)), None)
    if odd is not None:
        field = 'state_dict' if 'state_dict' in checkpoint else 'it'
        raise InputError(f"checkpoint '{path}': {field} has the key {odd!r:.40}, which is no name")
    try:
        said = translate_content(checkpoint)
    except InputError as error:
        raise InputError(f"checkpoint '{path}': {error}") from error
    if said is not None:
        print_log(f"'{path}': {said}", 'current')
    for holder, key in _metainfo_places(checkpoint):
        holder[key] = _convert(holder[key], torch.Tensor, _to_array)
    scalars = _part(checkpoint, 'message_hub', 'log_scalars')
    for name, history in scalars.items():
        if isinstance(history, StoredHistory):
            history = _stored_fields(history)
        if isinstance(history, dict):
            field = f"checkpoint '{path}': message_hub.log_scalars.{one_line(name, 40)}"
            scalars[name] = _restore_history(history, field)


def _find_weights(checkpoint: dict[str, Any], path: str) -> None:
    """Put the weights under ``state_dict``, wherever the file has them; averages come last."""
    weights, taken = checkpoint, []
    while (key := _container_in(weights)) is not None:
        weights = weights[key]
        taken.append(key)
    if taken and taken != ['state_dict']:
        print_log(f"'{path}': its weights are those under '{'.'.join(taken)}'", 'current')
        del checkpoint[taken[0]]
        checkpoint['state_dict'] = weights


def _container_in(part: dict[str, Any]) -> str | None:
    """The key under which weights are; None where they are here, or nowhere."""
    if 'state_dict' in part and not isinstance(part['state_dict'], dict):
        return None
    return next((key for key in CONTAINERS if key in part and _has_weights(part[key])), None)


def _has_weights(part: Any) -> bool:
    if not isinstance(part, dict):
        return False
    has_tensors = any(isinstance(value, torch.Tensor) for value in part.values())
    return has_tensors or _container_in(part) is not None


def _drop_text(checkpoint: dict[str, Any]) -> None:
    """Configs: resuming runs ``meta.config``, and mmengine's Inferencer runs the other two."""
    meta = _part(checkpoint, 'meta')
    for key in ('config', 'cfg'):
        meta.pop(key, None)
    for key in ('runtime_info', 'resumed_keys'):
        _part(checkpoint, 'message_hub', key).pop('cfg', None)


def _keep_to_folder(checkpoint: dict[str, Any], folder: str) -> None:
    """Checkpoints that a run will remove once they are surplus lie beside the one it goes on from.

    mmengine removes whatever path or number stands here.
    """
    info = _part(checkpoint, 'message_hub', 'runtime_info')
    own: dict[str, Any] = {}
    for key, value in info.items():
        if str(key).startswith('best_ckpt'):
            name = osp.basename(value) if isinstance(value, str) else ''
            if name.startswith('best_') and name.endswith('.pth'):
                own[key] = osp.join(folder, name)
        elif key == 'kept_checkpoints':
            names = value if type(value) is list else []
            own[key] = [name for name in names if _is_bare(name)]
        elif key == 'keep_ckpt_ids':
            numbers = value if type(value) is list else []
            own[key] = [number for number in numbers if type(number) is int]
        else:
            own[key] = value
    for key in info.keys() - own.keys():
        _part(checkpoint, 'message_hub', 'resumed_keys').pop(key, None)
    info.clear()
    info.update(own)


def _is_bare(name: Any) -> bool:
    return type(name) is str and name.endswith('.pth') and name == osp.basename(name)


def _part(checkpoint: dict[str, Any], *keys: str) -> dict[str, Any]:
    """A dict inside a checkpoint; an empty one where there is none."""
    value: Any = checkpoint
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _stored_fields(history: StoredHistory) -> dict[str, Any]:
    names = {'log_history': '_log_history', 'count_history': '_count_history'}
    fields = {name: history.state.get(stored) for name, stored in names.items()}
    return {**fields, 'max_length': history.state.get('max_length')}


def _restore_history(fields: dict[str, Any], where: str) -> HistoryBuffer:
    values, counts, longest = (
        fields.get(key) for key in ('log_history', 'count_history', 'max_length')
    )
    given = [
        _to_array(each) if isinstance(each, torch.Tensor) else each for each in (values, counts)
    ]
    arrays = [
        each
        for each in given
        if isinstance(each, np.ndarray) and each.ndim == 1 and each.dtype.kind in 'biuf'
    ]
    if len(arrays) != 2 or len(arrays[0]) != len(arrays[1]):
        raise InputError(f'{where} is no log history')
    if type(longest) is not int or longest < len(arrays[0]):
        raise InputError(f'{where}.max_length={longest!r:.40} is less than the history has')
    return HistoryBuffer(*arrays, longest)  # type: ignore[arg-type]


def _metainfo_places(checkpoint: dict[str, Any]) -> list[tuple[dict, str]]:
    """Where mmengine keeps metainfo: each a dict and the key in it."""
    places = [
        (checkpoint.get('meta'), 'dataset_meta'),
        (checkpoint.get('message_hub'), 'runtime_info'),
    ]
    return [(holder, key) for holder, key in places if isinstance(holder, dict) and key in holder]


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
    tensor = tensor.detach().cpu()
    return (tensor.float() if tensor.dtype is torch.bfloat16 else tensor).numpy()
