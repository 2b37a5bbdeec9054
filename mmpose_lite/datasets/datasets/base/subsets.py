"""Named subsets of a data set, given as annotation files or lists of ids."""

from __future__ import annotations

import os.path as osp
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mmpose_lite.utils import InputError, MissingFileError

from .annotations import Record, read_annotations
from .categories import of_category
from .json_files import AnnotationError, read_json, short

if TYPE_CHECKING:
    from .base_coco_style_dataset import BaseCocoStyleDataset

# A face of a subset file is the face of the whole set in the same image whose points lie here.
_SAME_FACE_PIXELS = 0.5


def find_subsets(
    subsets: Mapping[str, str | Sequence[Any]],
    records: Sequence[Record],
    root: str,
    category: int | str | None = None,
) -> dict[Any, list[str]]:
    """Find out which faces belong to which subsets.

    Args:
        subsets: For each name an annotation file (``.json``; its faces are found by image and
            points, since files number their records each in their own way), a text file with one
            annotation id a line, or a list of annotation ids.
        records: The faces of the whole set.
        root: Folder that relative paths start from.
        category: Which annotations of an annotation file are meant, where it has several kinds.

    Returns:
        For each annotation id the names of its subsets.

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


def check_subsets(dataset: BaseCocoStyleDataset) -> None:
    """Check that each named subset has a face with a visible point among those that are used.

    Raises:
        InputError: If one has none.
    """
    has_points: dict[str, bool] = {}
    for index in range(len(dataset)):
        face = dataset.get_data_info(index)
        counts = bool(np.any(face['keypoints_visible'] > 0))
        has_points |= {name: counts or has_points.get(name, False) for name in face['subsets']}
    for name in dataset.subsets:
        if not has_points.get(name):
            lacks = 'face with a visible point' if name in has_points else 'face'
            used = f'indices={dataset._indices}'
            if dataset.train_val_split is not None:
                used = f'{used}, train_val_split: {dataset.train_val_split.part}'
            raise InputError(
                f"{type(dataset).__name__}: subsets['{name}'] has no {lacks} among the "
                f'{len(dataset)} used of {dataset.ann_file} ({used})'
            )


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
                f"{where}='{source}' does not exist (looked at {path}); mend the path, or take "
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
        raise AnnotationError(f'{where}={short(source)} is no list of annotation ids')
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
        raise AnnotationError(f'{path}: a line is no annotation id: {error}') from error


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
    """The numbers of all points of some faces, one row a face."""
    first = len(records[0].numbers('keypoints'))
    return np.array([record.numbers('keypoints', first) for record in records])
