"""Boxes: where the crop is, and how it is varied."""

from __future__ import annotations

from functools import lru_cache
from statistics import NormalDist

import numpy as np
from mmcv.transforms import BaseTransform
from numpy import ndarray

from mmpose_lite.registry import TRANSFORMS
from mmpose_lite.structures.bbox import bbox_xyxy2cs

from ..randomness import sample_rng
from .extent import CropExtent

_NORMAL = NormalDist()
# Shift in x and y, scale and rotation of a box that stays as it is.
_UNCHANGED = np.array((0.0, 0.0, 1.0, 0.0), dtype=np.float32)


def truncated_normal(rng: np.random.Generator, low: float, high: float, size: tuple) -> ndarray:
    """Draw from the standard normal distribution between two bounds, by its inverse.

    One uniform number is drawn for each result, whatever its value.
    """
    uniform = rng.uniform(_NORMAL.cdf(low), _NORMAL.cdf(high), size)
    drawn = np.array([_NORMAL.inv_cdf(value) for value in uniform.flat], dtype=np.float32)
    return drawn.reshape(size)


@lru_cache
def _amounts(shift: float, smallest: float, largest: float, rotation: float) -> ndarray:
    """What random numbers are multiplied by, and what is added, for x, y, scale and rotation."""
    factors = (shift, shift, 0.5 * (largest - smallest), rotation)
    offsets = (0.0, 0.0, 0.5 * (largest + smallest), 0.0)
    return np.array([factors, offsets], dtype=np.float32)


@TRANSFORMS.register_module()
class GetBBoxCenterScale(BaseTransform):
    """Writes ``bbox_center`` (N, 2) and ``bbox_scale`` (N, 2), width and height, image pixels.

    Where the data set brings both they are kept, and the scale is padded all the same.

    Args:
        padding: The factor by which the crop exceeds the box.
    """

    def __init__(self, padding: float = 1.25) -> None:
        self.padding = padding

    keeps_pixels = True
    goes_batchwise = True

    def extend_crop(self, extent: CropExtent) -> CropExtent:
        """Add the padding to what is read about a box."""
        return extent.padded(self.padding)

    def transform(self, results: dict) -> dict:
        """Make centre and scale of ``bbox``."""
        if 'bbox_center' in results and 'bbox_scale' in results:
            results['bbox_scale'] = results['bbox_scale'] * self.padding
        else:
            center, scale = bbox_xyxy2cs(results['bbox'], padding=self.padding)
            results['bbox_center'], results['bbox_scale'] = center, scale
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(padding={self.padding})'


@TRANSFORMS.register_module()
class RandomBBoxTransform(BaseTransform):
    """Shifts, scales and turns the crop.

    The amounts are normally distributed, truncated to [-1, 1], times the factors.

    Args:
        shift_factor: Largest shift, as a share of the crop's width and height.
        shift_prob: Probability of a shift.
        scale_factor: Smallest and largest factor on the scale.
        scale_prob: Probability of scaling.
        rotate_factor: Largest rotation in degrees.
        rotate_prob: Probability of a rotation.
    """

    def __init__(
        self,
        shift_factor: float = 0.16,
        shift_prob: float = 0.3,
        scale_factor: tuple[float, float] = (0.5, 1.5),
        scale_prob: float = 1.0,
        rotate_factor: float = 80.0,
        rotate_prob: float = 0.6,
    ) -> None:
        self.shift_factor = shift_factor
        self.shift_prob = shift_prob
        self.scale_factor = scale_factor
        self.scale_prob = scale_prob
        self.rotate_factor = rotate_factor
        self.rotate_prob = rotate_prob

    keeps_pixels = True
    goes_batchwise = True

    def extend_crop(self, extent: CropExtent) -> CropExtent:
        """Add the largest shift, scale and rotation to what is read about a box."""
        factors = [*self.scale_factor] if self.scale_prob > 0 else []
        if self.scale_prob < 1:
            factors.append(1.0)
        return extent.varied(
            shift=self.shift_factor if self.shift_prob > 0 else 0.0,
            scale=(min(factors), max(factors)),
            rotation=self.rotate_factor if self.rotate_prob > 0 else 0.0,
        )

    def draw(self, rng: np.random.Generator, count: int) -> tuple[ndarray, ndarray, ndarray]:
        """Draw for ``count`` boxes.

        Returns:
            Shift ``(N, 2)`` in shares of the crop, scale ``(N, 1)`` as a factor and rotation
            ``(N,)`` in degrees.
        """
        amounts = truncated_normal(rng, -1.0, 1.0, (count, 4))
        chances = rng.random((count, 3))[:, [0, 0, 1, 2]]
        factors, offsets = _amounts(self.shift_factor, *self.scale_factor, self.rotate_factor)
        probs = (self.shift_prob, self.shift_prob, self.scale_prob, self.rotate_prob)
        drawn = np.where(chances < probs, amounts * factors + offsets, _UNCHANGED)
        return drawn[:, :2], drawn[:, 2:3], drawn[:, 3]

    def transform(self, results: dict) -> dict:
        """Vary ``bbox_center`` and ``bbox_scale``; write ``bbox_rotation`` (N,) in degrees."""
        scale = results['bbox_scale']
        shift, factor, rotation = self.draw(sample_rng(results), len(scale))
        center = results['bbox_center'] + shift * scale
        results['bbox_center'] = center.astype(np.float32, copy=False)
        results['bbox_scale'] = (scale * factor).astype(np.float32, copy=False)
        results['bbox_rotation'] = rotation
        return results

    def __repr__(self) -> str:
        names = ('shift_prob', 'shift_factor', 'scale_prob', 'scale_factor', 'rotate_prob')
        values = ', '.join(f'{name}={getattr(self, name)}' for name in (*names, 'rotate_factor'))
        return f'{type(self).__name__}({values})'


@TRANSFORMS.register_module()
class RandomHalfBody(BaseTransform):
    """Crops to the upper or the lower points (those of type ``upper`` and ``lower``).

    The crop is centred on the mean of the points.

    Args:
        min_total_keypoints: Fewer visible points: no crop.
        min_upper_keypoints: Fewer visible upper points: not the upper half.
        min_lower_keypoints: Fewer visible lower points: not the lower half.
        padding: The factor by which the crop exceeds the box about the points.
        prob: Probability of a crop.
        upper_prioritized_prob: Probability of the upper half, where both can be had.
    """

    goes_batchwise = True

    def __init__(
        self,
        min_total_keypoints: int = 9,
        min_upper_keypoints: int = 2,
        min_lower_keypoints: int = 3,
        padding: float = 1.5,
        prob: float = 0.3,
        upper_prioritized_prob: float = 0.7,
    ) -> None:
        self.min_total_keypoints = min_total_keypoints
        self.min_upper_keypoints = min_upper_keypoints
        self.min_lower_keypoints = min_lower_keypoints
        self.padding = padding
        self.prob = prob
        self.upper_prioritized_prob = upper_prioritized_prob

    def _choose(
        self, rng: np.random.Generator, visible: ndarray, upper: list[int], lower: list[int]
    ) -> list[int] | None:
        """The visible points of the half to crop to, or None; always draws two numbers."""
        wanted, prefers_upper = rng.random() < self.prob, rng.random() < self.upper_prioritized_prob
        if visible.sum() < self.min_total_keypoints or not wanted:
            return None
        halves = [
            [i for i in upper if visible[i]] if prefers_upper else [i for i in lower if visible[i]],
            [i for i in lower if visible[i]] if prefers_upper else [i for i in upper if visible[i]],
        ]
        least = [self.min_upper_keypoints, self.min_lower_keypoints]
        if not prefers_upper:
            least.reverse()
        for half, enough in zip(halves, least, strict=True):
            if len(half) >= enough:
                return half
        return None

    def transform(self, results: dict) -> dict:
        """Where a half is chosen, write its ``bbox_center`` and ``bbox_scale``."""
        rng = sample_rng(results)
        chosen = [
            self._choose(rng, visible > 0, results['upper_body_ids'], results['lower_body_ids'])
            for visible in results['keypoints_visible']
        ]
        for i, ids in enumerate(chosen):
            if not ids:
                continue
            points = results['keypoints'][i][ids]
            bbox_xyxy = np.concatenate([points.min(axis=0), points.max(axis=0)])
            if (bbox_xyxy[2:] <= bbox_xyxy[:2]).any():
                continue
            for key in ('bbox_center', 'bbox_scale'):
                results[key] = results[key].copy()
            results['bbox_center'][i] = points.mean(axis=0)
            results['bbox_scale'][i] = (bbox_xyxy[2:] - bbox_xyxy[:2]) * self.padding
        return results

    def __repr__(self) -> str:
        limits = ('min_total_keypoints', 'min_upper_keypoints', 'min_lower_keypoints')
        names = (*limits, 'padding', 'prob', 'upper_prioritized_prob')
        values = ', '.join(f'{name}={getattr(self, name)}' for name in names)
        return f'{type(self).__name__}({values})'
