"""Mutations of image files, each a function of its number."""

import io
import random
import struct
import zlib

import cv2
import numpy as np
from PIL import Image

from helpers.seeding import wavy_image

PIXELS = wavy_image(3, 60, 80)  # BGR


def kinds() -> dict[str, bytes]:
    """An image of each kind, whole: what decoders of ours read."""
    grey, alpha = PIXELS[..., 0], np.dstack([PIXELS, np.full((60, 80), 9, np.uint8)])
    deep = PIXELS.astype(np.uint16) * 257
    exif = Image.Exif()
    exif[0x0112] = 6
    found = {
        'plain.jpg': _jpeg(),
        'progressive.jpg': _jpeg(progressive=True),
        'grey.jpg': _jpeg('L'),
        'cmyk.jpg': _jpeg('CMYK'),
        'turned.jpg': _jpeg(exif=exif),
        'plain.png': _encode('.png', PIXELS),
        'grey.png': _encode('.png', grey),
        'alpha.png': _encode('.png', alpha),
        'deep.png': _encode('.png', deep),
        'deep grey.png': _encode('.png', deep[..., 0]),
        'deep.tiff': _encode('.tiff', deep),
    }
    for suffix in ('.bmp', '.webp', '.tiff', '.gif', '.ppm', '.jp2', '.ras', '.pam'):
        found[f'plain{suffix}'] = _encode(suffix, PIXELS)
    return found


def bombs(side: int = 40_000) -> dict[str, bytes]:
    """Small files whose headers say that they are ``side`` x ``side``."""
    jpeg, size = bytearray(_jpeg()), struct.pack('>HH', side, side)
    at = jpeg.index(b'\xff\xc0') + 5
    jpeg[at : at + 4] = size
    bmp, tiff = bytearray(_encode('.bmp', PIXELS)), _encode('.tiff', PIXELS)
    bmp[18:26] = struct.pack('<ii', side, -side)
    sides = 2 * struct.pack('<I', max(side - 1, 0))[:3]
    webp = b'RIFF\x1a\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0' + sides
    jp2 = bytearray(_encode('.jp2', PIXELS))
    at = jp2.index(b'\xff\x4f\xff\x51') + 8
    jp2[at : at + 8] = struct.pack('>II', side, side)
    return {
        'bomb.png': _png(side),
        'bomb.jpg': bytes(jpeg),
        'bomb.bmp': bytes(bmp),
        'bomb.gif': b'GIF89a' + struct.pack('<HH', side, side) + b'\0' * 40,
        'bomb.webp': webp,
        'bomb.jp2': bytes(jp2),
        'bomb.tiff': _grown_tiff(tiff, side),
        'bomb.ppm': b'P6\n# grown\n%d %d\n255\n' % (side, side) + b'\0' * 99,
        'bomb.pam': b'P7\nWIDTH %d\nHEIGHT %d\nDEPTH 3\nMAXVAL 255\nENDHDR\n' % (side, side),
        'bomb.hdr': b'#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y %d +X %d\n' % (side, side),
        'bomb.ras': struct.pack('>8I', 0x59A66A95, side, side, 24, 0, 1, 0, 0),
    }


def mutate(number: int, seed: int = 0) -> tuple[str, bytes]:
    """Make mutant ``number``: its name and its bytes."""
    draw = random.Random(f'{seed} {number}')
    name, content = draw.choice(sorted(kinds_once().items()))
    change = draw.choice(_CHANGES)
    return f'{number} ({name}, {change.__name__})', change(content, draw)


def _cut(data: bytes, draw: random.Random) -> bytes:
    return data[: draw.randrange(len(data))]


def _cut_with_an_end(data: bytes, draw: random.Random) -> bytes:
    return _cut(data, draw) + b'\xff\xd9'


def _flip_bits(data: bytes, draw: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(draw.choice([1, 1, 4, 40])):
        changed[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def _blank(data: bytes, draw: random.Random) -> bytes:
    begin = draw.randrange(len(data))
    end = min(begin + draw.randrange(1, 400), len(data))
    return data[:begin] + bytes(end - begin) + data[end:]


def _change_header(data: bytes, draw: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(draw.randrange(1, 6)):
        changed[draw.randrange(min(len(data), 64))] = draw.choice([0, 1, 127, 128, 255])
    return bytes(changed)


def _noise(data: bytes, draw: random.Random) -> bytes:
    return draw.randbytes(draw.randrange(300))


def _insert(data: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(data))
    return data[:at] + draw.randbytes(draw.randrange(1, 30)) + data[at:]


def _join(data: bytes, draw: random.Random) -> bytes:
    other = draw.choice(sorted(kinds_once().values()))
    return _cut(data, draw) + other[draw.randrange(len(other)) :]


def _bomb(data: bytes, draw: random.Random) -> bytes:
    side = draw.choice([0, 1, 17_000, 40_000, 65_535])
    return draw.choice(sorted(bombs(side).values()))


_CHANGES = (
    _cut,
    _cut_with_an_end,
    _flip_bits,
    _blank,
    _change_header,
    _noise,
    _insert,
    _join,
    _bomb,
)


_KINDS: dict[str, bytes] = {}


def kinds_once() -> dict[str, bytes]:
    """The same as :func:`kinds`, made once."""
    if not _KINDS:
        _KINDS.update(kinds())
    return _KINDS


def _encode(suffix: str, pixels: np.ndarray) -> bytes:
    return cv2.imencode(suffix, pixels)[1].tobytes()


def _jpeg(mode: str = 'RGB', **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(PIXELS[..., ::-1]).convert(mode).save(file, 'JPEG', quality=95, **options)
    return file.getvalue()


def _png(side: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
        )

    header = struct.pack('>IIBBBBB', side, side, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return (
        b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + chunk(b'IDAT', pixels) + chunk(b'IEND', b'')
    )


def _grown_tiff(content: bytes, side: int) -> bytes:
    data = bytearray(content)
    (at,) = struct.unpack_from('<I', data, 4)
    (count,) = struct.unpack_from('<H', data, at)
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        if struct.unpack_from('<H', data, entry)[0] in (256, 257):
            struct.pack_into('<HII', data, entry + 2, 4, 1, side)
    return bytes(data)
