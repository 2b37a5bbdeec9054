"""Packing a sample for the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.structures import InstanceData, PixelData
from mmengine.utils import is_seq_of
from numpy import ndarray
from torch import Tensor

from mmpose_lite.registry import TRANSFORMS
from mmpose_lite.structures import MultilevelPixelData, PoseDataSample
from mmpose_lite.structures.pose_data_sample import make_element

from .base import Transform

_LONE = (int, float, str, np.generic)  # not a list of values
_META_KEYS = (
    'id',
    'img_id',
    'img_path',
    'category_id',
    'crowd_index',
    'ori_shape',
    'exif',
    'img_shape',
    'input_size',
    'input_center',
    'input_scale',
    'flip',
    'flip_direction',
    'flip_indices',
    'raw_ann_info',
    'dataset_name',
    'subsets',
    'annotated',
)
# The data preprocessor needs them if it makes the crop.
_FOR_THE_CROP = ('input_size', 'warp_mat', 'pixel_changes')


def image_to_tensor(img: ndarray | Sequence[ndarray]) -> Tensor:
    """Turn an image ``(H, W, C)``, or a list of T, into a tensor ``(C, H, W)`` (or with T).

    The tensor keeps the image's memory, so its channels lie last there.
    """
    if not isinstance(img, np.ndarray):
        return torch.stack([image_to_tensor(each) for each in img])
    layers = img[..., None] if img.ndim == 2 else img
    writable = layers if layers.flags.writeable else layers.copy()  # torch knows no other tensors
    return torch.from_numpy(np.ascontiguousarray(writable)).permute(2, 0, 1)


def keypoints_to_tensor(keypoints: ndarray | Sequence[ndarray]) -> Tensor:
    """Turn points ``(N, K, D)``, or a list of T, into a tensor ``(N * K * D,)`` (or with T)."""
    if not isinstance(keypoints, np.ndarray):
        return torch.stack([keypoints_to_tensor(each) for each in keypoints])
    return torch.from_numpy(np.ascontiguousarray(keypoints).reshape(-1))


@TRANSFORMS.register_module()
class PackPoseInputs(Transform):
    """Pack ``inputs`` (uint8 tensor (3, H, W)) and ``data_samples`` (:class:`PoseDataSample`).

    Args:
        meta_keys: Keys that become the sample's metainfo, where they are there.
        pack_transformed: Pack ``transformed_keypoints`` too, for heads that make their targets.
        pack_pixels: Without, ``inputs`` is the ``crop_index``, for a data preprocessor that holds
            the crops.
        pack_weights: Pack ``dataset_keypoint_weights``, by which such heads weigh their targets.

    The three tables say which key becomes which field of the sample; a codec's tables, written by
    ``GenerateTarget``, add to them.
    """

    instance_mapping_table = {  # noqa: RUF012
        'bbox': 'bboxes',
        'bbox_score': 'bbox_scores',
        'keypoints': 'keypoints',
        'keypoints_cam': 'keypoints_cam',
        'keypoints_visible': 'keypoints_visible',
        'bbox_scale': 'bbox_scales',
        'box_size': 'box_size',
        'head_size': 'head_size',
    }
    field_mapping_table = {  # noqa: RUF012
        'heatmaps': 'heatmaps',
        'instance_heatmaps': 'instance_heatmaps',
        'heatmap_mask': 'heatmap_mask',
        'heatmap_weights': 'heatmap_weights',
        'displacements': 'displacements',
        'displacement_weights': 'displacement_weights',
    }
    label_mapping_table = {  # noqa: RUF012
        'keypoint_labels': 'keypoint_labels',
        'keypoint_weights': 'keypoint_weights',
        'keypoints_visible_weights': 'keypoints_visible_weights',
    }

    leaves_pixels_alone = True

    def __init__(
        self,
        meta_keys: Sequence[str] = _META_KEYS,
        pack_transformed: bool = False,
        pack_pixels: bool = True,
        pack_weights: bool = False,
    ) -> None:
        self.meta_keys = meta_keys
        self.pack_transformed = pack_transformed
        self.pack_weights = pack_weights
        self.pack_pixels = pack_pixels

    def transform(self, results: dict) -> dict:
        """Pack a sample.

        Raises:
            ValueError: If maps of one resolution are mixed with maps of several, or the fields of
                instances differ in their number.
        """
        keys = (*self.meta_keys, *_FOR_THE_CROP) if 'warp_mat' in results else self.meta_keys
        metainfo = {key: results[key] for key in keys if key in results}
        sample = make_element(PoseDataSample, {}, metainfo)
        sample.gt_instances = self._pack_instances(results)
        if labels := self._pack(results, 'label_mapping_table'):
            sample.gt_instance_labels = _pack_labels(labels)
        if fields := self._pack(results, 'field_mapping_table'):
            sample.gt_fields = _pack_fields(fields)
        if self.pack_pixels:
            inputs = image_to_tensor(results['img']) if 'img' in results else None
        else:
            inputs = torch.tensor(results['crop_index'])
        return {'inputs': inputs, 'data_samples': sample}

    def _pack_instances(self, results: dict) -> InstanceData:
        data = {}
        table = {**self.instance_mapping_table, **results.get('instance_mapping_table', {})}
        for key, name in table.items():
            if key in results:
                value = results[key]
                # There is one entry per face; a lone number becomes a list of one.
                data[name] = np.array([value]) if isinstance(value, _LONE) else value
        if self.pack_transformed and 'transformed_keypoints' in results:
            data['transformed_keypoints'] = results['transformed_keypoints']
        if self.pack_weights:
            data['dataset_keypoint_weights'] = results['dataset_keypoint_weights'][None]
        return make_element(InstanceData, data)

    def _pack(self, results: dict, table_name: str) -> dict[str, Any]:
        table = {**getattr(self, table_name), **results.get(table_name, {})}
        return {name: _to_tensor(results[key]) for key, name in table.items() if key in results}


def _to_tensor(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value)
    if is_seq_of(value, np.ndarray):
        return [torch.from_numpy(each) for each in value]
    return value


def _pack_labels(labels: dict[str, Any]) -> InstanceData:
    # Several encoders' labels have one shape, and are stacked.
    return InstanceData(
        **{k: torch.stack(v) if isinstance(v, list) else v for k, v in labels.items()}
    )


def _pack_fields(fields: dict[str, Any]) -> PixelData | MultilevelPixelData:
    several = [isinstance(value, (list, tuple)) for value in fields.values()]
    if any(several) != all(several):
        raise ValueError(f'maps of one and of several resolutions are mixed: {list(fields)}')
    packed = MultilevelPixelData() if any(several) else PixelData()
    for name, value in fields.items():
        packed.set_field(value, name)
    return packed
