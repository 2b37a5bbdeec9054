"""Taking samples apart and putting them together."""

from __future__ import annotations

import cv2
import numpy as np
from mmengine.structures import InstanceData, PixelData
from numpy import ndarray

from mmpose_lite.utils.tensor_utils import to_numpy

from .bbox.transforms import get_warp_matrix
from .pose_data_sample import PoseDataSample


def merge_data_samples(data_samples: list[PoseDataSample]) -> PoseDataSample:
    """Merge the faces of one image into one sample.

    It has all instances, the first one's metainfo, and heatmaps in the image's frame, merged by
    their maximum; it is empty for an empty list.

    Raises:
        TypeError: If an item is not a :class:`PoseDataSample`.
    """
    for sample in data_samples:
        if not isinstance(sample, PoseDataSample):
            raise TypeError(f'expected a list of PoseDataSample, got one of {type(sample)}')
    if not data_samples:
        return PoseDataSample()
    merged = PoseDataSample(metainfo=data_samples[0].metainfo)
    for name in ('gt_instances', 'pred_instances'):
        if name in data_samples[0]:
            setattr(merged, name, InstanceData.cat([getattr(s, name) for s in data_samples]))
    for name in ('gt_fields', 'pred_fields'):
        if name in data_samples[0] and 'heatmaps' in getattr(data_samples[0], name):
            maps = [_image_heatmaps(s, getattr(s, name)) for s in data_samples]
            setattr(merged, name, PixelData(heatmaps=np.max(maps, axis=0)))
    return merged


def split_instances(instances: InstanceData) -> list[dict]:
    """Turn instances into plain lists and numbers, one dict per face, fit for JSON.

    They are ``keypoints``, and where present ``keypoint_scores``, ``bbox`` and ``bbox_score``.
    """
    rows = []
    for i in range(len(instances.keypoints)):
        row = {'keypoints': instances.keypoints[i].tolist()}
        for name, key in (('keypoint_scores', 'keypoint_scores'), ('bboxes', 'bbox')):
            if name in instances:
                row[key] = instances[name][i].tolist()
        if 'bbox_scores' in instances:
            row['bbox_score'] = float(instances.bbox_scores[i])
        rows.append(row)
    return rows


def revert_heatmap(
    heatmap: ndarray, input_center: ndarray, input_scale: ndarray, img_shape: tuple[int, int]
) -> ndarray:
    """Take heatmaps of a crop back to the frame of its image; they are zero outside the crop.

    Args:
        heatmap: ``(K, H, W)`` or ``(H, W)``.
        input_center: ``(2,)``, centre of the crop, image pixels.
        input_scale: ``(2,)``, width and height of the crop, image pixels.
        img_shape: Height and width of the image, and of the result.
    """
    layers = heatmap if heatmap.ndim == 3 else heatmap[None]
    size_wh = (layers.shape[2], layers.shape[1])
    matrix = get_warp_matrix(input_center, input_scale, rot=0, output_size=size_wh, inv=True)
    image_wh = (int(img_shape[1]), int(img_shape[0]))
    warped = [cv2.warpAffine(layer, matrix, image_wh, flags=cv2.INTER_LINEAR) for layer in layers]
    return np.stack(warped) if heatmap.ndim == 3 else warped[0]


def _image_heatmaps(sample: PoseDataSample, fields: PixelData) -> ndarray:
    maps = to_numpy(fields.heatmaps)
    return revert_heatmap(maps, sample.input_center, sample.input_scale, sample.ori_shape)
