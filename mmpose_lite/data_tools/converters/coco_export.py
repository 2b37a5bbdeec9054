"""Any data set as plain COCO keypoints, for correction in the tools that read them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mmpose_lite.datasets.datasets.base.annotations import read_annotations
from mmpose_lite.datasets.transforms import LoadImage
from mmpose_lite.errors import InputError
from mmpose_lite.utils.files import write_json
from mmpose_lite.utils.images import APPLIED

from .labelled import HIDDEN, NOT_LABELLED, VISIBLE
from .photographs import Frame, Progress, read_frame
from .report import ConversionReport, WrittenSet

# The middle of the first pixel, for points and boxes of samples alike: crops are cut so. A
# training on the upright file sees what one on the data set saw, turned.
_MIDDLE = 0


def write_coco(
    dataset: Any, path: str | Path, progress: Progress = lambda each, total: each
) -> ConversionReport:
    """Write the faces of a data set as COCO keypoints with named points.

    Points and boxes are in pixels of the pictures as tools show them, which is upright; entries of
    pictures that are stored otherwise say so. A point has 0 where it is not annotated, 1 where it
    is hidden, 2 elsewhere.

    Args:
        dataset: A data set of faces, each of which is a sample, in training or test mode.
        path: The file to write.
        progress: Wraps the faces.

    Raises:
        InputError: If it has no faces of its own, or a photograph cannot be read.
    """
    if not hasattr(dataset, 'data_prefix') or not hasattr(dataset, 'pipeline'):
        raise InputError(
            f'{type(dataset).__name__} consists of several sets: write each separately'
        )
    if dataset.data_mode != 'topdown':
        name, mode = type(dataset).__name__, dataset.data_mode
        raise InputError(f"{name}: data_mode={mode!r} gives photographs, not faces: use 'topdown'")
    report = ConversionReport('to-coco')
    faces = _faces(dataset)
    if dataset.first_pixel:
        report.note('Pixels are counted from 0 here, from 1 in the file', dataset.ann_file)
    says_hidden = any((_flags(face) == VISIBLE).any() for face in faces)
    loaders = (step for step in dataset.pipeline.transforms if isinstance(step, LoadImage))
    loader = next(loaders, LoadImage())
    frames: dict[str, Frame] = {}
    images: dict[str, dict[str, Any]] = {}
    annotations: list[dict[str, Any]] = []
    for face in progress(faces, len(faces)):
        name = face['img_path']
        is_stored = 'exif_applied' not in face and loader.exif_of(face) == 'ignore'
        if name not in frames:
            frames[name] = _frame(name)
            images[name] = _image(len(images) + 1, name, dataset.data_prefix['img'], frames[name])
            if frames[name].orientation != 1 and is_stored:
                report.note('EXIF turns the photograph, and its labels with it', name)
        record = _annotation(face, frames[name], is_stored, says_hidden)
        ids = {'id': len(annotations) + 1, 'image_id': images[name]['id'], 'category_id': 1}
        annotations.append({**ids, **record})
    content = {
        'licenses': [{'name': '', 'id': 0, 'url': ''}],
        'info': {'description': dataset.metainfo['dataset_name']},
        'categories': [_category(dataset.metainfo)],
        'images': list(images.values()),
        'annotations': annotations,
    }
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    write_json(path, content, allow_nan=False)
    report.sets.append(WrittenSet('coco', str(path), len(annotations), len(images)))
    return report


def _faces(dataset: Any) -> list[dict[str, Any]]:
    """The samples, each with what its annotation says of the points, which only tests need."""
    records, _ = read_annotations(dataset.ann_file)
    raw = {
        each.annotation['id']: {'raw_ann_info': each.annotation, 'raw_img_info': each.image}
        for each in records
    }
    faces = [dataset.get_data_info(i) for i in range(len(dataset))]
    return [{**each, 'annotated': dataset.record_of(raw[each['id']]).annotated()} for each in faces]


def _category(meta: Mapping[str, Any]) -> dict[str, Any]:
    names = [meta['keypoint_id2name'][i] for i in range(meta['num_keypoints'])]
    links = [[a + 1, b + 1] for a, b in meta['skeleton_links']]  # COCO counts from 1
    return {'id': 1, 'name': 'face', 'supercategory': '', 'keypoints': names, 'skeleton': links}


def _frame(path: str) -> Frame:
    frame = read_frame(Path(path))
    if frame is None:
        raise InputError(f"image '{path}' is missing or cannot be read")
    return frame


def _image(number: int, path: str, folder: str, frame: Frame) -> dict[str, Any]:
    width, height = frame.upright_wh
    name = Path(os.path.relpath(path, folder or '.')).as_posix()
    image = {'id': number, 'file_name': name, 'width': width, 'height': height}
    return image if frame.orientation == 1 else {**image, APPLIED: frame.orientation}


def _flags(face: dict[str, Any]) -> np.ndarray:
    """COCO's flags of a face's points, as its file has them."""
    shown = (np.asarray(face['keypoints_visible'])[0].reshape(-1) > 0).astype(int)
    flags = np.asarray(face['annotated'].get('flags', shown))
    return flags.astype(int) if flags.shape == shown.shape else shown


def _annotation(
    face: dict[str, Any], frame: Frame, is_stored: bool, says_hidden: bool
) -> dict[str, Any]:
    points, flags = face['keypoints'][0].astype(np.float64), _flags(face)
    corners = face['bbox'][0].astype(np.float64).reshape(2, 2)
    if is_stored:
        points, corners = (frame.to_upright(each, _MIDDLE) for each in (points, corners))
    if not says_hidden:  # files that only tell which points are annotated have 1 for all of these
        seen = np.asarray(face['annotated'].get('visibility', np.ones_like(flags)))
        flags = np.where(flags == 0, NOT_LABELLED, np.where(seen > 0, VISIBLE, HIDDEN))
    # Samples are float32: what that adds to a number is taken off again.
    points = np.where(flags[:, None] > NOT_LABELLED, points, 0).round(3)
    corners = corners.round(3)
    low, high = corners.min(axis=0), corners.max(axis=0)
    width, height = (high - low).tolist()
    rows = zip(points.tolist(), flags.tolist(), strict=True)
    return {
        'segmentation': [],
        'area': width * height,
        'bbox': [*low.tolist(), width, height],
        'iscrowd': 0,
        'keypoints': [value for (x, y), flag in rows for value in (x, y, flag)],
        'num_keypoints': int((flags > NOT_LABELLED).sum()),
    }
