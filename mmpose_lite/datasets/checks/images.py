"""Reading every photograph of a data set."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ..image_files import BadImageError, read_image
from ..image_headers import exif_orientation
from ..transforms.loading import decode_image
from .manifest import FileState


@dataclass(frozen=True)
class ImageState:
    """What a photograph is like.

    Attributes:
        path: The file.
        state: Its size and hash; None if it cannot be read.
        size_wh: Width and height as stored; None if it cannot be decoded.
        orientation: How the camera was held, 1 to 8, see :func:`~.exif_orientation`.
        problem: Why it cannot be read or decoded.
    """

    path: str
    state: FileState | None = None
    size_wh: tuple[int, int] | None = None
    orientation: int = 1
    problem: str | None = None


def read_images(paths: Iterable[str], workers: int | None = None) -> Iterator[ImageState]:
    """Read and decode photographs, several at a time, in their order.

    Args:
        paths: The files.
        workers: How many at a time; one for each processor, at most 8, by default.
    """
    paths = list(paths)
    # OpenCV decodes, and hashlib hashes, outside the interpreter's lock: threads are enough.
    workers = workers or min(os.cpu_count() or 1, 8)
    with ThreadPoolExecutor(workers) as pool:
        for portion in _portions(paths, 8 * workers):  # so that an interruption is heard
            yield from pool.map(read_state, portion)


def read_state(path: str) -> ImageState:
    """Read and decode a photograph as training does."""
    try:
        content = read_image(path)
    except BadImageError as error:
        return ImageState(path, problem=str(error))
    state = FileState.of(content)
    try:
        height, width = decode_image(content, path).shape[:2]
    except BadImageError as error:
        return ImageState(path, state, problem=str(error))
    return ImageState(path, state, (width, height), exif_orientation(content))


def _portions(paths: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for begin in range(0, len(paths), size):
        yield paths[begin : begin + size]
