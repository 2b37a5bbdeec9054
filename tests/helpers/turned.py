"""Photographs as cameras store them: turned or mirrored, with an EXIF orientation."""

import io

import numpy as np
from PIL import Image

# What a camera stores for each orientation: the moves that make it from the upright picture.
STORED = {
    1: lambda image: image,
    2: lambda image: image[:, ::-1],
    3: lambda image: image[::-1, ::-1],
    4: lambda image: image[::-1],
    5: lambda image: image.swapaxes(0, 1),
    6: lambda image: np.rot90(image),
    7: lambda image: image[::-1, ::-1].swapaxes(0, 1),
    8: lambda image: np.rot90(image, -1),
}
KINDS = {
    'jpg': ('JPEG', {'quality': 97}),
    'png': ('PNG', {}),
    'webp': ('WEBP', {'lossless': True}),
    'tiff': ('TIFF', {}),
}


def write_turned(path, upright, orientation):
    """Write an upright BGR picture as a camera held so stores it; return the pixels stored."""
    pixels = np.ascontiguousarray(STORED[orientation](upright))
    exif = Image.Exif()
    exif[0x0112] = orientation
    form, options = KINDS[path.suffix[1:]]
    tags = {'tiffinfo': {0x0112: orientation}} if form == 'TIFF' else {'exif': exif}
    file = io.BytesIO()
    Image.fromarray(pixels[..., ::-1]).save(file, form, **options, **tags)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file.getvalue())
    return pixels


def stored_places(points, orientation, size_wh):
    """Find pixels ``(N, 2)`` of an upright picture of a size in what is stored."""
    width, height = size_wh
    numbers = STORED[orientation](np.arange(width * height).reshape(height, width))
    rows, columns = np.divmod(np.argsort(numbers.ravel()), numbers.shape[1])
    x, y = np.asarray(points).T
    return np.stack([columns[y * width + x], rows[y * width + x]], axis=1)
