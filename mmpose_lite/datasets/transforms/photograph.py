"""Changes that cameras, files and objects in front of a face make to a crop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy import ndarray

from mmpose_lite.errors import InputError
from mmpose_lite.registry import TRANSFORMS

from ..samplers import sample_rng
from .base import Transform

_FILTERS = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_AREA)


@TRANSFORMS.register_module()
class RandomPhotograph(Transform):
    """Make a crop look like one from a small, noisy, compressed or partly covered photograph.

    Each change is made with a probability of its own, in the order of the arguments. It comes
    behind ``TopdownAffine``; points stay where they are.

    Args:
        occlude_prob: Probability of an object of one colour or of noise in front of the face.
        occlude_size: Smallest and largest side of the object, shares of the crop's width.
        grey_prob: Probability of a black-and-white picture.
        resample_prob: Probability that the crop is shrunk and enlarged again, which blurs it.
        resample_scale: Smallest and largest factor of shrinking.
        noise_prob: Probability of sensor noise, of one or three colours.
        noise_levels: Largest standard deviation of the noise, levels of 256.
        jpeg_prob: Probability of JPEG compression.
        jpeg_quality: Lowest and highest quality.

    Raises:
        InputError: If a probability is not from 0 to 1, or a range is not one.
    """

    def __init__(
        self,
        occlude_prob: float = 0.4,
        occlude_size: Sequence[float] = (0.1, 0.5),
        grey_prob: float = 0.15,
        resample_prob: float = 0.5,
        resample_scale: Sequence[float] = (0.3, 1.0),
        noise_prob: float = 0.4,
        noise_levels: float = 12.0,
        jpeg_prob: float = 0.4,
        jpeg_quality: Sequence[int] = (25, 90),
    ) -> None:
        self.occlude_prob, self.occlude_size = occlude_prob, occlude_size
        self.grey_prob = grey_prob
        self.resample_prob, self.resample_scale = resample_prob, resample_scale
        self.noise_prob, self.noise_levels = noise_prob, noise_levels
        self.jpeg_prob, self.jpeg_quality = jpeg_prob, jpeg_quality
        for name in ('occlude', 'grey', 'resample', 'noise', 'jpeg'):
            value = getattr(self, f'{name}_prob')
            if not 0 <= value <= 1:
                raise InputError(f'RandomPhotograph: {name}_prob={value} is not a probability')
        limits = {'occlude_size': (0, 1), 'resample_scale': (0, 1), 'jpeg_quality': (0, 100)}
        for name, (low, high) in limits.items():
            pair = getattr(self, name)
            if len(pair) != 2 or not low < pair[0] <= pair[1] <= high:
                raise InputError(
                    f'RandomPhotograph: {name}={pair} is not a range above {low}, to {high} at most'
                )

    def transform(self, results: dict) -> dict:
        """Change ``img``, ``(H, W, 3)`` uint8 BGR."""
        rng = sample_rng(results)
        occluded, grey, resampled, noisy, packed = rng.random(5) < (
            self.occlude_prob,
            self.grey_prob,
            self.resample_prob,
            self.noise_prob,
            self.jpeg_prob,
        )
        image: Any = np.ascontiguousarray(results['img'])
        if occluded:
            low, high = self.occlude_size
            image = _occluded(image, rng, rng.uniform(low, high, 2))
        if grey:
            image = cv2.merge([cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)] * 3)
        if resampled:
            low, high = self.resample_scale
            image = _resampled(image, rng, rng.uniform(low, high))
        if noisy:
            image = _noisy(image, rng, rng.uniform(0, self.noise_levels))
        if packed:
            worst, best = self.jpeg_quality
            quality = int(rng.integers(worst, best, endpoint=True))
            _, data = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, quality])
            image = cv2.imdecode(data, cv2.IMREAD_COLOR)
        results['img'] = image
        return results


def _occluded(image: ndarray, rng: np.random.Generator, sides: ndarray) -> ndarray:
    """Cover an ellipse or a turned rectangle, softly, with a colour or with blurred noise."""
    height, width = image.shape[:2]
    center = tuple(rng.uniform(0, (width, height)).tolist())
    box = (center, tuple((sides * width).tolist()), float(rng.uniform(0, 180)))
    mask = np.zeros((height, width), np.uint8)
    if rng.random() < 0.5:
        cv2.ellipse(mask, box, 255, -1)
    else:
        cv2.fillPoly(mask, [np.round(cv2.boxPoints(box)).astype(np.int32)], 255)
    colour = rng.uniform(0, 255) + rng.normal(0, 30, 3)
    grain = rng.normal(0, rng.choice([3.0, 60.0]), (1 + height // 8, 1 + width // 8, 1))
    spots = cv2.resize(grain, (width, height), interpolation=cv2.INTER_CUBIC)
    cover = np.clip(colour + spots[..., None], 0, 255)
    share = cv2.GaussianBlur(mask, (0, 0), 0.8)[..., None] / 255.0
    return (image + (cover - image) * share).astype(np.uint8)


def _resampled(image: ndarray, rng: np.random.Generator, scale: float) -> ndarray:
    height, width = image.shape[:2]
    small = (max(8, round(width * scale)), max(8, round(height * scale)))
    down, up = (_FILTERS[int(k)] for k in (rng.integers(3), rng.integers(2)))
    return cv2.resize(
        cv2.resize(image, small, interpolation=down), (width, height), interpolation=up
    )


def _noisy(image: ndarray, rng: np.random.Generator, sigma: float) -> ndarray:
    channels = 3 if rng.random() < 0.5 else 1
    noise = rng.standard_normal((*image.shape[:2], channels), dtype=np.float32) * sigma
    return np.clip(image + noise, 0, 255).astype(np.uint8)
