"""Reading checkpoints: the one place where a file becomes objects."""

from __future__ import annotations

import os.path as osp
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from glob import escape, glob
from logging import WARNING
from typing import Any, BinaryIO

import numpy as np
import torch
from mmengine.logging import print_log

from mmpose_lite.utils import InputError, MissingFileError
from mmpose_lite.utils.paths import file_problem, shown

from .content import StoredHistory, restore_content, stored_histories
from .inspection import inspect_file
from .refusals import RefusedError, UnreadableError, one_line
from .seal import check_seal

OWN_MARK = 'mmpose_lite'

_WAY_ROUND = 'files whose maker you trust are read with --trust-checkpoint (trust_checkpoint=True)'
_DTYPE_CODES = ('f2', 'f4', 'f8', 'i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4', 'u8', 'b1', 'U1')
_CONTAINERS = (dict, OrderedDict, Counter, list, tuple, set)
_PLAIN = (str, bytes, int, float, bool, complex, type(None), torch.Size, np.generic)

# Files that a person has named beside --trust-checkpoint.
_trusted: ContextVar[frozenset[str]] = ContextVar('trusted_checkpoints', default=frozenset())


@contextmanager
def trusting(*names: str) -> Iterator[None]:
    """Trust files while the context lasts: whatever they hold is run.

    Args:
        names: The files or addresses as they were named.
    """
    token = _trusted.set(_trusted.get() | set(map(_normal, names)))
    try:
        yield
    finally:
        _trusted.reset(token)


def is_trusted(name: str) -> bool:
    """Whether a person has named this file or address as one to trust."""
    return _normal(name) in _trusted.get()


def read_checkpoint(
    path: str, map_location: str | Callable | None = 'cpu', trusted: bool = False
) -> dict[str, Any]:
    """Read a checkpoint file: tensors, plain data, and what mmengine's own files hold.

    Nothing of the file is run. (A config is Python, and is run: one that comes with the file is
    to be read first.) The file is looked at before room is made for it, and files of this package
    must carry the seal that they were written with.

    Args:
        path: The file.
        map_location: See :func:`torch.load`.
        trusted: Whether the file may hold, and run, anything; it is logged. Files that
            :func:`trusting` names are read so too.

    Returns:
        The content; see :func:`~.content.restore_content`.

    Raises:
        MissingFileError: If there is no such file.
        InputError: If it is damaged, no checkpoint, or holds anything else; the message names
            the type or the field.
    """
    path = osp.expanduser(path)
    trusted = trusted or is_trusted(path)
    problem = file_problem(path)
    if problem is not None:
        raise MissingFileError(f'checkpoint {shown(path)} {problem}{_files_in(path)}')
    seal = check_seal(path)
    try:
        with open(path, 'rb') as file:
            if trusted:
                checkpoint = _load_trusted(file, path, map_location)
            else:
                checkpoint = _load(file, map_location, check_sums=seal is None)
    except RefusedError as error:
        raise InputError(
            f"checkpoint '{path}' is refused: {one_line(error)}; {_WAY_ROUND}"
        ) from error
    except UnreadableError as error:
        raise InputError(f"checkpoint '{path}' cannot be read: {one_line(error)}") from error
    if not isinstance(checkpoint, dict):
        raise InputError(f"checkpoint '{path}' holds a {type(checkpoint).__name__}, not a dict")
    if seal is None and not trusted:
        _check_foreign(checkpoint, path)
    restore_content(checkpoint, path)
    return checkpoint


def _files_in(folder: str) -> str:
    """The checkpoints of a folder that was named instead of a file, in words."""
    files = sorted(osp.basename(each) for each in glob(osp.join(escape(folder), '*.pth')))
    return f'; it has {", ".join(files)}' if files else ''


def _normal(name: str) -> str:
    return name if '://' in name else osp.realpath(osp.expanduser(name))


def _load(file: BinaryIO, map_location: Any, check_sums: bool) -> Any:
    inspect_file(file, check_sums)
    file.seek(0)
    try:
        # The file that was looked at, not its name: that may lead to another by now.
        with torch.serialization.safe_globals(_allowed()):
            checkpoint = torch.load(file, map_location=map_location, weights_only=True)
    except Exception as error:
        raise UnreadableError(_reason(error)) from error
    _check_plain(checkpoint)
    return checkpoint


def _load_trusted(file: BinaryIO, path: str, map_location: Any) -> Any:
    print_log(
        f"'{path}' is trusted: it is read without checks, and may run anything", 'current', WARNING
    )
    try:
        return torch.load(file, map_location=map_location, weights_only=False)
    except Exception as error:
        raise UnreadableError(_reason(error)) from error


def _check_foreign(checkpoint: dict[str, Any], path: str) -> None:
    """Refuse a file of this package that has lost its seal."""
    meta = checkpoint.get('meta')
    if isinstance(meta, dict) and OWN_MARK in meta:
        raise InputError(
            f"checkpoint '{path}' is damaged, or was changed: a checkpoint of this package must be "
            f'sealed, and it has no seal; {_WAY_ROUND}'
        )


def _allowed() -> list[Any]:
    """What mmengine's own files hold beside tensors and plain data: logs and metainfo."""
    core = getattr(np, '_core', None) or np.core  # type: ignore[attr-defined]
    # Files of NumPy 1 and of NumPy 2 call these by different names.
    functions = [
        (getattr(core.multiarray, name), f'numpy.{place}.multiarray.{name}')
        for name in ('_reconstruct', 'scalar')
        for place in ('core', '_core')
    ]
    stand_ins = [
        (StoredHistory, 'mmengine.logging.history_buffer.HistoryBuffer'),
        (_no_attribute, 'builtins.getattr'),
        (_no_attribute, '__builtin__.getattr'),
    ]
    dtypes = [type(np.dtype(code)) for code in _DTYPE_CODES]
    # An empty array stores `bytes()`.
    return [bytes, np.ndarray, np.dtype, *dtypes, *functions, *stand_ins]


def _no_attribute(owner: Any, name: str) -> None:
    """Stands in for getattr, by which a stored history names the statistics that all have."""


def require_readable(checkpoint: dict[str, Any]) -> None:
    """Check that what is about to be saved can be read again without running anything.

    Raises:
        RefusedError: If it cannot; the message names the place and the type.
    """
    for place, value in _leaves(checkpoint):
        kind = type(value)
        plain = kind in _PLAIN or (isinstance(value, np.generic) and _has_known_dtype(value))
        array = _is_plain_array(value) and (
            isinstance(value, torch.Tensor) or _has_known_dtype(value)
        )
        if not (plain or array):
            raise RefusedError(f'{place} is a {kind.__module__}.{kind.__qualname__}')


def _check_plain(content: Any) -> None:
    """Once more, on what has been made: tensors and plain data, and nothing else."""
    histories = {id(each): each for each in stored_histories(content)}
    todo = [content, *(each.state for each in histories.values())]
    for _, value in _leaves(todo):
        if (
            not isinstance(value, _PLAIN)
            and id(value) not in histories
            and not _is_plain_array(value)
        ):
            raise RefusedError(f'a {type(value).__module__}.{type(value).__qualname__}')


def _leaves(content: Any) -> Iterator[tuple[str, Any]]:
    """The values in containers of plain data, at any depth, each with its place: ``meta.seed``."""
    todo: list[tuple[str, Any]] = [('', content)]
    seen: set[int] = set()
    while todo:
        place, value = todo.pop()
        if type(value) not in _CONTAINERS:
            yield place.lstrip('.'), value
        elif id(value) not in seen:
            seen.add(id(value))
            items = value.items() if isinstance(value, dict) else enumerate(value)
            todo += ((f'{place}.{one_line(key, 40)}', item) for key, item in items)
            todo += (
                (f'{place}.{one_line(key, 40)} (key)', key)
                for key in value
                if isinstance(value, dict)
            )


def _is_plain_array(value: Any) -> bool:
    if type(value) is np.ndarray:
        return not value.dtype.hasobject
    is_tensor = type(value) in (torch.Tensor, torch.nn.Parameter)
    return is_tensor and value.layout is torch.strided and not (value.is_quantized or value.is_meta)


def _has_known_dtype(value: np.ndarray | np.generic) -> bool:
    return type(value.dtype) in {type(np.dtype(code)) for code in _DTYPE_CODES}


def _reason(error: Exception) -> str:
    """The line of torch's message that says what is wrong."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    line = next((line for line in lines if 'unsupported' in line.lower()), lines[0])
    return f'{type(error).__name__}: {line.split("Please use")[0].strip()}'
