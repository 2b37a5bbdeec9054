"""Finding the photographs that a list names, and their sizes."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mmpose_lite.errors import MissingFileError
from mmpose_lite.utils.images import HeaderError, exif_orientation, image_size_wh

from .report import ConversionReport

Progress = Callable[[Iterable, int], Iterable]
"""Wraps what is gone through, given its number, to show how far it is."""

SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp')
"""Extensions of images, the likeliest first."""

_HEAD = 1 << 16  # bytes; where a header is longer, the whole file is read


@dataclass(frozen=True)
class Photograph:
    """A photograph that is there.

    Attributes:
        path: The file.
        file_name: Its name in annotations, below the folder of images.
        size_wh: Width and height as stored, pixels.
    """

    path: Path
    file_name: str
    size_wh: tuple[int, int]


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


def read_size_wh(path: Path) -> tuple[int, int] | None:
    """Read an image's width and height from its header; None if it is not an image."""
    try:
        with open(path, 'rb') as file:
            head = file.read(_HEAD)
            try:
                return image_size_wh(head)
            except HeaderError:
                return image_size_wh(head + file.read())
    except (OSError, HeaderError):
        return None


def photograph(path: Path | None, root: Path, report: ConversionReport) -> Photograph | str:
    """Describe a photograph below a folder, by its name there, or say why there is none.

    Args:
        path: The file; None if it was not found.
        root: The folder.
        report: Gets a note where EXIF turns it: points count pixels as they are stored.
    """
    if path is None:
        return 'its photograph is missing'
    size_wh = read_size_wh(path)
    if size_wh is None:
        return 'its photograph cannot be read'
    with open(path, 'rb') as file:
        if exif_orientation(file.read(_HEAD)) != 1:
            report.note('EXIF turns the photograph, points are taken as of its pixels', str(path))
    return Photograph(path, path.relative_to(root).as_posix(), size_wh)


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
    name_file: Callable[[str, Path], str],
    report: ConversionReport,
    progress: Progress,
) -> dict[str, Photograph | str]:
    """Find the photographs of a list, and read their sizes.

    Args:
        names: Names in the list; those that stand there twice are looked up once.
        photographs: Where they are.
        name_file: Gives a photograph's name in annotations, from that in the list and its file.
        report: Gets notes.
        progress: Wraps the names.

    Returns:
        For each name the photograph, or the reason why there is none.

    Raises:
        MissingFileError: If there are names, and none of their photographs is there.
    """
    placed: dict[str, Photograph | str] = {}
    each_once = list(dict.fromkeys(names))
    for name in progress(each_once, len(each_once)):
        path = photographs.find(name, report)
        size_wh = None if path is None else read_size_wh(path)
        if path is None:
            placed[name] = 'its photograph is missing'
        elif size_wh is None:
            placed[name] = 'its photograph cannot be read'
        else:
            placed[name] = Photograph(path, name_file(name, path), size_wh)
    if each_once and not any(isinstance(each, Photograph) for each in placed.values()):
        raise MissingFileError(
            f"images='{photographs.root}': none of {len(each_once)} photographs is there and can "
            f'be read, such as {each_once[0]!r}'
        )
    return placed
