"""Adapting a model's points to those of other annotators, by a few of their faces."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.runner.checkpoint import CheckpointLoader
from numpy import ndarray

from mmpose_lite.checkpoints import make_plain
from mmpose_lite.checkpoints.writing import write_checkpoint
from mmpose_lite.errors import InputError
from mmpose_lite.registry import DATASETS
from mmpose_lite.structures.keypoint import LabelMap, fit_label_map
from mmpose_lite.version import __version__

from .config import load_config
from .inference import dataset_meta_from_config, init_model

_BATCH = 32
_KEPT = ('dataset_meta', 'input_size', 'seed', 'commit', 'trained_with')  # of the weights' meta
_FEWEST = 5
_NEAR_ONE = 0.5  # px
_CLEAR = 3  # standard errors
_LIKELIER = 2.0  # difference of logarithms


class Adaptation(NamedTuple):
    """The result of :func:`adapt`.

    Attributes:
        faces: Number of faces that it was fitted to.
        before: Mean distance of the points from the annotations, as a share of the box's side.
        after: The same with maps that were fitted without the face in question.
        path: The checkpoint that was written.
        pixel: Where annotations seem to count pixels from 1: how far their points lie to the right
            of and below the predicted ones, on average, image pixels; otherwise None.
    """

    faces: int
    before: float
    after: float
    path: str
    pixel: tuple[float, float] | None = None


def adapt(
    checkpoint: str,
    annotations: str | Path,
    out: str | Path,
    config: str | Path | None = None,
    images: str | Path | None = None,
    device: str = 'auto',
    first_pixel: int = 0,
) -> Adaptation:
    """Fit a linear map of labels to annotated faces, and write the weights with it.

    The network stays as it is; whoever loads the new checkpoint gets mapped points.

    Args:
        checkpoint: Weights: a file, an address, or a name such as ``'faces19'``.
        annotations: Annotation file in the form that the config's data set reads.
        out: Checkpoint to write.
        config: The config, by default the one of the weights' name.
        images: Folder that the file names are in; by default ``images`` beside the folder of the
            annotations, or else the annotations' own.
        device: See :func:`init_model`.
        first_pixel: Number of the first pixel in the annotations: 0, or 1 as in MATLAB.

    Returns:
        The mean distances before and after; the latter of faces that were left out in turn.

    Raises:
        InputError: If a file is missing or does not fit, or fewer than five faces have all points.
    """
    annotations = Path(annotations)
    if not annotations.is_file():
        raise InputError(f"annotations '{annotations}' are not a file")
    cfg = load_config(config if config is not None else checkpoint, needs=('test_dataloader',))
    dataset_cfg = _dataset_cfg(cfg, annotations, images, first_pixel)
    model = init_model(cfg, checkpoint, device)
    model.label_map = None
    dataset = DATASETS.build(dataset_cfg)
    faces = predict_in_crops(model, dataset)
    whole = np.isfinite(faces.annotated).all((1, 2))
    if whole.sum() < _FEWEST:
        raise InputError(
            f"annotations '{annotations}': {whole.sum()} faces have all points, and {_FEWEST} are "
            'needed'
        )
    predicted, annotated, sides = (each[whole] for each in faces[:3])
    flips = model.dataset_meta['flip_indices']
    label_map, held_out = fit_label_map(predicted, annotated, flips)
    before, after = (
        float((np.linalg.norm(each - annotated, axis=-1).mean(1) * sides).mean())
        for each in (predicted, held_out)
    )
    pixel = None
    if first_pixel == 0:
        if model.test_cfg.get('flip_test'):
            # Of the network alone: the flip test of MMPose shifts points, too.
            model.test_cfg = {**model.test_cfg, 'flip_test': False}
            faces = predict_in_crops(model, dataset)
        pixel = pixel_offset(PredictedFaces(*(each[whole] for each in faces)))
    done = Adaptation(int(whole.sum()), before, after, str(out), pixel)
    _write(checkpoint, label_map, done, cfg)
    return done


class PredictedFaces(NamedTuple):
    """Predicted and annotated points of faces, see :func:`predict_in_crops`.

    Attributes:
        predicted: Points (N, K, 2), 0 to 1 from the corner of the face's crop.
        annotated: The same of the annotations, NaN where a point is not annotated.
        sides: The crop's longer side (N,), in longer sides of the box.
        scores: Scores of the predictions (N, K).
        pixels: Width and height of the crop (N, 2), image pixels.
    """

    predicted: ndarray
    annotated: ndarray
    sides: ndarray
    scores: ndarray
    pixels: ndarray


def predict_in_crops(model: Any, dataset: Any) -> PredictedFaces:
    """Predict all faces of a data set.

    Args:
        model: Of :func:`init_model`.
        dataset: With the pipeline of a test.
    """
    columns: tuple[list, ...] = ([], [], [], [], [])
    for start in range(0, len(dataset), _BATCH):
        batch = [dataset[i] for i in range(start, min(start + _BATCH, len(dataset)))]
        with torch.no_grad():
            samples = model.test_step(pseudo_collate(batch))
        for sample in samples:
            scale = np.asarray(sample.input_scale)
            corner = np.asarray(sample.input_center) - 0.5 * scale
            truth = sample.gt_instances
            seen = np.asarray(truth.keypoints_visible)[0] > 0
            points = np.where(seen[:, None], np.asarray(truth.keypoints)[0], np.nan)
            box = np.asarray(truth.bboxes)[0]
            row = (
                (sample.pred_instances.keypoints[0] - corner) / scale,
                (points - corner) / scale,
                scale.max() / (box[2:] - box[:2]).max(),
                np.asarray(sample.pred_instances.keypoint_scores)[0],
                scale,
            )
            for column, value in zip(columns, row, strict=True):
                column.append(value)
    return PredictedFaces(*map(np.array, columns))


def pixel_offset(faces: PredictedFaces) -> tuple[float, float] | None:
    """Measure the offset of annotations that seem to count pixels from 1.

    Such an offset is one image pixel to the right and down in small and large faces alike.
    Annotators who place points elsewhere shift them by shares of the face. Only vertical offsets
    are compared with shares: horizontal ones may have both, see docs/results.md.

    Args:
        faces: Faces whose points are all annotated.

    Returns:
        The mean offsets from the predicted to the annotated points, to the right and down, image
        pixels, in which faces count by the inverse of their area; None if they are not clearly
        about one pixel.
    """
    offsets = ((faces.annotated - faces.predicted) * faces.pixels[:, None]).mean(axis=1)
    boxes = faces.pixels.max(axis=1) / faces.sides
    # As shares of the box, the offsets of all faces scatter alike.
    weights = (boxes**-2 / (boxes**-2).sum())[:, None]
    mean = (weights * offsets).sum(axis=0)
    error = np.sqrt((weights**2 * (offsets - mean) ** 2).sum(axis=0))
    if (abs(mean - 1) > _NEAR_ONE).any() or (mean < _CLEAR * error).any():
        return None
    shares = offsets[:, 1] / boxes
    as_pixels = ((shares - mean[1] / boxes) ** 2).sum()
    as_shares = ((shares - shares.mean()) ** 2).sum()
    if 0.5 * len(boxes) * np.log(as_shares / as_pixels) < _LIKELIER:
        return None
    return float(mean[0]), float(mean[1])


def _dataset_cfg(
    cfg: Config, annotations: Path, images: str | Path | None, first_pixel: int
) -> dict[str, Any]:
    """The config of the annotated faces, with the pipeline of the test."""
    dataset: dict[str, Any] = dict(cfg.test_dataloader.dataset)
    dataset.pop('subsets', None)
    if not _has_squares(annotations):
        dataset.update(type='BaseCocoStyleDataset', metainfo=dataset_meta_from_config(cfg, 'test'))
    dataset.update(
        data_root='',
        ann_file=os.path.abspath(annotations),
        data_prefix={'img': os.path.abspath(_folder(annotations, images))},
        first_pixel=first_pixel,
        test_mode=True,
    )
    return dataset


def _has_squares(annotations: Path) -> bool:
    """Tell whether an annotation file gives boxes as centre and scale, as AFLW's does."""
    try:
        (first, *_) = json.loads(annotations.read_text(encoding='utf-8-sig'))['annotations']
        return 'center' in first
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"annotations '{annotations}' hold no faces in COCO's form") from error


def _folder(annotations: Path, images: str | Path | None) -> Path:
    """The folder of the images."""
    if images is not None:
        folder = Path(images)
        if not folder.is_dir():
            raise InputError(f"images '{images}' are not a folder")
        return folder
    beside = annotations.resolve().parent.parent / 'images'
    return beside if beside.is_dir() else annotations.resolve().parent


def _write(checkpoint: str, label_map: LabelMap, done: Adaptation, cfg: Config) -> None:
    content = CheckpointLoader.load_checkpoint(checkpoint, 'cpu')
    given = content.get('meta') or {}
    meta = {key: given[key] for key in _KEPT if key in given}
    # With its config it is a model by itself, as the checkpoint of a training is.
    meta |= {'mmpose_lite': __version__, 'iter': 0, 'label_map': label_map.to_plain()}
    meta['cfg'] = given.get('cfg') or cfg.pretty_text
    numbers = {'faces': done.faces, 'before': done.before, 'after': done.after}
    meta['adapted'] = {'from': Path(checkpoint).name, **numbers}
    adapted = {'meta': meta, 'state_dict': content.get('state_dict', content)}
    make_plain(adapted)
    write_checkpoint(adapted, done.path, resumable=False)
