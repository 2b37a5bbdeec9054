"""Choosing annotations: categories and named subsets."""

from __future__ import annotations

import os.path as osp
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from mmpose_lite.errors import InputError, MissingFileError, short
from mmpose_lite.structures.metainfo import are_numbered, find_moved, plain_name

from .annotations import AnnotationError, Record, read_annotations, read_json

# A face of a subset file is the face of the whole set in the same image whose points lie here.
_SAME_FACE_PIXELS = 0.5


def of_category(
    records: Sequence[Record], content: dict[str, Any], category: int | str | None, file: str
) -> list[Record]:
    """Select the annotations of a category, by its name or id, or all if none is asked for.

    Raises:
        AnnotationError: If there is no such category; or if none is asked for, and the file has
            several of different numbers of points, or whose points have different names.
    """
    known = _categories(content)
    if category is None:
        _check_alike(records, known, file)
        return list(records)
    named = [each['id'] for each in known if each.get('name') == category]
    wanted = named or [category]
    kept = [record for record in records if record.category() in wanted]
    if not kept:
        raise AnnotationError(
            f'{file}: category={short(category)} has no annotation; there are '
            f'{_listed(records, known)}'
        )
    return kept


def names_of_points(records: Sequence[Record], content: dict[str, Any]) -> list[str]:
    """Look up the names that the file gives the points, in its order; empty if it has none."""
    if not records:
        return []
    (most_common, _), *_ = Counter(record.category() for record in records).most_common(1)
    for each in _categories(content):
        if each['id'] == most_common:
            return _point_names(each)
    return []


def about_names(written: Sequence[str], wanted: Sequence[str]) -> tuple[str, bool] | None:
    """Compare a file's names of points, in their order, with those of the metainfo.

    Returns:
        What differs, and whether the points are surely in another order; None where nothing does.
    """
    ours = [plain_name(name) for name in wanted]
    theirs = [plain_name(name) for name in written]
    if not theirs or theirs == ours or are_numbered(written):
        return None
    if len(theirs) != len(ours):
        return f"'categories' names {len(theirs)} points, the metainfo {len(ours)}", False
    if (moved := find_moved(written, wanted)) is not None:
        i, place = moved
        problem = (
            f"the points are in another order than the metainfo's: 'categories' calls point {i} "
            f'{written[i]!r}, the metainfo {wanted[i]!r}, and {written[i]!r} its point {place}'
        )
        return problem, True
    i = next(i for i, name in enumerate(theirs) if name != ours[i])
    problem = (
        f"'categories' has other names of points than the metainfo: point {i} is {written[i]!r} "
        f'there and {wanted[i]!r} here; is the order the same?'
    )
    return problem, False


def _categories(content: dict[str, Any]) -> list[dict[str, Any]]:
    found = content.get('categories')
    return [
        each
        for each in (found if isinstance(found, list) else ())
        if isinstance(each, dict) and isinstance(each.get('id'), int | float | str)
    ]


def _point_names(category: dict[str, Any]) -> list[str]:
    names = category.get('keypoints')
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        return names
    return []


def _check_alike(records: Sequence[Record], known: list[dict[str, Any]], file: str) -> None:
    used = {record.category() for record in records if _count(record)}
    if len(used) < 2:
        return
    counts = {_count(record) for record in records} - {0}
    names = {tuple(_point_names(each)) for each in known if each['id'] in used} - {()}
    if len(counts) > 1 or len(names) > 1:
        raise AnnotationError(
            f'{file}: several categories have different points, and `category` of the data set '
            f'chooses none of them: {_listed(records, known)}'
        )


def _count(record: Record) -> float:
    points = record.annotation.get('keypoints')
    return len(points) / 3 if isinstance(points, list) else 0


def _listed(records: Sequence[Record], known: list[dict[str, Any]]) -> str:
    """The categories, with the numbers of their annotations and of their points."""
    names = {each['id']: each.get('name') for each in known}
    found = []
    for category, count in Counter(record.category() for record in records).items():
        points = {_count(record) for record in records if record.category() == category} - {0}
        of = ' or '.join(f'{each:g}' for each in sorted(points)) or 'no'
        name = f' ({short(names[category])})' if category in names else ''
        found.append(f'{short(category)}{name}: {count} annotations of {of} points')
    return ', '.join(found) or 'none'


def find_subsets(
    subsets: Mapping[str, str | Sequence[Any]],
    records: Sequence[Record],
    root: str,
    category: int | str | None = None,
) -> dict[Any, list[str]]:
    """Find the names of the subsets of each annotation id.

    Args:
        subsets: For each name an annotation file (``.json``; its faces are found by image and
            points, since files number their records each in their own way), a text file with one
            annotation id a line, or a list of annotation ids.
        records: The faces of the whole set.
        root: Folder that relative paths start from.
        category: Which annotations of an annotation file are meant, where it has several kinds.

    Raises:
        MissingFileError: If a file is missing.
        AnnotationError: If a subset is empty, or has a face that the whole set has not.
    """
    names: dict[Any, list[str]] = defaultdict(list)
    if not records:
        return names
    for name, source in subsets.items():
        ids = _read_ids(name, source, records, root, category)
        if not ids:
            raise AnnotationError(f"subsets['{name}']={short(source)} names no face")
        for i in ids:
            names[i].append(name)
    return names


def check_subsets(
    subsets: Mapping[str, Any], faces: Iterable[Mapping[str, Any]], name: str, where: str
) -> None:
    """Check that each named subset has a face with a visible point.

    Args:
        subsets: The subsets by name.
        faces: The faces that the data set uses, with their ``subsets``.
        name: Of the data set's class, for the message.
        where: What these faces are, for the message.

    Raises:
        InputError: If one has none.
    """
    has_points: dict[str, bool] = {}
    for face in faces:
        counts = bool(np.any(face['keypoints_visible'] > 0))
        has_points |= {each: counts or has_points.get(each, False) for each in face['subsets']}
    for subset in subsets:
        if not has_points.get(subset):
            lacks = 'face with a visible point' if subset in has_points else 'face'
            raise InputError(f"{name}: subsets['{subset}'] has no {lacks} among {where}")


def _read_ids(
    name: str,
    source: str | Sequence[Any],
    records: Sequence[Record],
    root: str,
    category: int | str | None,
) -> list[Any]:
    where = f"subsets['{name}']"
    ids: Any
    if isinstance(source, str):
        path = osp.join(root, source)
        if not osp.isfile(path):
            raise MissingFileError(
                f"{where}='{source}' does not exist (looked at {path}); correct the path, or take "
                f"'{name}' out of `subsets`"
            )
        if path.endswith('.json'):
            ids = read_json(path)
            if isinstance(ids, dict):
                faces = of_category(*read_annotations(path), category, path)
                return _match_faces(where, faces, records)
        else:
            ids = _read_lines(path)
    else:
        ids = source
    if not isinstance(ids, list | tuple) or not all(isinstance(i, int | str) for i in ids):
        raise AnnotationError(f'{where}={short(source)} is not a list of annotation ids')
    known = {record.annotation['id'] for record in records}
    unknown = [i for i in ids if i not in known]
    if unknown:
        asked = f'{where}={source!r}' if isinstance(source, str) else where
        raise AnnotationError(
            f'{asked}: {len(unknown)} ids are not in {records[0].file}, the first is '
            f'{short(unknown[0])}'
        )
    return list(dict.fromkeys(ids))


def _read_lines(path: str) -> list[int]:
    try:
        with open(path, encoding='utf-8') as file:
            lines = [line.strip() for line in file]
        return [int(line) for line in lines if line]
    except OSError as error:
        raise AnnotationError(f'{path}: cannot be read: {error.strerror}') from error
    except ValueError as error:
        raise AnnotationError(f'{path}: a line is not an annotation id: {error}') from error


def _match_faces(where: str, faces: Sequence[Record], records: Sequence[Record]) -> list[Any]:
    by_image: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        by_image[record.image['file_name']].append(record)
    candidates = {name: _points(members) for name, members in by_image.items()}
    ids = []
    for face in faces:
        members = by_image.get(face.image['file_name'], [])
        points = np.array(face.numbers('keypoints'))
        if members and candidates[face.image['file_name']].shape[1] == len(points) > 0:
            apart = np.abs(candidates[face.image['file_name']] - points).max(axis=1)
            nearest = int(apart.argmin())
            if apart[nearest] <= _SAME_FACE_PIXELS:
                ids.append(members[nearest].annotation['id'])
                continue
        raise face.error('keypoints', f'of {where} match no face of {records[0].file}')
    return list(dict.fromkeys(ids))


def _points(records: Sequence[Record]) -> np.ndarray:
    """The numbers of all points of some faces, one row per face."""
    first = len(records[0].numbers('keypoints'))
    return np.array([record.numbers('keypoints', first) for record in records])
