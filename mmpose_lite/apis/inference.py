"""Models in other people's programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.model import BaseModel
from mmengine.runner.checkpoint import CheckpointLoader
from numpy import ndarray

from mmpose_lite.datasets.transforms.loading import decode_image
from mmpose_lite.engine.checkpoints import install_checkpoint_reader, load_strictly, trusting
from mmpose_lite.registry import DATASETS, MODELS, SCOPE, TRANSFORMS
from mmpose_lite.structures import PoseDataSample, PoseMetainfo, parse_pose_metainfo
from mmpose_lite.structures.bbox import bbox_xywh2xyxy
from mmpose_lite.utils.config_utils import adopt_config

from .config import load_config

_BATCH = 64


def init_model(
    config: str | Path | Config,
    checkpoint: str | None = None,
    device: str = 'auto',
    cfg_options: dict | None = None,
    trust_checkpoint: bool = False,
) -> BaseModel:
    """Build a model from its config, ready for inference.

    Args:
        config: The config, or its file.
        checkpoint: Weights, a file or an address; without them the model starts as it would in
            training, but from no pretrained file.
        device: Such as ``'cuda:0'`` or ``'cpu'``; ``'auto'``: a GPU where there is one.
        cfg_options: Values of the config to override, by dotted key.
        trust_checkpoint: Read the checkpoint whatever it holds, and run that. Without it, files
            that hold more than tensors and plain data are refused.

    Returns:
        The model in evaluation mode, with ``cfg`` and ``dataset_meta``.

    Raises:
        TypeError: If the config is neither a file nor a :class:`Config`.
        InputError: If the checkpoint cannot be read or does not fit.
        ValueError: If neither it nor the config describes the points.
    """
    if isinstance(config, str | Path):
        config = load_config(config, cfg_options, ('model',))
    elif not isinstance(config, Config):
        raise TypeError(f'config must be a file or a Config, got {type(config)}')
    elif cfg_options:
        config.merge_from_dict(cfg_options)
    adopt_config(config, SCOPE)
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
    mode = 'train' if config.get('train_dataloader') else 'test'
    model.dataset_meta = meta.get('dataset_meta') or dataset_meta_from_config(config, mode)
    model.cfg = config
    if device == 'auto':
        device = 'cuda:0' if torch.cuda.is_available() else 'cpu'
    return model.to(device).eval()


def dataset_meta_from_config(config: Config, dataset_mode: str = 'train') -> PoseMetainfo:
    """The description of the points that a config's data set has.

    Args:
        config: The config.
        dataset_mode: ``'train'``, ``'val'`` or ``'test'``.

    Raises:
        ValueError: If the mode is none of these, or the config has no such data set.
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
    return parse_pose_metainfo(kind.METAINFO)


def inference_topdown(
    model: BaseModel,
    img: ndarray | str | Path,
    bboxes: Sequence | ndarray | None = None,
    bbox_format: str = 'xyxy',
) -> list[PoseDataSample]:
    """Predict the points of faces in one photograph.

    Args:
        model: A model of :func:`init_model`.
        img: The photograph, ``(H, W, 3)`` uint8 BGR, or its file.
        bboxes: ``(N, 4)`` boxes of faces, image pixels; the whole image by default. They are
            padded as the config's ``GetBBoxCenterScale`` says.
        bbox_format: ``'xyxy'`` or ``'xywh'``.

    Returns:
        One sample a box, with ``pred_instances``: ``keypoints`` ``(1, K, 2)``, image pixels, and
        ``keypoint_scores`` ``(1, K)``.

    Raises:
        ValueError: If the format is unknown, or the image cannot be decoded.
    """
    if bbox_format not in ('xyxy', 'xywh'):
        raise ValueError(f"bbox_format='{bbox_format}' is not one of xyxy, xywh")
    path = None if isinstance(img, np.ndarray) else str(img)
    image = img if isinstance(img, np.ndarray) else decode_image(Path(img).read_bytes(), str(img))
    if bboxes is None or len(bboxes) == 0:
        height, width = image.shape[:2]
        boxes = np.array([[0, 0, width, height]], dtype=np.float32)
    else:
        boxes = np.asarray(bboxes, dtype=np.float32).reshape(-1, 4)
        boxes = bbox_xywh2xyxy(boxes) if bbox_format == 'xywh' else boxes
    pipeline = _pipeline(model)
    samples = [
        pipeline(
            {
                # First: it may come from the checkpoint, and replaces nothing of the caller's.
                **model.dataset_meta,
                'img': image,
                'img_path': path,
                'bbox': box[None],
                'bbox_score': np.ones(1, dtype=np.float32),
            }
        )
        for box in boxes
    ]
    results = []
    with torch.no_grad():
        for start in range(0, len(samples), _BATCH):
            results += model.test_step(pseudo_collate(samples[start : start + _BATCH]))
    return results


def _pipeline(model: BaseModel) -> Compose:
    """The test pipeline of a model's config, built once."""
    if not hasattr(model, '_inference_pipeline'):
        steps = model.cfg.test_dataloader.dataset.pipeline
        model._inference_pipeline = Compose([TRANSFORMS.build(step) for step in steps])
    return model._inference_pipeline
