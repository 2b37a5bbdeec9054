"""The content of a checkpoint: plain data in the file, and mmengine's objects in memory."""

from __future__ import annotations

import math
import os.path as osp
import re
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer, print_log

from mmpose_lite.errors import InputError

from .errors import RefusedError, one_line
from .key_mapping import map_checkpoint, weights_of

_DTYPE_CODES = ('f2', 'f4', 'f8', 'i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4', 'u8', 'b1', 'U1')
_DTYPES = {type(np.dtype(code)) for code in _DTYPE_CODES}
_NUMBER = re.compile(r'f[248]|[iu][1248]|b1|U\d{1,6}')
_CONTAINERS = (dict, OrderedDict, Counter, list, tuple, set)
_PLAIN = (str, bytes, int, float, bool, complex, type(None), torch.Size)
# Such as hash in no time, and alike in every process.
_KEYS = (str, int, float, bool, bytes, type(None))
_MOST_NESTED = 60
_MOST_ENTRIES = 4_000_000

# In the text of a config, as this package and mmengine lay it out.
_SIZE_IN_TEXT = re.compile(
    r'\binput_size[\'"]?\s{0,9}[=:]\s{0,99}[(\[]\s{0,99}(\d{1,5}),\s{0,99}(\d{1,5})\b'
)

INPUT_SIZE = 'input_size'
"""The key of ``meta`` for the (width, height) of the crops that a run was trained on."""

CONTAINERS = (
    *('state_dict', 'model_state_dict', 'model_state', 'model', 'module', 'net', 'network'),
    *('weights', 'params'),
    *('ema_state_dict', 'state_dict_ema', 'model_ema', 'ema_model', 'ema', 'params_ema'),
)
"""Keys under which files of others have their weights, the likeliest first."""


class StoredHistory:
    """A log history as a file has it: keeps its state, and calls nothing.

    mmengine's own class puts the functions that a file names among those of all histories.
    """

    state: dict[str, Any] = {}  # noqa: RUF012 (of one that was given none; nobody writes to it)

    def __setstate__(self, state: dict[str, Any]) -> None:
        if type(state) is not dict:
            raise RefusedError('an odd HistoryBuffer')
        self.state = state


class StoredArray(np.ndarray):
    """An array of numbers or texts as a file has it."""

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, fortran, content = state
        sides = (*shape, dtype.dtype.itemsize)
        if min(sides) < 0 or math.prod(sides) != len(content):
            raise RefusedError(f'a numpy array of shape {shape} with other content')
        super().__setstate__((1, shape, dtype.dtype, fortran, content))


class StoredDtype:
    """A type of NumPy's numbers as a file has it.

    NumPy's own would take further state from the file, such as that its numbers are objects.
    """

    def __init__(self, code: Any, *_: Any) -> None:
        if type(code) is not str or not _NUMBER.fullmatch(code):
            raise RefusedError(f'numpy.dtype of {code!r:.40}')
        self.dtype = np.dtype(code)

    def __setstate__(self, state: Any) -> None:
        _, order, *of_records = state[:5]
        if of_records != [None, None, None]:
            raise RefusedError('an odd numpy.dtype')
        self.dtype = self.dtype.newbyteorder(order)


def stored_scalar(dtype: StoredDtype, content: bytes) -> np.generic:
    """Make a number of NumPy's of its bytes."""
    return np.frombuffer(content, dtype.dtype, 1)[0]


def check_plain(content: Any) -> int:
    """Check that all is tensors and plain data, which can be read again without running anything.

    Refused is also what is small in a file and endless to walk: cycles, depth, and shared parts.

    Returns:
        Bytes of the storages of all tensors.

    Raises:
        RefusedError: If it is not; the message names the place and the type.
    """
    walk = _Walk({id(each) for each in _part(content, 'message_hub', 'log_scalars').values()})
    walk.check(content, ())
    return sum(walk.storages.values())


class _Walk:
    """A walk through nested containers of plain data."""

    def __init__(self, histories: set[int]) -> None:
        self.storages: dict[int, int] = {}
        self._histories = histories  # identities of values that may be a StoredHistory
        # Of each container by its identity: entries, and how deep they are nested; None inside it.
        self._done: dict[int, tuple[int, int] | None] = {}

    def check(self, value: Any, place: tuple[Any, ...]) -> tuple[int, int]:
        """Check a value; returns how many entries it has, and how deep they are nested."""
        kind = type(value)
        if kind not in _CONTAINERS:
            self._check_leaf(value, place)
            return 1, 0
        if id(value) in self._done:
            done = self._done[id(value)]
            if done is None:
                raise RefusedError(f'{_shown(place)} is a part that holds itself')
            return done
        if len(place) > _MOST_NESTED:
            raise RefusedError(f'parts nested more than {_MOST_NESTED} deep')
        self._done[id(value)] = None
        parts = [self.check(child, (*place, key)) for key, child in _children(value, place)]
        entries = 1 + sum(part[0] for part in parts)
        depth = 1 + max((part[1] for part in parts), default=0)
        if entries > _MOST_ENTRIES:
            raise RefusedError('parts that hold each other many times over')
        if depth > _MOST_NESTED:
            raise RefusedError(f'parts nested more than {_MOST_NESTED} deep')
        self._done[id(value)] = entries, depth
        return entries, depth

    def _check_leaf(self, value: Any, place: tuple[Any, ...]) -> None:
        kind = type(value)
        if kind in (torch.Tensor, torch.nn.Parameter):
            self._check_tensor(value, place)
        elif kind is StoredHistory and id(value) in self._histories:
            self.check(value.state, (*place, 'state'))
        elif isinstance(value, np.generic) or kind in (np.ndarray, StoredArray):
            if type(value.dtype) not in _DTYPES:
                raise RefusedError(f'{_shown(place)} is a {_named(kind)} of {value.dtype}')
        elif kind not in _PLAIN:
            raise RefusedError(f'{_shown(place)} is a {_named(kind)}')

    def _check_tensor(self, tensor: torch.Tensor, place: tuple[Any, ...]) -> None:
        fault = ''
        if tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_meta:
            fault = f'of {tensor.layout}, quantized, or without numbers'
        elif tensor._backward_hooks or tensor.is_neg() or tensor.is_conj():
            fault = 'with hooks, or with numbers that are others than are stored'
        else:
            storage = tensor.untyped_storage()
            self.storages[storage._cdata] = storage.nbytes()
            # Steps of 0 would make a huge tensor of one number.
            if tensor.nbytes > storage.nbytes():
                fault = f'of shape {tuple(tensor.shape)}, and has {storage.nbytes()} bytes'
        if fault:
            raise RefusedError(f'{_shown(place)} is a tensor {fault}')


def _children(value: Any, place: tuple[Any, ...]) -> Iterator[tuple[Any, Any]]:
    """The parts of a container, each with its key; keys may be plain scalars only."""
    if not isinstance(value, dict):
        yield from enumerate(value)
        return
    attributes = getattr(value, '__dict__', {})
    metadata = attributes.get('_metadata')
    if not attributes.keys() <= {'_metadata'} or not isinstance(metadata, dict | None):
        raise RefusedError(f'{_shown(place)} is a {_named(type(value))} with attributes')
    for key in value:
        if type(key) not in _KEYS:
            raise RefusedError(f'{_shown(place)} has a {_named(type(key))} as the key of a dict')
    yield from value.items()
    yield from attributes.items()


def _shown(place: tuple[Any, ...]) -> str:
    return one_line('.'.join(one_line(key, 40) for key in place), 200) or 'all of it'


def _named(kind: type) -> str:
    return f'{kind.__module__}.{kind.__qualname__}'


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
    :mod:`.key_mapping`. Text that mmengine would run as Python falls away, and the former
    checkpoints that are to be removed are looked for in the file's own folder only.

    Raises:
        InputError: If a part is not what it should be; the message names the field.
    """
    _find_weights(checkpoint, path)
    _drop_text(checkpoint)
    _keep_to_folder(checkpoint, osp.dirname(osp.abspath(path)))
    odd = next((key for key in weights_of(checkpoint) if not isinstance(key, str)), None)
    if odd is not None:
        field = 'state_dict' if 'state_dict' in checkpoint else 'it'
        raise InputError(
            f"checkpoint '{path}': {field} has the key {odd!r:.40}, which is not a name"
        )
    try:
        said = map_checkpoint(checkpoint)
    except InputError as error:
        raise InputError(f"checkpoint '{path}': {error}") from error
    if said is not None:
        print_log(f"'{path}': {said}", 'current')
    for holder, key in _metainfo_places(checkpoint):
        holder[key] = _convert(holder[key], (torch.Tensor, StoredArray), _to_array)
    scalars = _part(checkpoint, 'message_hub', 'log_scalars')
    for name, history in scalars.items():
        fields = history.state if isinstance(history, StoredHistory) else history
        if isinstance(fields, dict):
            field = f"checkpoint '{path}': message_hub.log_scalars.{one_line(name, 40)}"
            scalars[name] = _restore_history(fields, field)


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
    """Configs: resuming runs ``meta.config``, and mmengine's Inferencer runs the other two.

    The size of crops stays, if ``meta.cfg`` has but one, or a published file gives it.
    """
    meta = _part(checkpoint, 'meta')
    text = meta.get('cfg')
    found = set(_SIZE_IN_TEXT.findall(text)) if isinstance(text, str) else set()
    if text is None and _is_size(meta.get(INPUT_SIZE)):
        found = {tuple(meta[INPUT_SIZE])}
    for key in ('config', 'cfg', INPUT_SIZE):
        meta.pop(key, None)
    if len(found) == 1:
        width, height = found.pop()
        meta[INPUT_SIZE] = (int(width), int(height))
    for key in ('runtime_info', 'resumed_keys'):
        _part(checkpoint, 'message_hub', key).pop('cfg', None)


def _is_size(value: Any) -> bool:
    """Tell whether a value of a file is a width and a height."""
    return (
        isinstance(value, list | tuple)
        and len(value) == 2
        and all(type(side) is int and side > 0 for side in value)
    )


def _keep_to_folder(checkpoint: dict[str, Any], folder: str) -> None:
    """Checkpoints that a run will remove once they are surplus lie beside the one it resumes from.

    mmengine removes whatever path or number stands here.
    """
    info = _part(checkpoint, 'message_hub', 'runtime_info')
    for key, value in list(info.items()):
        items = value if type(value) is list else []
        if key == 'kept_checkpoints':
            info[key] = [name for name in items if _is_bare(name)]
        elif key == 'keep_ckpt_ids':
            info[key] = [number for number in items if type(number) is int]
        elif str(key).startswith('best_ckpt'):
            name = osp.basename(value) if isinstance(value, str) else ''
            if name.startswith('best_') and name.endswith('.pth'):
                info[key] = osp.join(folder, name)
            else:
                del info[key]
                _part(checkpoint, 'message_hub', 'resumed_keys').pop(key, None)


def _is_bare(name: Any) -> bool:
    return type(name) is str and name.endswith('.pth') and name == osp.basename(name)


def _part(checkpoint: dict[str, Any], *keys: str) -> dict[str, Any]:
    """A dict inside a checkpoint; an empty one where there is none."""
    value: Any = checkpoint
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _restore_history(fields: dict[str, Any], where: str) -> HistoryBuffer:
    keys = ('log_history', 'count_history')
    given = [fields.get(key, fields.get(f'_{key}')) for key in keys]  # the latter are mmengine's
    arrays = [_to_array(each) for each in given if isinstance(each, torch.Tensor | StoredArray)]
    arrays = [each for each in arrays if each.ndim == 1 and each.dtype.kind in 'biuf']
    longest = fields.get('max_length')
    if len(arrays) != 2 or len(arrays[0]) != len(arrays[1]):
        raise InputError(f'{where} is not a log history')
    if type(longest) is not int or longest < len(arrays[0]):
        raise InputError(f'{where}.max_length={longest!r:.40} is less than the history has')
    return HistoryBuffer(*arrays, longest)  # type: ignore[arg-type]


def _metainfo_places(checkpoint: dict[str, Any]) -> list[tuple[dict, str]]:
    """List the places where mmengine keeps metainfo: each a dict and the key in it."""
    places = (('meta', 'dataset_meta'), ('message_hub', 'runtime_info'))
    holders = [(_part(checkpoint, name), key) for name, key in places]
    return [(holder, key) for holder, key in holders if key in holder]


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


def _to_array(value: torch.Tensor | StoredArray) -> np.ndarray:
    if isinstance(value, StoredArray):
        return np.array(value)
    value = value.detach().cpu()
    return (value.float() if value.dtype is torch.bfloat16 else value).numpy()
