"""labelme's and VIA's files: a list of shapes a picture."""

from __future__ import annotations

import base64
import binascii
import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from mmpose_lite.errors import InputError, short

from .labelled import (
    HIDDEN,
    SAYS_HIDDEN,
    VISIBLE,
    LabelledPicture,
    Labels,
    ReadOptions,
    Shape,
    box_of,
    gather,
    is_hidden,
    label_files,
    number,
    read_record,
    read_text,
    value_of,
)
from .report import ConversionReport

_GROUPS = ('group', 'group_id', 'face', 'face_id', 'person', 'person_id', 'instance')
_NO_NAMES = (*_GROUPS, *SAYS_HIDDEN)
_NAMES = ('name', 'label', 'landmark', 'keypoint', 'point', 'part', 'type')
_VIA_CSV = {'filename', 'region_shape_attributes', 'region_attributes'}


def read_labelme(path: Path, options: ReadOptions, report: ConversionReport) -> Labels:
    """Read labelme's files, one a picture. A flag ``occluded`` or ``hidden`` hides a point.

    Args:
        path: A file, or a folder of them.
        options: None of them matters.
        report: Gets oddities.

    Raises:
        InputError: If one cannot be used.
    """
    labels = Labels()
    for file in label_files(path, ('.json',)):
        content = read_record(file)
        if 'shapes' not in content:
            report.note('a JSON file has no shapes, as labelme writes them', str(file))
            continue
        where = file.name
        shapes = list(_labelme_shapes(content, where, report))
        size = (content.get('imageWidth'), content.get('imageHeight'))
        name = content.get('imagePath')
        labels.pictures.append(
            LabelledPicture(
                names=[name if isinstance(name, str) and name else file.stem],
                where=where,
                faces=gather(shapes, where, report),
                size_wh=size if all(type(side) is int for side in size) else None,
                content=partial(_embedded, file) if content.get('imageData') else None,
            )
        )
    return labels


def _labelme_shapes(content: dict, where: str, report: ConversionReport) -> Iterator[Shape]:
    for i, shape in enumerate(value_of(content, 'shapes', list, where)):
        place = f'{where}: shapes.{i}'
        label = value_of(shape, 'label', str, place)
        kind = shape.get('shape_type', 'polygon')
        if kind not in ('point', 'rectangle'):
            report.note(f'a {short(kind)} is neither a point nor a box', place)
            continue
        corners = value_of(shape, 'points', list, place)
        if not corners or any(not isinstance(xy, list) or len(xy) != 2 for xy in corners):
            raise InputError(f'{place}: points={short(corners)} are not pairs of numbers')
        values = [number(value, place, 'points') for xy in corners for value in xy]
        group = shape.get('group_id')
        group = None if group is None else str(group)
        flags = shape.get('flags')
        if kind == 'rectangle':
            yield Shape(label, box=box_of(*values), group=group)
        elif len(corners) > 1:
            raise InputError(f'{place}: points={short(corners)} are not one point')
        else:
            flag = HIDDEN if isinstance(flags, dict) and is_hidden(flags) else VISIBLE
            yield Shape(label, (values[0], values[1]), flag=flag, group=group)


def _embedded(file: Path) -> bytes:
    """The picture that a file of labelme holds; nothing if it is damaged."""
    try:
        text = value_of(read_record(file), 'imageData', str, file.name)
        return base64.b64decode(text.encode('utf-8', 'surrogatepass'))
    except binascii.Error:
        return b''


def read_via(path: Path, options: ReadOptions, report: ConversionReport) -> Labels:
    """Read annotations, or a project, of VIA 1 or 2: JSON or CSV.

    An attribute ``group`` or ``face`` of regions tells the faces of a picture apart; one that is
    called ``occluded`` or ``hidden`` hides a point.

    Args:
        path: The file, or a folder of them.
        options: ``key``: the attribute that names a point, if it cannot be told.
        report: Gets oddities.

    Raises:
        InputError: If it is no such file, or nothing names the points.
    """
    labels = Labels()
    files = label_files(path, ('.json', '.csv'))
    entries = [entry for file in files for entry in _via_entries(file)]
    key = options.key or _naming_attribute(path, [regions for _, _, regions in entries])
    for where, entry, regions in entries:
        shapes = list(_via_shapes(regions, key, where, report))
        size = number(entry.get('size', entry.get('file_size', -1)), where, 'size')
        labels.pictures.append(
            LabelledPicture(
                names=[value_of(entry, 'filename', str, where)],
                where=where,
                faces=gather(shapes, where, report),
                num_bytes=int(size) if size > 0 else None,
            )
        )
    return labels


_Regions = list[tuple[dict, dict]]


def _via_entries(file: Path) -> Iterator[tuple[str, dict, _Regions]]:
    """Each picture of a file, with the shape and the attributes of its regions."""
    if file.suffix.lower() == '.csv':
        yield from _via_rows(file)
        return
    content = read_record(file)
    if {'project', 'metadata', 'view'} <= set(content):
        raise InputError(f'{file}: is a VIA 3 file: export from VIA 2')
    if '_via_img_metadata' in content:
        content = value_of(content, '_via_img_metadata', dict, str(file))
    for name, entry in content.items():
        where = f'{file.name}: {short(name)}'
        regions = entry.get('regions') if isinstance(entry, dict) else None
        if not isinstance(regions, (dict, list)):
            raise InputError(f"{where}: 'regions' must be a list, it is {short(regions)}")
        regions = list(regions.values()) if isinstance(regions, dict) else regions  # of VIA 1
        yield where, entry, [_attributes_of(region, where) for region in regions]


def _attributes_of(region: Any, where: str) -> tuple[dict, dict]:
    shape, attributes = (
        value_of(region, f'{part}_attributes', dict, where) for part in ('shape', 'region')
    )
    return shape, attributes


def _via_rows(file: Path) -> Iterator[tuple[str, dict, _Regions]]:
    text = read_text(file).lstrip('#')  # of VIA 1
    rows = list(csv.DictReader(io.StringIO(text, newline='')))
    missing = _VIA_CSV - set(rows[0] if rows else ())
    if missing:
        raise InputError(f'{file}: has no column {", ".join(sorted(missing))}, as VIA writes them')
    pictures: dict[tuple, tuple[str, dict, _Regions]] = {}
    for i, row in enumerate(rows, 2):
        where = f'{file.name}: row {i}'
        key = (row['filename'], row.get('file_size'))
        _, _, regions = pictures.setdefault(key, (f'{file.name}: {row["filename"]}', row, []))
        shape, attributes = (
            _json_of(row[f'region_{part}'], where) for part in ('shape_attributes', 'attributes')
        )
        if shape:  # a picture without regions has a row, too
            regions.append((shape, attributes))
    yield from pictures.values()


def _json_of(text: str | None, where: str) -> dict:
    try:
        found = json.loads(text or '{}')
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise InputError(f'{where}: {short(text)} is not a record of attributes')
    return found


def _naming_attribute(path: Path, pictures: Iterable[_Regions]) -> str | None:
    """The attribute that names points; None where points have no attributes."""
    found = dict.fromkeys(
        key
        for regions in pictures
        for shape, attributes in regions
        for key, value in attributes.items()
        if shape.get('name') == 'point' and value not in ('', {}) and key not in _NO_NAMES
    )
    known = [key for key in found if key.lower() in _NAMES]
    if len(found) > 1 and len(known) != 1:
        raise InputError(
            f"labels='{path}': points have the attributes {', '.join(found)}; --key NAME chooses "
            'the one that is their name'
        )
    return next(iter(known or found), None)


def _via_shapes(
    regions: _Regions, key: str | None, where: str, report: ConversionReport
) -> Iterator[Shape]:
    counts: dict[Any, int] = {}
    if key is None and sum(shape.get('name') == 'rect' for shape, _ in regions) > 1:
        reason = 'points without names are numbered, which needs one face a picture'
        report.leave_out(reason, where)
        return
    for i, (shape, attributes) in enumerate(regions):
        kind, place = shape.get('name'), f'{where}, region {i}'
        groups = [attributes[each] for each in _GROUPS if attributes.get(each) and each != key]
        group = json.dumps(groups[0]) if groups else None
        if kind == 'rect':
            x, y, width, height = (
                number(shape.get(side), place, side) for side in ('x', 'y', 'width', 'height')
            )
            yield Shape('', box=(x, y, x + width, y + height), group=group)
        elif kind != 'point':
            report.note(f'a {kind} is neither a point nor a box', place)
        else:
            counts[group] = counts.get(group, 0) + 1
            label = str(counts[group]) if key is None else _chosen(attributes.get(key))
            if not label:
                report.leave_out(f'a point has no {key!r}, or several', place)
                continue
            xy = (number(shape.get('cx'), place, 'cx'), number(shape.get('cy'), place, 'cy'))
            flag = HIDDEN if is_hidden(_flat(attributes)) else VISIBLE
            yield Shape(label, xy, flag=flag, group=group)


def _chosen(value: Any) -> str:
    """The text of an attribute; of checkboxes the one that is ticked."""
    if isinstance(value, dict):
        ticked = [key for key, is_ticked in value.items() if is_ticked]
        return ticked[0] if len(ticked) == 1 else ''
    return value.strip() if isinstance(value, str) else ''


def _flat(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes with those of checkboxes beside them."""
    ticks = [value for value in attributes.values() if isinstance(value, dict)]
    return {**attributes, **{key: tick for each in ticks for key, tick in each.items()}}
