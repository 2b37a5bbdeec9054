"""What the first bytes of an image say, read without decoding it."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator

_WIDTH, _HEIGHT, _ORIENTATION = 256, 257, 274  # of TIFF, which EXIF is a piece of
_WHOLE_NUMBERS = {3: 'H', 4: 'I', 16: 'Q'}
_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_LONE_MARKERS = frozenset(range(0xD0, 0xD9)) | {0x00, 0x01}
_SCAN_MARKERS = (0xD9, 0xDA)
_NETPBM = re.compile(rb'P[1-6fF](?:\s|#[^\n]*\n)+(\d{1,9})(?:\s|#[^\n]*\n)+(\d{1,9})\s')
_PAM_WIDTH, _PAM_HEIGHT = re.compile(rb'\nWIDTH (\d{1,9})\s'), re.compile(rb'\nHEIGHT (\d{1,9})\s')
_RADIANCE = re.compile(rb'\n([-+][XY]) (\d{1,9}) [-+][XY] (\d{1,9})\s')


class HeaderError(ValueError):
    """An image's header is cut or damaged."""


def image_size_wh(content: bytes) -> tuple[int, int] | None:
    """Read width and height, as stored, from an image's header.

    Returns:
        Pixels; None if the bytes are of no kind that is known here.

    Raises:
        HeaderError: If they begin like an image, and do not say how large it is.
    """
    for start, read in _READERS:
        if content.startswith(start):
            try:
                width, height = read(content)
            except HeaderError:
                raise
            except (struct.error, LookupError, ValueError) as error:
                raise HeaderError('its header does not say how large it is') from error
            return width, height
    if content[4:8] == b'ftyp':
        return _avif(content)
    return None


def is_tiff(content: bytes) -> bool:
    """Tell whether the bytes begin like a TIFF, which decoders turn upright unasked."""
    return content.startswith((b'II*\0', b'MM\0*', b'II+\0', b'MM\0+'))


def exif_orientation(content: bytes) -> int:
    """The orientation of the camera by the EXIF data of an image, 1 to 8: 1 is upright.

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
    """The place where the EXIF data of an image begins; None where there is none."""
    if is_tiff(content):
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


def _gif(content: bytes) -> tuple[int, int]:
    return struct.unpack_from('<HH', content, 6)


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
    """The first directory's tags that hold a whole number, with their numbers."""
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


def _sun(content: bytes) -> tuple[int, int]:
    return struct.unpack_from('>II', content, 4)


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
    """The largest of the sizes noted: a picture of tiles notes theirs as well."""
    sizes = [
        struct.unpack_from('>II', content, found.end())
        for found in re.finditer(rb'ispe.{4}', content[: 1 << 17], flags=re.DOTALL)
        if found.end() + 8 <= len(content)
    ]
    if not sizes:
        raise HeaderError('its header does not say how large it is')
    width, height = max(sizes, key=lambda size: size[0] * size[1])
    return width, height


# What OpenCV reads, but for AVIF, by its first bytes.
_READERS: tuple[tuple[bytes | tuple[bytes, ...], Callable], ...] = (
    (b'\xff\xd8', _jpeg),
    (b'\x89PNG\r\n\x1a\n', _png),
    (b'BM', _bmp),
    (b'RIFF', _webp),
    ((b'GIF87a', b'GIF89a'), _gif),
    ((b'II*\0', b'MM\0*', b'II+\0', b'MM\0+'), _tiff),
    ((b'\0\0\0\x0cjP', b'\xff\x4f\xff\x51'), _jpeg2000),
    (b'\x59\xa6\x6a\x95', _sun),
    ((b'#?RADIANCE', b'#?RGBE'), _radiance),
    (tuple(b'P%c' % c for c in b'1234567fF'), _netpbm),
)
