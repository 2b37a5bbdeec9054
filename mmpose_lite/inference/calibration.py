"""The calibration of a model: boxes, and the meaning of its scores.

It is a JSON file beside the checkpoint: ``epoch_60.pth`` has ``epoch_60.calibration.json``. A link
such as ``best.pth`` has that of the file it leads to.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log
from numpy import ndarray

from mmpose_lite.errors import InputError
from mmpose_lite.export.runtime import read_metadata
from mmpose_lite.utils.files import sha256, write_json
from mmpose_lite.utils.paths import find_weights, is_exported, shown

from .boxes import BoxMap, PointsMap
from .confidence import Confidence
from .detectors import fit_name, plain_name

SUFFIX = '.calibration.json'
_FORMAT = 1
_SIDED = 'retinaface'  # whose boxes differ little between sides, unless a face fills the image
_HASHED = 1 << 22  # bytes of a checkpoint that tell it from others


@dataclass
class DetectorFit:
    """A detector's boxes against those of the training photographs.

    Attributes:
        box_map: From its boxes to those of the training.
        recall: Share of the faces that it found.
        overlap: Median overlap, over the union, of mapped and true boxes of those.
        photographs: Number of photographs.
        missed: The faces that it did not find: file and the annotation's id.
    """

    box_map: BoxMap
    recall: float
    overlap: float
    photographs: int
    missed: list[tuple[str, Any]] = field(default_factory=list)


@dataclass
class Calibration:
    """Boxes and scores of one model.

    Attributes:
        detectors: By :func:`.fit_name`, see :meth:`fit_of` and :meth:`add`.
        points_map: From points to the box of the training; None if it was not fitted.
        confidence: From scores to errors; None if it was not fitted.
    """

    detectors: dict[str, DetectorFit] = field(default_factory=dict)
    points_map: PointsMap | None = None
    confidence: Confidence | None = None

    def fit_of(self, detector: str) -> DetectorFit | None:
        """The fit of a detector's boxes, by its name; None if there is none.

        A fit by the name of a file alone, as they were written before files were told apart, is
        used with a warning. One of another file of the name is not used, with a warning, too.
        ``retinaface:SIDE`` without a fit of its own has that of ``retinaface``. No other side's is
        used, with a warning where there is one.
        """
        name, plain = fit_name(detector), plain_name(detector)
        if name in self.detectors:
            return self.detectors[name]
        if plain in self.detectors:
            _warn(
                f'the boxes of {detector} were fitted to a file {plain!r} whose content was not '
                'kept: if it was another, run mmpose-lite calibrate again'
            )
            return self.detectors[plain]
        if any(each.startswith(f'{plain}#') for each in self.detectors):
            _warn(
                f'the boxes of {detector} are not fitted: the calibration is of another file '
                f'{plain!r}; run mmpose-lite calibrate again'
            )
        if plain.partition(':')[0] != _SIDED:
            return None
        sides = ', '.join(each for each in self.detectors if each.startswith(f'{_SIDED}:'))
        if sides and _SIDED not in self.detectors:
            _warn(
                f'the boxes of {detector} are not fitted, but those of {sides}; run mmpose-lite '
                f'calibrate with --detector {detector}'
            )
        return self.detectors.get(_SIDED)

    def add(self, detector: str, fit: DetectorFit) -> None:
        """Keep the fit of a detector; it replaces one by the same name without a file's hash."""
        self.detectors.pop(plain_name(detector), None)
        self.detectors[fit_name(detector)] = fit

    def about_points(self, scores: ndarray) -> dict[str, ndarray]:
        """The ``errors`` and ``hidden`` of points with scores ``(N, K)``, as far as known."""
        if self.confidence is None:
            return {}
        errors = self.confidence.errors(scores)
        hidden = self.confidence.hidden_shares(scores)
        known = {'errors': errors} if hidden is None else {'errors': errors, 'hidden': hidden}
        return {name: each.astype(np.float32) for name, each in known.items()}

    def to_json(self) -> dict[str, Any]:
        """The calibration as plain data."""
        detectors = {name: asdict(fit) for name, fit in self.detectors.items()}
        return {
            'format': _FORMAT,
            'detectors': detectors,
            'points_to_box': self.points_map and self.points_map.to_json(),
            'confidence': self.confidence and self.confidence.to_json(),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Calibration:
        """Read what :meth:`to_json` gives."""
        detectors = {
            plain_name(name): DetectorFit(**{**each, 'box_map': BoxMap(**each['box_map'])})
            for name, each in content['detectors'].items()
        }
        points, confidence = content.get('points_to_box'), content.get('confidence')
        return cls(
            detectors,
            points and PointsMap(**{f.name: np.array(points[f.name]) for f in fields(PointsMap)}),
            confidence and Confidence.from_json(confidence),
        )


def calibration_path(checkpoint: str | Path) -> Path:
    """The file beside a checkpoint, or beside the file that it is a link to."""
    path = Path(checkpoint).resolve()
    return path.with_name(f'{path.stem}{SUFFIX}')


def write_calibration(
    calibration: Calibration, path: str | Path, checkpoint: str | Path | None = None
) -> None:
    """Write a calibration, whole or not at all, with what tells its checkpoint from others."""
    content = calibration.to_json()
    if checkpoint is not None:
        content['checkpoint'] = _identity(checkpoint)
    write_json(path, content, indent=1)


def read_calibration(path: str | Path, checkpoint: str | Path | None = None) -> Calibration:
    """Read a calibration.

    Args:
        path: The file.
        checkpoint: The weights that are used; what was fitted with others is left out, but for the
            boxes, which do not depend on weights.

    Raises:
        InputError: If it is none, or of a later version.
    """
    try:
        content = json.loads(Path(path).read_text(encoding='utf-8'))
        version = content['format']
        calibration = Calibration.from_json(content) if version == _FORMAT else None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f'{shown(str(path))} is not a calibration: {error!r}') from error
    if calibration is None:
        raise InputError(
            f'{shown(str(path))}: format={version!r} is not {_FORMAT}: run mmpose-lite calibrate '
            'again'
        )
    if checkpoint is not None and content.get('checkpoint') != _identity(checkpoint):
        if calibration.confidence is not None:
            _warn(
                f'{shown(str(path))} was fitted with other weights than '
                f'{shown(str(checkpoint))}: its boxes are used, its confidence is not'
            )
        calibration.confidence = None
    return calibration


def find_calibration(checkpoint: str | Path) -> Calibration | None:
    """Read the calibration beside a checkpoint, or in an exported file; None if there is none.

    Args:
        checkpoint: The file, or the name of weights that the package has.
    """
    checkpoint = find_weights(str(checkpoint))
    if is_exported(checkpoint):
        content = read_metadata(checkpoint).get('calibration')
        return content and Calibration.from_json(content)
    path = calibration_path(checkpoint)
    return read_calibration(path, checkpoint) if path.is_file() else None


def copy_calibration(
    checkpoint: str | Path, target: str | Path, boxes_only: bool = False
) -> Path | None:
    """Write the calibration of a checkpoint beside another one made from it.

    Args:
        checkpoint: The file, or the name of weights that the package has.
        target: The other file.
        boxes_only: Leave out what was fitted to the points of the former weights.

    Returns:
        The file that is written; None if there is no calibration.
    """
    calibration = find_calibration(checkpoint)
    if calibration is None:
        return None
    if boxes_only:
        calibration = replace(calibration, points_map=None, confidence=None)
    path = calibration_path(target)
    write_calibration(calibration, path, target)
    return path


def _warn(sentence: str) -> None:
    print_log(sentence, 'current', logging.WARNING)


def _identity(checkpoint: str | Path) -> dict[str, Any]:
    path = Path(checkpoint).resolve()
    size = path.stat().st_size
    return {'bytes': size, 'sha256_of_start': sha256(path, min(size, _HASHED))}
