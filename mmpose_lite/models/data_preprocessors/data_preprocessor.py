"""Stacking, colour order and normalisation, and cropping if the pipeline leaves it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.model import ImgDataPreprocessor
from mmengine.model.utils import stack_batch
from mmengine.structures import BaseDataElement
from torch import Tensor, nn

from mmpose_lite.registry import MODELS
from mmpose_lite.structures.pose_data_sample import make_element
from mmpose_lite.utils.tensor_utils import send

if TYPE_CHECKING:
    from .device_crops import ResidentCrops


@MODELS.register_module()
class PoseDataPreprocessor(ImgDataPreprocessor):
    """Move a batch to the device, reorder channels, normalise and pad it.

    A pipeline with ``TopdownAffine(warp=False)`` leaves faces uncropped; their samples carry the
    map ``warp_mat``, and they are cropped here, all at once. The pixels are those that the pipeline
    would have cropped, but for the rounding: see :func:`warp_crops`. Then their ``pixel_changes``
    are made, see :func:`~mmpose_lite.structures.pixel_changes.change_batch`.

    Args:
        mean: Mean of each channel, in the order after reordering, on the scale 0 to 255.
        std: Standard deviation of each channel, likewise.
        pad_size_divisor: Pad height and width to multiples of this.
        pad_value: The padding's value.
        bgr_to_rgb: Reorder BGR images to RGB.
        rgb_to_bgr: Reorder RGB images to BGR.
        non_blocking: Do not wait for copies to a CUDA device.
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
        non_blocking: bool | None = True,
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
        self.crops: ResidentCrops | None = None
        self.batch_augments = None
        if batch_augments is not None:
            self.batch_augments = nn.ModuleList(MODELS.build(cfg) for cfg in batch_augments)

    def hold_crops(self, pixels: Tensor, offsets: Tensor, shapes_hw: Tensor) -> None:
        """Keep a data set's crops on the device, for batches that are indices of them.

        They follow the module to other devices, and are no part of its state. For the arguments
        see :class:`ResidentCrops`.
        """
        from .device_crops import ResidentCrops

        self.crops = ResidentCrops(pixels, offsets, shapes_hw)
        self.crops.apply(lambda held: held.to(self.device))

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> PoseDataPreprocessor:
        super()._apply(fn, recurse)
        if self.crops is not None:
            self.crops.apply(fn)
        return self

    def forward(self, data: dict, training: bool = False) -> dict:
        """Prepare the ``inputs`` and ``data_samples`` of a batch, and in training augment them.

        Inputs are uint8 ``(3, H, W)``, a list or stacked, or windows or indices of crops, see
        :func:`warp_faces`. They become float32 ``(B, 3, H, W)``, channels last where they are views
        of ``(H, W, 3)``. Samples get the batch's size, ``batch_input_shape``, and their own padded
        one, ``pad_shape``, both (h, w).
        """
        images, samples, device = data['inputs'], data.get('data_samples'), self.device
        # Only CUDA keeps the source of a copy until it is over.
        overlaps = bool(self._non_blocking) and device.type == 'cuda'
        if is_uncropped(images, samples):
            images = self._crop(images, samples, overlaps)
        inputs = self._batch(images, overlaps)
        if samples:
            shape, step = tuple(inputs.shape[-2:]), self.pad_size_divisor
            padded = [tuple(-(-side // step) * step for side in each.shape[-2:]) for each in images]
            samples = [
                _sample_on(sample, device, overlaps, batch_input_shape=shape, pad_shape=own)
                for sample, own in zip(samples, padded, strict=True)
            ]
        if training and self.batch_augments is not None:
            for augment in self.batch_augments:
                inputs, samples = augment(inputs, samples)
        return {'inputs': inputs, 'data_samples': samples}

    def _crop(self, inputs: Any, samples: list[Any] | None, overlaps: bool) -> Tensor:
        """Crop the faces of windows, or of indices of crops, and change their pixels."""
        from mmpose_lite.structures.pixel_changes import change_batch

        from .device_crops import warp_faces

        images = warp_faces(inputs, samples, self.crops, self.device, overlaps)
        return change_batch(images, [each.get('pixel_changes', ()) for each in samples or ()])

    def _batch(self, images: Tensor | Sequence[Tensor], overlaps: bool) -> Tensor:
        if not isinstance(images, Tensor):
            if len({image.shape for image in images}) > 1:
                return self._batch_of_sizes(images, overlaps)
            by_pixel = [image.movedim(0, -1) for image in images]
            if all(image.is_contiguous() for image in by_pixel):  # stacked as they lie in memory
                images = torch.stack(by_pixel).movedim(-1, 1)
            else:
                images = torch.stack(list(images))
        if images.dim() != 4:
            raise TypeError(f'inputs must be (B, C, H, W) or a list, got {tuple(images.shape)}')
        moved = send(images, self.device) if overlaps else images.to(self.device)
        below, right = (-length % self.pad_size_divisor for length in moved.shape[-2:])
        batch = self._normalised(moved)
        if below or right:
            batch = F.pad(batch, (0, right, 0, below), value=self.pad_value)
        return batch

    def _batch_of_sizes(self, images: Sequence[Tensor], overlaps: bool) -> Tensor:
        sent = [image.to(self.device, non_blocking=overlaps) for image in images]
        normalised = [self._normalised(image[None])[0] for image in sent]
        return stack_batch(normalised, self.pad_size_divisor, self.pad_value)

    def _normalised(self, images: Tensor) -> Tensor:
        """Images ``(B, C, H, W)`` with their channels in order, on the scale of the network."""
        if self._channel_conversion:
            values = images[:, :3].flip(1).float()
        else:
            values = images.to(torch.float32, copy=True)
        if self._enable_normalize:
            if len(self.mean) not in (1, values.shape[1]):
                raise ValueError(f'{len(self.mean)} means for images of {values.shape[1]} channels')
            # Not one multiplication and addition: the last bits would differ from MMPose's.
            values.sub_(self.mean).div_(self.std)
        return values


def is_uncropped(inputs: Sequence, samples: Sequence[BaseDataElement] | None) -> bool:
    """Return True if a batch is windows with ``warp_mat`` in their samples, or indices of crops."""
    return any('warp_mat' in sample for sample in samples or ()) or np.ndim(inputs[0]) == 0


def _sample_on(
    sample: BaseDataElement, device: torch.device, non_blocking: bool, **metainfo: Any
) -> BaseDataElement:
    """Copy a sample to the device, with further metainfo; fields without tensors are shared."""
    # The element's own `to` would copy the metainfo deeply, which takes milliseconds a batch.
    known = {key: sample.get(key) for key in sample.metainfo_keys()}
    moved = make_element(type(sample), {}, known | metainfo)
    for name, value in sample.items():
        is_element = isinstance(value, BaseDataElement)
        on_host = is_element and all(isinstance(each, np.ndarray) for each in value.values())
        if not on_host and hasattr(value, 'to'):
            value = value.to(device, non_blocking=non_blocking)
        setattr(moved, name, value)
    return moved
