"""The page's folder: its text, scripts and styles, the networks, and what runs them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy import ndarray

from mmpose_lite.datasets.transforms import GetBBoxCenterScale, TopdownAffine
from mmpose_lite.errors import InputError
from mmpose_lite.export import ExportedModel, read_metadata
from mmpose_lite.inference.retinaface import RetinaFace, read_weights
from mmpose_lite.structures.bbox import bbox_xywh2xyxy
from mmpose_lite.synthetic import render_scene
from mmpose_lite.utils.files import replacing
from mmpose_lite.utils.paths import shown
from mmpose_lite.utils.templates import page_environment
from mmpose_lite.version import __version__

from .browser_runtime import BrowserRuntime

_HERE = Path(__file__).parent
_REPORT = _HERE.parent / 'reporting' / 'assets'
_SHARED = ('base.css',)  # of the report's page, which this one looks like
_EXAMPLE = (0, 'test', 7, 1)  # seed, split, number and faces of a rendered picture
_KEPT = (
    *('points', 'mirror_pairs', 'skeleton', 'input_size', 'padding', 'use_udp', 'flip'),
    *('weights', 'codec', 'dataset', 'checkpoint', 'checkpoint_sha256', 'expected_errors'),
)


def write_site(
    folder: str | Path, file: str | Path, runtime: BrowserRuntime, detects: bool = True
) -> int:
    """Write the page of a model; any web server can serve it, and it needs no other one.

    Args:
        folder: The folder; it is made. Files of an earlier page are replaced.
        file: An ONNX file of ``mmpose-lite export``, for crops.
        runtime: The files that run it; see :func:`find_runtime`.
        detects: Put the face detector into the page; without it, people draw boxes.

    Returns:
        The size of the page, bytes.

    Raises:
        InputError: If the file is another one, or the detector's weights are not installed.
    """
    target, size = Path(folder), 0
    facts, picture = _describe(Path(file), runtime, detects)
    contents = {
        'index.html': _render(facts).encode(),
        'model.json': json.dumps(facts, allow_nan=False).encode(),
        'example.png': picture,
        facts['files']['model']: Path(file).read_bytes(),
        **({facts['files']['detector']: read_weights()} if detects else {}),
        **dict(_assets()),
        **dict(_runtime_files(runtime)),
    }
    for name, content in contents.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        with replacing(target / name) as out:
            out.write(content)
        size += len(content)
    return size


def check_page_model(file: Path) -> dict[str, Any]:
    """Read the metadata of a file that the page can run.

    Raises:
        InputError: If it is of another format, takes photographs, or does not say how crops are
            cut.
    """
    if file.suffix.lower() != '.onnx':
        raise InputError(
            f'{shown(file)}: the page runs ONNX files (mmpose-lite export --format onnx)'
        )
    metadata = read_metadata(file)
    if metadata['input'] != 'crops':
        raise InputError(
            f'{shown(file)} takes whole photographs; the page cuts crops itself, which takes less '
            'memory and time: export the model with --input crops'
        )
    if metadata['padding'] is None:
        raise InputError(
            f'{shown(file)} does not say how boxes become crops: its config has a step in '
            'test_dataloader.dataset.pipeline that a page cannot do'
        )
    return metadata


def _describe(file: Path, runtime: BrowserRuntime, detects: bool) -> tuple[dict[str, Any], bytes]:
    """All that the page knows of the model, and a picture that it tries it on."""
    metadata = check_page_model(file)
    photograph, box = _example()
    points = find_points(file, photograph, box)
    detected = RetinaFace()(photograph)[0, :4].tolist() if detects else None
    calibration = metadata.get('calibration') or {}
    detector = calibration.get('detectors', {}).get('retinaface')
    facts = {
        'name': Path(metadata['checkpoint']).stem,
        **{key: metadata.get(key) for key in _KEPT},
        'nme': (metadata.get('verified') or {}).get('nme'),
        'box_map': detector and detector['box_map'],
        'check': {'box': box.tolist(), 'points': points.tolist(), 'detected': detected},
        'files': {'model': 'model.onnx', 'detector': 'retinaface.onnx' if detects else None},
        'mmpose_lite': __version__,
        'onnxruntime_web': runtime.version,
    }
    return facts, cv2.imencode('.png', photograph)[1].tobytes()


def _example() -> tuple[ndarray, ndarray]:
    """A rendered photograph ``(H, W, 3)`` uint8 BGR and the box ``(4,)`` of its face, xyxy."""
    picture, (label,) = render_scene(*_EXAMPLE)
    box = bbox_xywh2xyxy(np.asarray(label.bbox_xywh, np.float32))
    return np.ascontiguousarray(picture[..., ::-1]), box


def find_points(file: str | Path, image: ndarray, box: ndarray) -> ndarray:
    """Find the points of a face by an exported file, as the page does.

    Args:
        file: An ONNX file of ``mmpose-lite export``, for crops.
        image: The photograph, uint8 ``(H, W, 3)``, BGR.
        box: ``(4,)``, xyxy, pixels of the photograph.

    Returns:
        ``(K, 2)``, pixels of the photograph.
    """
    exported = ExportedModel(file, threads=1)
    facts = exported.metadata
    size = facts['input_size']
    results = {'img': image, 'bbox': np.asarray(box, np.float32)[None]}
    results = GetBBoxCenterScale(facts['padding']).transform(results)
    results = TopdownAffine(tuple(size), facts['use_udp']).transform(results)
    points, _ = exported(results['img'][None])
    center, scale = results['input_center'], results['input_scale']
    mapped: ndarray = points[0] / size * scale + center - 0.5 * scale
    return mapped


def _render(facts: Mapping[str, Any]) -> str:
    environment = page_environment(_HERE / 'templates')
    return environment.get_template('index.html.j2').render(model=facts)


def _assets() -> Iterator[tuple[str, bytes]]:
    own = sorted((_HERE / 'assets').iterdir())
    for path in (*(_REPORT / name for name in _SHARED), *own):
        yield path.name, path.read_bytes()


def _runtime_files(runtime: BrowserRuntime) -> Iterator[tuple[str, bytes]]:
    for name, content in runtime.files.items():
        if name.endswith('.wasm'):  # a quarter of the size, on servers that compress nothing too
            yield f'ort/{name}.gz', gzip.compress(content, 9, mtime=0)
        else:
            yield f'ort/{name}', content
