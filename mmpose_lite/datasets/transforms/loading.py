"""Reading photographs."""

from __future__ import annotations

import cv2
import numpy as np
from mmcv.image.io import imfrombytes, supported_backends
from mmcv.transforms import LoadImageFromFile

from mmpose_lite.registry import TRANSFORMS
from mmpose_lite.utils import InputError

from ..image_files import BadImageError, header_problem, read_image, shown
from .extent import CropExtent

# An orientation noted by the camera (EXIF) is ignored: annotations count pixels as stored.
_CV2_FLAGS = {
    'color': cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION,
    'grayscale': cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION,
    'unchanged': cv2.IMREAD_UNCHANGED,
    'color_ignore_orientation': cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION,
    'grayscale_ignore_orientation': cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION,
}


def decode_image(content: bytes, path: str, color_type: str = 'color') -> np.ndarray:
    """Decode a JPEG, PNG or other image.

    Args:
        content: The file's bytes; what they are counts, not the file's name.
        path: Where they come from, for the message of an error.
        color_type: ``'color'``, ``'grayscale'`` or ``'unchanged'``.

    Returns:
        ``(H, W, 3)`` uint8 BGR; ``(H, W)`` for grey.

    Raises:
        BadImageError: If the bytes are no image, end early, or are of more pixels than
            ``MAX_PIXELS``.
    """
    problem = header_problem(content)
    image = None
    if problem is None:
        try:
            image = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), _CV2_FLAGS[color_type])
        except cv2.error as error:
            if error.code == cv2.Error.StsNoMem:
                raise
            problem = f'cannot be decoded: {error.err or error}'
    if image is None:
        problem = problem or 'is no image that can be decoded'
        raise BadImageError(f'image {shown(path)} {problem} ({len(content)} bytes)')
    return image


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
        MissingImageError: If there is no such file.
        BadImageError: If it is no regular file, no image, or ends early; the message names it.
    """

    keeps_pixels = True
    goes_batchwise = True

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
            content = read_image(path, self.backend_args)
            if self.imdecode_backend != 'cv2':
                return self._decode_by_other(content, path)
            return decode_image(content, path, self.color_type)
        except (OSError, ValueError):
            if not self.ignore_empty:
                raise
        return None

    def _decode_by_other(self, content: bytes, path: str) -> np.ndarray:
        """Decode by one of mmcv's other backends, each of which fails in its own ways."""
        backend = self.imdecode_backend
        if backend not in supported_backends:
            raise InputError(f"LoadImage: imdecode_backend='{backend}' is not known to mmcv")
        problem, image = header_problem(content), None
        if problem is None:
            try:
                image = imfrombytes(content, flag=self.color_type, backend=backend)
            except (ImportError, MemoryError):
                raise
            except Exception as error:
                problem = f'cannot be decoded by {backend}: {error}'
        if image is None:
            raise BadImageError(
                f'image {shown(path)} {problem or "is no image"} ({len(content)} bytes)'
            )
        return image
