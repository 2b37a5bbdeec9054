"""Photographs from files, folders, patterns, lists and arrays, one at a time."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from numpy import ndarray
from PIL import Image

from mmpose_lite.data_tools.converters.photographs import read_frame
from mmpose_lite.errors import InputError, MissingFileError
from mmpose_lite.utils.paths import shown

VIDEOS = ('.mp4', '.mov', '.m4v', '.avi', '.mkv', '.webm', '.mpg', '.mpeg', '.wmv', '.flv', '.ts')
"""Endings of the files that are videos."""

PHOTOGRAPHS = ('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff', '.ppm', '.pgm', '.jp2')
"""Endings of the files that are taken from a folder."""

# Of results too, which lie beside photographs.
_TAKEN = (*PHOTOGRAPHS, *VIDEOS, '.json', '.jsonl', '.csv', '.parquet', '.pts', '.txt')
_LISTED = 5  # endings that a remark lists


@dataclass
class Photograph:
    """A photograph, or a frame of a video.

    Attributes:
        name: What it is called: its file's path, or ``'image 3'`` of a list of arrays.
        image: ``(H, W, 3)`` uint8 BGR, upright.
        path: Its file; None if it has none.
        frame: The frame's number, from 0; None for a photograph.
        time_s: The frame's time, seconds; None for a photograph.
        is_turned: The EXIF orientation of its file, whichever that is, was applied.
    """

    name: str
    image: ndarray = field(repr=False)
    path: str | None = None
    frame: int | None = None
    time_s: float | None = None
    is_turned: bool = False

    @property
    def applied_orientation(self) -> int:
        """The EXIF orientation of its file that was applied, 1 to 8; 1 if none was."""
        frame = read_frame(Path(self.path)) if self.is_turned and self.path else None
        return 1 if frame is None else frame.orientation


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
        files = sorted(str(path) for path in Path(name).rglob('*') if _ends(path, PHOTOGRAPHS))
        if not files:
            raise InputError(
                f'folder {shown(name)} contains no photograph ({", ".join(PHOTOGRAPHS)})'
            )
        yield from files
    elif is_pattern(name):
        files = matches(name)
        if not files:
            raise MissingFileError(f'no file matches the pattern {shown(name)}')
        yield from files
    elif os.path.lexists(name):
        yield name
    else:
        raise MissingFileError(f'{shown(name)} does not exist')


def is_pattern(name: str) -> bool:
    """Tell whether a name stands for the files that match it: it is neither a file nor an address.

    A name of a file that is there is that file, even with a bracket or a question mark in it.
    """
    return '://' not in name and glob.has_magic(name) and not os.path.lexists(name)


def matches(pattern: str) -> list[str]:
    """The files that match a pattern, by name."""
    return sorted(filter(os.path.isfile, glob.glob(pattern, recursive=True)))


def videos_below(folder: str) -> list[str]:
    """The videos of a folder and of its subfolders, by name."""
    return [str(path) for path in sorted(Path(folder).rglob('*')) if _ends(path, VIDEOS)]


def has_photographs(folder: str) -> bool:
    """Tell whether a photograph lies in a folder or below it."""
    return any(_ends(path, PHOTOGRAPHS) for path in Path(folder).rglob('*'))


def about_others(folder: str) -> str:
    """Say which files of a folder are taken for nothing, by their endings; empty if none are."""
    others = (
        path.suffix.lower() or 'no ending'
        for path in Path(folder).rglob('*')
        if path.is_file() and not path.name.startswith('.') and not _ends(path, _TAKEN)
    )
    counts = sorted(Counter(others).items(), key=lambda each: (-each[1], each[0]))
    if not counts:
        return ''
    listed = ', '.join(f'{ending} ({count:,})' for ending, count in counts[:_LISTED])
    more = ', ...' if len(counts) > _LISTED else ''
    total = sum(count for _, count in counts)
    files = 'file that is' if total == 1 else 'files that are'
    return f'{shown(folder)} has {total:,} {files} not read, by their endings: {listed}{more}'


def _ends(path: Path, endings: tuple[str, ...]) -> bool:
    return path.suffix.lower() in endings and path.is_file()
