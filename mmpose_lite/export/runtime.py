"""Running exported files, by whichever engine reads them."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from mmpose_lite.errors import InputError
from mmpose_lite.utils.lazy import load_optional
from mmpose_lite.utils.paths import file_problem, shown

METADATA = 'mmpose_lite'
"""The key of the metadata in a file, which is JSON."""

SUFFIXES = {'onnx': '.onnx', 'openvino': '.xml', 'pt2': '.pt2'}
"""The endings of the files of each format."""

ENGINES = ('onnxruntime', 'openvino', 'torch')
_ENGINES_OF = {'.onnx': ENGINES[:2], '.xml': ENGINES[1:2], '.pt2': ENGINES[2:]}
_PRECISIONS = {'fp32': 'f32', 'bf16': 'bf16'}

_Run = Callable[[list[ndarray]], Sequence[ndarray]]


class Prediction(NamedTuple):
    """The points of B faces, with K points each.

    Attributes:
        points: ``(B, K, 2)`` float32, pixels of the crops, or of the photograph.
        scores: ``(B, K)`` float32.
        errors: ``(B, K)`` float32, expected error in percent of the box; None if the file was
            exported from a checkpoint without a fitted confidence.
    """

    points: ndarray
    scores: ndarray
    errors: ndarray | None = None

    @classmethod
    def joined(cls, parts: Sequence[Prediction]) -> Prediction:
        """Put predictions of one file behind each other."""
        columns = zip(*parts, strict=True)
        return cls(*(None if c[0] is None else np.concatenate(c) for c in columns))  # type: ignore[arg-type]


class ExportedModel:
    """A file of ``mmpose-lite export``, ready to predict.

        points, scores = ExportedModel('model.onnx')(crops)

    Args:
        file: An ``.onnx``, ``.xml`` (OpenVINO, with its ``.bin`` beside it) or ``.pt2`` file.
        engine: ``'onnxruntime'``, ``'openvino'``, which reads ONNX as well, or ``'torch'``; by
            default the one of the format.
        threads: Number of threads; 0: the engine's choice, which mostly is all cores.
        precision: ``'fp32'``, or ``'bf16'``, which OpenVINO alone can do, and which is fast where
            the CPU has it. OpenVINO's own default differs between machines.

    Attributes:
        file: The file.
        metadata: Description of the file; see :func:`read_metadata`.
        engine: The engine.

    Raises:
        InputError: If the file is none, the engine does not read it, or is not installed.
    """

    def __init__(
        self,
        file: str | os.PathLike,
        engine: str | None = None,
        threads: int = 0,
        precision: str = 'fp32',
    ) -> None:
        path = Path(file)
        known = _ENGINES_OF[_suffix(path)]
        engine = engine or known[0]
        if engine not in known:
            raise InputError(f'{shown(path)} is read by {" or ".join(known)}, not by {engine!r}')
        if precision not in _PRECISIONS or (precision != 'fp32' and engine != 'openvino'):
            raise InputError(f'precision={precision!r}: fp32, or bf16 with engine openvino')
        self.file = path
        self.metadata = read_metadata(path)
        self.engine = engine
        count = len(self.metadata['points'])
        shapes: dict[str, tuple[int, ...]] = {'points': (0, count, 2), 'scores': (0, count)}
        shapes |= {'errors': (0, count)} if self.metadata.get('expected_errors') else {}
        self._nothing = Prediction(*(np.zeros(shape, np.float32) for shape in shapes.values()))
        if engine == 'onnxruntime':
            self._run = _run_onnxruntime(path, threads)
        elif engine == 'openvino':
            self._run = _run_openvino(path, threads, precision)
        else:
            self._run = _run_torch(path)

    @property
    def takes_photographs(self) -> bool:
        """True if the file takes a photograph and boxes, rather than crops."""
        return bool(self.metadata['input'] == 'image')

    def __call__(self, images: ndarray, boxes: ndarray | None = None) -> tuple[ndarray, ndarray]:
        """Predict the points of faces.

        Args:
            images: uint8 BGR crops ``(B, H, W, 3)`` of the size ``metadata['input_size']``; or, of
                a file made with ``--input image``, one photograph ``(H, W, 3)``.
            boxes: Of such a file: ``(B, 4)`` xyxy, pixels of the photograph.

        Returns:
            Points ``(B, K, 2)`` in pixels of the crops, or of the photograph, and scores
            ``(B, K)``, both float32.

        Raises:
            InputError: If the arrays are not of these shapes and types.
        """
        return self.predict(images, boxes)[:2]

    def predict(self, images: ndarray, boxes: ndarray | None = None) -> Prediction:
        """Predict the points of faces, with the errors to expect if the file has these.

        For arguments and errors see :meth:`__call__`.
        """
        inputs = self._checked(np.asarray(images), boxes)
        if len(inputs[-1]) == 0:  # engines do not all take nothing
            return self._nothing
        return Prediction(*map(np.asarray, self._run(inputs)))

    def _checked(self, images: ndarray, boxes: ndarray | None) -> list[ndarray]:
        width, height = self.metadata['input_size']
        given = f'images are {images.dtype} {images.shape}'
        if not self.takes_photographs:
            if images.dtype != np.uint8 or images.shape[1:] != (height, width, 3):
                raise InputError(f'{given}, but must be uint8 crops (B, {height}, {width}, 3)')
            if boxes is not None:
                raise InputError('this file takes crops, so it cannot use boxes')
            return [np.ascontiguousarray(images)]
        if images.dtype != np.uint8 or images.ndim != 3 or images.shape[2] != 3:
            raise InputError(f'{given}, but must be one photograph, uint8 (H, W, 3)')
        table = np.asarray(() if boxes is None else boxes, dtype=np.float32)
        if boxes is None or table.ndim != 2 or table.shape[1] != 4:
            raise InputError(f'boxes are {table.shape}, but must be (B, 4) xyxy')
        return [np.ascontiguousarray(images), table]


def read_metadata(file: str | os.PathLike) -> dict[str, Any]:
    """Read the metadata of an exported file, without running it.

    Raises:
        InputError: If the file is none, or holds no such metadata.
    """
    path = Path(file)
    suffix = _suffix(path)
    try:
        text = _READERS[suffix](path)
    except (OSError, RuntimeError, ValueError, SyntaxError, zipfile.BadZipFile) as error:
        if isinstance(error, InputError):
            raise
        problem = ' '.join(str(error).split())[:200]
        raise InputError(f'{shown(path)} cannot be read as {suffix}: {problem}') from error
    if text is None:
        raise InputError(
            f'{shown(path)} has no metadata of mmpose-lite export; other files say neither what '
            'their points are, nor what they must be given'
        )
    found: dict[str, Any] = json.loads(text)
    return found


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in _ENGINES_OF:
        raise InputError(
            f'{shown(path)} does not end like an exported file: {", ".join(_ENGINES_OF)}'
        )
    problem = file_problem(path)
    if problem is not None:
        raise InputError(f'exported file {shown(path)} {problem}')
    return suffix


def _onnx_metadata(path: Path) -> str | None:
    runtime = load_optional('onnxruntime')
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = _onnxruntime_session(path, options)
    return session.get_modelmeta().custom_metadata_map.get(METADATA)


def _openvino_metadata(path: Path) -> str | None:
    from xml.etree import ElementTree

    root = ElementTree.parse(path).getroot()
    found = root.find(f'rt_info/{METADATA}')
    return None if found is None else found.get('value')


def _pt2_metadata(path: Path) -> str | None:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith(f'extra/{METADATA}'):
                return archive.read(name).decode()
    return None


_READERS: Mapping[str, Callable[[Path], str | None]] = {
    '.onnx': _onnx_metadata,
    '.xml': _openvino_metadata,
    '.pt2': _pt2_metadata,
}


def _onnxruntime_session(path: Path, options: Any) -> Any:
    runtime = load_optional('onnxruntime')
    options.log_severity_level = 3
    try:
        return runtime.InferenceSession(str(path), options, providers=['CPUExecutionProvider'])
    except Exception as error:  # its own errors have no common class
        raise InputError(f'{shown(path)} cannot be read by onnxruntime: {error}') from error


def _run_onnxruntime(path: Path, threads: int) -> _Run:
    options = load_optional('onnxruntime').SessionOptions()
    if threads:
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = _onnxruntime_session(path, options)
    names = [each.name for each in session.get_inputs()]
    return lambda inputs: session.run(None, dict(zip(names, inputs, strict=True)))


@cache
def _openvino_core() -> Any:
    # One for the process: each gives the thread a signal stack of its own while it lives, and puts
    # the former back when it goes. Of two, the later puts back the stack that the earlier has
    # freed, and the next signal ends the process.
    return load_optional('openvino').Core()


def _run_openvino(path: Path, threads: int, precision: str) -> _Run:
    weights = path.with_suffix('.bin')
    if path.suffix.lower() == '.xml' and (problem := file_problem(weights)):
        raise InputError(f'{shown(path)} has its weights in {weights.name}, which {problem}')
    core = _openvino_core()
    options = {'INFERENCE_PRECISION_HINT': _PRECISIONS[precision], 'PERFORMANCE_HINT': 'LATENCY'}
    if threads:
        options['INFERENCE_NUM_THREADS'] = str(threads)
    model = core.read_model(path)

    @cache
    def request_for(is_single: bool) -> Any:
        network = model.clone()
        if is_single:  # a network for one face alone takes 2 to 9 % less time
            faces = network.inputs[-1]
            shape = faces.partial_shape
            shape[0] = 1
            network.reshape({faces: shape})
        return core.compile_model(network, 'CPU', options).create_infer_request()

    def run(inputs: list[ndarray]) -> Sequence[ndarray]:
        request = request_for(len(inputs[-1]) == 1)
        results = request.infer(inputs)
        return [np.array(results[output]) for output in request.model_outputs]

    return run


def _run_torch(path: Path) -> _Run:
    import torch

    module = torch.export.load(path).module()

    def run(inputs: list[ndarray]) -> Sequence[ndarray]:
        with torch.inference_mode():
            return [each.numpy() for each in module(*map(torch.from_numpy, inputs))]

    return run
