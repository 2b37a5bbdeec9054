"""Models in other people's programs."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.logging import print_log
from mmengine.model import BaseModel
from mmengine.runner.checkpoint import CheckpointLoader
from numpy import ndarray
from PIL import Image, ImageOps
from torch import Tensor

from mmpose_lite.checkpoints import install_checkpoint_reader, load_strictly, trusting
from mmpose_lite.checkpoints.loading import about_input_size
from mmpose_lite.datasets.transforms import LoadImage
from mmpose_lite.errors import InputError, MissingKeyError
from mmpose_lite.registry import DATASETS, MODELS, SCOPE, TRANSFORMS
from mmpose_lite.structures import PoseDataSample, PoseMetainfo, parse_pose_metainfo
from mmpose_lite.structures.bbox import bbox_xywh2xyxy
from mmpose_lite.structures.metainfo import check_complete
from mmpose_lite.utils.config_utils import adopt_config
from mmpose_lite.utils.input_size import set_input_size
from mmpose_lite.utils.paths import packaged_weights, shown

from .config import load_config

Photograph = ndarray | Image.Image | str | os.PathLike
"""The kinds of photographs that :func:`inference_topdown` takes."""

_BATCH = 64
_BOX_FORMATS = ('xyxy', 'xywh')
# OpenCV's names of the conversions to BGR, by the order and the number of channels.
_TO_BGR = {
    ('bgr', 1): cv2.COLOR_GRAY2BGR,
    ('bgr', 4): cv2.COLOR_BGRA2BGR,
    ('rgb', 1): cv2.COLOR_GRAY2BGR,
    ('rgb', 3): cv2.COLOR_RGB2BGR,
    ('rgb', 4): cv2.COLOR_RGBA2BGR,
}
# How other kinds of numbers become levels; which they mean, only the caller knows.
_LEVEL_HINTS = {
    'f': '; those within 0 and 1 are (img * 255).round().astype(np.uint8)',
    'u': '; those of the full range of 16 bits are (img >> 8).astype(np.uint8)',
}
_SMALLEST_SIDE = 2.0  # px of a box; those of normalised coordinates have one at most
_BEYOND_IMAGES = 1e7  # px
_LARGEST_RATIO = 16.0  # of a box's side to the photograph's longer one


def init_model(
    config: str | Path | Config,
    checkpoint: str | None = None,
    device: str = 'auto',
    cfg_options: dict | None = None,
    trust_checkpoint: bool = False,
) -> BaseModel:
    """Build a model from its config, ready for inference.

    Args:
        config: A config, its file, or the name of a shipped one; or ``'faces19'``, which brings
            its weights.
        checkpoint: Weights: a file, an address, or the name of packaged weights. Without them, the
            weights are random.
        device: ``'auto'``, a GPU if there is one; or a device such as ``'cuda:0'`` or ``'cpu'``.
        cfg_options: Values of the config to override, by dotted key.
        trust_checkpoint: Read the checkpoint even if it holds more than tensors and plain data,
            which may run code. A config file is Python and is always run.

    Returns:
        The model in evaluation mode, with ``cfg`` and ``dataset_meta``.

    Raises:
        TypeError: If the config is neither a file nor a :class:`Config`.
        InputError: If the checkpoint cannot be read or does not fit, or describes points in part.
        ValueError: If neither the checkpoint nor the config describes the points.
    """
    if checkpoint is None and isinstance(config, str | Path) and str(config) in packaged_weights():
        checkpoint = str(config)
    if isinstance(config, str | Path):
        config = load_config(config, cfg_options, ('model',))
    elif not isinstance(config, Config):
        raise TypeError(f'config must be a file or a Config, got {type(config)}')
    elif cfg_options:
        config.merge_from_dict(cfg_options)
    adopt_config(config, SCOPE)
    set_input_size(config)
    install_checkpoint_reader()
    config.model.backbone.init_cfg = None
    config.model.train_cfg = None
    model = MODELS.build(config.model)
    meta: dict[str, Any] = {}
    if checkpoint is not None:
        trusted = [str(checkpoint)] if trust_checkpoint else []
        with trusting(*trusted):
            content = CheckpointLoader.load_checkpoint(str(checkpoint), 'cpu')
        meta = content.get('meta', {})
        load_strictly(model, content, str(checkpoint))
        if sentence := about_input_size(model, content, str(checkpoint)):
            print_log(sentence, logger='current', level=logging.WARNING)
    mode = 'train' if config.get('train_dataloader') else 'test'
    model.dataset_meta = _points_of(meta, str(checkpoint)) or dataset_meta_from_config(config, mode)
    model.cfg = config
    if device == 'auto':
        device = 'cuda:0' if torch.cuda.is_available() else 'cpu'
    return model.to(device).eval()


def _points_of(meta: Mapping[str, Any], name: str) -> PoseMetainfo | None:
    """The description of the points that a checkpoint has; None if it has none of points."""
    described = meta.get('dataset_meta')
    about_points = PoseMetainfo.__required_keys__ - {'dataset_name'}
    if not isinstance(described, Mapping) or not about_points & described.keys():
        return None
    try:
        check_complete(described)
    except MissingKeyError as error:
        raise MissingKeyError(f"checkpoint '{name}', meta.dataset_meta: {error}") from error
    return cast(PoseMetainfo, described)


def dataset_meta_from_config(config: Config, dataset_mode: str = 'train') -> PoseMetainfo:
    """The description of the points that a config's data set has.

    Raises:
        ValueError: If the mode is not train, val or test, or the config has no such data set, or
            one that is put together and describes no points itself.
    """
    if dataset_mode not in ('train', 'val', 'test'):
        raise ValueError(f"dataset_mode='{dataset_mode}' is not one of train, val, test")
    loader = config.get(f'{dataset_mode}_dataloader')
    if not loader or 'dataset' not in loader:
        raise ValueError(f'the config has no {dataset_mode}_dataloader.dataset')
    dataset = loader.dataset
    if 'metainfo' in dataset:
        return parse_pose_metainfo(dataset.metainfo)
    kind = DATASETS.get(dataset.type)
    if kind is None:
        raise ValueError(f"{dataset_mode}_dataloader.dataset.type='{dataset.type}' is unknown")
    if not hasattr(kind, 'METAINFO'):
        raise ValueError(f'{dataset.type} of {dataset_mode}_dataloader.dataset describes no points')
    return parse_pose_metainfo(kind.METAINFO)


def inference_topdown(
    model: BaseModel,
    img: Photograph,
    bboxes: Sequence | ndarray | Tensor | None = None,
    bbox_format: str = 'xyxy',
    color: str = 'bgr',
) -> list[PoseDataSample]:
    """Predict the landmarks of the faces in one image, whose boxes you know.

    Args:
        model: A model from :func:`init_model`.
        img: A file; a PIL image of any mode but the 32-bit ones; or uint8 pixels: ``(H, W, 3)``,
            grey ``(H, W)`` or ``(H, W, 1)``, or with alpha, which is dropped, ``(H, W, 4)``.
            Files and PIL images are turned upright by their EXIF orientation; files are not if
            the config says ``LoadImage(exif='ignore')``.
        bboxes: Boxes of the faces, image pixels: ``(N, 4)``, or ``(N, 5)`` with scores. They are
            padded by the config's ``GetBBoxCenterScale``. An empty list means that there is no
            face; None that the whole image is one face.
        bbox_format: ``'xyxy'`` or ``'xywh'``.
        color: Order of an array's channels, ``'bgr'`` or ``'rgb'``.

    Returns:
        One sample per box, with ``pred_instances``: ``keypoints`` ``(1, K, 2)``, image pixels,
        ``keypoint_scores`` ``(1, K)``, ``bboxes`` ``(1, 4)`` xyxy and ``bbox_scores`` ``(1,)``,
        which are 1 if you gave none.

    Raises:
        InputError: If the image is missing or of another kind; a box is not finite, smaller than
            two pixels, outside the image, or absurdly large; or ``bbox_format`` or ``color`` is
            unknown.
    """
    for name, value, known in (
        ('bbox_format', bbox_format, _BOX_FORMATS),
        ('color', color, ('bgr', 'rgb')),
    ):
        if value not in known:
            raise InputError(f'{name}={value!r} is not one of {", ".join(known)}')
    pipeline = test_pipeline(model)
    photograph = load_photograph(img, color, pipeline)
    shape_hw = photograph['img'].shape[:2]
    if bboxes is None:
        boxes, scores = _whole_image(model, shape_hw)
    else:
        boxes, scores = check_boxes(bboxes, bbox_format, shape_hw)
    samples = [
        pipeline(
            {
                # First: it may come from the checkpoint, and replaces nothing of the caller's.
                **model.dataset_meta,
                **photograph,
                'bbox': boxes[i : i + 1],
                'bbox_score': scores[i : i + 1],
            }
        )
        for i in range(len(boxes))
    ]
    results = []
    with torch.no_grad():
        for start in range(0, len(samples), _BATCH):
            results += model.test_step(pseudo_collate(samples[start : start + _BATCH]))
    return results


def test_pipeline(model: BaseModel) -> Compose:
    """The test pipeline of a model's config, built once; it turns photographs upright."""
    if not hasattr(model, '_inference_pipeline'):
        loader = getattr(model, 'cfg', {}).get('test_dataloader') or {}
        steps = loader.get('dataset', {}).get('pipeline')
        if not steps:
            raise InputError(
                'the model has no cfg.test_dataloader.dataset.pipeline, by which photographs '
                'become crops; init_model gives models their cfg'
            )
        model._inference_pipeline = Compose([TRANSFORMS.build(_upright(step)) for step in steps])
    return model._inference_pipeline


def _upright(step: dict) -> dict:
    """A step that loads photographs upright, unless it says how; others as they are."""
    kind = step.get('type')
    is_loading = kind is LoadImage or str(kind).rpartition('.')[2] == LoadImage.__name__
    ignores = str(step.get('color_type', '')).endswith('_ignore_orientation')
    is_free = is_loading and not ignores and step.get('exif', 'auto') == 'auto'
    return {**step, 'exif': 'apply'} if is_free else step


def load_photograph(img: Any, color: str, pipeline: Compose) -> dict[str, Any]:
    """A photograph as the pipeline's first step gives it: ``img``, ``img_path`` and its shapes."""
    if isinstance(img, str | os.PathLike):
        path = os.fspath(img)
        known = (step for step in pipeline.transforms if isinstance(step, LoadImage))
        loaded = next(known, LoadImage(exif='apply')).transform({'img_path': path})
        if loaded is None:  # of a pipeline with ignore_empty
            raise InputError(f'image {shown(path)} cannot be read')
        return loaded
    if isinstance(img, Image.Image):
        pixels = _pixels_of_pil(img)
    elif isinstance(img, ndarray):
        pixels = _to_bgr(img, color)
    else:
        raise InputError(_about_no_image(img))
    return {'img': pixels, 'img_path': None}


def _about_no_image(img: Any) -> str:
    """Say why something is no photograph, and what would be."""
    wanted = 'but must be a file, a PIL image, or uint8 pixels (H, W, 3)'
    if img is None:
        return f'img is None, {wanted}; cv2.imread gives None for a file that it cannot read'
    if isinstance(img, Tensor):
        return (
            f'img is a tensor {tuple(img.shape)}, {wanted}: img.permute(1, 2, 0).cpu().numpy() of '
            "a tensor (3, H, W), mostly with color='rgb'"
        )
    if isinstance(img, list | tuple):
        return f'img is a {type(img).__name__} of {len(img)}, {wanted}: one photograph at a time'
    return f'img is {type(img).__name__}, {wanted}'


def _pixels_of_pil(img: Image.Image) -> ndarray:
    """An image of PIL's, upright, ``(H, W, 3)`` BGR, with the values that OpenCV reads."""
    if img.mode in ('I', 'F'):
        raise InputError(
            f"img is a PIL image in mode '{img.mode}', whose values have no known range; "
            "convert it to levels of 0 to 255, mode 'L'"
        )
    try:
        upright = ImageOps.exif_transpose(img)
        if upright.mode.startswith('I;16'):
            return _to_bgr((np.asarray(upright) >> 8).astype(np.uint8), 'bgr')
        # By way of alpha, which is then dropped: palettes may have it.
        return _to_bgr(np.asarray(upright.convert('RGBA')), 'rgb')
    except (OSError, SyntaxError, ValueError) as error:  # it is read only now
        raise InputError(f"img, a PIL image in mode '{img.mode}': {error}") from error


def _to_bgr(pixels: ndarray, color: str) -> ndarray:
    """Pixels as ``(H, W, 3)`` BGR, in C order; they must be uint8, laid out as rows of pixels."""
    given = f'img is {pixels.dtype} {pixels.shape}'
    layers = pixels[..., None] if pixels.ndim == 2 else pixels
    if layers.ndim != 3 or layers.shape[-1] not in (1, 3, 4):
        raise InputError(
            f'{given}, but must be (H, W, 3), (H, W, 4), (H, W, 1) or (H, W)'
            f'{_layout_hint(pixels.shape)}'
        )
    if pixels.size == 0:
        raise InputError(f'{given}, which has no pixels')
    if pixels.dtype != np.uint8:
        hint = _LEVEL_HINTS.get(pixels.dtype.kind, '')
        raise InputError(f'{given}, but must be uint8, levels of 0 to 255{hint}')
    layers = np.ascontiguousarray(layers)
    conversion = _TO_BGR.get((color, layers.shape[-1]))
    return layers if conversion is None else cv2.cvtColor(layers, conversion)


def _layout_hint(shape: tuple[int, ...]) -> str:
    if len(shape) == 3 and shape[0] in (1, 3, 4):
        return ': its channels come first, img.transpose(1, 2, 0) has them last'
    return ': one photograph at a time' if len(shape) == 4 else ''


def _whole_image(model: BaseModel, shape_hw: tuple[int, int]) -> tuple[ndarray, ndarray]:
    """The whole image as the box of one face, which is said once a model."""
    if not getattr(model, '_whole_image_is_said', False):
        print_log(
            'inference_topdown: without bboxes the whole image is treated as one face; '
            'bboxes=[] means no face',
            'current',
            logging.WARNING,
        )
        model._whole_image_is_said = True
    box = np.array([[0, 0, shape_hw[1], shape_hw[0]]], dtype=np.float32)
    return box, np.ones(1, dtype=np.float32)


def check_boxes(
    bboxes: Any, bbox_format: str, shape_hw: tuple[int, int]
) -> tuple[ndarray, ndarray]:
    """Boxes ``(N, 4)`` xyxy and their scores ``(N,)``, each of which can hold a face."""
    table = _to_table(bboxes)
    if len(table) == 0:
        return np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
    boxes, scores = table[:, :4], table[:, 4:].ravel()
    boxes = bbox_xywh2xyxy(boxes) if bbox_format == 'xywh' else boxes
    sides = boxes[:, 2:] - boxes[:, :2]
    size_wh = np.array(shape_hw[::-1])
    is_outside = (boxes[:, 2:] <= 0) | (boxes[:, :2] >= size_wh)
    other = 'xywh' if bbox_format == 'xyxy' else 'xyxy'
    for wrong, fault in (
        (
            sides <= 0,
            f'has no area as {bbox_format}: its right and lower edge must be beyond the others; '
            f"bbox_format='{other}' reads it otherwise",
        ),
        (sides < _SMALLEST_SIDE, 'holds less than two pixels; boxes count pixels, not shares'),
        (is_outside, f'lies outside the image, which has {size_wh[0]}x{size_wh[1]} pixels'),
        (sides > _LARGEST_RATIO * size_wh.max(), f'is more than {_LARGEST_RATIO:g} images wide'),
        ((scores < 0) | (scores > 1), 'has a score, its fifth number, that is not within 0 and 1'),
    ):
        _refuse(table, wrong, fault)
    if not scores.size:
        scores = np.ones(len(boxes))
    return boxes.astype(np.float32), scores.astype(np.float32)


def _to_table(bboxes: Any) -> ndarray:
    """Boxes as float64 ``(N, 4)`` or ``(N, 5)``; a lone one may be flat."""
    given = bboxes.detach().cpu() if isinstance(bboxes, Tensor) else bboxes
    try:
        table = np.asarray(given)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f'bboxes cannot be read as numbers (N, 4): {error}') from error
    if table.size == 0 and (table.ndim == 1 or table.shape[0] == 0):
        return np.zeros((0, 4))
    shape = table.shape
    table = table[None] if table.ndim == 1 else table
    if table.ndim != 2 or table.shape[1] not in (4, 5):
        raise InputError(f'bboxes are {shape}, but must be (N, 4), or (N, 5) with scores')
    if table.dtype.kind not in 'iuf':
        raise InputError(f'bboxes are of {table.dtype}, but must be numbers')
    table = table.astype(np.float64)
    _refuse(table, ~(np.abs(table) < _BEYOND_IMAGES), 'is not finite, or beyond any image')
    return table


def _refuse(table: ndarray, wrong: ndarray, fault: str) -> None:
    """Refuse the first box that is wrong, by any of its numbers."""
    if wrong.any():
        index = int(wrong.reshape(len(table), -1).any(axis=1).argmax())
        numbers = ', '.join(f'{value:.6g}' for value in table[index])
        raise InputError(f'bboxes[{index}]=[{numbers}] {fault}')
