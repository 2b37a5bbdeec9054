"""The faces that a config names, photograph by photograph, with the boxes that models train on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from mmengine.config import Config
from numpy import ndarray

from mmpose_lite.data_tools.browsing import Browser, load_browsers
from mmpose_lite.datasets.transforms import LoadImage
from mmpose_lite.errors import InputError
from mmpose_lite.structures.bbox import bbox_cs2xyxy

from .sources import Photograph

_READ = ('img_path', 'image_wh', 'exif_applied', 'id')  # by LoadImage, of a sample
HIDDEN = 0
"""The flag of a point that is annotated where it cannot be seen."""


@dataclass
class AnnotatedPhotograph:
    """A photograph and the M faces that are annotated in it, with K points each.

    Attributes:
        path: Its file.
        read: Reads its pixels, ``(H, W, 3)`` uint8 BGR, in the frame of the annotations.
        ids: The annotations' ids.
        boxes: ``(M, 4)`` xyxy, pixels, as the model is trained with them, before padding.
        points: ``(M, K, 2)``, pixels; NaN where a point is not labelled.
        seen: ``(M, K)``: 1 for points that can be seen, 0 for hidden ones, NaN where it is not
            known.
    """

    path: str
    read: Callable[[], ndarray]
    ids: list[Any]
    boxes: ndarray
    points: ndarray
    seen: ndarray

    def load(self) -> Photograph:
        """Read the photograph."""
        return Photograph(self.path, self.read(), self.path)


def annotated_photographs(cfg: Config, split: str) -> list[AnnotatedPhotograph]:
    """List the photographs of a split, ``'train'``, ``'val'`` or ``'test'``, in its order.

    Raises:
        InputError: If the config has no such split, or the split has no face.
    """
    found = [
        photograph
        for browser in load_browsers(cfg, split, 0)[0]
        for photograph in _photographs(browser)
    ]
    if not found:
        raise InputError(f'{split}_dataloader.dataset has no face')
    return found


def spread_evenly(items: Sequence[Any], count: int) -> list[Any]:
    """Choose so many items, at even steps from the first to the last."""
    places = np.linspace(0, len(items) - 1, min(count, len(items))).astype(int)
    return [items[place] for place in np.unique(places)]


def _photographs(browser: Browser) -> Iterator[AnnotatedPhotograph]:
    dataset = browser.dataset
    faces: dict[str, list[dict]] = {}
    for index in range(len(dataset)):
        face = dataset.get_data_info(index)
        faces.setdefault(face['img_path'], []).append(face)
    load = next(each for each in browser.transforms if isinstance(each, LoadImage))
    for path, group in faces.items():
        shown = np.array([np.asarray(face['keypoints_visible'])[0] for face in group])
        shown = shown.reshape(*shown.shape[:2], -1)[..., 0] > 0
        points = np.array([face['keypoints'][0] for face in group], np.float64)
        yield AnnotatedPhotograph(
            path=path,
            read=partial(_read, load, {key: group[0][key] for key in _READ if key in group[0]}),
            ids=[face['id'] for face in group],
            boxes=np.array([_box(face) for face in group]),
            points=np.where(shown[..., None], points, np.nan),
            seen=np.array([_seen(dataset, face, shown.shape[1]) for face in group]),
        )


def _read(load: LoadImage, sample: dict[str, Any]) -> ndarray:
    results = load.transform(dict(sample))
    if results is None:  # of a pipeline with ignore_empty
        raise InputError(f"image '{sample['img_path']}' cannot be read")
    return results['img']


def _box(face: dict) -> ndarray:
    """The box that a crop is cut about, ``(4,)``, before padding."""
    if 'bbox_center' in face and 'bbox_scale' in face:
        return bbox_cs2xyxy(face['bbox_center'][0], face['bbox_scale'][0]).astype(np.float64)
    return np.asarray(face['bbox'][0], np.float64)


def _seen(dataset: Any, face: dict, count: int) -> ndarray:
    """Tell which points of a face can be seen, where its annotation does."""
    annotated = face.get('annotated') or {}
    for name, least in (('visibility', 0), ('flags', 1)):
        values = np.asarray(annotated.get(name, ()), float).reshape(-1)
        if len(values) == count and (name == 'visibility' or (values == 2).any()):
            return (values > least).astype(float)
    return np.full(count, np.nan)
