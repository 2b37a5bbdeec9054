"""Writing files so that a crash, a kill or a full disk leaves the old one or the new one."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

import torch

from mmpose_lite.utils import InputError

from .reader import read_checkpoint, require_readable
from .refusals import RefusedError
from .seal import SealingWriter, check_seal

_PART = '.part'


class SaveError(InputError, OSError):
    """A file could not be written; what was there before is still there."""


def write_checkpoint(checkpoint: dict[str, Any], path: str, *, resumable: bool) -> None:
    """Write a checkpoint beside its place, flush it to the disk, and move it there.

    Args:
        checkpoint: Tensors and plain data; ``meta.iter`` goes into the seal.
        path: Where to.
        resumable: Whether a run can go on from it.

    Raises:
        SaveError: If it holds what could not be read again, or the disk refuses; a file of that
            name that was there still is.
    """
    _require_readable(checkpoint, path)
    _write_durably(Path(path), lambda file: _write_sealed(checkpoint, file, resumable))


def publish_checkpoint(checkpoint: dict[str, Any], stem: str) -> str:
    """Write a checkpoint that no run goes on from in the same way, under a name with its hash.

    Args:
        checkpoint: Tensors and plain data.
        stem: What its name begins with.

    Returns:
        The file: the stem, the first eight digits of its SHA-256, and ``.pth``.

    Raises:
        SaveError: If it holds what could not be read again, or the disk refuses.
    """
    _require_readable(checkpoint, f'{stem}.pth')

    def find_name(written: Path) -> Path:
        return Path(f'{stem}-{hashlib.sha256(written.read_bytes()).hexdigest()[:8]}.pth')

    write = partial(_write_sealed, checkpoint, resumable=False)
    return str(_write_durably(Path(f'{stem}.published'), write, find_name))


def write_text(text: str, path: str) -> None:
    """Write a small text file in the same way; see :func:`write_checkpoint`."""
    _write_durably(Path(path), lambda file: file.write(text.encode()))


def _require_readable(checkpoint: dict[str, Any], path: str) -> None:
    try:
        require_readable(checkpoint)
    except RefusedError as error:
        raise SaveError(
            f"'{path}' could not be written: {error}, which is not read again; checkpoints hold "
            'tensors and plain data'
        ) from error


def _write_sealed(checkpoint: dict[str, Any], file: BinaryIO, resumable: bool) -> None:
    sealing = SealingWriter(file)
    torch.save(checkpoint, cast(BinaryIO, sealing))
    sealing.seal(checkpoint.get('meta', {}).get('iter', 0), resumable)


def remove_replaced(path: str, successor: str) -> None:
    """Remove a checkpoint, once the one that takes its place has been read back and is sound.

    Raises:
        InputError: If the successor is damaged; nothing is removed then.
        SaveError: If the file cannot be removed.
    """
    if not os.path.lexists(path) or os.path.realpath(path) == os.path.realpath(successor):
        return
    try:
        if check_seal(successor) is None and not _is_of_others(successor):
            raise InputError(
                f"checkpoint '{successor}' is damaged: it has no seal; '{path}' is kept"
            )
        os.remove(path)
    except OSError as error:
        raise SaveError(f"checkpoint '{path}' could not be removed: {_reason(error)}") from error


def _is_of_others(path: str) -> bool:
    """Whether a file without a seal is a sound checkpoint, as mmengine's own Runner writes them."""
    try:
        read_checkpoint(path)
    except InputError:
        return False
    return True


def remove_parts(folder: str) -> list[str]:
    """Remove what writes that never ended have left in a folder; returns the names.

    Raises:
        SaveError: If one cannot be removed.
    """
    left = sorted(Path(folder).glob(f'.*{_PART}'))
    for path in left:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise SaveError(f"'{path}' could not be removed: {_reason(error)}") from error
    return [path.name for path in left]


def _write_durably(
    path: Path,
    write: Callable[[BinaryIO], Any],
    find_name: Callable[[Path], Path] | None = None,
) -> Path:
    """Write beside a place, flush, move there (or to the name found), and flush the folder."""
    part = path.with_name(f'.{path.name}{_PART}')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(part, 'wb') as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        path = path if find_name is None else find_name(part)
        os.replace(part, path)
        _flush_folder(path.parent)
        return path
    except (OSError, RuntimeError) as error:  # torch's writer reports a failed write as its own
        cause = _os_error(error)
        if cause is None:
            raise
        with suppress(OSError):
            part.unlink()
        raise SaveError(f"'{path}' could not be written: {_reason(cause)}") from error


def _flush_folder(folder: Path) -> None:
    """Have the disk keep a folder's names; Windows knows no such call."""
    if os.name == 'nt':
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _os_error(error: BaseException | None) -> OSError | None:
    """The system's error among an error and what it came from."""
    while error is not None and not isinstance(error, OSError):
        error = error.__cause__ or error.__context__
    return error


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
