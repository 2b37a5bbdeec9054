"""Reading checkpoints: the one place where a file becomes objects.

Tensors and plain data are unpickled by ``torch.load(weights_only=True)``, which calls nothing but
what an allow-list names. Three checks keep a small file from costing much: of the zip, of the
pickle's steps before torch follows them, and of what came out.
"""

from __future__ import annotations

import io
import os.path as osp
import pickletools
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from logging import WARNING
from typing import Any, BinaryIO, NamedTuple

import torch
from mmengine.logging import print_log
from torch.serialization import add_safe_globals, clear_safe_globals, get_safe_globals

from mmpose_lite.errors import InputError
from mmpose_lite.utils.config_text import read_config_text
from mmpose_lite.utils.paths import check_weights, find_weights

from .archive import Archive, check_footer
from .errors import RefusedError, UnreadableError, one_line
from .serialization import (
    StoredArray,
    StoredDtype,
    StoredHistory,
    check_plain,
    restore_content,
    stored_scalar,
)

OWN_MARK = 'mmpose_lite'

_WAY_ROUND = 'files whose maker you trust are read with --trust-checkpoint (trust_checkpoint=True)'
_ZIP = b'PK\3\4'
# How files of torch before 1.6 begin: a magic number and a protocol, each a pickle.
_OLD = b'\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.'

# Far above any model's: a network with three hundred layers takes some ten thousand steps.
_MOST_STEPS = 2_000_000
_LONGEST_PICKLE = 1 << 28
_MOST_NESTED = 60
# A generator of numpy keeps two. Integers of 64 bits share a hash with eight others at most, wider
# ones with any number, and a dict of such keys would take hours.
_MOST_WIDE_INTEGERS = 1000

# What torch and mmengine store: all that a pickle may name. Some names mean a stand-in here.
_STORAGES = ['Bool', 'Byte', 'Char', 'Half', 'BFloat16', 'Short', 'Float', 'Int', 'Double', 'Long']
_TORCH = {
    *('collections.OrderedDict', 'collections.Counter', 'torch.Size', '_codecs.encode'),
    *('builtins.set', 'builtins.complex', 'torch._utils._rebuild_parameter'),
    *('torch._utils._rebuild_tensor', 'torch._utils._rebuild_tensor_v2'),
    *(f'torch.{kind}Storage' for kind in _STORAGES),
}


_STAND_INS: dict[str, Callable] = {
    'builtins.bytes': lambda: b'',  # of an empty array
    'builtins.getattr': lambda owner, name: None,  # a log history names statistics that all have
    'mmengine.logging.history_buffer.HistoryBuffer': StoredHistory,
    'numpy.ndarray': object,  # is an argument only
    'numpy.dtype': StoredDtype,
    **{
        f'numpy.{core}.multiarray.{name}': stand_in
        for core in ('core', '_core')  # of NumPy 1, and of NumPy 2
        for name, stand_in in (
            # Its arguments are the same for all arrays.
            ('_reconstruct', lambda kind, shape, code: StoredArray((0,))),
            ('scalar', stored_scalar),
        )
    },
}

# The last argument that a call may have: other codecs are slow, other attributes need not be there.
_LAST_ARGUMENTS = {
    '_codecs.encode': ('latin1',),
    'builtins.getattr': ('min', 'max', 'mean', 'current'),
}

# Files that a person has named beside --trust-checkpoint.
_trusted: ContextVar[frozenset[str]] = ContextVar('trusted_checkpoints', default=frozenset())


@contextmanager
def trusting(*names: str) -> Iterator[None]:
    """Trust files or addresses while the context lasts: whatever they hold is run."""
    token = _trusted.set(_trusted.get() | set(map(_normal, names)))
    try:
        yield
    finally:
        _trusted.reset(token)


def is_trusted(name: str) -> bool:
    """Tell whether a person has named this file or address as one to trust."""
    return _normal(name) in _trusted.get()


def read_checkpoint(
    path: str, map_location: str | Callable | None = 'cpu', trusted: bool = False
) -> dict[str, Any]:
    """Read a checkpoint file: tensors, plain data, and what mmengine's own files hold.

    Nothing of the file is run. (A config is Python, and is run: one that comes with the file is
    to be read first.) The file is checked before room is made for it, and files of this package
    must carry the checksum footer that they were written with.

    Args:
        path: The file, or the name of weights that the package has, such as ``'faces19'``.
        map_location: See :func:`torch.load`.
        trusted: Whether the file may hold, and run, anything; it is logged. Files that
            :func:`trusting` names are read so too.

    Returns:
        The content; see :func:`~.serialization.restore_content`.

    Raises:
        MissingFileError: If there is no such file.
        InputError: If it is damaged, no checkpoint, or holds anything else; the message names
            the type or the field.
    """
    path = find_weights(osp.expanduser(path))
    checkpoint = _read(path, map_location, trusted or is_trusted(path))
    restore_content(checkpoint, path)
    return checkpoint


def read_config_of(path: str) -> dict[str, Any] | None:
    """Read the config that a training has stored in a checkpoint's ``meta``, as plain data.

    It is read, never run, trusted or not; see :func:`.read_config_text`.

    Returns:
        Its values by name; None if the file holds no config.

    Raises:
        MissingFileError: If there is no such file.
        InputError: If it cannot be read, or the config is more than plain data.
    """
    path = find_weights(osp.expanduser(path))
    meta = _read(path, 'cpu', trusted=False).get('meta')
    text = meta.get('cfg') if isinstance(meta, dict) else None
    if not isinstance(text, str):
        return None
    try:
        return read_config_text(text)
    except InputError as error:
        raise InputError(f"checkpoint '{path}': {error}") from error


def _is_safetensors(path: str) -> bool:
    """By its name, unless it begins as torch's own files do."""
    if not path.lower().endswith('.safetensors'):
        return False
    with open(path, 'rb') as file:
        return file.read(len(_ZIP)) != _ZIP


def _read(path: str, map_location: Any, trusted: bool) -> dict[str, Any]:
    """The content of a file as it is stored."""
    check_weights(path)
    if _is_safetensors(path):
        from .safetensors_files import read_safetensors

        return read_safetensors(path)
    footer = check_footer(path)
    try:
        with open(path, 'rb') as file:
            if trusted:
                checkpoint = _load_trusted(file, path, map_location)
            else:
                checkpoint = _load(file, map_location, check_sums=footer is None)
    except RefusedError as error:
        raise InputError(
            f"checkpoint '{path}' is refused: {one_line(error)}; {_WAY_ROUND}"
        ) from error
    except UnreadableError as error:
        raise InputError(f"checkpoint '{path}' cannot be read: {one_line(error)}") from error
    if not isinstance(checkpoint, dict):
        raise InputError(f"checkpoint '{path}' holds a {type(checkpoint).__name__}, not a dict")
    meta = checkpoint.get('meta')
    if footer is None and not trusted and isinstance(meta, dict) and OWN_MARK in meta:
        raise InputError(
            f"checkpoint '{path}' is damaged, or was changed: a checkpoint of this package must "
            f'end with a checksum footer, and it has none; {_WAY_ROUND}'
        )
    return checkpoint


def _normal(name: str) -> str:
    return name if '://' in name else osp.realpath(osp.expanduser(name))


def _load_trusted(file: BinaryIO, path: str, map_location: Any) -> Any:
    print_log(
        f"'{path}' is trusted: it is read without checks, and may run anything", 'current', WARNING
    )
    try:
        return torch.load(file, map_location=map_location, weights_only=False)
    except Exception as error:
        raise _explained(error) from error


def _load(file: BinaryIO, map_location: Any, check_sums: bool) -> Any:
    size = _check_file(file, check_sums)
    file.seek(0)
    try:
        # The file that was checked, not its name: that may lead to another by now.
        with _safe_globals():
            checkpoint = torch.load(file, map_location=map_location, weights_only=True)
    except RefusedError:
        raise
    except Exception as error:
        raise _explained(error) from error
    stored = check_plain(checkpoint)
    if size is not None and stored != size:
        raise RefusedError(f'tensors of {stored} bytes, and the file has {size}')
    return checkpoint


@contextmanager
def _safe_globals() -> Iterator[None]:
    """Allow what this module lists, and nothing that others have added to torch's own list."""
    before = get_safe_globals()
    clear_safe_globals()
    # An array is given its content by way of the list; no pickle may name it.
    add_safe_globals([StoredArray, *((stand_in, name) for name, stand_in in _STAND_INS.items())])
    try:
        yield
    finally:
        clear_safe_globals()
        add_safe_globals(before)


def _check_file(file: BinaryIO, check_sums: bool) -> int | None:
    """Check a file before torch reads it.

    Returns:
        The bytes of all tensors, where only those that the file names are read; None for a zip.
    """
    if file.read(4) == _ZIP:
        archive = Archive(file)
        stream = io.BytesIO(archive.read_pickle(_LONGEST_PICKLE))
        _check_pickle(stream)
        if stream.read(1):
            raise RefusedError('a pickle with something behind its end')
        if check_sums:
            archive.check_sums()
        return None
    file.seek(0)
    if file.read(len(_OLD)) != _OLD:
        raise UnreadableError('it is not a torch file')
    stream = io.BytesIO(file.read(_LONGEST_PICKLE))
    _check_pickle(stream)  # of the system
    _check_pickle(stream)
    keys = _check_pickle(stream)
    # Each storage is its number of elements in eight bytes, and then the elements.
    return file.seek(0, 2) - len(_OLD) - stream.tell() - 8 * keys


class _Name(NamedTuple):
    """A function or class that a pickle names."""

    name: str


class _Tuple(NamedTuple):
    """A tuple of a pickle: as many values as its hash visits, nested so deep, and its last one."""

    size: int
    depth: int
    last: Any


def _check_pickle(stream: io.BytesIO) -> int:
    """Check the steps of a pickle, without following them.

    torch itself refuses calls, but not a tuple whose hash takes for ever or ends the process, keys
    that share one hash, and the encoding of text by a slow codec.

    Returns:
        The number of texts in it; the stream is where the pickle ends.

    Raises:
        RefusedError: If it names anything that is not on the list; the message says what, where.
        UnreadableError: If it is no pickle, or has no end.
    """
    stack: list[Any] = []
    marks: list[int] = []
    memo: dict[int, Any] = {}
    texts = wide = 0
    try:
        for number, (step, argument, _) in enumerate(pickletools.genops(stream)):
            texts += step.name == 'BINUNICODE'
            wide += isinstance(argument, int) and argument.bit_length() > 64
            if wide > _MOST_WIDE_INTEGERS:
                raise RefusedError(f'more than {_MOST_WIDE_INTEGERS} integers above 64 bits')
            if number > _MOST_STEPS:
                raise RefusedError('a pickle that is longer than any checkpoint')
            try:
                _take_step(step, argument, stack, marks, memo)
            except RefusedError as error:
                raise RefusedError(f'{error}{_place(stack, marks)}') from error
    except (ValueError, IndexError, KeyError, TypeError, OverflowError) as error:
        raise UnreadableError(f'its pickle is damaged ({type(error).__name__})') from error
    return texts


def _take_step(
    step: pickletools.OpcodeInfo, argument: Any, stack: list, marks: list[int], memo: dict
) -> None:
    """Update the stack as a step does: it has texts, names and tuples, and else None."""
    name = step.name
    if name == 'PROTO' and argument != 2:
        raise RefusedError(f'pickle protocol {argument}, where torch writes 2')
    if name == 'MARK':
        marks.append(len(stack))
    elif name.endswith('BINPUT'):
        memo[argument] = stack[-1]
    elif name.endswith('BINGET'):
        stack.append(memo[argument])
    else:
        kinds = [kind.name for kind in step.stack_before]
        first = len(stack) - len(kinds)
        if 'mark' in kinds:
            first = marks.pop() - kinds.index('mark')
        if first < 0:
            raise IndexError
        taken = stack[first:]
        made = _result(name, argument, taken) if step.stack_after else None
        stack[first:] = [made] * len(step.stack_after)


def _result(name: str, argument: Any, taken: list[Any]) -> Any:
    """Return what a step puts on the stack, as far as it matters."""
    if name == 'BINUNICODE':
        return argument
    if name == 'GLOBAL':
        return _Name(_checked_name(argument))
    if name in ('TUPLE', 'TUPLE1', 'TUPLE2', 'TUPLE3'):
        parts = [part for part in taken if isinstance(part, _Tuple)]
        size = len(taken) + sum(part.size for part in parts)
        depth = 1 + max((part.depth for part in parts), default=0)
        if size > _MOST_STEPS or depth > _MOST_NESTED:
            raise RefusedError('tuples that hold each other many times over')
        return _Tuple(size, depth, taken[-1] if taken else None)
    if name == 'REDUCE' and isinstance(taken[0], _Name) and taken[0].name in _LAST_ARGUMENTS:
        last = getattr(taken[1], 'last', None)
        if last not in _LAST_ARGUMENTS[taken[0].name]:
            raise RefusedError(f'{taken[0].name} of {last!r:.40}')
    return None


def _checked_name(argument: str) -> str:
    # What Python 2 called them, which torch's protocol keeps.
    name = re.sub('^__builtin__ ', 'builtins ', argument).replace(' ', '.')
    if name not in _TORCH and name not in _STAND_INS:
        raise RefusedError(one_line(name, 120))
    return name


def _place(stack: list[Any], marks: list[int]) -> str:
    """Name the keys that lead to where a pickle is, as far as they are known."""
    starts = [0, *marks]
    frames = [stack[start:end] for start, end in zip(starts, [*marks, None], strict=True)]
    keys = [texts[-1] for frame in frames if (texts := [v for v in frame if type(v) is str])]
    clean = one_line('.'.join(keys), 120)
    return f' (at {clean})' if clean else ''


def _explained(error: Exception) -> RefusedError | UnreadableError:
    """Turn an error of torch's into one of ours, with the line of it that says what is wrong."""
    text, _, refusal = str(error).partition('WeightsUnpickler error:')
    line = next((line.strip() for line in (refusal or text).splitlines() if line.strip()), '')
    if step := re.match(r'Unsupported operand (\d+)', line):
        code = chr(int(step[1]))
        names = [each.name for each in pickletools.opcodes if each.code == code]
        line = f'the pickle instruction {"".join(names) or code!r}'
    if refusal:
        return RefusedError(line)
    return UnreadableError(f'{type(error).__name__}: {line}')
