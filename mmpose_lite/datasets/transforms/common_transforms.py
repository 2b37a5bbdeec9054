"""Transforms on either side of the crop: boxes, mirroring, random boxes, and targets."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
from mmengine.config import ConfigDict
from numpy import ndarray

from mmpose_lite.codecs import BaseKeypointCodec
from mmpose_lite.registry import KEYPOINT_CODECS, TRANSFORMS
from mmpose_lite.structures.bbox import DIRECTIONS, bbox_xyxy2cs, flip_bbox
from mmpose_lite.structures.keypoint import flip_keypoints
from mmpose_lite.utils.lazy import lazy_names

from ..crop_cache import CropExtent
from ..samplers import sample_rng
from .base import Transform

if TYPE_CHECKING:
    from .albumentation import Albumentation as Albumentation
    from .color_transforms import PhotometricDistortion as PhotometricDistortion
    from .color_transforms import YOLOXHSVRandomAug as YOLOXHSVRandomAug

# With those that MMPose has in this module, too.
__all__ = [
    'Albumentation',
    'GenerateTarget',
    'GetBBoxCenterScale',
    'PhotometricDistortion',
    'RandomBBoxTransform',
    'RandomFlip',
    'RandomHalfBody',
    'YOLOXHSVRandomAug',
]

__getattr__, __dir__ = lazy_names(__name__)

_NORMAL = NormalDist()
# Shift in x and y, scale and rotation of a box that stays as it is.
_UNCHANGED = np.array((0.0, 0.0, 1.0, 0.0), dtype=np.float32)
_TABLES = ('field_mapping_table', 'instance_mapping_table', 'label_mapping_table')


@lru_cache
def _amounts(shift: float, smallest: float, largest: float, rotation: float) -> ndarray:
    """Factors and offsets, ``(2, 4)``, of the random numbers for x, y, scale and rotation."""
    factors = (shift, shift, 0.5 * (largest - smallest), rotation)
    offsets = (0.0, 0.0, 0.5 * (largest + smallest), 0.0)
    return np.array([factors, offsets], dtype=np.float32)


@TRANSFORMS.register_module()
class GetBBoxCenterScale(Transform):
    """Write ``bbox_center`` (N, 2) and ``bbox_scale`` (N, 2), width and height, image pixels.

    If the data set brings both, they are kept, but the scale is padded all the same.

    Args:
        padding: The factor by which the crop exceeds the box.
    """

    leaves_pixels_alone = True

    def __init__(self, padding: float = 1.25) -> None:
        self.padding = padding

    def extend_crop(self, extent: CropExtent) -> CropExtent:
        return extent.padded(self.padding)

    def transform(self, results: dict) -> dict:
        """Write centre and scale of ``bbox``."""
        if 'bbox_center' in results and 'bbox_scale' in results:
            results['bbox_scale'] = results['bbox_scale'] * self.padding
        else:
            center, scale = bbox_xyxy2cs(results['bbox'], padding=self.padding)
            results['bbox_center'], results['bbox_scale'] = center, scale
        return results


@TRANSFORMS.register_module()
class RandomBBoxTransform(Transform):
    """Shift, scale and rotate the crop at random.

    The amounts are normally distributed, truncated to [-1, 1], times the factors.

    Args:
        shift_factor: Largest shift, as a share of the crop's width and height.
        shift_prob: Probability of a shift.
        scale_factor: Smallest and largest factor on the scale.
        scale_prob: Probability of scaling.
        rotate_factor: Largest rotation in degrees.
        rotate_prob: Probability of a rotation.
    """

    leaves_pixels_alone = True

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

    def extend_crop(self, extent: CropExtent) -> CropExtent:
        factors = [*self.scale_factor] if self.scale_prob > 0 else []
        if self.scale_prob < 1:
            factors.append(1.0)
        return extent.varied(
            shift=self.shift_factor if self.shift_prob > 0 else 0.0,
            scale=(min(factors), max(factors)),
            rotation=self.rotate_factor if self.rotate_prob > 0 else 0.0,
        )

    def draw(self, rng: np.random.Generator, count: int) -> tuple[ndarray, ndarray, ndarray]:
        """Draw shifts ``(N, 2)`` in shares of the crop, scales ``(N, 1)``, and degrees ``(N,)``."""
        # By the inverse: each amount takes one uniform number, whatever its value.
        uniform = rng.uniform(_NORMAL.cdf(-1.0), _NORMAL.cdf(1.0), (count, 4))
        normal = [_NORMAL.inv_cdf(value) for value in uniform.flat]
        amounts = np.array(normal, dtype=np.float32).reshape(count, 4)
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


@TRANSFORMS.register_module()
class RandomHalfBody(Transform):
    """Crop to the upper or the lower points (those of type ``upper`` and ``lower``).

    The crop is centred on the mean of the points.

    Args:
        min_total_keypoints: Fewer visible points: no crop.
        min_upper_keypoints: Fewer visible upper points: not the upper half.
        min_lower_keypoints: Fewer visible lower points: not the lower half.
        padding: The factor by which the crop exceeds the box about the points.
        prob: Probability of a crop.
        upper_prioritized_prob: Probability of the upper half, where both can be had.
    """

    leaves_pixels_alone = True

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
        """Choose the half to crop to by its visible points, or None; always draw two numbers."""
        wanted, prefers_upper = rng.random() < self.prob, rng.random() < self.upper_prioritized_prob
        if visible.sum() < self.min_total_keypoints or not wanted:
            return None
        halves = [(upper, self.min_upper_keypoints), (lower, self.min_lower_keypoints)]
        for half, enough in halves if prefers_upper else reversed(halves):
            seen = [i for i in half if visible[i]]
            if len(seen) >= enough:
                return seen
        return None

    def transform(self, results: dict) -> dict:
        """Write ``bbox_center`` and ``bbox_scale`` of the chosen half, if any."""
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


@TRANSFORMS.register_module()
class RandomFlip(Transform):
    """Mirror the image with its boxes and points; left and right points swap names.

    The image becomes a mirrored view: no pixel is moved before the crop.

    Args:
        prob: Probability of mirroring, or one for each direction.
        direction: ``'horizontal'``, ``'vertical'`` or ``'diagonal'``, or several of them; one
            probability is shared out evenly.

    Raises:
        ValueError: If probabilities or directions are wrong or do not fit each other.
    """

    leaves_pixels_alone = True

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

    def extend_crop(self, extent: CropExtent) -> CropExtent:
        return extent  # mirrored crops are of the same pixels

    def draw(self, rng: np.random.Generator) -> str | None:
        """Draw a direction, or None for no mirroring."""
        index = bisect_right(self._bounds, rng.random())
        return self._directions[index] if index < len(self._directions) else None

    def transform(self, results: dict) -> dict:
        """Mirror all that is present; write ``flip`` and ``flip_direction``."""
        direction = self.draw(sample_rng(results))
        results.update(flip=direction is not None, flip_direction=direction)
        if direction is None:
            return results
        # Axes of an array count (y, x), those of points (x, y).
        axes = tuple(1 - axis for axis in DIRECTIONS[direction])
        size_wh = results['input_size'] if 'input_size' in results else results['img_shape'][::-1]
        if 'img' in results:
            results['img'] = np.flip(results['img'], axes)
        if 'img_window' in results:
            results['img_window'] = results['img_window'].mirrored(size_wh, direction)
        for key, form in (('bbox', 'xyxy'), ('bbox_center', 'center')):
            if results.get(key) is not None:
                results[key] = flip_bbox(results[key], size_wh, form, direction)
        if results.get('keypoints') is not None:
            points, visible = results['keypoints'], results.get('keypoints_visible')
            results['keypoints'], results['keypoints_visible'] = flip_keypoints(
                points, visible, size_wh, results['flip_indices'], direction
            )
        return results


@TRANSFORMS.register_module()
class GenerateTarget(Transform):
    """Encode the points with one codec or several, and write the targets.

    Args:
        encoder: Config of a codec, or several.
        target_type: MMPose's old argument; it has no effect.
        multilevel: The codecs make the same targets in several resolutions, which are written as
            lists. Else each codec makes targets of its own names.
        use_dataset_keypoint_weights: Multiply the weights by the metainfo's ``joint_weights``.

    Raises:
        ValueError: If ``multilevel`` is set for one codec.
    """

    def __init__(
        self,
        encoder: dict | Sequence[dict],
        target_type: str | None = None,
        multilevel: bool = False,
        use_dataset_keypoint_weights: bool = False,
    ) -> None:
        configs = list(encoder) if isinstance(encoder, (list, tuple)) else [encoder]
        if multilevel and not isinstance(encoder, (list, tuple)):
            raise ValueError('multilevel=True needs a list of encoders')
        self.encoder_cfg = encoder
        self.target_type = target_type
        self.multilevel = multilevel
        self.use_dataset_keypoint_weights = use_dataset_keypoint_weights
        self._encoders: list[BaseKeypointCodec] = [
            KEYPOINT_CODECS.build(ConfigDict(config)) for config in configs
        ]
        self.encoder = self._encoders if isinstance(encoder, (list, tuple)) else self._encoders[0]

    def transform(self, results: dict) -> dict:
        """Encode ``transformed_keypoints``, or else ``keypoints``.

        Raises:
            ValueError: If there are no points, or the codecs' names do not fit ``multilevel``.
        """
        keypoints = results.get('transformed_keypoints', results.get('keypoints'))
        if keypoints is None:
            raise ValueError("GenerateTarget needs 'transformed_keypoints' or 'keypoints'")
        encoded = []
        for codec in self._encoders:
            extra = {key: results[key] for key in codec.auxiliary_encode_keys}
            targets = codec.encode(
                keypoints=keypoints, keypoints_visible=results['keypoints_visible'], **extra
            )
            if self.use_dataset_keypoint_weights:
                targets['keypoint_weights'] = (
                    targets['keypoint_weights'] * results['dataset_keypoint_weights']
                )
            encoded.append(targets)
        results.update(_join_levels(encoded) if self.multilevel else _join_names(encoded))
        for table in _TABLES:
            merged = {k: v for codec in self._encoders for k, v in getattr(codec, table).items()}
            if merged:
                results[table] = merged
        return results

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(encoder={self.encoder_cfg!s}, '
            f'use_dataset_keypoint_weights={self.use_dataset_keypoint_weights})'
        )


def _join_levels(encoded: list[dict]) -> dict:
    if any(targets.keys() != encoded[0].keys() for targets in encoded):
        raise ValueError('with multilevel=True all encoders must have the same keys')
    return {key: [targets[key] for targets in encoded] for key in encoded[0]}


def _join_names(encoded: list[dict]) -> dict:
    if len(encoded) == 1:
        return encoded[0]
    # Every codec weighs its own targets; all else must have one maker.
    joined: dict = {'keypoint_weights': []}
    for targets in encoded:
        joined['keypoint_weights'].append(targets.pop('keypoint_weights'))
        for key, value in targets.items():
            if key in joined:
                raise ValueError(f'Overlapping item "{key}" from two encoders: set multilevel=True')
            joined[key] = value
    return joined
