"""The categories of an annotation file: which one is used, and what its points are called."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from .annotations import Record
from .json_files import AnnotationError, short


def of_category(
    records: Sequence[Record], content: dict[str, Any], category: int | str | None, file: str
) -> list[Record]:
    """The annotations of a category, or all of them where one is not asked for.

    Args:
        records: The annotations.
        content: What is in the file.
        category: A name of ``categories``, or an id.
        file: The file, for messages.

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
    """The file's names of the points of these annotations, in its order; empty if it has none."""
    if not records:
        return []
    (most_common, _), *_ = Counter(record.category() for record in records).most_common(1)
    for each in _categories(content):
        if each['id'] == most_common:
            return _point_names(each)
    return []


def about_names(written: Sequence[str], wanted: Sequence[str]) -> tuple[str, bool] | None:
    """Compare a file's names of points with those of the metainfo.

    Args:
        written: The names in the file's ``categories``; empty where it has none.
        wanted: The metainfo's, in the order of their ids.

    Returns:
        What differs, and whether the points are surely in another order; None where nothing does.
    """
    ours = [_plain(name) for name in wanted]
    theirs = [_plain(name) for name in written]
    if not theirs or theirs == ours or _are_numbered(written):
        return None
    if len(theirs) != len(ours):
        return f"'categories' names {len(theirs)} points, the metainfo {len(ours)}", False
    places = {name: i for i, name in enumerate(ours)}
    moved = [i for i, name in enumerate(theirs) if places.get(name, i) != i]
    if moved:
        i = moved[0]
        problem = (
            f"the points are in another order than the metainfo's: 'categories' calls point {i} "
            f'{written[i]!r}, the metainfo {wanted[i]!r}, and {written[i]!r} its point '
            f'{places[theirs[i]]}'
        )
        return problem, True
    i = next(i for i, name in enumerate(theirs) if name != ours[i])
    problem = (
        f"'categories' has other names of points than the metainfo: point {i} is {written[i]!r} "
        f'there and {wanted[i]!r} here; is the order the same?'
    )
    return problem, False


def _plain(name: str) -> str:
    return re.sub(r'[\W_]+', '', name).casefold()


def _are_numbered(names: Sequence[str]) -> bool:
    """Tell whether names tell nothing but their place: 1, 2, 3, or kpt0, kpt1, kpt2."""
    found = [re.fullmatch(r'\D*(\d{1,9})', name) for name in names]
    if not all(found):
        return False
    numbers = [int(each[1]) for each in found if each]
    return numbers == list(range(numbers[0], numbers[0] + len(numbers)))


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
            f'{file}: several categories have points that differ, and `category` of the data set '
            f'does not say which one is meant: {_listed(records, known)}'
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
