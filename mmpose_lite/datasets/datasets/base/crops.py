"""The crop cache of a data set."""

from __future__ import annotations

import hashlib
import os.path as osp
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy import ndarray

from mmpose_lite.structures.bbox import bbox_xyxy2cs
from mmpose_lite.utils import InputError

from ...crop_cache import CacheSettings, CropCache, Face
from ...transforms import LoadImage
from ...transforms.extent import CropExtent

if TYPE_CHECKING:
    from .base_coco_style_dataset import BaseCocoStyleDataset


def open_crops(
    dataset: BaseCocoStyleDataset,
    settings: CacheSettings,
    further: Sequence[Callable] = (),
) -> CropCache:
    """Open the crops of a data set that has been read; build them where they do not fit.

    The file's name tells the annotation file, and what was asked for by a hash, so that the
    crops for training and for testing live side by side.

    Raises:
        InputError: If the data set or its pipeline cannot be served from a cache.
    """
    name = type(dataset).__name__
    if dataset.data_mode != 'topdown' or dataset.bbox_file:
        raise InputError(f"{name}: cache needs data_mode='topdown' and annotated boxes")
    transforms = [*getattr(dataset.pipeline, 'transforms', ()), *further]
    extent = CropExtent.of_pipeline(transforms)
    loader = next((each for each in transforms if isinstance(each, LoadImage)), None)
    if loader is None:
        raise InputError(f'{name}: cache needs a pipeline that begins with LoadImage')
    infos = [dataset.get_data_info(i) for i in range(len(dataset))]
    faces = [_face(info) for info in infos]
    known = {info['img_path']: _known(info) for info in infos}
    source = (osp.abspath(dataset.ann_file), osp.abspath(dataset.data_prefix['img']))
    part = () if dataset.train_val_split is None else (dataset.train_val_split,)
    asked = repr((source, extent, settings.shrink, len(faces), loader, *part)).encode()
    folder = Path(settings.dir or osp.join(dataset.data_root or '', 'crops'))
    stem = osp.splitext(osp.basename(dataset.ann_file))[0]
    path = folder / f'{stem}-{hashlib.sha256(asked).hexdigest()[:8]}.crops'
    return CropCache(path, faces, extent, partial(_load, loader, known), settings, dataset.ann_file)


def _known(info: dict) -> dict:
    """A sample's facts of its photograph, for :class:`LoadImage`."""
    return {key: info[key] for key in ('img_path', 'image_wh', 'id') if key in info}


def _load(loader: LoadImage, known: Mapping[str, dict], img_path: str) -> ndarray:
    results = loader.transform(dict(known[img_path]))
    image = None if results is None else results['img']
    if image is None or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise InputError(f"cache: image '{img_path}' is not uint8 with 3 channels by {loader}")
    return image


def _face(info: dict) -> Face:
    if 'bbox_center' in info and 'bbox_scale' in info:
        center, scale = info['bbox_center'], info['bbox_scale']
    else:
        center, scale = bbox_xyxy2cs(info['bbox'])
    return Face(info['id'], info['img_path'], center[0], scale[0])
