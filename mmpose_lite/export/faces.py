"""Faces that exported files are tried on: crops of a config's data, or of rendered scenes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from mmengine.config import Config
from numpy import ndarray
from torch.utils.data import DataLoader

from mmpose_lite.apis.inference import test_pipeline
from mmpose_lite.datasets import build_dataset
from mmpose_lite.engine.base_runner import BaseRunner
from mmpose_lite.registry import TRANSFORMS
from mmpose_lite.synthetic import render_scene

from .estimator import box_of, crops_of
from .graph import read_cutting

RENDERED = 16
"""Number of faces that are rendered where no data are named."""

_BATCH = 8  # crops that go through a model at once


class Face(NamedTuple):
    """A face.

    Attributes:
        crop: ``(H, W, 3)`` uint8 BGR, of the network's input size.
        photograph: ``(H, W, 3)`` uint8 BGR, or None if it was not asked for.
        box: ``(4,)`` float32 xyxy, pixels of the photograph, before padding.
    """

    crop: ndarray
    photograph: ndarray | None
    box: ndarray


def rendered_faces(model: Any, count: int = RENDERED) -> list[Face]:
    """Render faces, each in a picture of its own, and crop them by the model's test pipeline."""
    pipeline = test_pipeline(model)
    faces = []
    for number in range(count):
        picture, (label,) = render_scene(0, 'test', number, 1)
        photograph = np.ascontiguousarray(picture[..., ::-1])
        x, y, width, height = (float(value) for value in label.bbox_xywh)
        box = np.array([x, y, x + width, y + height], np.float32)
        shown = {'img': photograph, 'img_path': None, 'bbox': box[None]}
        sample = pipeline({**model.dataset_meta, **shown, 'bbox_score': np.ones(1, np.float32)})
        data = {'inputs': [sample['inputs']], 'data_samples': [sample['data_samples']]}
        faces.append(Face(crops_of(data)[0], photograph, box))
    return faces


def build_loader(cfg: Config, split: str = 'test') -> DataLoader:
    """Build the loader of a config's test set; or of its training set, by the test's pipeline."""
    settings = cfg.test_dataloader.copy()
    if split == 'train':
        dataset = cfg.train_dataloader.dataset.copy()
        if 'pipeline' in dataset and 'pipeline' in settings.dataset:
            dataset.update(pipeline=settings.dataset.pipeline, test_mode=True)
            settings.dataset = dataset
    settings.dataset = build_dataset(settings.dataset)
    return BaseRunner.build_dataloader(settings, seed=0)


def loaded_faces(model: Any, loader: DataLoader, count: int, whole: bool = False) -> list[Face]:
    """Take the first faces of a loader, with their photographs if ``whole``."""
    faces: list[Face] = []
    for data in loader:
        crops = crops_of(data)
        for crop, sample in zip(crops, data['data_samples'], strict=True):
            photograph, box = photograph_of(model, sample) if whole else (None, np.zeros(4))
            faces.append(Face(crop, photograph, box))
        if len(faces) >= count:
            break
    return faces[:count]


def photograph_of(model: Any, sample: Any) -> tuple[ndarray, ndarray]:
    """The photograph of a sample and its box before padding, xyxy float32."""
    steps = model.cfg.test_dataloader.dataset.pipeline
    loading = next(step for step in steps if str(step['type']).rpartition('.')[2] == 'LoadImage')
    settings = {**loading, 'exif': sample.get('exif', 'ignore')}
    loaded: Any = TRANSFORMS.build(settings).transform({'img_path': sample.img_path})
    return loaded['img'], box_of(sample, read_cutting(model.cfg)['padding'])


def batches_of(crops: ndarray) -> Iterator[ndarray]:
    """Split crops into batches."""
    for start in range(0, len(crops), _BATCH):
        yield crops[start : start + _BATCH]
