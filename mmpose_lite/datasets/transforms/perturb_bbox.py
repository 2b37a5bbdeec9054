"""Other boxes than the annotated ones, to measure what a network makes of them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

import numpy as np

from mmpose_lite.errors import InputError
from mmpose_lite.registry import TRANSFORMS
from mmpose_lite.structures.bbox import bbox_xyxy2cs

from ..crop_cache import CropExtent
from .base import Transform

_KINDS = ('shift', 'larger', 'smaller')


@TRANSFORMS.register_module()
class DisturbBox(Transform):
    """Move or scale the box that the crop is cut by; comes before ``GetBBoxCenterScale``.

    The annotated ``bbox``, which errors are divided by, stays as it is.

    Args:
        kind: ``'shift'``: the centre moves, by ``amount`` of the box's width and height, in a
            direction that is a function of the seed and the face's id; ``'larger'``,
            ``'smaller'``: both sides grow or shrink by ``amount``, about the centre.
        amount: A share, such as 0.1; below 1.
        seed: Of the directions.

    Raises:
        InputError: If ``kind`` is unknown, or ``amount`` not from 0 to 1.
    """

    leaves_pixels_alone = True

    def __init__(self, kind: str, amount: float, seed: int = 0) -> None:
        if kind not in _KINDS:
            raise InputError(f"DisturbBox: kind='{kind}' is none of {', '.join(_KINDS)}")
        if not 0 <= amount < 1:
            raise InputError(f'DisturbBox: amount={amount} is not from 0 to 1')
        self.kind = kind
        self.amount = amount
        self.seed = seed

    @property
    def _factor(self) -> float:
        return {'shift': 1.0, 'larger': 1 + self.amount, 'smaller': 1 - self.amount}[self.kind]

    def extend_crop(self, extent: CropExtent) -> CropExtent:
        shift = self.amount if self.kind == 'shift' else 0.0
        return extent.varied(shift=shift, scale=(self._factor, self._factor), rotation=0.0)

    def transform(self, results: dict) -> dict:
        """Write ``bbox_center`` and ``bbox_scale`` ``(N, 2)`` of the disturbed box."""
        if 'bbox_center' in results and 'bbox_scale' in results:
            center, scale = results['bbox_center'], results['bbox_scale']
        else:
            center, scale = bbox_xyxy2cs(results['bbox'])
        if self.kind == 'shift':
            angle = self._angle(results.get('id'))
            direction = np.array([np.cos(angle), np.sin(angle)], dtype=np.float32)
            center = center + np.float32(self.amount) * scale * direction
        results['bbox_center'] = center
        results['bbox_scale'] = scale * np.float32(self._factor)
        return results

    def _angle(self, face: object) -> float:
        """The direction of a face, radians; the same for all amounts."""
        rng = np.random.default_rng([self.seed, zlib.crc32(str(face).encode())])
        return float(rng.uniform(0, 2 * np.pi))


@TRANSFORMS.register_module()
class ReplaceBox(Transform):
    """Cut crops about other boxes, such as a detector's; comes before ``GetBBoxCenterScale``.

    The annotated ``bbox``, which errors are divided by, stays as it is.

    Args:
        boxes: Boxes xyxy, image pixels, by :meth:`key`; a face without one keeps its own.
    """

    leaves_pixels_alone = True

    def __init__(self, boxes: Mapping[str, Sequence[float]]) -> None:
        self.boxes = dict(boxes)

    @staticmethod
    def key(path: str, face: object) -> str:
        """The name of a face: of its photograph, and its annotation's id."""
        return f'{path}#{face}'

    def transform(self, results: dict) -> dict:
        """Write ``bbox_center`` and ``bbox_scale`` ``(1, 2)`` of the other box."""
        box = self.boxes.get(self.key(results['img_path'], results.get('id')))
        if box is not None:
            xyxy = np.array([box], dtype=np.float32)
            results['bbox_center'], results['bbox_scale'] = bbox_xyxy2cs(xyxy)
        return results
