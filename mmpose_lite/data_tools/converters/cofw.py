"""COFW: from its colour files, which hold the photographs, to MMPose's annotation files."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray

from mmpose_lite.errors import InputError, MissingFileError, MissingKeyError
from mmpose_lite.utils.images import MAX_PIXELS
from mmpose_lite.visualization.drawing import write_image

from .annotation_files import Face, are_coordinates, write_set
from .photographs import Photograph, Progress
from .report import ConversionReport

PUBLISHED = {'train': 1345, 'test': 507}
"""Numbers of faces of the sets on which results are published."""

_KEYS = {'train': ('IsTr', 'phisTr', 'bboxesTr'), 'test': ('IsT', 'phisT', 'bboxesT')}
_NUM_POINTS = 29
_MOST_FACES = 1_000_000
_FILTERS = {1, 2, 3}  # deflate, shuffle, and checksums; others are loaded from libraries
_MOST_PACKED, _ANY_SIZE = 1100, 1 << 20  # deflate makes no more bytes of one
_LONGEST_SIDE = 65500  # of a JPEG


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
        with closing(_Source(path, keys)) as content:
            rows = []
            for i in progress(range(content.count), content.count):
                row = _convert(content, i, first_id + i, out / 'images', report)
                if row is not None:
                    rows.append((first_id + i, *row))
        file = out / 'annotations' / f'cofw_{name}.json'
        info = {'set': f'cofw {name}', 'sources': [path.name]}
        report.sets.append(write_set(file, rows, info, name, expected.get(name)))
        first_id += content.count
    return report


def _import_h5py(path: Path) -> Any:
    """Import the reader of HDF5, which only this converter needs."""
    try:
        return import_module('h5py')
    except ImportError as error:
        raise InputError(
            f"{path}: needs h5py to be read: pip install 'mmpose_lite[convert]' (or h5py)"
        ) from error


@contextmanager
def _faults_named(place: str, problem: str = 'cannot be read') -> Iterator[None]:
    """Name the file and the field where a reader fails.

    Args:
        place: The file, and what of it is read.
        problem: What is wrong with it.

    Raises:
        InputError: If the block raises anything else; the message is one line.
    """
    try:
        yield
    except InputError:
        raise
    # What readers raise depends on where they notice the damage; some run out of memory.
    except Exception as error:
        reason = ' '.join(f'{type(error).__name__}: {error}'.split())[:200]
        raise InputError(f'{place}: {problem}: {reason}') from error


class _Source:
    """A file of MATLAB 7.3: numbers and photographs that lie in the file itself.

    HDF5 can also point to other files: by links, by storage outside, and by data sets that are put
    together from several. MATLAB writes none of these; they are refused before they are followed.

    Attributes:
        path: The file.
        count: The number of faces.

    Raises:
        InputError: If it is no such file; the message names file and field.
        MissingFileError: If it is missing.
        MissingKeyError: If a field is missing.
    """

    def __init__(self, path: Path, keys: tuple[str, str, str]) -> None:
        self.path, self._image_key = path, keys[0]
        self._h5py = _import_h5py(path)
        if not path.is_file():
            raise MissingFileError(f"source='{path.parent}' has no {path.name}")
        with _faults_named(str(path), 'no file of MATLAB 7.3 (HDF5)'):
            self._file = self._h5py.File(path, 'r')
        try:
            self._images, points, boxes = (self._field(key) for key in keys)
            shapes = (each.shape or () for each in (self._images, points, boxes))
            self.count = self._check_shapes(keys, *shapes)
            if self._h5py.check_ref_dtype(self._images.dtype) is not self._h5py.Reference:
                raise InputError(f"{path}: '{keys[0]}' does not hold references to photographs")
            self._points, self._boxes = (
                self._numbers(key, each)
                for key, each in zip(keys[1:], (points, boxes), strict=True)
            )
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def points(self, index: int) -> ndarray:
        """A face's points, ``(3, K)``: x, y, and 1 where they are occluded."""
        return self._points[:, index].reshape(3, _NUM_POINTS)

    def box(self, index: int) -> ndarray:
        """A face's box, ``(4,)``: x, y, width, height."""
        return self._boxes[:, index]

    def image(self, index: int) -> ndarray | None:
        """A face's photograph, ``(H, W)`` or ``(H, W, 3)`` uint8, RGB; None if it holds none.

        Raises:
            InputError: If it is not in the file, or cannot be read.
        """
        place = f"{self.path}: '{self._image_key}', face {index + 1}"
        with _faults_named(place):
            reference = self._images[0, index]
            found = self._file[reference] if reference else None
            if not isinstance(found, self._h5py.Dataset):
                return None
            self._check_storage(found, place)
            # MATLAB's arrays lie transposed in HDF5.
            return np.array(found).T if _is_image(found) else None

    def _field(self, key: str) -> Any:
        """A field, whose numbers are in this file."""
        with _faults_named(f"{self.path}: '{key}'"):
            link = self._file.get(key, getlink=True)
            if link is None:
                raise MissingKeyError(f"{self.path}: lacks '{key}'")
            if not isinstance(link, self._h5py.HardLink):
                raise InputError(f"{self.path}: '{key}' is a link, which is not followed")
            found = self._file[key]
            if not isinstance(found, self._h5py.Dataset):
                raise InputError(f"{self.path}: '{key}' is not an array")
            self._check_storage(found, f"{self.path}: '{key}'")
            return found

    def _check_storage(self, found: Any, place: str) -> None:
        """Refuse what lies in other files, needs code from elsewhere, or is made large by a lie."""
        if found.external or found.is_virtual:
            raise InputError(f'{place}: its numbers are in another file, which is not read')
        settings = found.id.get_create_plist()
        filters = {settings.get_filter(i)[0] for i in range(settings.get_nfilters())}
        if not filters <= _FILTERS:
            raise InputError(f'{place}: is packed by a filter that MATLAB does not use: {filters}')
        size, kept = (found.size or 0) * found.dtype.itemsize, found.id.get_storage_size()
        if size > max(_ANY_SIZE, _MOST_PACKED * kept):
            raise InputError(f'{place}: declares {size} bytes, and {kept} are there')

    def _check_shapes(self, keys: tuple, images: tuple, points: tuple, boxes: tuple) -> int:
        if points[:1] != (3 * _NUM_POINTS,) or len(points) != 2 or boxes != (4, *points[1:]):
            raise InputError(
                f"{self.path}: '{keys[1]}' is {points} and '{keys[2]}' {boxes}, not "
                f'({3 * _NUM_POINTS}, N) and (4, N) as HDF5 counts'
            )
        if images != (1, *points[1:]):
            raise InputError(f"{self.path}: '{keys[0]}' is {images}, not (1, {points[1]})")
        if points[1] > _MOST_FACES:
            raise InputError(f"{self.path}: '{keys[1]}' is of {points[1]} faces, too many")
        return points[1]

    def _numbers(self, key: str, found: Any) -> ndarray:
        if found.dtype.kind not in 'biuf':
            raise InputError(f"{self.path}: '{key}' does not hold real numbers")
        with _faults_named(f"{self.path}: '{key}'"):
            return np.array(found, dtype=np.float64)


def _is_image(found: Any) -> bool:
    """Tell whether an array of HDF5 is a photograph that a JPEG can hold."""
    shape = list(found.shape or ())
    sides = shape[1:] if len(shape) == 3 and shape[0] == 3 else shape
    fits = len(sides) == 2 and min(sides) > 0 and max(sides) <= _LONGEST_SIDE
    return found.dtype == np.uint8 and fits and math.prod(sides) <= MAX_PIXELS


def _convert(
    source: _Source, index: int, face_id: int, folder: Path, report: ConversionReport
) -> tuple[Face, Photograph] | None:
    """Write a face's photograph; return both, or None if they cannot be used."""
    where = f'{source.path.name}, face {index + 1}'
    image, values, bbox = source.image(index), source.points(index), source.box(index)
    if image is None:
        report.leave_out('its photograph is not an array of levels from 0 to 255', where)
        return None
    if not (are_coordinates(values, bbox) and bbox[2:].min() > 0):
        report.leave_out('its box or points are not finite numbers, or the box has no area', where)
        return None
    if values[:2].min() < 1 or bbox.min() < 0:
        report.note('a point or the box begins before the photograph, and becomes 0', where)
    name = f'{face_id:06d}.jpg'
    image_bgr = image if image.ndim == 2 else image[..., ::-1]
    write_image(np.ascontiguousarray(image_bgr), folder / name)
    height, width = image.shape[:2]
    x, y, box_width, box_height = np.maximum(bbox, 0).tolist()
    face = Face(
        image=name,
        where=where,
        points=np.maximum(values[:2].T - 1, 0),  # MATLAB counts pixels from 1
        flags=np.where(values[2] > 0, 1, 2),
        bbox_xywh=(x, y, box_width, box_height),
    )
    return face, Photograph(folder / name, name, (width, height))
