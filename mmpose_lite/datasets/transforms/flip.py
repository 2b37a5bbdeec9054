"""Mirroring."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

import numpy as np
from mmcv.transforms import BaseTransform

from mmpose_lite.registry import TRANSFORMS
from mmpose_lite.structures.bbox import flip_bbox
from mmpose_lite.structures.flip import DIRECTIONS
from mmpose_lite.structures.keypoint import flip_keypoints

from ..randomness import sample_rng
from .extent import CropExtent


@TRANSFORMS.register_module()
class RandomFlip(BaseTransform):
    """Mirrors the image with its boxes and points; left and right points change their names.

    The image becomes a mirrored view of its memory: no pixel is moved before the crop.

    Args:
        prob: Probability of mirroring, or one for each direction.
        direction: ``'horizontal'``, ``'vertical'`` or ``'diagonal'``, or several of them; one
            probability is shared out evenly.

    Raises:
        ValueError: If probabilities or directions are wrong or do not fit each other.
    """

    def __init__(
        self,
        prob: float | Sequence[float] = 0.5,
        direction: str | Sequence[str] = 'horizontal',
    ) -> None:
        directions = [direction] if isinstance(direction, str) else list(direction)
        if not isinstance(prob, float | int | Sequence) or isinstance(prob, str):
            raise ValueError(f'prob must be a number or a list of them, got {prob!r}')
        shares = [float(p) for p in prob] if isinstance(prob, Sequence) else [float(prob)]
        if min(shares) < 0 or sum(shares) > 1:
            raise ValueError(f'prob={prob} must lie between 0 and 1, and so must its sum')
        unknown = set(directions) - set(DIRECTIONS)
        if unknown:
            raise ValueError(f'direction={direction}: {unknown} are not of {list(DIRECTIONS)}')
        if isinstance(prob, Sequence) and len(shares) != len(directions):
            raise ValueError(f'prob={prob} and direction={direction} differ in length')
        self.prob = prob
        self.direction = direction
        self._directions = directions
        if not isinstance(prob, Sequence):
            shares = [shares[0] / len(directions)] * len(directions)
        self._bounds = list(accumulate(shares))

    keeps_pixels = True
    goes_batchwise = True

    def extend_crop(self, extent: CropExtent) -> CropExtent:
        """Add nothing: mirrored crops are of the same pixels."""
        return extent

    def draw(self, rng: np.random.Generator) -> str | None:
        """Draw a direction, or None for no mirroring."""
        index = bisect_right(self._bounds, rng.random())
        return self._directions[index] if index < len(self._directions) else None

    def transform(self, results: dict) -> dict:
        """Mirror what there is; write ``flip`` and ``flip_direction``."""
        direction = self.draw(sample_rng(results))
        results['flip'] = direction is not None
        results['flip_direction'] = direction
        if direction is None:
            return results
        # Axes of an array count (y, x), those of points (x, y).
        axes = tuple(1 - axis for axis in DIRECTIONS[direction])
        size_wh = results['input_size'] if 'input_size' in results else results['img_shape'][::-1]
        for key in ('img', 'img_mask'):
            if isinstance(results.get(key), list):
                results[key] = [np.flip(each, axes) for each in results[key]]
            elif key in results:
                results[key] = np.flip(results[key], axes)
        if 'img_window' in results:
            results['img_window'] = results['img_window'].mirrored(size_wh, direction)
        for key, form in (('bbox', 'xyxy'), ('bbox_center', 'center')):
            if results.get(key) is not None:
                results[key] = flip_bbox(results[key], size_wh, form, direction)
        if results.get('keypoints') is not None:
            results['keypoints'], results['keypoints_visible'] = flip_keypoints(
                results['keypoints'],
                results.get('keypoints_visible'),
                image_size=size_wh,
                flip_indices=results['flip_indices'],
                direction=direction,
            )
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(prob={self.prob}, direction={self.direction})'
