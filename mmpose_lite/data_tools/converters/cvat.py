"""CVAT: its COCO keypoints, and its own "CVAT for images 1.1"."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from mmpose_lite.errors import InputError, short

from .coco_files import read_coco
from .labelled import (
    HIDDEN,
    NOT_LABELLED,
    VISIBLE,
    LabelledPicture,
    Labels,
    ReadOptions,
    Shape,
    box_of,
    gather,
    label_files,
    number,
    read_xml,
    turned_box,
)
from .report import ConversionReport


def read_cvat(path: Path, options: ReadOptions, report: ConversionReport) -> Labels:
    """Read what CVAT exports: ``annotations.xml``, or COCO keypoints.

    A point that is ``outside`` is not labelled, one that is ``occluded`` is hidden.

    Args:
        path: The file, or a folder of them.
        options: ``category``: the label of the skeleton, if there are several.
        report: Gets oddities.

    Raises:
        InputError: If it is no such file, or of a video.
    """
    files = label_files(path, ('.xml', '.json'))
    if files[0].suffix.lower() != '.xml':
        return read_coco(path, options, report)
    labels = Labels()
    for file in files:
        if file.suffix.lower() == '.xml':
            _read_file(file, options, labels, report)
    return labels


def _read_file(file: Path, options: ReadOptions, labels: Labels, report: ConversionReport) -> None:
    root = read_xml(file)
    if root.tag != 'annotations' or root.find('.//track') is not None:
        what = 'tracks of a video' if root.tag == 'annotations' else f'<{root.tag}>'
        raise InputError(f"{file}: holds {what}; export it as 'CVAT for images 1.1'")
    used = dict.fromkeys(each.get('label', '') for each in root.iterfind('image/skeleton'))
    wanted = options.category
    if wanted is None and len(used) > 1:
        raise InputError(
            f'{file}: there are several skeletons, {", ".join(used)}; --category NAME chooses one'
        )
    kind = next(iter(used), None) if wanted is None else wanted
    if used and kind not in used:
        raise InputError(f'{file}: --category {kind!r} is none of {", ".join(used)}')
    names = [
        label.findtext('name', '')
        for label in root.iterfind('meta//labels/label')
        if label.findtext('parent') == kind and kind is not None
    ]
    labels.names += [name for name in names if name not in labels.names]
    for image in root.iterfind('image'):
        name = image.get('name')
        if not name:
            raise InputError(f'{file}: image id {short(image.get("id"))} has no name')
        where = f'{file.name}: {name}'
        size = [number(image.get(side), where, side) for side in ('width', 'height')]
        faces = gather(_shapes(image, kind, where, report), where, report)
        labels.pictures.append(
            LabelledPicture([name], where, faces, (round(size[0]), round(size[1])))
        )


def _shapes(
    image: Element, kind: str | None, where: str, report: ConversionReport
) -> Iterator[Shape]:
    """The points and boxes of an image; a skeleton is a group."""
    for i, element in enumerate(image):
        group = element.get('group_id')
        if element.tag == 'skeleton' and element.get('label') == kind:
            for point in element:
                if point.tag == 'points':
                    yield _point(point, ('skeleton', i) if group is None else group, where)
                elif point.tag != 'attribute':
                    report.note(f'a skeleton has a {point.tag}, which is not a point', where)
        elif element.tag == 'box':
            yield _box(element, group, where)
        elif element.tag == 'points' and ';' in element.get('points', ''):
            for k, xy in enumerate(element.get('points', '').split(';')):
                yield _point(element, ('points', i), where, str(k + 1), xy)
        elif element.tag == 'points':
            yield _point(element, group, where)
        else:
            report.note(f'a {element.tag} is neither a point nor a box of a face', where)


def _point(
    element: Element, group: object, where: str, label: str | None = None, text: str | None = None
) -> Shape:
    label = element.get('label', '') if label is None else label
    text = element.get('points', '') if text is None else text
    x, _, y = text.partition(',')
    key = f'points of {short(label)}'
    flag = HIDDEN if element.get('occluded') == '1' else VISIBLE
    if element.get('outside') == '1':
        flag = NOT_LABELLED
    return Shape(label, (number(x, where, key), number(y, where, key)), flag=flag, group=group)


def _box(element: Element, group: str | None, where: str) -> Shape:
    sides = [number(element.get(key), where, key) for key in ('xtl', 'ytl', 'xbr', 'ybr')]
    box = box_of(*sides)
    angle = number(element.get('rotation', '0'), where, 'rotation')
    middle = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    box = turned_box(box, angle, middle) if angle else box
    return Shape(element.get('label', ''), box=box, group=group)
