"""Faces as a labelling tool has them: points by name, whatever the tool's file looks like.

The files of their pictures are found by the names that tools give them.
"""

from __future__ import annotations

import cmath
import codecs
import math
import re
import unicodedata
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

from mmpose_lite.datasets.datasets.base.annotations import is_number, read_json
from mmpose_lite.errors import InputError, MissingFileError, short

from .photographs import SUFFIXES, files_below, images_below
from .report import ConversionReport

Point = tuple[float, float, int]
"""x, y and COCO's flag."""
Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""

NOT_LABELLED, HIDDEN, VISIBLE = 0, 1, 2
"""COCO's flags of a point."""

_KINDS: dict[type, str] = {dict: 'record', list: 'list', str: 'text'}
SAYS_HIDDEN = ('occluded', 'hidden', 'invisible', 'not visible', 'not_visible')
"""Flags, attributes and choices that hide a point."""
_YES = ('true', 'yes', '1', 'on')
# The first bytes of XML that say more than a declaration, which is not in ASCII in UTF-16.
_MARKS = {
    codecs.BOM_UTF8: 'utf-8-sig',
    codecs.BOM_UTF16_LE: 'utf-16',
    codecs.BOM_UTF16_BE: 'utf-16',
    '<?'.encode('utf-16-le'): 'utf-16-le',
    '<?'.encode('utf-16-be'): 'utf-16-be',
}
_DECLARATION = re.compile(rb"""<\?xml\b[^>]*?\sencoding\s*=\s*["']([\w.:-]+)["']""", re.ASCII)


@dataclass(frozen=True)
class LabelledFace:
    """A face; pixels of the picture as the tool shows it.

    Attributes:
        where: File and record, for messages.
        points: For each name x, y and COCO's flag.
        box: The box that somebody drew; None where nobody did.
    """

    where: str
    points: Mapping[str, Point]
    box: Box | None = None


@dataclass(frozen=True)
class LabelledPicture:
    """A picture with its faces.

    Attributes:
        names: The names that its file may have, the likeliest first.
        where: File and record, for messages.
        faces: Its faces.
        size_wh: Its size as the tool says, pixels; None where it says none.
        num_bytes: The size of its file as the tool says.
        is_percent: Whether coordinates are percentages of its sides.
        content: Gives the file's bytes, where the tool keeps them beside the labels.
        has_file: Whether it has a file of its own, which comes before ``content``.
        is_upright: Whether it was labelled as shown, where the labels tell.
    """

    names: Sequence[str]
    where: str
    faces: Sequence[LabelledFace]
    size_wh: tuple[int, int] | None = None
    num_bytes: int | None = None
    is_percent: bool = False
    content: Callable[[], bytes] | None = None
    has_file: bool = True
    is_upright: bool | None = None


@dataclass
class Labels:
    """All that one or several files of a tool say.

    Attributes:
        pictures: The pictures.
        names: The points in the tool's own order; empty where it has none.
        links: Pairs of points that the tool draws lines between.
    """

    pictures: list[LabelledPicture] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class ReadOptions:
    """Settings of a reader, which a person knows and the files do not say.

    Attributes:
        category: The kind of object that is a face, where there are several.
        key: The field that holds the picture's name (Label Studio), or a point's (VIA).
        origin: The coordinate of the first pixel, 0 or 1 (files of numbers only).
        exif: What photographs with an EXIF orientation were labelled as, where labels do not tell:
            ``'upright'`` or ``'stored'``.
    """

    category: str | None = None
    key: str | None = None
    origin: int | None = None
    exif: str | None = None


@dataclass(frozen=True)
class Shape:
    """A point or a box as it was drawn, before it is known whose it is.

    Attributes:
        label: Its name.
        xy: The point; None for a box.
        box: The box; None for a point.
        flag: COCO's, of a point.
        group: Shapes of one face have the same; None where the tool does not say.
    """

    label: str
    xy: tuple[float, float] | None = None
    box: Box | None = None
    flag: int = VISIBLE
    group: Hashable = None


def gather(shapes: Iterable[Shape], where: str, report: ConversionReport) -> list[LabelledFace]:
    """Tell which shapes of a picture are one face.

    Those with the same group are. A box without a group has the one group whose points it holds;
    points without a group are those of the only such box, else of the one that holds them.

    Args:
        shapes: The shapes.
        where: The picture, for messages.
        report: Gets what belongs to no face, and faces that have a point twice.
    """
    groups: dict[Hashable, list[Shape]] = {}
    boxes: dict[Hashable, Box] = {}
    free_boxes, free_points = [], []
    for shape in shapes:
        if shape.box is not None and (shape.group is None or shape.group in boxes):
            free_boxes.append(shape.box)
        elif shape.box is not None:
            boxes[shape.group] = shape.box
        elif shape.group is None:
            free_points.append(shape)
        else:
            groups.setdefault(shape.group, []).append(shape)
    for i, box in enumerate(free_boxes):
        held = [key for key, points in groups.items() if all(_is_in(each, box) for each in points)]
        alone = [key for key in held if key not in boxes]
        boxes[alone[0] if len(alone) == 1 else ('box', i)] = box
    _share_out(free_points, groups, boxes, where, report)
    for key, box in boxes.items():
        if key not in groups:
            report.leave_out('a box has no points', f'{where}: {box}')
    faces = (
        _face(points, boxes.get(key), f'{where}, face {i}' if len(groups) > 1 else where, report)
        for i, (key, points) in enumerate(groups.items(), 1)
    )
    return [face for face in faces if face is not None]


def _share_out(
    points: Sequence[Shape],
    groups: dict[Hashable, list[Shape]],
    boxes: Mapping[Hashable, Box],
    where: str,
    report: ConversionReport,
) -> None:
    """Add points without a group to the groups of the boxes that hold them."""
    empty = [key for key in boxes if key not in groups]
    is_lone = len(empty) < 2 and not groups
    for point in points:
        holding = [key for key in empty if _is_in(point, boxes[key])]
        if is_lone or len(holding) == 1:
            key = holding[0] if holding else next(iter(empty), None)
            groups.setdefault(key, []).append(point)
        else:
            reason = 'a point belongs to no face: it has no group, and lies in no box or in several'
            report.leave_out(reason, f'{where}: {short(point.label)}')


def _is_in(point: Shape, box: Box) -> bool:
    x, y = point.xy or (math.nan, math.nan)
    return point.flag == NOT_LABELLED or (box[0] <= x <= box[2] and box[1] <= y <= box[3])


def _face(
    points: Sequence[Shape], box: Box | None, where: str, report: ConversionReport
) -> LabelledFace | None:
    found = {each.label: (*(each.xy or (0.0, 0.0)), each.flag) for each in points}
    labels = [each.label for each in points]
    twice = [label for label in found if labels.count(label) > 1]
    if twice:
        reason = 'a face has a point twice (several faces need groups, or a box each)'
        report.leave_out(reason, f'{where}: {", ".join(map(short, twice))}')
        return None
    return LabelledFace(where, found, box)


def is_hidden(attributes: Mapping[str, Any]) -> bool:
    """Tell whether flags, attributes or chosen words of a point say that it cannot be seen."""
    said = {str(key).lower(): str(value).strip().lower() for key, value in attributes.items()}
    return any(said.get(word) in _YES for word in SAYS_HIDDEN)


def number(value: Any, where: str, key: str) -> float:
    """Read a coordinate or a size, a number or its text.

    Raises:
        InputError: If it is none, not finite, or in no picture.
    """
    found = value
    if isinstance(value, str):
        try:
            found = float(value)
        except ValueError:
            found = None
    if not is_number(found):
        raise InputError(f'{where}: {key}={short(value)} is not a number within 2^24')
    return float(found)


def box_of(*corners: float) -> Box:
    """The box with two opposite corners, x, y and x, y, whichever they are."""
    xs, ys = corners[::2], corners[1::2]
    return min(xs), min(ys), max(xs), max(ys)


def turned_box(box: Box, degrees: float, pivot: tuple[float, float]) -> Box:
    """The box about one that is turned about a point, clockwise in the picture."""
    turn, middle = cmath.exp(1j * math.radians(degrees)), complex(*pivot)
    corners = [(complex(x, y) - middle) * turn + middle for x in box[::2] for y in box[1::2]]
    return box_of(*(value for corner in corners for value in (corner.real, corner.imag)))


def label_files(path: Path, suffixes: Sequence[str]) -> list[Path]:
    """List the files of labels: the one that is named, or those below a folder.

    Raises:
        MissingFileError: If there is none.
    """
    if path.is_file():
        return [path]
    found = files_below(path, suffixes) if path.is_dir() else []
    if not found:
        kinds = ', '.join(f'*{suffix}' for suffix in suffixes)
        raise MissingFileError(f"labels='{path}' is neither a file nor a folder with {kinds}")
    return found


def read_text(path: Path) -> str:
    """Read a text file in UTF-8, with or without a byte-order mark.

    Raises:
        InputError: If it cannot be read.
    """
    return _decoded(path, read_bytes(path), 'utf-8-sig', 'save it in UTF-8')


def read_bytes(path: Path) -> bytes:
    """Read a file.

    Raises:
        InputError: If it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f'{path}: cannot be read: {error}') from error


def _decoded(path: Path, content: bytes, encoding: str, cure: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeError as error:
        line = content[: getattr(error, 'start', 0)].count(b'\n') + 1
        name = encoding.removesuffix('-sig').upper()
        raise InputError(f'{path}: line {line} is not in {name}: {cure}') from error


def read_record(path: Path, kind: type = dict) -> Any:
    """Read a JSON file that holds a record, or another kind of value.

    Raises:
        InputError: If it does not.
    """
    content = read_json(str(path))
    if not isinstance(content, kind):
        raise InputError(f'{path}: must hold a JSON {_KINDS[kind]}, it is {short(content)}')
    return content


def read_xml(path: Path) -> ElementTree.Element:
    """Read an XML file to its root, in the encoding that it declares, UTF-8 where it declares none.

    Raises:
        InputError: If it is none, is in another encoding, or defines entities.
    """
    text = _xml_text(path, read_bytes(path))
    if '<!DOCTYPE' in text or '<!ENTITY' in text:
        raise InputError(f'{path}: defines entities, which no labelling tool does')
    try:
        return ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError) as error:
        raise InputError(f'{path}: is not XML: {error}') from error


def _xml_text(path: Path, content: bytes) -> str:
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            return _decoded(path, content, encoding, 'its first bytes say so')
    found = _DECLARATION.match(content)
    if found is None:
        cure = "save it in UTF-8, or begin it with <?xml version='1.0' encoding='NAME'?>"
        return _decoded(path, content, 'utf-8', cure)
    declared = found[1].decode('ascii')
    try:
        encoding = codecs.lookup(declared).name
        if encoding.startswith(('utf-16', 'utf-32')):  # the declaration itself is in ASCII
            encoding = 'utf-8'
        if encoding == 'iso8859-1':  # imglab writes this above names of files in UTF-8
            with suppress(UnicodeDecodeError):
                return content.decode('utf-8')
        return _decoded(path, content, encoding, f'it declares {declared!r}')
    except LookupError as error:
        raise InputError(f'{path}: declares the encoding {declared!r}, which is unknown') from error


def value_of(record: Any, key: str, kind: type, where: str) -> Any:
    """Read a value of a kind from a record.

    Raises:
        InputError: If the record is none, or lacks it.
    """
    value = record.get(key) if isinstance(record, Mapping) else None
    if not isinstance(value, kind):
        raise InputError(f'{where}: {key!r} must be a {_KINDS[kind]}, it is {short(value)}')
    return value


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
            self._by_name.setdefault(_folded(path.name), []).append(path)
            self._by_stem.setdefault(_folded(path.stem), []).append(path)

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
            for fits in (
                self._by_name.get(_folded(name), []),
                self._by_stem.get(_folded(stem), []),
            ):
                found = self._best(fits, parts[-2::-1])
                sizes = [path for path in found if path.stat().st_size == picture.num_bytes]
                found = sizes or found
                if len(found) > 1:
                    return 'several photographs fit its name'
                if found:
                    if image_suffix(name) and _folded(found[0].name) != _folded(name):
                        report.note('the photograph has another extension', f'{name}: {found[0]}')
                    self.unused.pop(found[0], None)
                    return found[0]
        return 'its photograph is missing'

    def _best(self, paths: Sequence[Path], folders: Sequence[str]) -> list[Path]:
        """The paths that fit folders, which go upwards, best."""
        ranks: dict[Path, tuple[bool, int]] = {}
        wanted = [_folded(each) for each in folders]
        for path in paths:
            has = [_folded(each) for each in path.relative_to(self.root).parts[-2::-1]]
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


def _folded(name: str) -> str:
    return unicodedata.normalize('NFC', name).casefold()
