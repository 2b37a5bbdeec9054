"""Reading every photograph of a data set, and comparing it with what annotations say of it."""

from __future__ import annotations

import os
import os.path as osp
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy import ndarray

from mmpose_lite.datasets.datasets.base.annotations import image_size
from mmpose_lite.datasets.file_names import near_file
from mmpose_lite.datasets.transforms.loading import are_of_turned, size_problem
from mmpose_lite.utils.images import BadImageError, decode_image, exif_orientation, read_image
from mmpose_lite.utils.paths import shown

from .findings import Finding
from .manifest import FileState
from .records import Faces, SplitContent
from .splits import Split

_NONE = np.empty((0, 2))


@dataclass(frozen=True)
class ImageState:
    """What a photograph is like.

    Attributes:
        path: The file.
        state: Its size and hash; None if it cannot be read.
        size_wh: Width and height as stored; None if it cannot be decoded.
        orientation: How the camera was held, 1 to 8, see :func:`~.exif_orientation`.
        problem: Why it cannot be read or decoded.
    """

    path: str
    state: FileState | None = None
    size_wh: tuple[int, int] | None = None
    orientation: int = 1
    problem: str | None = None

    def loaded_wh(self, exif: str) -> tuple[int, int] | None:
        """Width and height as loaded, where EXIF orientations are applied or ignored."""
        turned = exif == 'apply' and self.orientation >= 5
        return self.size_wh[::-1] if turned and self.size_wh is not None else self.size_wh


def read_images(
    paths: Mapping[str, dict | None], workers: int | None = None
) -> Iterator[ImageState]:
    """Read and decode photographs, several at a time, in their order.

    Args:
        paths: The files, with the ``backend_args`` that fetch them.
        workers: How many at a time; one for each processor, at most 8, by default.
    """
    asked = list(paths.items())
    # OpenCV decodes, and hashlib hashes, outside the interpreter's lock: threads are enough.
    workers = workers or min(os.cpu_count() or 1, 8)
    with ThreadPoolExecutor(workers) as pool:
        for portion in _portions(asked, 8 * workers):  # so that an interruption is heard
            yield from pool.map(lambda each: read_state(*each), portion)


def read_state(path: str, backend_args: dict | None = None) -> ImageState:
    """Read and decode a photograph as training does."""
    try:
        content = read_image(path, backend_args)
    except BadImageError as error:
        return ImageState(path, problem=str(error))
    state = FileState.of(content)
    try:
        height, width = decode_image(content, path).shape[:2]
    except BadImageError as error:
        return ImageState(path, state, problem=str(error))
    return ImageState(path, state, (width, height), exif_orientation(content))


def check_images(
    split: Split, content: SplitContent, images: Mapping[str, ImageState]
) -> Iterator[Finding]:
    """Find photographs that cannot be read, of other sizes, and turned ones.

    Args:
        split: The data set.
        content: Its annotations.
        images: What its photographs are like, by their paths.
    """
    noted = []
    places = _places(split, content.faces)
    for image in content.images:
        found = images[split.image_path(image)]
        size_wh = found.loaded_wh(split.exif)
        if found.problem is not None or size_wh is None:
            yield Finding(split.name, 'image', found.path, _why_not_read(split, found))
            continue
        wanted = image_size(image).get('image_wh')
        if wanted is not None and wanted != size_wh:
            problem = size_problem(size_wh, wanted, found.orientation, split.exif)
            yield Finding(split.name, 'size', found.path, problem)
        elif found.orientation >= 5 and are_of_turned(places.get(found.path, _NONE), size_wh):
            problem = (
                f'has {size_wh[0]}x{size_wh[1]} pixels, its points and boxes are of '
                f'{size_wh[1]}x{size_wh[0]}: {_other_way(split.exif)}'
            )
            yield Finding(split.name, 'size', found.path, problem)
        elif found.orientation != 1:
            noted.append(found)
    if noted:
        yield Finding(
            split.name, 'image', osp.basename(split.ann_file), _about(noted, split.exif), False
        )


def _why_not_read(split: Split, found: ImageState) -> str:
    problem = (found.problem or '').removeprefix(f'image {shown(found.path)} ')
    is_missing = found.state is None and 'does not exist' in problem
    return problem + (near_file(split.dataset.photographs, found.path) if is_missing else '')


def _other_way(exif: str) -> str:
    other = {'ignore': 'apply', 'apply': 'ignore'}[exif]
    return f"LoadImage(exif='{other}') loads photographs so"


def _about(noted: Sequence[ImageState], exif: str) -> str:
    what = {'ignore': 'as they are stored', 'apply': 'as they are turned'}[exif]
    name, orientation = shown(noted[0].path), noted[0].orientation
    return (
        f'{len(noted)} photographs have an EXIF orientation, such as {name} ({orientation}): by '
        f"LoadImage(exif='{exif}') they are loaded {what}, and annotations must be so"
    )


def _places(split: Split, faces: Faces | None) -> dict[str, ndarray]:
    """For each photograph the labelled points of its faces and the middles of their boxes."""
    found: dict[str, list[Any]] = {}
    if faces is None:
        return {}
    middles = (faces.bbox_xyxy[:, :2] + faces.bbox_xyxy[:, 2:]) / 2
    for i, record in enumerate(faces.records):
        path = split.image_path(record.image)
        found.setdefault(path, []).extend([middles[i], *faces.points[i][faces.labelled[i]]])
    return {path: np.array(places) for path, places in found.items()}


def _portions(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for begin in range(0, len(items), size):
        yield items[begin : begin + size]
