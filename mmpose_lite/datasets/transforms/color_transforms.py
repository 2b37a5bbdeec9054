"""Random changes of colours."""

from __future__ import annotations

from collections.abc import Sequence

from mmpose_lite.registry import TRANSFORMS
from mmpose_lite.structures.pixel_changes import ChannelOrder, HsvChange, LevelChange

from ..crop_cache import CropExtent
from ..samplers import sample_rng
from .base import Transform, change_pixels


@TRANSFORMS.register_module()
class PhotometricDistortion(Transform):
    """Change brightness, contrast, saturation, hue and channel order, each with probability 0.5.

    Contrast comes before or after saturation and hue, with equal probability.

    Args:
        brightness_delta: Largest change of brightness, levels of 256.
        contrast_range: Smallest and largest factor on the contrast.
        saturation_range: Smallest and largest factor on the saturation.
        hue_delta: Largest turn of the hue, in OpenCV's half degrees.
    """

    can_wait = True

    def __init__(
        self,
        brightness_delta: int = 32,
        contrast_range: Sequence[float] = (0.5, 1.5),
        saturation_range: Sequence[float] = (0.5, 1.5),
        hue_delta: int = 18,
    ) -> None:
        self.brightness_delta = brightness_delta
        self.contrast_lower, self.contrast_upper = self.contrast_range = contrast_range
        self.saturation_lower, self.saturation_upper = self.saturation_range = saturation_range
        self.hue_delta = hue_delta

    def extend_crop(self, extent: CropExtent) -> CropExtent:
        return extent  # a pixel depends on no other

    def transform(self, results: dict) -> dict:
        """Change ``img``, ``(H, W, 3)`` uint8 BGR, or leave it to the device.

        Raises:
            KeyError: If there is no ``img``.
        """
        if 'img' not in results:
            raise KeyError("PhotometricDistortion needs 'img'")
        rng = sample_rng(results)
        bright, contrast, contrast_first, saturate, turn, swap = rng.random(6) < 0.5
        delta = rng.uniform(-self.brightness_delta, self.brightness_delta)
        gain = rng.uniform(self.contrast_lower, self.contrast_upper)
        saturation = rng.uniform(self.saturation_lower, self.saturation_upper)
        hue = int(rng.integers(-self.hue_delta, self.hue_delta, endpoint=True))
        order = rng.permutation(3)

        turned = HsvChange(hue=hue if turn else 0, saturation_gain=saturation if saturate else 1.0)
        for change, is_drawn in (
            (LevelChange(shift=delta), bright),
            (LevelChange(gain), contrast and contrast_first),
            (turned, saturate or turn),
            (LevelChange(gain), contrast and not contrast_first),
            (ChannelOrder(tuple(order.tolist())), swap),
        ):
            change_pixels(results, change if is_drawn else None)
        return results


@TRANSFORMS.register_module()
class YOLOXHSVRandomAug(Transform):
    """Shift hue, saturation and value, each with probability 0.5.

    A shift is uniform up to its delta and truncated to an integer, as in mmdet;
    ``mmdet.YOLOXHSVRandomAug`` is this transform, too. The image goes to HSV and back even if all
    shifts are 0.

    Args:
        hue_delta: Largest turn of the hue, in OpenCV's half degrees.
        saturation_delta: Largest change of saturation, levels of 256.
        value_delta: Largest change of value, levels of 256.
    """

    can_wait = True

    def __init__(
        self, hue_delta: int = 5, saturation_delta: int = 30, value_delta: int = 30
    ) -> None:
        self.hue_delta = hue_delta
        self.saturation_delta = saturation_delta
        self.value_delta = value_delta

    def extend_crop(self, extent: CropExtent) -> CropExtent:
        return extent  # a pixel depends on no other

    def transform(self, results: dict) -> dict:
        """Change ``img``, ``(H, W, 3)`` uint8 BGR, or leave it to the device.

        Raises:
            KeyError: If there is no ``img``.
        """
        if 'img' not in results:
            raise KeyError("YOLOXHSVRandomAug needs 'img'")
        rng = sample_rng(results)
        deltas = (self.hue_delta, self.saturation_delta, self.value_delta)
        gains = rng.uniform(-1, 1, 3) * deltas * rng.integers(0, 2, 3)
        return change_pixels(results, HsvChange(*gains.astype(int).tolist()))
