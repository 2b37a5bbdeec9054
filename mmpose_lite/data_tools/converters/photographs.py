"""Finding the photographs that a list names; their sizes, and how EXIF turns them."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy import ndarray

from mmpose_lite.errors import MissingFileError
from mmpose_lite.utils.images import HeaderError, exif_orientation, image_size_wh

from .report import ConversionReport

Progress = Callable[[Iterable, int], Iterable]
"""Wraps what is gone through, given its number, to show how far it is."""

SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp')
"""Extensions of images, the likeliest first."""

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

    def to_upright(self, points: ndarray, middle: float) -> ndarray:
        """Turn points ``(N, 2)`` of the pixels as stored to the picture as shown.

        Args:
            points: Their places, in pixels.
            middle: The coordinate of the middle of the first pixel: 0.5 where places are measured
                from the corner of the picture, 0 where numbers name pixels.
        """
        points = points[:, ::-1] if self.orientation in _TRANSPOSED else points
        (width, height), (x, y) = self.upright_wh, points.T
        x = width - 1 + 2 * middle - x if self.orientation in _MIRRORED_X else x
        y = height - 1 + 2 * middle - y if self.orientation in _MIRRORED_Y else y
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


@dataclass(frozen=True)
class Photograph:
    """A photograph that is there.

    Attributes:
        path: The file.
        file_name: Its name in annotations, below the folder of images.
        size_wh: Width and height, pixels, of what its points are of.
        applied: The EXIF orientation that was applied before points were found; 1 where they are
            of the pixels as stored.
    """

    path: Path
    file_name: str
    size_wh: tuple[int, int]
    applied: int = 1


class Photographs:
    """The photographs below a folder, found by file and folder, whatever their extension.

    Args:
        root: The folder; photographs may lie any number of folders below it.

    Raises:
        MissingFileError: If it is not there.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        if not self.root.is_dir():
            raise MissingFileError(f"images='{root}' is not a folder")
        self._by_place: dict[str, list[Path]] = defaultdict(list)
        self._by_stem: dict[str, list[Path]] = defaultdict(list)
        for path in images_below(self.root):
            self._by_place[f'{path.absolute().parent.name}/{path.stem}'].append(path)
            self._by_stem[path.stem].append(path)

    def find(self, name: str, report: ConversionReport) -> Path | None:
        """Find a photograph by its name in a list.

        Args:
            name: ``folder/file``, what precedes does not matter; or the file alone.
            report: Gets a note where the extension differs, or several files fit.

        Returns:
            The file; None if there is none.
        """
        listed = PurePosixPath(name.replace('\\', '/'))
        if len(listed.parts) > 1:
            found = self._by_place.get(f'{listed.parent.name}/{listed.stem}', [])
        else:
            found = self._by_stem.get(listed.stem, [])
        if not found:
            return None
        same = [path for path in found if path.suffix == listed.suffix]
        if not same:
            report.note('the photograph has another extension', f'{name}: {found[0].name}')
        if len(same or found) > 1:
            report.note('several photographs fit, the first is taken', name)
        return (same or found)[0]


def files_below(root: Path, suffixes: Sequence[str]) -> list[Path]:
    """List the regular files below a folder that end so, links followed, sorted."""
    return sorted(
        Path(folder, name)
        for folder, _, names in os.walk(root, followlinks=True)
        for name in names
        # Pipes and devices would be waited for, or have no end.
        if os.path.splitext(name)[1].lower() in suffixes and os.path.isfile(f'{folder}/{name}')
    )


def images_below(root: Path) -> list[Path]:
    """List the images below a folder, those in fewer folders first, then the likelier form."""

    def rank(path: Path) -> tuple[int, int]:
        return len(path.parts), SUFFIXES.index(path.suffix.lower())

    return sorted(files_below(root, SUFFIXES), key=rank)


def photograph(path: Path | None, root: Path, report: ConversionReport) -> Photograph | str:
    """Describe a photograph below a folder, by its name there, or say why there is none.

    Args:
        path: The file; None if it was not found.
        root: The folder.
        report: Gets a note where EXIF turns it: points count pixels as they are stored.
    """
    if path is None:
        return 'its photograph is missing'
    frame = read_frame(path)
    if frame is None:
        return 'its photograph cannot be read'
    if frame.orientation != 1:
        report.note('EXIF turns the photograph, points are taken as of its pixels', str(path))
    return Photograph(path, path.relative_to(root).as_posix(), frame.size_wh)


def by_stem(folder: Path, report: ConversionReport) -> dict[str, Path]:
    """Find the images below a folder by their names without extension.

    Of several of one name that in the fewest folders counts, then the likelier form; the report
    gets a note of each other one.
    """
    found: dict[str, Path] = {}
    for path in images_below(folder):
        first = found.setdefault(path.stem, path)
        if first != path:
            report.note('several photographs fit, the first is taken', f'{first}, not {path}')
    return found


def place(
    names: Iterable[str],
    photographs: Photographs,
    report: ConversionReport,
    progress: Progress,
    prefix: str = '',
) -> dict[str, Photograph | str]:
    """Find the photographs of a list, and read their sizes.

    Args:
        names: Names in the list; those that stand there twice are looked up once.
        photographs: Where they are.
        report: Gets notes.
        progress: Wraps the names.
        prefix: What precedes folder and file in the photographs' names in annotations.

    Returns:
        For each name the photograph, or the reason why there is none.

    Raises:
        MissingFileError: If there are names, and none of their photographs is there.
    """
    placed: dict[str, Photograph | str] = {}
    each_once = list(dict.fromkeys(names))
    for name in progress(each_once, len(each_once)):
        path = photographs.find(name, report)
        frame = None if path is None else read_frame(path)
        if path is None:
            placed[name] = 'its photograph is missing'
        elif frame is None:
            placed[name] = 'its photograph cannot be read'
        else:
            file_name = f'{prefix}{path.absolute().parent.name}/{path.name}'
            placed[name] = Photograph(path, file_name, frame.size_wh)
    if each_once and not any(isinstance(each, Photograph) for each in placed.values()):
        raise MissingFileError(
            f"images='{photographs.root}': none of {len(each_once)} photographs is there and can "
            f'be read, such as {each_once[0]!r}'
        )
    return placed
