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


class Adaptation(NamedTuple):
    """The result of :func:`adapt`.

    Attributes:
        faces: Number of faces that it was fitted to.
        before: Mean distance of the points from the annotations, as a share of the box's side.
        after: The same with maps that were fitted without the face in question.
        path: The checkpoint that was written.
    """

    faces: int
    before: float
    after: float
    path: str


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
    model = init_model(cfg, checkpoint, device)
    model.label_map = None
    predicted, annotated, sides, _ = predict_in_crops(model, DATASETS.build(dataset))
    whole = np.isfinite(annotated).all((1, 2))
    if whole.sum() < _FEWEST:
        raise InputError(
            f"annotations '{annotations}': {whole.sum()} faces have all points, and {_FEWEST} are "
            'needed'
        )
    predicted, annotated, sides = predicted[whole], annotated[whole], sides[whole]
    flips = model.dataset_meta['flip_indices']
    label_map, held_out = fit_label_map(predicted, annotated, flips)
    before, after = (
        float((np.linalg.norm(each - annotated, axis=-1).mean(1) * sides).mean())
        for each in (predicted, held_out)
    )
    done = Adaptation(int(whole.sum()), before, after, str(out))
    _write(checkpoint, label_map, done, cfg)
    return done


def predict_in_crops(model: Any, dataset: Any) -> tuple[ndarray, ndarray, ndarray, ndarray]:
    """Predict all faces of a data set.

    Args:
        model: Of :func:`init_model`.
        dataset: With the pipeline of a test.

    Returns:
        Predictions and annotations (N, K, 2), 0 to 1 from the corner of the face's crop, NaN
        where a point is not annotated; the crop's sides (N,) in sides of the box; and the scores
        of the predictions (N, K).
    """
    predicted, annotated, sides, scores = [], [], [], []
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
            predicted.append((sample.pred_instances.keypoints[0] - corner) / scale)
            annotated.append((points - corner) / scale)
            box = np.asarray(truth.bboxes)[0]
            sides.append(scale.max() / (box[2:] - box[:2]).max())
            scores.append(np.asarray(sample.pred_instances.keypoint_scores)[0])
    return np.array(predicted), np.array(annotated), np.array(sides), np.array(scores)


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
