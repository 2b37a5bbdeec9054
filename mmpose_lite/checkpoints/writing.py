"""Writing files so that a crash, a kill or a full disk leaves the old one or the new one.

All functions raise a :class:`SaveError` if the disk refuses; what has not changed is as it was.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

import torch

from mmpose_lite.errors import InputError
from mmpose_lite.utils.files import beside, find_parts, flush, replacing

from .archive import ChecksumWriter, check_footer
from .errors import RefusedError
from .reading import read_checkpoint
from .serialization import check_plain

PREVIOUS = 'previous'


class SaveError(InputError, OSError):
    """A file could not be written; what was there before is still there."""


def write_checkpoint(checkpoint: dict[str, Any], path: str, *, resumable: bool) -> None:
    """Write tensors and plain data beside their place, flush them, and move them there.

    Its footer says ``meta.iter``, and whether a run can resume from it.

    Raises:
        SaveError: If it holds what could not be read again; a file of that name that was there
            still is.
    """
    _check_readable(checkpoint, path)
    with _writing(path) as file:
        _write(checkpoint, file, resumable)


def publish_checkpoint(checkpoint: dict[str, Any], stem: str) -> str:
    """Write a checkpoint that no run resumes from in the same way, under a name with its hash.

    Returns:
        The file: the stem, the first eight digits of its SHA-256, and ``.pth``.
    """
    _check_readable(checkpoint, f'{stem}.pth')
    content = io.BytesIO()
    _write(checkpoint, content, resumable=False)
    path = f'{stem}-{hashlib.sha256(content.getbuffer()).hexdigest()[:8]}.pth'
    with _writing(path) as file:
        file.write(content.getbuffer())
    return path


def _check_readable(checkpoint: dict[str, Any], path: str) -> None:
    try:
        check_plain(checkpoint)
    except RefusedError as error:
        raise SaveError(
            f"'{path}' could not be written: {error}, which is not read again; checkpoints hold "
            'tensors and plain data'
        ) from error


def _write(checkpoint: dict[str, Any], file: BinaryIO, resumable: bool) -> None:
    writer = ChecksumWriter(file)
    torch.save(checkpoint, cast(BinaryIO, writer))
    writer.finish(checkpoint.get('meta', {}).get('iter', 0), resumable)


def write_text(text: str, path: str) -> None:
    """Write a small text file in the same way; see :func:`write_checkpoint`."""
    with _writing(path) as file:
        file.write(text.encode())


def remove_replaced(path: str, successor: str) -> None:
    """Remove a checkpoint, once the one that takes its place has been read back and is sound.

    Raises:
        InputError: If the successor is damaged; nothing is removed then.
    """
    if not os.path.lexists(path) or os.path.realpath(path) == os.path.realpath(successor):
        return
    with _reporting(f"checkpoint '{path}' could not be removed"):
        if check_footer(successor) is None and not _is_of_others(successor):
            raise InputError(
                f"checkpoint '{successor}' is damaged: it has no checksum footer; '{path}' is kept"
            )
        os.remove(path)


def _is_of_others(path: str) -> bool:
    """Tell whether a file without a footer is a sound checkpoint, as of mmengine's own Runner."""
    try:
        read_checkpoint(path)
    except InputError:
        return False
    return True


def remove_parts(folder: str) -> list[str]:
    """Remove what writes that never ended have left in a folder; returns the names."""
    left = find_parts(folder)
    for path in left:
        with _reporting(f"'{path}' could not be removed"):
            path.unlink(missing_ok=True)
    return [path.name for path in left]


def point_to(target: str, link: str) -> None:
    """Point a name in a folder to a file beside it, atomically.

    It is a relative link where the disk knows links, else a second name of the file or a copy.
    """
    with _reporting(f"'{link}' could not be written"), beside(link, durable=True) as part:
        try:
            os.symlink(os.path.basename(target), part)
        except (OSError, NotImplementedError):
            try:
                os.link(target, part)
            except (OSError, NotImplementedError):
                shutil.copyfile(target, part)
                flush(part)


def set_aside(folder: str, names: Sequence[str], time: str) -> str:
    """Move files of a folder to ``previous/TIME`` in it, one after the other.

    Each is at one of the two places at any moment. A place that is taken already is left alone;
    the folder that was made is returned.
    """
    with _reporting(f"files of '{folder}' could not be moved to '{PREVIOUS}' in it"):
        aside = make_new_folder(Path(folder, PREVIOUS, time))
        for name in names:
            os.rename(Path(folder, name), aside / name)
        flush(aside)
        flush(Path(folder))
    return str(aside)


def make_new_folder(path: Path, is_taken: Callable[[str], bool] = lambda name: False) -> Path:
    """Make a folder that was not there, with a number after its name where that is taken.

    ``is_taken`` tells of further names that are.
    """
    number = 0
    while True:
        folder = path.with_name(f'{path.name}_{number}') if number else path
        number += 1
        if is_taken(folder.name):
            continue
        with _reporting(f"folder '{folder}' could not be made"), suppress(FileExistsError):
            folder.mkdir(parents=True)
            return folder


def remove(folder: str, names: Sequence[str]) -> None:
    """Remove files of a folder."""
    for name in names:
        with _reporting(f"'{Path(folder, name)}' could not be removed"):
            Path(folder, name).unlink()


@contextmanager
def _writing(path: str) -> Iterator[BinaryIO]:
    """Open a file for writing, in a folder that is made; it is moved to its place in the end."""
    with _reporting(f"'{path}' could not be written"):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with replacing(path, durable=True) as file:
            yield file


@contextmanager
def _reporting(what: str) -> Iterator[None]:
    """Raise the system's refusals as a :class:`SaveError`; torch's writer reports them as its own.

    Other errors stay what they are.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        cause = _os_error(error)
        if cause is None:
            raise
        raise SaveError(f'{what}: {cause.strerror or cause}') from error


def _os_error(error: BaseException | None) -> OSError | None:
    """The system's error among an error and what it came from."""
    while error is not None and not isinstance(error, OSError):
        error = error.__cause__ or error.__context__
    return error
