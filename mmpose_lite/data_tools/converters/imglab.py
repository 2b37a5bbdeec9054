"""dlib: the XML of imglab, in which a face is a box with parts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from mmpose_lite.errors import InputError, short

from .labelled import (
    VISIBLE,
    LabelledFace,
    LabelledPicture,
    Labels,
    Point,
    ReadOptions,
    box_of,
    label_files,
    number,
    read_xml,
)
from .report import ConversionReport

_SIDES = ('left', 'top', 'width', 'height')


def read_imglab(path: Path, options: ReadOptions, report: ConversionReport) -> Labels:
    """Read the XML that imglab writes and dlib's shape predictors are trained on.

    A part that a box does not have is not labelled. The points are in the order of their names:
    by value if all are numbers, else as texts. A box with ``ignore='1'`` is no face.

    Args:
        path: The file, or a folder of them.
        options: ``category``: the label of the boxes to read; all of them by default.
        report: Gets boxes that are ignored, and those without a part as left out.

    Raises:
        InputError: If it is no such file, or a number is none.
    """
    labels = Labels()
    for file in label_files(path, ('.xml',)):
        root = read_xml(file)
        images = root.find('images')
        if root.tag != 'dataset' or images is None:
            raise InputError(f"{file}: holds <{root.tag}> and not imglab's <dataset> of <images>")
        labels.pictures += [
            _picture(image, file, options.category, report) for image in images.iterfind('image')
        ]
    faces = [face for picture in labels.pictures for face in picture.faces]
    names = sorted({name for face in faces for name in face.points})
    if all(map(str.isdecimal, names)):
        names.sort(key=int)  # 2 before 10, as the points of 300W, which ``--names`` may call them
    labels.names = names
    return labels


def _picture(
    image: Element, file: Path, category: str | None, report: ConversionReport
) -> LabelledPicture:
    name = image.get('file')
    if not name:
        raise InputError(f'{file}: an <image> has no file')
    where = f'{file.name}: {name}'
    size = [image.get(side) for side in ('width', 'height')]
    wide, high = (round(number(side, where, 'width or height')) if side else 0 for side in size)
    faces = list(_faces(image, where, category, report))
    return LabelledPicture([name], where, faces, (wide, high) if wide and high else None)


def _faces(
    image: Element, where: str, category: str | None, report: ConversionReport
) -> Iterator[LabelledFace]:
    for i, element in enumerate(image.iterfind('box'), 1):
        place = f'{where}, box {i}'
        if element.get('ignore') == '1':
            report.note("a box has ignore='1', and is left out", place)
        elif category in (None, element.findtext('label')):
            points = _points(element, place)
            left, top, width, height = (number(element.get(s), place, s) for s in _SIDES)
            if points:
                box = box_of(left, top, left + width, top + height)
                yield LabelledFace(place, points, box)
            else:
                report.leave_out('a box has no points', place)


def _points(box: Element, place: str) -> dict[str, Point]:
    points: dict[str, Point] = {}
    for part in box.iterfind('part'):
        name = part.get('name')
        if not name or name in points:
            problem = 'a part has no name' if not name else f'the part {short(name)} appears twice'
            raise InputError(f'{place}: {problem}')
        x, y = (number(part.get(axis), f'{place}, part {short(name)}', axis) for axis in 'xy')
        points[name] = (x, y, VISIBLE)
    return points
