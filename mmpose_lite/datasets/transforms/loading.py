"""Reading photographs."""

from __future__ import annotations

import cv2
import numpy as np
from mmcv.transforms import LoadImageFromFile
from mmengine.fileio import get as read_bytes

from mmpose_lite.registry import TRANSFORMS
from mmpose_lite.utils import InputError, MissingFileError

from .extent import CropExtent

# An orientation noted by the camera (EXIF) is ignored: annotations count pixels as stored.
_CV2_FLAGS = {
    'color': cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION,
    'grayscale': cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION,
    'unchanged': cv2.IMREAD_UNCHANGED,
    'color_ignore_orientation': cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION,
    'grayscale_ignore_orientation': cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION,
}
_JPEG_START, _JPEG_SCAN, _JPEG_END = b'\xff\xd8', b'\xff\xda', b'\xff\xd9'


def decode_image(content: bytes, path: str, color_type: str = 'color') -> np.ndarray:
    """Decode a JPEG, PNG or other image.

    Args:
        content: The file's bytes; what they are counts, not the file's name.
        path: Where they come from, for the message of an error.
        color_type: ``'color'``, ``'grayscale'`` or ``'unchanged'``.

    Returns:
        ``(H, W, 3)`` uint8 BGR; ``(H, W)`` for grey.

    Raises:
        InputError: If the bytes are no image or end early.
    """
    cut_short = content.startswith(_JPEG_START) and _ends_early(content)
    image = None
    if content and not cut_short:
        image = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), _CV2_FLAGS[color_type])
    if image is None:
        problem = 'ends early' if cut_short else 'is no image that can be decoded'
        raise InputError(f"image '{path}' {problem} ({len(content)} bytes)")
    return image


def _ends_early(jpeg: bytes) -> bool:
    """Whether no end marker follows the last scan; a thumbnail in the header has one of its own."""
    return jpeg.find(_JPEG_END, max(jpeg.rfind(_JPEG_SCAN), 0)) < 0


@TRANSFORMS.register_module()
class LoadImage(LoadImageFromFile):
    """Loads ``img_path``, unless the sample brings its ``img``.

    Writes ``img`` (H, W, 3) BGR, ``img_shape`` and ``ori_shape`` (h, w). An EXIF orientation is
    ignored; alpha is dropped; grey and CMYK become BGR.

    Args:
        to_float32: Return float32 pixels.
        color_type: ``'color'``, ``'grayscale'`` or ``'unchanged'``.
        imdecode_backend: ``'cv2'``; others are mmcv's (``'pillow'``, ``'turbojpeg'``, ...).
        file_client_args: MMPose's old name of ``backend_args``; not used.
        ignore_empty: Return None for a file that cannot be read, instead of an error.
        backend_args: Where files are, see :func:`mmengine.fileio.get`.

    Raises:
        MissingFileError: If there is no such file.
        InputError: If it is no image or ends early; the message names it.
    """

    keeps_pixels = True

    def extend_crop(self, extent: CropExtent) -> CropExtent:
        """Add nothing to what is read about a box."""
        return extent

    def transform(self, results: dict) -> dict | None:
        """Load the image."""
        if 'img' in results:
            image = results['img']
            if not isinstance(image, np.ndarray):
                raise TypeError(f"'img' must be an array, got {type(image)}")
            results.setdefault('img_path', None)
        else:
            image = self._load(results['img_path'])
            if image is None:
                return None
            results['img'] = image.astype(np.float32) if self.to_float32 else image
        results.setdefault('img_shape', image.shape[:2])
        results.setdefault('ori_shape', image.shape[:2])
        return results

    def _load(self, path: str) -> np.ndarray | None:
        try:
            if self.imdecode_backend != 'cv2':
                return super().transform({'img_path': path})['img']
            content = read_bytes(path, backend_args=self.backend_args)
            return decode_image(content, path, self.color_type)
        except FileNotFoundError as error:
            if not self.ignore_empty:
                raise MissingFileError(f"image '{path}' does not exist") from error
        except (OSError, ValueError):
            if not self.ignore_empty:
                raise
        return None
