"""The base of transforms, and the keys that they read and write."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict

import numpy as np
from mmcv.transforms import BaseTransform
from numpy import ndarray

from ..crop_cache import Window

if TYPE_CHECKING:
    from mmpose_lite.structures.pixel_changes import PixelChange


class Transform(BaseTransform):
    """Base class of the transforms; a subclass defines ``transform``.

    Any transform of mmcv's can stand in a pipeline, too. Three further members are for the crop
    cache and for crops on the device:

    - ``extend_crop(extent)``, for a transform that may come before the crop: returns the
      :class:`~.CropExtent` widened by what the transform can move. A pipeline with a transform that
      lacks it cannot use a cache.
    - ``leaves_pixels_alone = True`` promises that the transform neither changes nor copies pixels,
      draws from the sample's generator alone, and keeps nothing from one sample for the next. Crops
      stay on the device only behind such transforms, and batches of cached crops are loaded
      transform by transform only if all are such.
    - ``can_wait = True`` promises that the transform changes pixels through :func:`change_pixels`
      alone, so that it may follow a crop that is made on the device; and that all else is as with
      ``leaves_pixels_alone``.
    """

    leaves_pixels_alone: ClassVar[bool] = False
    can_wait: ClassVar[bool] = False

    def __repr__(self) -> str:
        names = [name for name in signature(type(self)).parameters if hasattr(self, name)]
        arguments = ', '.join(f'{name}={getattr(self, name)!r}' for name in names)
        return f'{type(self).__name__}({arguments})'


class Sample(TypedDict, total=False):
    """One face in the pipeline: N is 1 (top-down), K points; image pixels unless said otherwise."""

    # From the data set
    img_id: Any
    img_path: str
    img_folder: str
    image_wh: tuple[float, float]  # by the annotations, where they say it
    exif_applied: bool  # annotations are of the upright photograph, where they say it
    id: Any
    category_id: int
    iscrowd: int
    subsets: tuple[str, ...]
    bbox: ndarray  # (N, 4) xyxy
    bbox_score: ndarray  # (N,)
    keypoints: ndarray  # (N, K, 2)
    keypoints_visible: ndarray  # (N, K), 0 to 1
    box_size: float
    raw_ann_info: dict
    annotated: dict  # in tests: flags (K,), visibility (K,) of 1 and 0, yaw in radians
    dataset_name: str
    upper_body_ids: list[int]
    lower_body_ids: list[int]
    flip_pairs: list[tuple[int, int]]
    flip_indices: list[int]
    dataset_keypoint_weights: ndarray  # (K,)
    skeleton_links: list[tuple[int, int]]
    rng: np.random.Generator  # see samplers.py

    # LoadImage
    img: ndarray  # (H, W, 3) uint8 BGR
    img_shape: tuple[int, int]  # (h, w)
    ori_shape: tuple[int, int]  # (h, w)
    exif: str  # 'apply' where photographs are turned as their cameras noted

    # The crop cache, in place of LoadImage: img is a part of the photograph
    img_window: Window  # where img lies in the photograph, whose size img_shape still is
    crop_index: int  # which of the cached crops it is

    # GetBBoxCenterScale (or the data set), RandomHalfBody, RandomBBoxTransform
    bbox_center: ndarray  # (N, 2)
    bbox_scale: ndarray  # (N, 2), width and height of the crop
    bbox_rotation: ndarray  # (N,), degrees

    # RandomFlip
    flip: bool
    flip_direction: str | None

    # TopdownAffine
    input_size: tuple[int, int]  # (w, h)
    input_center: ndarray  # (2,)
    input_scale: ndarray  # (2,)
    transformed_keypoints: ndarray  # (N, K, 2), pixels of the network's input

    warp_mat: ndarray  # (2, 3), pixels of img to input pixels, where TopdownAffine does not warp

    # Transforms behind such a TopdownAffine that change pixels; see structures/pixel_changes.py
    pixel_changes: list[PixelChange | None]  # None where by chance there is none

    # GenerateTarget: what the codec encodes, such as
    heatmaps: ndarray  # (K, H, W)
    keypoint_weights: ndarray  # (N, K)
    field_mapping_table: dict[str, str]
    instance_mapping_table: dict[str, str]
    label_mapping_table: dict[str, str]


def crop_shape(results: Mapping[str, Any], key: str = 'img') -> tuple[int, int]:
    """Return the height and width of a sample's image, or of its crop that waits for the device."""
    if not _waits(results, key):
        return results[key].shape[:2]
    width, height = results['input_size']
    return height, width


def change_pixels(results: dict, change: PixelChange | None, key: str = 'img') -> dict:
    """Change the image of a sample, or note the change if the crop waits for the device.

    Args:
        results: The sample.
        change: The change; None if there is none, which may have been otherwise.
        key: The name of the image.

    Returns:
        The sample.
    """
    if _waits(results, key):
        results.setdefault('pixel_changes', []).append(change)
    elif change is not None:
        results[key] = change.of_image(results[key])
    return results


def _waits(results: Mapping[str, Any], key: str) -> bool:
    return key == 'img' and 'warp_mat' in results
