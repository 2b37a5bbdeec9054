"""Comparing an exported file with the model that it came from: points, scores, and error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.structures import InstanceData

from mmpose_lite.errors import InputError
from mmpose_lite.evaluation import NME
from mmpose_lite.registry import METRICS

from .estimator import ExportedEstimator
from .faces import Face, batches_of, build_loader, photograph_of
from .graph import CropGraph
from .runtime import ExportedModel, Prediction

# Points of these codecs are read at cells; those of others lie anywhere between.
_CELLWISE = ('MSRAHeatmap', 'SimCCLabel')
_SAME = 0.01  # px of the input
_SHARE = 0.999  # of the points
_SCORES = 1e-5  # of the largest score, or of 1
_ERRORS = 0.01  # percent of the box
_NME = 0.02  # percentage points
# Of weights in half precision, where no data tell the error: px of the input, in cells.
_HALF_SHARE, _HALF_SCORES = 0.99, 1e-2


@dataclass(frozen=True)
class Comparison:
    """Distances of a file's points from the model's, on the same faces.

    Attributes:
        faces: Number of faces.
        same: Share of the points that are the same to 0.01 px of the input.
        median: Median distance, px of the input.
        p99: 99th percentile of the distances.
        largest: Largest distance.
        scores: Largest difference of scores, as a share of the largest score, or of 1.
        cell: Side of a heatmap's cell, px of the input; 0 if points are no cells.
        errors: Largest difference of expected errors, percent of the box; None if there are none.
    """

    faces: int
    same: float
    median: float
    p99: float
    largest: float
    scores: float
    cell: float
    errors: float | None = None

    def faults(self, weights: str, is_image: bool) -> list[str]:
        """Name what is beyond the tolerance of the weights; int8 is judged by its error alone."""
        if weights == 'int8':
            return []
        half_cell = 0.5 * self.cell + _SAME
        if weights == 'fp16':
            found = {
                f'99 % of the points within {half_cell:.3g} px': self.p99 <= half_cell,
                f'scores within {_HALF_SCORES:g}': self.scores <= _HALF_SCORES,
            }
        elif is_image:
            found = {
                'points at the median within 0.05 px': self.median <= 0.05,
                '99 % of the points within 0.5 px': self.p99 <= 0.5,
            }
        else:
            found = {
                f'{_SHARE:.1%} of the points the same': self.same >= _SHARE,
                f'all points within {half_cell:.3g} px': self.largest <= half_cell,
                f'scores within {_SCORES:g}': self.scores <= _SCORES,
                f'expected errors within {_ERRORS:g} %': (self.errors or 0.0) <= _ERRORS,
            }
        return [demand for demand, is_met in found.items() if not is_met]

    def to_json(self) -> dict[str, float]:
        """The numbers by name, rounded."""
        known = {key: value for key, value in asdict(self).items() if value is not None}
        found = {key: float(f'{value:.6g}') for key, value in known.items()}
        return {**found, 'faces': self.faces}


def compare(graph: CropGraph, exported: ExportedModel, faces: Sequence[Face]) -> Comparison:
    """Compare a file with the model: its graph on the crops, in torch.

    A file that takes photographs gets those; its points are brought back to pixels of the crop.
    """
    crops = np.stack([face.crop for face in faces])
    with torch.inference_mode():
        wanted = [CropGraph.forward(graph, torch.from_numpy(each)) for each in batches_of(crops)]
    points, scores, *errors = (np.concatenate(parts) for parts in zip(*wanted, strict=True))
    if exported.takes_photographs:
        parts = [_of_photograph(exported, face) for face in faces]
    else:
        parts = [exported.predict(each) for each in batches_of(crops)]
    found = Prediction.joined(parts)
    distance = np.linalg.norm(found.points - points, axis=-1)
    return Comparison(
        faces=len(faces),
        same=float((distance <= _SAME).mean()),
        median=float(np.median(distance)),
        p99=float(np.percentile(distance, 99)),
        largest=float(distance.max()),
        scores=float(np.abs(found.scores - scores).max() / max(1.0, np.abs(scores).max())),
        cell=cell_of(graph.model.head.decoder),
        errors=None if found.errors is None else float(np.abs(found.errors - errors[0]).max()),
    )


def _of_photograph(exported: ExportedModel, face: Face) -> Prediction:
    assert face.photograph is not None
    found = exported.predict(face.photograph, face.box[None])
    size = np.array(exported.metadata['input_size'])
    sides = (face.box[2:] - face.box[:2]) * exported.metadata['padding']
    sides = (sides / size).max() * size
    corner = (face.box[:2] + face.box[2:]) / 2 - sides / 2
    return found._replace(points=(found.points - corner) / sides * size)


def cell_of(codec: Any) -> float:
    """The side of a cell in which a codec finds points, px of the input; 0 of coordinates."""
    if getattr(codec, 'heatmap_size', None):
        return float(max(np.divide(codec.input_size, codec.heatmap_size)))
    ratio = getattr(codec, 'simcc_split_ratio', None)
    return 1 / float(ratio) if ratio else 0.0


Predict = Callable[[dict[str, Any]], list[Any]]
"""A function from a batch of a loader to its samples, with predictions in image pixels."""


@dataclass(frozen=True)
class Error:
    """The NME of one way to predict.

    Attributes:
        name: The way.
        nme: The NME of all faces, a share.
        faces: The number of faces.
        normaliser: What distances were divided by.
    """

    name: str
    nme: float
    faces: int
    normaliser: str


def measure_errors(cfg: Config, ways: dict[str, Predict], faces: int | None = None) -> list[Error]:
    """Predict the test set of a config in several ways, and compute the NME of each.

    Args:
        cfg: The config.
        ways: The ways by name.
        faces: Stop after so many faces; all by default.

    Raises:
        InputError: If the config has no NME.
    """
    loader = build_loader(cfg)
    metrics = {name: _nme_of(cfg) for name in ways}
    for metric in metrics.values():
        metric.dataset_meta = loader.dataset.metainfo  # type: ignore[attr-defined]
    seen = 0
    for data in loader:
        for name, predict in ways.items():
            samples = predict(data)
            metrics[name].process(data, [sample.to_dict() for sample in samples])
        seen += len(data['data_samples'])
        if faces is not None and seen >= faces:
            break
    errors = []
    for name, metric in metrics.items():
        metric.evaluate(seen)
        whole = next(score for score in metric.scores if score.subset is None)
        errors.append(Error(name, float(whole.value), whole.faces, metric.normaliser))
    return errors


def _nme_of(cfg: Config) -> NME:
    evaluators = cfg.test_evaluator
    for settings in evaluators if isinstance(evaluators, list | tuple) else [evaluators]:
        metric = METRICS.build(dict(settings))
        if isinstance(metric, NME):
            return metric
    raise InputError("test_evaluator has no NME, by which files are judged: dict(type='NME', ...)")


def by_model(model: Any, flip: bool) -> Predict:
    """Predict by the model itself, with or without flip test."""

    @torch.inference_mode()
    def predict(data: dict[str, Any]) -> list[Any]:
        settings = model.test_cfg
        model.test_cfg = {**settings, 'flip_test': flip}
        try:
            samples: list[Any] = model.test_step(data)
        finally:
            model.test_cfg = settings
        return samples

    return predict


def by_file(model: Any, exported: ExportedModel) -> Predict:
    """Predict by an exported file, whose photographs the model's config says how to read."""
    if not exported.takes_photographs:
        return ExportedEstimator(exported, model.cfg).test_step

    def predict(data: dict[str, Any]) -> list[Any]:
        samples: list[Any] = data['data_samples']
        for sample in samples:
            photograph, box = photograph_of(model, sample)
            points, scores = exported(photograph, box[None])
            instance = InstanceData(keypoints=points, keypoint_scores=scores)
            instance.bboxes = sample.gt_instances.bboxes
            instance.bbox_scores = sample.gt_instances.bbox_scores
            sample.pred_instances = instance
        return samples

    return predict


def nme_fault(errors: Sequence[Error], file: str, model: str) -> str | None:
    """Say that a file's error is not the model's, or None if it is."""
    found = {error.name: 100 * error.nme for error in errors}
    change = found[file] - found[model]
    if abs(change) <= _NME:
        return None
    return f'NME {change:+.3f} percentage points from {model}, and {_NME} are tolerated'
