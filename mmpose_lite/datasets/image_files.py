"""Reading the bytes of images; what cannot be an image is refused before it costs anything."""

from __future__ import annotations

import errno
import os
import stat

from mmengine.fileio import get as read_remote

from mmpose_lite.utils import InputError, MissingFileError
from mmpose_lite.utils.paths import shown

from .file_names import is_address
from .image_headers import HeaderError, image_size_wh

MAX_PIXELS = 2**28
"""Larger images are refused by their header: 800 MB of pixels, 16,384 in a square."""

# A blank JPEG or PNG holds some hundreds of pixels in a byte; a header that says more, and more
# than a camera's whole picture, lies.
_PIXELS_PER_BYTE, _ANY_PIXELS = 1000, 2**24
_MAX_BYTES = 2**31 - 1  # what OpenCV takes
# The process lacks something, not the image.
_NOT_THE_IMAGE = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
_JPEG_START, _JPEG_SCAN, _JPEG_END = b'\xff\xd8', b'\xff\xda', b'\xff\xd9'


class BadImageError(InputError):
    """An image that cannot be read; the message names its file."""


class MissingImageError(BadImageError, MissingFileError):
    """An image that is not there."""


def read_image(path: str, backend_args: dict | None = None) -> bytes:
    """Read the bytes of an image.

    Args:
        path: The file; with ``backend_args`` an address, too.
        backend_args: Where files are, see :func:`mmengine.fileio.get`; local ones by default.

    Raises:
        MissingImageError: If there is no such file.
        BadImageError: If it is a folder, a pipe, a device, or cannot be opened or fetched; or an
            address, and nothing says how to fetch it.
    """
    path = os.fspath(path)
    try:
        if backend_args not in (None, {'backend': 'local'}):
            return _fetch(path, backend_args)
        if is_address(path):
            raise BadImageError(
                f'image {shown(path)} is an address, and files are read: name what fetches it, '
                "such as LoadImage(backend_args={'backend': 'http'})"
            )
        return _read_local(path)
    except FileNotFoundError as error:
        raise MissingImageError(f'image {shown(path)} does not exist') from error


def _fetch(path: str, backend_args: dict | None) -> bytes:
    try:
        return read_remote(path, backend_args=backend_args)
    except FileNotFoundError:
        raise
    except (OSError, LookupError, ValueError, TypeError, ImportError) as error:
        problem = ' '.join(f'{type(error).__name__}: {error}'.split())
        raise BadImageError(
            f'image {shown(path)} cannot be fetched by backend_args={backend_args}: {problem}'
        ) from error


def _read_local(path: str) -> bytes:
    try:
        state = os.stat(path)
        # A pipe would be waited for, and a device may have no end.
        if not stat.S_ISREG(state.st_mode):
            kind = 'a folder' if stat.S_ISDIR(state.st_mode) else 'a pipe, socket or device'
            raise BadImageError(f'image {shown(path)} is {kind}')
        if state.st_size > _MAX_BYTES:
            raise BadImageError(f'image {shown(path)} has {state.st_size} bytes, more than 2 GiB')
        with open(path, 'rb', buffering=0) as file:
            return file.read()
    except OSError as error:
        if isinstance(error, FileNotFoundError) or error.errno in _NOT_THE_IMAGE:
            raise
        raise BadImageError(f'image {shown(path)} cannot be read: {error.strerror}') from error
    except BadImageError:
        raise
    except ValueError as error:  # a name that no file can have
        raise BadImageError(f'image {shown(path)} cannot be read: {error}') from error


def header_problem(content: bytes) -> str | None:
    """What forbids to decode an image, seen without decoding it; None if nothing does."""
    if not content:
        return 'is no image that can be decoded'
    if content.startswith(_JPEG_START) and _ends_early(content):
        return 'ends early'
    try:
        size_wh = image_size_wh(content)
    except HeaderError as error:
        return f'is no image that can be decoded, {error}'
    if size_wh is None:
        return None
    pixels, named = size_wh[0] * size_wh[1], f'has {size_wh[0]}x{size_wh[1]} pixels by its header'
    if pixels > MAX_PIXELS:
        return f'{named}, more than {MAX_PIXELS}'
    if pixels > max(_ANY_PIXELS, _PIXELS_PER_BYTE * len(content)):
        return f'{named}, which it is too short for'
    return None


def _ends_early(jpeg: bytes) -> bool:
    """Whether no end marker follows the last scan; a thumbnail in the header has one of its own."""
    return jpeg.find(_JPEG_END, max(jpeg.rfind(_JPEG_SCAN), 0)) < 0
