"""Image files: reading them safely, their headers, decoding, and EXIF orientation."""

from __future__ import annotations

import errno
import math
import os
import re
import stat
import struct
from collections.abc import Callable, Iterator
from functools import partial

import cv2
import numpy as np
from mmengine.fileio import get as read_remote
from numpy import ndarray

from ..errors import InputError, MissingFileError
from .paths import shown

MAX_PIXELS = 2**28
"""Larger images are refused by their header: 800 MB of pixels, 16,384 in a square."""

# A blank JPEG or PNG holds some hundreds of pixels in a byte; a header that says more, and more
# than a camera's whole picture, lies.
_PIXELS_PER_BYTE, _ANY_PIXELS = 1000, 2**24
_MAX_BYTES = 2**31 - 1  # what OpenCV takes
# The process lacks something, not the image.
_NOT_THE_IMAGE = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
_JPEG_START, _JPEG_SCAN, _JPEG_END = b'\xff\xd8', b'\xff\xda', b'\xff\xd9'
TIFF_STARTS = (b'II*\0', b'MM\0*', b'II+\0', b'MM\0+')
"""First bytes of a TIFF, which decoders turn upright unasked."""
APPLIED = 'exif_orientation_applied'
"""Of an image's entry in annotations: the EXIF orientation that was applied before its points were
found. Only where that turns pixels.
"""
IGNORING = '_ignore_orientation'
"""The end of those ``color_type`` of mmcv that leave pixels as they are stored."""

# Pixels come as stored; what an orientation does to them is the same for all back ends.
_CV2_FLAGS = {
    'color': cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION,
    'grayscale': cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION,
    'unchanged': cv2.IMREAD_UNCHANGED,
}

# Of TIFF, which EXIF is a piece of.
_WIDTH, _HEIGHT, _ORIENTATION = 256, 257, 274
_WHOLE_NUMBERS = {3: 'H', 4: 'I', 16: 'Q'}
_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_LONE_MARKERS = frozenset(range(0xD0, 0xD9)) | {0x00, 0x01}
_SCAN_MARKERS = (0xD9, 0xDA)
_NETPBM = re.compile(rb'P[1-6fF](?:\s|#[^\n]*\n)+(\d{1,9})(?:\s|#[^\n]*\n)+(\d{1,9})\s')
_PAM_WIDTH, _PAM_HEIGHT = re.compile(rb'\nWIDTH (\d{1,9})\s'), re.compile(rb'\nHEIGHT (\d{1,9})\s')
_RADIANCE = re.compile(rb'\n([-+][XY]) (\d{1,9}) [-+][XY] (\d{1,9})\s')


class BadImageError(InputError):
    """An image that cannot be read; the message names its file."""


class MissingImageError(BadImageError, MissingFileError):
    """An image that is not there."""


class HeaderError(Exception):
    """An image's header is cut or damaged."""


ABOUT_ADDRESS = (
    'is an address, and files are read: name what fetches it, such as '
    "LoadImage(backend_args={'backend': 'http'})"
)


def is_address(name: str) -> bool:
    """Return True if a name is an address (``s3://...``), which no folder has."""
    return '://' in name


def read_image(path: str, backend_args: dict | None = None) -> bytes:
    """Read an image's file; with ``backend_args`` of :func:`mmengine.fileio.get` an address, too.

    Raises:
        MissingImageError: If there is no such file.
        BadImageError: If it is no regular file, cannot be opened or fetched, or is an address, and
            nothing says how to fetch it.
    """
    path = os.fspath(path)
    if backend_args not in (None, {'backend': 'local'}):
        return _fetch(path, backend_args)
    try:
        state = os.stat(path)
        # A pipe would be waited for, and a device may have no end.
        if stat.S_ISREG(state.st_mode) and state.st_size <= _MAX_BYTES:
            with open(path, 'rb', buffering=0) as file:
                return file.read()
    except (OSError, ValueError) as error:  # the latter of a name that no file can have
        _explain(path, error)
        raise
    raise BadImageError(f'image {shown(path)} {_about_kind(state)}')


def _about_kind(state: os.stat_result) -> str:
    if stat.S_ISREG(state.st_mode):
        return f'has {state.st_size} bytes, more than 2 GiB'
    return 'is a folder' if stat.S_ISDIR(state.st_mode) else 'is a pipe, socket or device'


def _explain(path: str, error: OSError | ValueError) -> None:
    """Raise an error that names the file, unless the process lacks something, not the image."""
    if not isinstance(error, FileNotFoundError):
        if getattr(error, 'errno', None) in _NOT_THE_IMAGE:
            return
        problem = getattr(error, 'strerror', None) or error
        raise BadImageError(f'image {shown(path)} cannot be read: {problem}') from error
    if is_address(path):
        raise BadImageError(f'image {shown(path)} {ABOUT_ADDRESS}') from None
    raise MissingImageError(f'image {shown(path)} does not exist') from error


def _fetch(path: str, backend_args: dict | None) -> bytes:
    try:
        return read_remote(path, backend_args=backend_args)
    except FileNotFoundError as error:
        raise MissingImageError(f'image {shown(path)} does not exist') from error
    except (OSError, LookupError, ValueError, TypeError, ImportError) as error:
        problem = ' '.join(f'{type(error).__name__}: {error}'.split())
        raise BadImageError(
            f'image {shown(path)} cannot be fetched by backend_args={backend_args}: {problem}'
        ) from error


def decode_image(
    content: bytes, path: str, color_type: str = 'color', exif: str = 'ignore'
) -> ndarray:
    """Decode an image's bytes, whatever its name, to ``(H, W, 3)`` uint8 BGR; ``(H, W)`` for grey.

    ``color_type`` is ``'color'``, ``'grayscale'`` or ``'unchanged'``; ``exif`` is ``'ignore'``:
    pixels as they are stored; or ``'apply'``: turned as the camera noted.

    Raises:
        BadImageError: If the bytes are no image, end early, or are of more than ``MAX_PIXELS``.
    """
    problem, image = header_problem(content), None
    if problem is None:
        flag = _CV2_FLAGS[color_type.removesuffix(IGNORING)]
        try:
            image = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), flag)
        except cv2.error as error:
            if error.code == cv2.Error.StsNoMem:
                raise
            problem = f'cannot be decoded: {error.err or error}'
    if image is None:
        problem = problem or 'is not an image that can be decoded'
        raise BadImageError(f'image {shown(path)} {problem} ({len(content)} bytes)')
    is_upright = content.startswith(TIFF_STARTS)
    return image if is_upright == (exif == 'apply') else turned(image, content, is_upright)


def turned(image: ndarray, content: bytes, is_upright: bool) -> ndarray:
    """Turn decoded pixels that are upright as they are stored, and others upright."""
    orientation = exif_orientation(content)
    # Upright is, in this order: transposed from 5 on, and mirrored along these axes.
    axes = {2: (1,), 3: (0, 1), 4: (0,), 6: (1,), 7: (0, 1), 8: (0,)}.get(orientation, ())
    if not is_upright:
        image = np.flip(image.swapaxes(0, 1) if orientation >= 5 else image, axes)
    else:
        image = np.flip(image, axes)
        image = image.swapaxes(0, 1) if orientation >= 5 else image
    return np.ascontiguousarray(image)


def header_problem(content: bytes) -> str | None:
    """Find a reason not to decode an image without decoding it; None if there is none."""
    if not content:
        return 'is not an image that can be decoded'
    if (
        content.startswith(_JPEG_START)
        # Thumbnails have end markers of their own, before the last scan.
        and content.find(_JPEG_END, max(content.rfind(_JPEG_SCAN), 0)) < 0
    ):
        return 'ends early'
    try:
        size_wh = image_size_wh(content)
    except HeaderError as error:
        return f'is not an image that can be decoded, {error}'
    if size_wh is None:
        return None
    pixels, named = size_wh[0] * size_wh[1], f'has {size_wh[0]}x{size_wh[1]} pixels by its header'
    if pixels > MAX_PIXELS:
        return f'{named}, more than {MAX_PIXELS}'
    if pixels > max(_ANY_PIXELS, _PIXELS_PER_BYTE * len(content)):
        return f'{named}, which it is too short for'
    return None


def image_size_wh(content: bytes) -> tuple[int, int] | None:
    """Read width and height, as stored, from a header; None if it is of no kind known here.

    Raises:
        HeaderError: If the bytes begin like an image, and do not say how large it is.
    """
    for start, at, read in _READERS:
        if content.startswith(start, at):
            try:
                return read(content)
            except (struct.error, LookupError, ValueError) as error:
                raise HeaderError('its header does not say how large it is') from error
    return None


def exif_orientation(content: bytes) -> int:
    """Read the EXIF orientation of an image, 1 to 8: 1 is upright.

    JPEG, PNG, WebP and TIFF are known; others count as upright.
    """
    at = _exif_start(content)
    if at is None:
        return 1
    try:
        value = dict(_tiff_tags(content[at : at + (1 << 17)])).get(_ORIENTATION, 1)
    except struct.error:
        return 1
    return value if 1 <= value <= 8 else 1


def _exif_start(content: bytes) -> int | None:
    """Find where the EXIF data of an image begin; None if there are none."""
    if content.startswith(TIFF_STARTS):
        return 0
    if content.startswith(b'\xff\xd8'):
        at, length = content.find(b'Exif\0\0', 0, 1 << 17), 6
    elif content.startswith(b'\x89PNG'):
        at, length = content.find(b'eXIf'), 4
    elif content.startswith(b'RIFF'):
        at, length = content.rfind(b'EXIF'), 8  # it comes last, and has its size before it
    else:
        return None
    if at < 0:
        return None
    has_name = content.startswith(b'Exif\0\0', at + length)  # as some write it in WebP, too
    return at + length + (6 if has_name else 0)


def _jpeg(content: bytes) -> tuple[int, int]:
    at = 2
    while True:
        at = content.index(b'\xff', at) if content[at] != 0xFF else at
        marker = content[at + 1]
        if marker == 0xFF:  # padding
            at += 1
        elif marker in _FRAME_MARKERS:
            height, width = struct.unpack_from('>HH', content, at + 5)
            return width, height
        elif marker in _SCAN_MARKERS:
            raise LookupError('no frame before the scan')
        elif marker in _LONE_MARKERS:
            at += 2
        else:
            at += 2 + struct.unpack_from('>H', content, at + 2)[0]


def _png(content: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from('>II', content, 16)
    at, kind = 8, b''
    while kind != b'IEND' and at + 8 <= len(content):
        length, kind = struct.unpack_from('>I4s', content, at)
        at += 8 + length
        if at > len(content):  # the decoder would make room for it
            raise HeaderError('one of its parts is longer than the rest of it')
        at += 4
    return width, height


def _bmp(content: bytes) -> tuple[int, int]:
    form = '<HH' if struct.unpack_from('<I', content, 14)[0] == 12 else '<ii'
    width, height = struct.unpack_from(form, content, 18)
    return abs(width), abs(height)


def _webp(content: bytes) -> tuple[int, int]:
    kind = content[12:16]
    if kind == b'VP8X':
        low, high = struct.unpack_from('<IH', content + b'\0', 24)
        return 1 + (low & 0xFFFFFF), 1 + (low >> 24 | high << 8)
    if kind == b'VP8L':
        (bits,) = struct.unpack_from('<I', content, 21)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind != b'VP8 ':
        raise LookupError('no WebP')
    width, height = struct.unpack_from('<HH', content, 26)
    return width & 0x3FFF, height & 0x3FFF


def _tiff(content: bytes) -> tuple[int, int]:
    tags = dict(_tiff_tags(content))
    return tags[_WIDTH], tags[_HEIGHT]


def _tiff_tags(content: bytes) -> Iterator[tuple[int, int]]:
    """Read the first directory's tags that hold an integer, with their values."""
    order = '<' if content[:2] == b'II' else '>'
    (version,) = struct.unpack_from(f'{order}H', content, 2)
    big = version == 43
    (at,) = struct.unpack_from(f'{order}Q' if big else f'{order}I', content, 8 if big else 4)
    at = min(at, len(content))
    (count,) = struct.unpack_from(f'{order}Q' if big else f'{order}H', content, at)
    at += 8 if big else 2
    for _ in range(min(count, 1 << 16)):
        tag, kind = struct.unpack_from(f'{order}HH', content, at)
        if kind in _WHOLE_NUMBERS:
            form = f'{order}{_WHOLE_NUMBERS[kind]}'
            yield tag, struct.unpack_from(form, content, at + (12 if big else 8))[0]
        at += 20 if big else 12


def _jpeg2000(content: bytes) -> tuple[int, int]:
    return struct.unpack_from('>II', content, content.index(b'\xff\x4f\xff\x51') + 8)


def _netpbm(content: bytes) -> tuple[int, int]:
    head = content[:4096]
    if head.startswith(b'P7'):
        found = _PAM_WIDTH.search(head), _PAM_HEIGHT.search(head)
        if not all(found):
            raise LookupError('no size')
        width, height = (int(each[1]) for each in found if each)
        return width, height
    match = _NETPBM.match(head)
    if match is None:
        raise LookupError('no size')
    return int(match[1]), int(match[2])


def _radiance(content: bytes) -> tuple[int, int]:
    match = _RADIANCE.search(content[:4096])
    if match is None:
        raise LookupError('no size')
    first, second = int(match[2]), int(match[3])
    return (second, first) if match[1].endswith(b'Y') else (first, second)


def _avif(content: bytes) -> tuple[int, int]:
    """Read the largest of the sizes noted: a picture of tiles notes theirs as well."""
    sizes = [
        struct.unpack_from('>II', content, found.end())
        for found in re.finditer(rb'ispe.{4}', content[: 1 << 17], flags=re.DOTALL)
        if found.end() + 8 <= len(content)
    ]
    return max(sizes, key=math.prod)


# What OpenCV reads, by bytes that stand at a place.
_READERS: tuple[tuple[bytes | tuple[bytes, ...], int, Callable], ...] = (
    (b'\xff\xd8', 0, _jpeg),
    (b'\x89PNG\r\n\x1a\n', 0, _png),
    (b'BM', 0, _bmp),
    (b'RIFF', 0, _webp),
    ((b'GIF87a', b'GIF89a'), 0, partial(struct.unpack_from, '<HH', offset=6)),
    (TIFF_STARTS, 0, _tiff),
    ((b'\0\0\0\x0cjP', b'\xff\x4f\xff\x51'), 0, _jpeg2000),
    (b'\x59\xa6\x6a\x95', 0, partial(struct.unpack_from, '>II', offset=4)),
    ((b'#?RADIANCE', b'#?RGBE'), 0, _radiance),
    (tuple(b'P%c' % c for c in b'1234567fF'), 0, _netpbm),
    (b'ftyp', 4, _avif),
)
