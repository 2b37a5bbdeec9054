"""Top-down models: one crop, one face."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from mmengine.structures import InstanceData, PixelData
from torch import Tensor

from mmpose_lite.registry import MODELS
from mmpose_lite.structures import PoseDataSample

from .base import BasePoseEstimator

# One pass over images and mirrors takes fewer and larger kernels. From this number of images on it
# is no faster on a CPU, and two passes need half the memory.
_FULL_PASS = 16


@MODELS.register_module()
class TopdownPoseEstimator(BasePoseEstimator):
    """Predicts the points of a crop and maps them back to its photograph.

    Arguments are those of :class:`BasePoseEstimator`. ``train_cfg`` knows ``compute_acc``;
    ``test_cfg`` knows ``flip_test``, ``flip_mode``, ``shift_heatmap``, ``output_heatmaps`` and
    ``output_keypoint_indices``.
    """

    def predict(self, inputs: Tensor, data_samples: list[PoseDataSample]) -> list[PoseDataSample]:
        """Predict a batch; the samples come back with ``pred_instances`` in image pixels.

        Raises:
            RuntimeError: If the model has no head.
        """
        if not self.with_head:
            raise RuntimeError('a model without a head cannot predict')
        extract_feat = self._for_evaluation(inputs).extract_feat
        if self.test_cfg.get('flip_test', False):
            feats: Any = _extract_both(extract_feat, inputs)
        else:
            feats = extract_feat(inputs)
        predictions = self.head.predict(feats, data_samples, test_cfg=self.test_cfg)
        fields = None
        if isinstance(predictions, tuple):
            predictions, fields = predictions
        return self.add_pred_to_datasample(predictions, fields, data_samples)

    def add_pred_to_datasample(
        self,
        batch_pred_instances: Sequence[InstanceData],
        batch_pred_fields: Sequence[PixelData] | None,
        batch_data_samples: list[PoseDataSample],
    ) -> list[PoseDataSample]:
        """Map predictions from input to image pixels and attach them to their samples.

        Args:
            batch_pred_instances: Points in pixels of the network's input, one item per sample.
            batch_pred_fields: Predicted maps, one item per sample, or None.
            batch_data_samples: The samples; their metainfo has ``input_size``, ``input_center``
                and ``input_scale``.
        """
        fields = batch_pred_fields or [None] * len(batch_data_samples)
        kept = self.test_cfg.get('output_keypoint_indices', None)
        for prediction, maps, sample in zip(
            batch_pred_instances, fields, batch_data_samples, strict=True
        ):
            corner = sample.input_center - 0.5 * sample.input_scale
            points = prediction.keypoints[..., :2] / sample.input_size
            if self.label_map is not None:
                points = self.label_map.apply(points).astype(points.dtype)
            points = points * sample.input_scale
            prediction.keypoints[..., :2] = points + corner
            if 'keypoints_visible' not in prediction:
                prediction.keypoints_visible = prediction.keypoint_scores
            if kept is not None:
                for name, value in prediction.all_items():
                    if name.startswith('keypoint'):
                        prediction.set_field(value[:, kept], name)
            prediction.bboxes = sample.gt_instances.bboxes
            prediction.bbox_scores = sample.gt_instances.bbox_scores
            sample.pred_instances = prediction
            if maps is not None:
                if kept is not None:
                    by_point = maps.heatmaps.unflatten(0, (points.shape[1], -1))
                    maps.set_field(by_point[kept].flatten(0, 1), 'heatmaps')
                sample.pred_fields = maps
        return batch_data_samples


def _extract_both(extract_feat: Callable[[Tensor], Any], inputs: Tensor) -> list:
    """Feature maps of the images and of their mirrors."""
    count = len(inputs)
    if inputs.device.type == 'cpu' and count >= _FULL_PASS:
        return [extract_feat(inputs), extract_feat(inputs.flip(-1))]
    both = extract_feat(torch.cat([inputs, inputs.flip(-1)]))
    return [[maps[:count] for maps in both], [maps[count:] for maps in both]]
