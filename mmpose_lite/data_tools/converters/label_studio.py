"""Label Studio's JSON: percentages of the picture, one region per point."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from mmpose_lite.errors import InputError, short

from .labelled import (
    HIDDEN,
    VISIBLE,
    Box,
    LabelledPicture,
    Labels,
    ReadOptions,
    Shape,
    gather,
    is_hidden,
    label_files,
    number,
    read_record,
    turned_box,
    value_of,
)
from .report import ConversionReport

_PREFIX = re.compile(r'^[0-9a-f]{8}-')  # of what is uploaded
_POINTS, _BOXES = ('keypointlabels', 'keypoint'), ('rectanglelabels', 'rectangle')
_BESIDE = ('labels', 'choices', 'relation')  # says more about a region
_IMAGE = re.compile(r'\.(jpe?g|png|bmp|tiff?|webp)([?#]|$)', re.IGNORECASE)


def read_label_studio(path: Path, options: ReadOptions, report: ConversionReport) -> Labels:
    """Read an export of the form ``JSON``.

    Points of a face are those that belong to its box (dragged under it in the outliner, or by a
    relation), or that lie in it. A choice ``occluded`` or ``hidden`` of a region hides its point.

    Args:
        path: The file.
        options: ``key``: the field of ``data`` with the picture, if there are several.
        report: Gets oddities.

    Raises:
        InputError: If it is no such file.
    """
    labels = Labels()
    for file in label_files(path, ('.json',)):
        tasks = read_record(file, list)
        for i, task in enumerate(tasks):
            task_id = task.get('id', i) if isinstance(task, dict) else i
            where = f'{file.name}: task {short(task_id)}'
            if not isinstance(task, dict) or not isinstance(task.get('data'), dict):
                raise InputError(f"{where} has no 'data': export 'JSON', not 'JSON-MIN' or others")
            labels.pictures.append(_picture(task, where, options, report))
    return labels


def _picture(
    task: dict, where: str, options: ReadOptions, report: ConversionReport
) -> LabelledPicture:
    address = _address(task['data'], where, options.key)
    results = _results(task, where, report)
    sizes = {
        tuple(number(each[key], where, key) for key in ('original_width', 'original_height'))
        for each in results
        if each.get('original_width') is not None and each.get('original_height') is not None
    }
    if len(sizes) > 1 or len({str(each.get('item_index', 0)) for each in results}) > 1:
        raise InputError(f'{where}: its regions belong to several images, of sizes {sorted(sizes)}')
    size_wh = next(iter(sizes), None)
    if any(each.get('image_rotation') for each in results):
        report.note('the picture was turned in the tool; points are of it as it was before', where)
    shapes = list(_shapes(results, size_wh, where, report))
    return LabelledPicture(
        names=list(_file_names(address)),
        where=where,
        faces=gather(shapes, where, report),
        size_wh=None if size_wh is None else (round(size_wh[0]), round(size_wh[1])),
        is_percent=size_wh is None,
    )


def _address(data: Mapping[str, Any], where: str, key: str | None) -> str:
    if key is None:
        keys = [k for k, value in data.items() if isinstance(value, str) and _IMAGE.search(value)]
        keys = ['image'] if 'image' in data else keys
        if len(keys) != 1:
            raise InputError(
                f"{where}: 'data' names several images or none, in {', '.join(data)}; "
                '--key NAME chooses one'
            )
        key = keys[0]
    return value_of(data, key, str, f"{where}: 'data'")


def _file_names(address: str) -> Iterator[str]:
    """The names on disk of a picture's address; of an upload also what it was before."""
    parts = urlsplit(address)
    if 'local-files' in parts.path:
        yield parse_qs(parts.query).get('d', [''])[0]
    elif '/data/upload/' in parts.path:  # its folder is the number of the project
        name = unquote(parts.path).rpartition('/')[2]
        yield from dict.fromkeys((name, _PREFIX.sub('', name)))
    else:
        yield unquote(parts.path) if '://' in address else address


def _results(task: dict, where: str, report: ConversionReport) -> list[dict]:
    """The regions of a task: of one annotation, where several people made some."""
    made: list[Any] = []
    for key in ('annotations', 'completions'):  # the latter before 2021
        made += value_of(task, key, list, where) if key in task else []
    made = [each for each in made if isinstance(each, dict) and not each.get('was_cancelled')]
    if len(made) > 1:
        made.sort(key=lambda each: (bool(each.get('ground_truth')), str(each.get('updated_at'))))
        kind = 'several annotations: the ground truth is taken, or the latest'
        report.note(kind, f'{where} ({len(made)})')
    if not made:
        return []
    results = value_of(made[-1], 'result', list, where)
    for each in results:
        if not isinstance(each, dict):
            raise InputError(f"{where}: 'result' holds {short(each)}, which is not a record")
    return results


def _shapes(
    results: list[dict], size_wh: tuple | None, where: str, report: ConversionReport
) -> Iterator[Shape]:
    """The points and boxes of a picture; pixels, or percentages where its size is not known."""
    boxes = {str(each.get('id')) for each in results if each.get('type') in _BOXES}
    owners, labels, hidden = _beside(results, boxes)
    for each in results:
        kind, region = each.get('type'), str(each.get('id'))
        place = f'{where}: region {short(region)}'
        if kind in _BESIDE:
            continue
        if kind not in (*_POINTS, *_BOXES):
            report.note(f'a region of type {short(kind)} is neither a point nor a box', place)
            continue
        value = value_of(each, 'value', dict, place)
        found = value.get(kind) or value.get('labels') or labels.get(region)
        if kind in _BOXES:
            group = region if region in owners.values() else None
            yield Shape('', box=_box(value, size_wh, place), group=group)
        elif not isinstance(found, list) or len(found) != 1:
            text = f'{place} of {short(each.get("from_name"))}: {short(found)}'
            report.leave_out('a point has no label, or several', text)
        else:
            xy = _pixels(value, ('x', 'y'), size_wh, f'{place}, {short(found[0])}')
            flag = HIDDEN if region in hidden else VISIBLE
            yield Shape(str(found[0]), (xy[0], xy[1]), flag=flag, group=owners.get(region))


def _beside(results: list[dict], boxes: set[str]) -> tuple[dict[str, str], dict, set[str]]:
    """The box that each region belongs to, labels that stand apart, and hidden regions."""
    owners, labels, hidden = {}, {}, set()
    for each in results:
        region, parent = str(each.get('id')), str(each.get('parentID'))
        if parent in boxes:
            owners[region] = parent
        if each.get('type') == 'relation':
            ends = str(each.get('from_id')), str(each.get('to_id'))
            for point, box in (ends, ends[::-1]):
                if box in boxes and point not in boxes:
                    owners[point] = box
        value = each.get('value')
        said = value if isinstance(value, dict) else {}
        if each.get('type') == 'labels':
            labels[region] = said.get('labels')
        choices = said.get('choices')
        if isinstance(choices, list) and is_hidden({str(choice): True for choice in choices}):
            hidden.add(region)
    return owners, labels, hidden


def _box(value: dict, size_wh: tuple | None, where: str) -> Box:
    x, y, width, height = _pixels(value, ('x', 'y', 'width', 'height'), size_wh, where)
    angle = number(value.get('rotation') or 0, where, 'rotation')
    if angle and size_wh is None:
        raise InputError(f"{where}: a box turned by {angle:g} needs 'original_width'")
    box = (x, y, x + width, y + height)
    return turned_box(box, angle, (x, y)) if angle else box


def _pixels(
    value: dict, keys: tuple[str, ...], size_wh: tuple | None, where: str
) -> tuple[float, ...]:
    """Read percentages, as pixels where the picture's size is known."""
    sides = (100.0, 100.0) if size_wh is None else size_wh
    return tuple(
        number(value.get(key), where, key) * sides[i % 2] / 100 for i, key in enumerate(keys)
    )
