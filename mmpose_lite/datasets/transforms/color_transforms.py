"""Random changes of colours."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy import ndarray

from mmpose_lite.registry import TRANSFORMS

from ..crop_cache import CropExtent
from ..samplers import sample_rng
from .base import Transform

_LEVELS = np.arange(256)


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
        """Change ``img``, ``(H, W, 3)`` uint8 BGR.

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

        image = results['img']
        if bright:
            image = _scale(image, beta=delta)
        if contrast and contrast_first:
            image = _scale(image, alpha=gain)
        if saturate or turn:
            image = _change_hsv(image, saturation if saturate else 1.0, hue if turn else 0)
        if contrast and not contrast_first:
            image = _scale(image, alpha=gain)
        results['img'] = image[..., order] if swap else image
        return results


def _scale(image: ndarray, alpha: float = 1.0, beta: float = 0.0) -> ndarray:
    return np.clip(image.astype(np.float32) * alpha + beta, 0, 255).astype(np.uint8)


def _change_hsv(image: ndarray, saturation: float, hue: int) -> ndarray:
    hsv = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_BGR2HSV)
    hsv[..., 1] = _scale(hsv[..., 1], alpha=saturation)
    hsv[..., 0] = (hsv[..., 0].astype(int) + hue) % 180
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)


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

    def __init__(
        self, hue_delta: int = 5, saturation_delta: int = 30, value_delta: int = 30
    ) -> None:
        self.hue_delta = hue_delta
        self.saturation_delta = saturation_delta
        self.value_delta = value_delta

    def extend_crop(self, extent: CropExtent) -> CropExtent:
        return extent  # a pixel depends on no other

    def transform(self, results: dict) -> dict:
        """Change ``img``, ``(H, W, 3)`` uint8 BGR.

        Raises:
            KeyError: If there is no ``img``.
        """
        if 'img' not in results:
            raise KeyError("YOLOXHSVRandomAug needs 'img'")
        rng = sample_rng(results)
        deltas = (self.hue_delta, self.saturation_delta, self.value_delta)
        gains = rng.uniform(-1, 1, 3) * deltas * rng.integers(0, 2, 3)
        results['img'] = _shift_hsv(results['img'], *gains.astype(int).tolist())
        return results


def _shift_hsv(image: ndarray, hue: int, saturation: int, value: int) -> ndarray:
    """Shift an image's hue, modulo 180, and its saturation and value, clipped to 0 and 255."""
    hsv = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_BGR2HSV)
    table = np.stack(
        [
            (_LEVELS + hue) % 180,
            np.clip(_LEVELS + saturation, 0, 255),
            np.clip(_LEVELS + value, 0, 255),
        ],
        axis=-1,
    )
    return cv2.cvtColor(cv2.LUT(hsv, table.astype(np.uint8)[:, None]), cv2.COLOR_HSV2BGR)
