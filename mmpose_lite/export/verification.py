"""Comparing an exported file with the model that it came from: points, scores, and error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.structures import InstanceData
from numpy import ndarray

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
TOLERANCE = 0.02
"""Percentage points by which the NME of a file may differ from its model's."""
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
        largest: Largest distance, of points that are no tie.
        scores: Largest difference of scores, as a share of the largest score, or of 1.
        cell: Side of a heatmap's cell, px of the input; 0 if points are no cells.
        errors: Largest difference of expected errors, percent of the box; None if there are none.
        ties: Number of points that lie farther off than a quarter of a cell, and only because two
            cells of the model's heatmap are equally high, to the tolerance of scores.
    """

    faces: int
    same: float
    median: float
    p99: float
    largest: float
    scores: float
    cell: float
    errors: float | None = None
    ties: int = 0

    def faults(self, weights: str, is_image: bool) -> list[str]:
        """Name what is beyond the tolerance of the weights; int8 is judged by its error alone."""
        if weights == 'int8':
            return []
        half_cell, quarter_cell = (share * self.cell + _SAME for share in (0.5, 0.25))
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
                f'all points within {quarter_cell:.3g} px': self.largest <= quarter_cell,
                f'scores within {_SCORES:g}': self.scores <= _SCORES,
                f'expected errors within {_ERRORS:g} %': (self.errors or 0.0) <= _ERRORS,
            }
        return [demand for demand, is_met in found.items() if not is_met]

    def to_json(self) -> dict[str, float]:
        """The numbers by name, rounded."""
        known = {key: value for key, value in asdict(self).items() if value is not None}
        found = {key: float(f'{value:.6g}') for key, value in known.items()}
        return {**found, 'faces': self.faces, 'ties': self.ties}


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
    cell = cell_of(graph.model.head.decoder)
    far = distance > 0.25 * cell + _SAME
    for face in np.flatnonzero(far.any(axis=1)):
        far[face] &= _is_tie(graph, crops[face], found.points[face], points[face])
    return Comparison(
        faces=len(faces),
        same=float((distance <= _SAME).mean()),
        median=float(np.median(distance)),
        p99=float(np.percentile(distance, 99)),
        largest=float(np.where(far, 0, distance).max()),
        scores=float(np.abs(found.scores - scores).max() / max(1.0, np.abs(scores).max())),
        cell=cell,
        errors=None if found.errors is None else float(np.abs(found.errors - errors[0]).max()),
        ties=int(far.sum()),
    )


def _is_tie(graph: CropGraph, crop: ndarray, found: ndarray, wanted: ndarray) -> ndarray:
    """Tell which points ``(K,)`` of a face lie elsewhere since cells are equally high.

    Either the highest cell and the one that was found are, or the neighbours of the highest one,
    the higher of which points move towards.
    """
    codec = graph.model.head.decoder
    if type(codec).__name__ not in _CELLWISE or graph.maps_labels:
        return np.zeros(len(found), bool)
    with torch.inference_mode():
        images = torch.from_numpy(crop[None]).permute(0, 3, 1, 2)
        outputs = [each[0].double().numpy() for each in graph.raw_outputs(images)]
    ties = []
    for k, pair in enumerate(zip(wanted, found, strict=True)):
        # SimCC has a vector for each axis, others have a map of both.
        axes = [slice(0, 2)] if len(outputs) == 1 else [slice(0, 1), slice(1, 2)]
        ties.append(
            all(
                _is_tie_of(maps[k], *(xy[axis] / np.array(codec.input_size)[axis] for xy in pair))
                for maps, axis in zip(outputs, axes, strict=True)
            )
        )
    return np.array(ties)


def _is_tie_of(heat: ndarray, own: ndarray, other: ndarray) -> bool:
    """Tell whether a map ``(H, W)`` or a vector says no more for one place than for another.

    Places are x before y, shares of the input.
    """
    size = np.array(heat.shape[::-1])
    (own, a), (other, b) = ((xy * size, np.round(xy * size).astype(int)) for xy in (own, other))
    a, b = (np.clip(cell, 0, size - 1) for cell in (a, b))
    tolerance = _SCORES * max(1.0, float(np.abs(heat).max()))

    def is_level(one: ndarray, another: ndarray) -> bool:
        return bool(abs(heat[tuple(one[::-1])] - heat[tuple(another[::-1])]) <= tolerance)

    if (a != b).any():
        return is_level(a, b)
    steps = [step for step in np.eye(len(a), dtype=int) if (abs(own - other) > 0.25)[step > 0]]
    inside = all((a - step >= 0).all() and (a + step < size).all() for step in steps)
    return inside and all(is_level(a - step, a + step) for step in steps)


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


def nme_change(errors: Sequence[Error], file: str, model: str) -> float:
    """The NME of a file less that of its model, percentage points."""
    found = {error.name: 100 * error.nme for error in errors}
    return found[file] - found[model]


def nme_fault(
    errors: Sequence[Error], file: str, model: str, tolerance: float = TOLERANCE
) -> str | None:
    """Say that a file's error is not the model's, or None if it is."""
    change = nme_change(errors, file, model)
    if abs(change) <= tolerance:
        return None
    return f'NME {change:+.3f} percentage points from {model}, and {tolerance:g} are tolerated'
