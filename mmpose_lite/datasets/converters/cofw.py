"""COFW: from its colour files, which hold the photographs, to MMPose's annotation files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy import ndarray

from mmpose_lite.utils import InputError, MissingFileError, MissingKeyError

from .optional import import_reader
from .photographs import Photograph, Progress
from .records import Face, write_set
from .report import ConversionReport

PUBLISHED = {'train': 1345, 'test': 507}
"""How many faces the sets have on which results are published."""

_KEYS = {'train': ('IsTr', 'phisTr', 'bboxesTr'), 'test': ('IsT', 'phisT', 'bboxesT')}
_NUM_POINTS = 29


def convert_cofw(
    source: str | Path,
    out: str | Path,
    expected: Mapping[str, int] = PUBLISHED,
    progress: Progress = lambda each, total: each,
) -> ConversionReport:
    """Write ``out/annotations/cofw_{train,test}.json`` and the photographs, ``out/images``.

    Points become 0-based; their flags are 2 where they can be seen and 1 where they are occluded.
    Ids, and names of photographs, count from 1, the training faces first.

    Args:
        source: Folder of ``COFW_train_color.mat`` and ``COFW_test_color.mat``.
        out: Folder to write to.
        expected: How many faces there must be.
        progress: Wraps the faces.

    Raises:
        InputError: If a file cannot be used; the message names file and field.
        MissingFileError: If one is missing.
        MissingKeyError: If a field is missing.
    """
    out, report = Path(out), ConversionReport('cofw')
    (out / 'images').mkdir(parents=True, exist_ok=True)
    first_id = 1
    for name, keys in _KEYS.items():
        path = Path(source, f'COFW_{name}_color.mat')
        with _open(path, keys) as content:
            count = content[keys[1]].shape[1]
            rows = []
            for i in progress(range(count), count):
                row = _convert(content, keys, i, first_id + i, out / 'images', report)
                if row is not None:
                    rows.append((first_id + i, *row))
        file = out / 'annotations' / f'cofw_{name}.json'
        info = {'set': f'cofw {name}', 'sources': [path.name]}
        report.sets.append(write_set(file, rows, info, name, expected.get(name)))
        first_id += count
    return report


@contextmanager
def _open(path: Path, keys: tuple[str, str, str]) -> Iterator[Any]:
    """Open a file of MATLAB 7.3, and check what is in it."""
    reader = import_reader('h5py', str(path))
    if not path.is_file():
        raise MissingFileError(f"source='{path.parent}' has no {path.name}")
    try:
        content = reader.File(path, 'r')
    except OSError as error:
        raise InputError(f'{path}: no file of MATLAB 7.3 (HDF5): {error}') from error
    with content:
        for key in keys:
            if key not in content:
                raise MissingKeyError(f"{path}: lacks '{key}'")
        images, points, boxes = (content[key].shape for key in keys)
        if points[:1] != (3 * _NUM_POINTS,) or boxes != (4, *points[1:]):
            raise InputError(
                f"{path}: '{keys[1]}' is {points} and '{keys[2]}' {boxes}, not "
                f'({3 * _NUM_POINTS}, N) and (4, N) as HDF5 counts'
            )
        if images != (1, *points[1:]):
            raise InputError(f"{path}: '{keys[0]}' is {images}, not (1, {points[1]})")
        yield content


def _convert(
    content: Any,
    keys: tuple[str, str, str],
    index: int,
    face_id: int,
    folder: Path,
    report: ConversionReport,
) -> tuple[Face, Photograph] | None:
    """Write a face's photograph; return both, or None if they cannot be used."""
    images, points, boxes = keys
    where = f'{Path(content.filename).name}, face {index + 1}'
    # MATLAB's arrays lie transposed in HDF5.
    image = np.array(content[content[images][0, index]]).T
    values = np.array(content[points][:, index], dtype=np.float64).reshape(3, _NUM_POINTS)
    bbox = np.array(content[boxes][:, index], dtype=np.float64)
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or image.shape[2:] not in ((), (3,)):
        report.leave_out('its photograph is no array of levels from 0 to 255', where)
        return None
    if not (np.isfinite(values).all() and np.isfinite(bbox).all() and bbox[2:].min() > 0):
        report.leave_out('its box or points are no finite numbers, or the box has no area', where)
        return None
    if values[:2].min() < 1 or bbox.min() < 0:
        report.note('a point or the box begins before the photograph, and becomes 0', where)
    name = f'{face_id:06d}.jpg'
    _write_image(folder / name, image)
    height, width = image.shape[:2]
    face = Face(
        image=name,
        where=where,
        points=np.maximum(values[:2].T - 1, 0),  # MATLAB counts pixels from 1
        flags=np.where(values[2] > 0, 1, 2),
        bbox_xywh=tuple(np.maximum(bbox, 0).tolist()),
    )
    return face, Photograph(folder / name, name, (width, height))


def _write_image(path: Path, image: ndarray) -> None:
    image_bgr = image if image.ndim == 2 else image[..., ::-1]
    _, content = cv2.imencode('.jpg', np.ascontiguousarray(image_bgr))
    path.write_bytes(content.tobytes())
