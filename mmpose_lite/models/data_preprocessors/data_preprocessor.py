"""Stacking, colour order and normalisation."""

from __future__ import annotations

from collections.abc import Sequence

from mmengine.model import ImgDataPreprocessor
from torch import nn

from mmpose_lite.registry import MODELS


@MODELS.register_module()
class PoseDataPreprocessor(ImgDataPreprocessor):
    """Moves a batch to the device, reorders channels, normalises and pads it.

    Args:
        mean: Mean of each channel, in the order after reordering, on the scale 0 to 255.
        std: Standard deviation of each channel, likewise.
        pad_size_divisor: Pad height and width to multiples of this.
        pad_value: The padding's value.
        bgr_to_rgb: Reorder BGR images to RGB.
        rgb_to_bgr: Reorder RGB images to BGR.
        non_blocking: Do not wait for the copy to the device.
        batch_augments: Configs of augmentations of whole batches, in training.
    """

    def __init__(
        self,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        pad_size_divisor: int = 1,
        pad_value: float = 0,
        bgr_to_rgb: bool = False,
        rgb_to_bgr: bool = False,
        non_blocking: bool | None = False,
        batch_augments: Sequence[dict] | None = None,
    ) -> None:
        super().__init__(
            mean=mean,
            std=std,
            pad_size_divisor=pad_size_divisor,
            pad_value=pad_value,
            bgr_to_rgb=bgr_to_rgb,
            rgb_to_bgr=rgb_to_bgr,
            non_blocking=non_blocking,
        )
        self.batch_augments = None
        if batch_augments is not None:
            self.batch_augments = nn.ModuleList(MODELS.build(cfg) for cfg in batch_augments)

    def forward(self, data: dict, training: bool = False) -> dict:
        """Prepare a batch.

        Args:
            data: ``inputs``: uint8 tensors ``(3, H, W)``, a list or stacked; ``data_samples``.
            training: Whether augmentations of batches apply.

        Returns:
            ``inputs``: float32 ``(B, 3, H, W)``; ``data_samples``, which learn the batch's size
            (``batch_input_shape``) and their own padded size (``pad_shape``), both (h, w).
        """
        shapes = [tuple(image.shape[-2:]) for image in data['inputs']]
        batch = super().forward(data, training)
        inputs, data_samples = batch['inputs'], batch['data_samples']
        padded = tuple(inputs.shape[-2:])
        for sample, shape in zip(data_samples or (), shapes, strict=False):
            sample.set_metainfo({'batch_input_shape': padded, 'pad_shape': self._padded(shape)})
        if training and self.batch_augments is not None:
            for augment in self.batch_augments:
                inputs, data_samples = augment(inputs, data_samples)
        return {'inputs': inputs, 'data_samples': data_samples}

    def _padded(self, shape_hw: tuple[int, ...]) -> tuple[int, ...]:
        divisor = self.pad_size_divisor
        return tuple(-(-length // divisor) * divisor for length in shape_hw)
