"""The files of labelled pictures, and between pixels as stored and as tools show them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import numpy as np
from numpy import ndarray

from mmpose_lite.errors import MissingFileError
from mmpose_lite.utils.images import HeaderError, exif_orientation, image_size_wh

from .labelled import LabelledPicture
from .photographs import SUFFIXES, images_below
from .report import ConversionReport

_HEAD = 1 << 17  # bytes, in which all but WebP have size and orientation
_MIRRORED_X, _MIRRORED_Y, _TRANSPOSED = (2, 3, 6, 7), (3, 4, 7, 8), (5, 6, 7, 8)


@dataclass(frozen=True)
class Frame:
    """The pixels of an image file.

    Attributes:
        size_wh: Width and height as stored.
        orientation: EXIF's, 1 to 8.
    """

    size_wh: tuple[int, int]
    orientation: int

    @property
    def upright_wh(self) -> tuple[int, int]:
        """Width and height as shown."""
        width, height = self.size_wh
        return (height, width) if self.orientation in _TRANSPOSED else (width, height)

    def to_stored(self, points: ndarray) -> ndarray:
        """Turn points ``(N, 2)`` of the picture as shown to the pixels as stored."""
        return self._transposed(self._mirrored(points))

    def to_upright(self, points: ndarray) -> ndarray:
        """Turn points ``(N, 2)`` of the pixels as stored to the picture as shown."""
        return self._mirrored(self._transposed(points))

    def _transposed(self, points: ndarray) -> ndarray:
        return points[:, ::-1] if self.orientation in _TRANSPOSED else points

    def _mirrored(self, points: ndarray) -> ndarray:
        (width, height), (x, y) = self.upright_wh, points.T
        x = width - x if self.orientation in _MIRRORED_X else x
        y = height - y if self.orientation in _MIRRORED_Y else y
        return np.stack([x, y], axis=1)


def frame_of(content: bytes) -> Frame | None:
    """Read size and orientation from an image's bytes; None if they are of no image."""
    try:
        size_wh = image_size_wh(content)
    except HeaderError:
        return None
    return None if size_wh is None else Frame(size_wh, exif_orientation(content))


def read_frame(path: Path) -> Frame | None:
    """Read size and orientation of an image file; None if it is none."""
    try:
        with open(path, 'rb') as file:
            head = file.read(_HEAD)
            found = None if head.startswith(b'RIFF') else frame_of(head)
            return found or frame_of(head + file.read())
    except OSError:
        return None


class PictureFiles:
    """The images below a folder, found by the names that tools give them.

    Args:
        root: The folder.

    Raises:
        MissingFileError: If it is not there.
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise MissingFileError(f"images='{root}' is not a folder")
        self.root = root
        self.unused = dict.fromkeys(images_below(root))
        self._by_name: dict[str, list[Path]] = {}
        self._by_stem: dict[str, list[Path]] = {}
        for path in self.unused:
            self._by_name.setdefault(_key(path.name), []).append(path)
            self._by_stem.setdefault(_key(path.stem), []).append(path)

    def find(self, picture: LabelledPicture, report: ConversionReport) -> Path | str:
        """Find a picture's file, or say why there is none.

        Names may have backslashes, ``%20``, other folders in front, or differ in upper and lower
        case. No folder below the root may contradict one of the name. The file of the very path
        that is named comes first, then the one that has most of its folders.

        Args:
            picture: The picture.
            report: Gets a note where the extension differs.
        """
        for parts in _forms(picture.names):
            name = parts[-1]
            stem = name.removesuffix(image_suffix(name))
            for fits in (self._by_name.get(_key(name), []), self._by_stem.get(_key(stem), [])):
                found = self._best(fits, parts[-2::-1])
                sizes = [path for path in found if path.stat().st_size == picture.num_bytes]
                found = sizes or found
                if len(found) > 1:
                    return 'several photographs fit its name'
                if found:
                    if image_suffix(name) and _key(found[0].name) != _key(name):
                        report.note('the photograph has another extension', f'{name}: {found[0]}')
                    self.unused.pop(found[0], None)
                    return found[0]
        return 'its photograph is missing'

    def _best(self, paths: Sequence[Path], folders: Sequence[str]) -> list[Path]:
        """The paths that fit folders, which go upwards, best."""
        ranks: dict[Path, tuple[bool, int]] = {}
        wanted = [_key(each) for each in folders]
        for path in paths:
            has = [_key(each) for each in path.relative_to(self.root).parts[-2::-1]]
            if all(a == b for a, b in zip(has, wanted, strict=False)):
                ranks[path] = (len(has) == len(wanted), min(len(has), len(wanted)))
        return [path for path, rank in ranks.items() if rank == max(ranks.values())]


def _forms(names: Sequence[str]) -> Iterator[list[str]]:
    """Split the names that a picture may have into folders and file."""
    for name in names:
        for text in dict.fromkeys((name, unquote(name))):
            parts = [each for each in re.split(r'[/\\]', text) if each not in ('', '.', '..')]
            if parts:
                yield parts


def image_suffix(name: str) -> str:
    """Tell the extension of an image's name; empty where it has another or none."""
    suffix = Path(name).suffix
    return suffix if suffix.lower() in SUFFIXES else ''


def _key(name: str) -> str:
    return unicodedata.normalize('NFC', name).casefold()
