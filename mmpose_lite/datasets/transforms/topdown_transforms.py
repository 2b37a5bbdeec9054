"""The crop: the only place where pixels are moved."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy import ndarray

from mmpose_lite.registry import TRANSFORMS
from mmpose_lite.structures.bbox import (
    fix_aspect_ratio,
    flip_matrix,
    get_udp_warp_matrix,
    get_warp_matrix,
)

from ..crop_cache.crop_window import MARGIN, CropExtent
from .base import Transform

# Pixels of an image beyond which a fourth channel costs as much as it saves.
_THREE_CHANNELS_BEYOND = 2**19
# Pixels of a cached crop beyond which those that this one warp reads are worth looking for.
_CUT_BEYOND = 2**17


@TRANSFORMS.register_module()
class TopdownAffine(Transform):
    """Crop the (rotated, scaled, mirrored) box to the network's input, in one affine map.

    Args:
        input_size: Width and height of the network's input, pixels.
        use_udp: Count sizes between pixel centres (UDP).
        warp: Move pixels. Without, ``img`` stays as it is, and the map is written for the data
            preprocessor, which warps whole batches on its device.

    Raises:
        ValueError: If the size is not two integers.
    """

    # It does warp pixels, but not of crops on the device (``warp=False``), and it draws nothing.
    leaves_pixels_alone = True

    def __init__(
        self, input_size: tuple[int, int], use_udp: bool = False, warp: bool = True
    ) -> None:
        if len(input_size) != 2 or not all(isinstance(side, int) for side in input_size):
            raise ValueError(f'input_size must be two integers, got {input_size}')
        self.input_size = (input_size[0], input_size[1])
        self.use_udp = use_udp
        self.warp = warp

    def extend_crop(self, extent: CropExtent) -> CropExtent:
        return replace(extent, input_size=self.input_size)

    def transform(self, results: dict) -> dict:
        """Crop ``img``, and map ``keypoints`` to ``transformed_keypoints`` (input pixels).

        Writes ``input_size`` (w, h), ``input_center`` and ``input_scale`` ``(2,)`` (image pixels);
        without warping, ``warp_mat`` ``(2, 3)`` from pixels of ``img`` to input pixels.

        Raises:
            ValueError: If there is more than one box.
        """
        if len(results['bbox_center']) != 1:
            raise ValueError(f'TopdownAffine crops one box, got {len(results["bbox_center"])}')
        size_wh = self.input_size
        ratio = size_wh[0] / size_wh[1]
        width, height = results['bbox_scale'][0]
        if width != height * ratio:
            results['bbox_scale'] = fix_aspect_ratio(results['bbox_scale'], ratio)
        center, scale = results['bbox_center'][0], results['bbox_scale'][0]
        rotation = results['bbox_rotation'][0] if 'bbox_rotation' in results else 0.0
        get_matrix = get_udp_warp_matrix if self.use_udp else get_warp_matrix
        matrix = get_matrix(center, scale, rotation, output_size=size_wh)
        self._warp_image(results, matrix, size_wh)
        if results.get('keypoints') is not None:
            points = results['keypoints'].copy()
            points[..., :2] = cv2.transform(points[..., :2], matrix)
            results['transformed_keypoints'] = points
        results.update(input_size=size_wh, input_center=center, input_scale=scale)
        return results

    def _warp_image(self, results: dict, matrix: ndarray, size_wh: tuple[int, int]) -> None:
        if 'img_window' in results:
            matrix = matrix @ results['img_window'].to_photograph()
        image, matrix = _as_stored(results['img'], matrix)
        if not self.warp:
            results['img'], results['warp_mat'] = image, matrix
            return
        if 'img_window' in results and image.shape[0] * image.shape[1] > _CUT_BEYOND:
            image, matrix = _cut(image, matrix, size_wh)
        results['img'] = _crop(image, matrix, size_wh)


def _as_stored(image: ndarray, matrix: ndarray) -> tuple[ndarray, ndarray]:
    """Undo the mirrored view of an image, and join the mirroring to the map."""
    height, width = image.shape[:2]
    for axis, direction in ((1, 'horizontal'), (0, 'vertical')):
        if image.strides[axis] < 0:
            image = np.flip(image, axis)
            matrix = matrix @ flip_matrix((width, height), direction)
    return image, matrix


def _cut(image: ndarray, matrix: ndarray, size_wh: tuple[int, int]) -> tuple[ndarray, ndarray]:
    """Cut out the part of an image that a warp reads, as a view, and shift the map.

    Maps that differ by a shift round coordinates differently: by one level, here and there.
    """
    inverse = cv2.invertAffineTransform(matrix)
    if not np.isfinite(inverse).all():
        return image, matrix
    # How far each side of the output reaches in the image, along x and y.
    along = inverse[:, :2] * (size_wh[0] - 1, size_wh[1] - 1)
    low = inverse[:, 2] + np.minimum(along, 0).sum(axis=1) - MARGIN
    high = inverse[:, 2] + np.maximum(along, 0).sum(axis=1) + MARGIN + 1
    left, top = (max(int(value), 0) for value in low)
    right, bottom = (max(int(value), 0) for value in high)
    part = image[top:bottom, left:right]
    if part.size == 0:
        return image, matrix
    shift = matrix[:, :2] @ (left, top)
    return part, np.column_stack([matrix[:, :2], matrix[:, 2] + shift])


def _crop(image: ndarray, matrix: ndarray, size_wh: tuple[int, int]) -> ndarray:
    is_color = image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3
    if not is_color or image.shape[0] * image.shape[1] > _THREE_CHANNELS_BEYOND:
        return cv2.warpAffine(image, matrix, size_wh, flags=cv2.INTER_LINEAR)
    # To the same values: four channels are warped in half the time of three.
    image = cv2.cvtColor(image, cv2.COLOR_BGR2BGRA)
    image = cv2.warpAffine(image, matrix, size_wh, flags=cv2.INTER_LINEAR)
    return cv2.cvtColor(image, cv2.COLOR_BGRA2BGR)
