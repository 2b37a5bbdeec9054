"""Reading and writing RGB pictures."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from mmengine import fileio

_READ_FLAGS = {
    'ignore': cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION,
    'apply': cv2.IMREAD_COLOR,
}


def read_image_rgb(
    path: str | Path, backend_args: dict | None = None, exif: str = 'ignore'
) -> np.ndarray:
    """Read an image in the frame that its points are in.

    Args:
        path: A path or, with a fitting storage backend, a URL.
        backend_args: How mmengine's file backends reach the file; None picks by the path.
        exif: ``'ignore'``: pixels as they are stored; ``'apply'``: turned as the camera noted.

    Returns:
        ``(H, W, 3)`` uint8, RGB.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is no image that OpenCV can decode.
    """
    try:
        content = fileio.get(path, backend_args=backend_args)
    except FileNotFoundError as error:
        raise FileNotFoundError(f'image file {path} does not exist') from error
    flags = _READ_FLAGS[exif]
    image_bgr = cv2.imdecode(np.frombuffer(content, np.uint8), flags) if content else None
    if image_bgr is None:
        raise ValueError(f'image file {path} cannot be decoded ({len(content)} bytes)')
    return cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB)


def write_image_rgb(image_rgb: np.ndarray, path: str | Path) -> None:
    """Write an image in the format that the file's ending names; make missing folders.

    Args:
        image_rgb: ``(H, W, 3)`` uint8.
        path: Where to write.

    Raises:
        ValueError: If OpenCV has no writer for this ending.
    """
    path = Path(path)
    if not can_write(path.suffix):
        raise ValueError(
            f"{path}: no picture format is known for '{path.suffix}'; use .png or .jpg"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    _, content = cv2.imencode(path.suffix, cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR))
    path.write_bytes(content.tobytes())


def can_write(suffix: str) -> bool:
    """Whether pictures with this ending, such as ``'.png'``, can be written."""
    return bool(suffix) and cv2.haveImageWriter(f'picture{suffix}')
