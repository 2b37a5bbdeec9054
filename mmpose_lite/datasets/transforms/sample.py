"""The keys that transforms read and write."""

from __future__ import annotations

from typing import Any, TypedDict

import numpy as np
from numpy import ndarray

from .extent import Window


class Sample(TypedDict, total=False):
    """One face in the pipeline: N is 1 (top-down), K points; image pixels unless said otherwise."""

    # From the data set
    img_id: Any
    img_path: str
    img_folder: str
    image_wh: tuple[float, float]  # by the annotations, where they say it
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
    rng: np.random.Generator  # see randomness.py

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

    # GenerateTarget: what the codec encodes, such as
    heatmaps: ndarray  # (K, H, W)
    keypoint_weights: ndarray  # (N, K)
    field_mapping_table: dict[str, str]
    instance_mapping_table: dict[str, str]
    label_mapping_table: dict[str, str]
