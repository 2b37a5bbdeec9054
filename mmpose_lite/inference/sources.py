"""Photographs from files, folders, patterns, lists and arrays, one at a time."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from numpy import ndarray
from PIL import Image

from mmpose_lite.errors import InputError, MissingFileError
from mmpose_lite.utils.paths import shown

PHOTOGRAPHS = ('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff', '.ppm', '.pgm', '.jp2')
"""Endings of the files that are taken from a folder."""


@dataclass
class Photograph:
    """A photograph, or a frame of a video.

    Attributes:
        name: What it is called: its file's path, or ``'image 3'`` of a list of arrays.
        image: ``(H, W, 3)`` uint8 BGR, upright.
        path: Its file; None if it has none.
        frame: The frame's number, from 0; None for a photograph.
        time_s: The frame's time, seconds; None for a photograph.
    """

    name: str
    image: ndarray = field(repr=False)
    path: str | None = None
    frame: int | None = None
    time_s: float | None = None


Source = str | os.PathLike | ndarray | Image.Image


def find_photographs(source: Source | Iterable[Source]) -> list[Source]:
    """List what a source names: files of folders and patterns by name, arrays as they are.

    Folders are searched below, too; a file that stands twice is taken once.

    Raises:
        MissingFileError: If a file or folder is not there, or a pattern fits nothing.
        InputError: If a folder holds no photograph.
    """
    if isinstance(source, str | os.PathLike):
        return list(_files(os.fspath(source)))
    if isinstance(source, ndarray | Image.Image):
        return [source]
    if not isinstance(source, Iterable):
        raise InputError(
            f'source is {type(source).__name__}, but must be a file, a folder, a pattern, an image '
            "(H, W, 3) or of PIL's, or a list of these"
        )
    found = [each for one in source for each in find_photographs(one)]
    files = dict.fromkeys(each for each in found if isinstance(each, str))
    return [each for each in found if not isinstance(each, str) or files.pop(each, 0) is None]


def _files(name: str) -> Iterator[str]:
    if os.path.isdir(name):
        files = sorted(str(path) for path in Path(name).rglob('*') if _is_photograph(path))
        if not files:
            raise InputError(
                f'folder {shown(name)} contains no photograph ({", ".join(PHOTOGRAPHS)})'
            )
        yield from files
    elif os.path.lexists(name):
        yield name
    elif glob.has_magic(name):
        files = sorted(filter(os.path.isfile, glob.glob(name, recursive=True)))
        if not files:
            raise MissingFileError(f'no file matches the pattern {shown(name)}')
        yield from files
    else:
        raise MissingFileError(f'{shown(name)} does not exist')


def _is_photograph(path: Path) -> bool:
    return path.suffix.lower() in PHOTOGRAPHS and path.is_file()
