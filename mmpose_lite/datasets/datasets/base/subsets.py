"""Named subsets of a data set, given as annotation files or lists of ids."""

from __future__ import annotations

import json
import os.path as osp
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mmpose_lite.utils import MissingFileError

from .annotations import AnnotationError, Record, read_annotations

# A face of a subset file is the face of the whole set in the same image whose points lie here.
_SAME_FACE_PIXELS = 0.5


def find_subsets(
    subsets: Mapping[str, str | Sequence[Any]], records: Sequence[Record], root: str
) -> dict[Any, list[str]]:
    """Find out which faces belong to which subsets.

    Args:
        subsets: For each name an annotation file (``.json``; its faces are found by image and
            points, since files number their records each in their own way), a text file with one
            annotation id a line, or a list of annotation ids.
        records: The faces of the whole set.
        root: Folder that relative paths start from.

    Returns:
        For each annotation id the names of its subsets.

    Raises:
        MissingFileError: If a file is missing.
        AnnotationError: If a subset is empty, or has a face that the whole set has not.
    """
    names: dict[Any, list[str]] = defaultdict(list)
    for name, source in subsets.items():
        ids = _read_ids(name, source, records, root)
        if not ids:
            raise AnnotationError(f"subsets['{name}']={source!r} names no face")
        for i in ids:
            names[i].append(name)
    return names


def _read_ids(
    name: str, source: str | Sequence[Any], records: Sequence[Record], root: str
) -> list[Any]:
    where = f"subsets['{name}']"
    if isinstance(source, str):
        path = osp.join(root, source)
        if not osp.isfile(path):
            raise MissingFileError(
                f"{where}='{source}' does not exist (looked at {path}); mend the path, or take "
                f"'{name}' out of `subsets`"
            )
        content = _read_json(path)
        if isinstance(content, dict):
            return _match_faces(where, read_annotations(path)[0], records)
        ids = content if content is not None else _read_lines(path)
    else:
        ids = list(source)
    known = {record.annotation['id'] for record in records}
    unknown = [i for i in ids if i not in known]
    if unknown:
        raise AnnotationError(
            f'{where}: {len(unknown)} ids are not in {records[0].file}, the first is {unknown[0]!r}'
        )
    return ids


def _read_json(path: str) -> Any:
    if not path.endswith('.json'):
        return None
    with open(path, encoding='utf-8') as file:
        return json.load(file)


def _read_lines(path: str) -> list[int]:
    with open(path, encoding='utf-8') as file:
        lines = [line.strip() for line in file]
    try:
        return [int(line) for line in lines if line]
    except ValueError as error:
        raise AnnotationError(f'{path}: a line is no annotation id: {error}') from error


def _match_faces(where: str, faces: Sequence[Record], records: Sequence[Record]) -> list[Any]:
    by_image: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        by_image[record.image['file_name']].append(record)
    ids = []
    for face in faces:
        points = np.array(face.numbers('keypoints'))
        nearest, distance = None, np.inf
        for record in by_image[face.image['file_name']]:
            others = np.array(record.numbers('keypoints', len(points)))
            apart = np.abs(points - others).max(initial=0)
            if apart < distance:
                nearest, distance = record, apart
        if nearest is None or distance > _SAME_FACE_PIXELS:
            raise face.error('keypoints', f'of {where} match no face of {records[0].file}')
        ids.append(nearest.annotation['id'])
    return ids
