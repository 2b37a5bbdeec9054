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
from mmpose_lite.utils.images import decode_image, read_image
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

    Raises:
        MissingFileError: If a file or folder is not there, or a pattern fits nothing.
        InputError: If a folder holds no photograph.
    """
    if isinstance(source, str | os.PathLike):
        return list(_files(os.fspath(source)))
    if isinstance(source, ndarray | Image.Image):
        return [source]
    return [found for each in source for found in find_photographs(each)]


def _files(name: str) -> Iterator[str]:
    if os.path.isdir(name):
        files = sorted(str(path) for path in Path(name).rglob('*') if _is_photograph(path))
        if not files:
            raise InputError(f'folder {shown(name)} holds no photograph ({", ".join(PHOTOGRAPHS)})')
        yield from files
    elif os.path.exists(name):
        yield name
    else:
        files = sorted(filter(os.path.isfile, glob.glob(name, recursive=True)))
        if not files:
            raise MissingFileError(f'{shown(name)} is neither a file nor a folder, and fits none')
        yield from files


def _is_photograph(path: Path) -> bool:
    return path.suffix.lower() in PHOTOGRAPHS and path.is_file()


def read_photograph(path: str) -> Photograph:
    """Read a file, upright.

    Raises:
        BadImageError: If it is no image, or cannot be read.
    """
    return Photograph(path, decode_image(read_image(path), path, exif='apply'), path)
