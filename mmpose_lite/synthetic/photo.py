"""Camera effects: tone, colour cast, vignette, blur, noise and JPEG."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np

Array = np.ndarray
# More than a picture's longer side, which has 1600 pixels at most.
_GRAIN_SIDE = 2048


def develop(rng: np.random.Generator, image: Array) -> Array:
    """Return the picture as a camera would have taken it.

    Args:
        rng: Source of randomness.
        image: (H, W, 3) sRGB uint8.
    """
    colours = _tone(rng, cv2.split(_focus(rng, image)))
    if rng.random() < 0.3:
        colours = _vignette(rng, colours)
    if rng.random() < 0.04:
        colours = [cv2.cvtColor(cv2.merge(colours), cv2.COLOR_RGB2GRAY)] * 3
    return cv2.merge(_noise(rng, colours))


def encode_jpeg(rng: np.random.Generator, image: Array) -> bytes:
    """Return the JPEG file of an (H, W, 3) sRGB uint8 picture at a random quality."""
    quality = int(rng.integers(45, 97))
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode('.jpg', bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return data.tobytes()


def _focus(rng: np.random.Generator, image: Array) -> Array:
    kind = rng.random()
    if kind < 0.30:
        return cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.3))
    if kind < 0.36:
        length = int(rng.integers(3, 8))
        kernel = np.zeros((length, length), np.float32)
        middle = length // 2
        angle = rng.uniform(0, np.pi)
        reach = np.array([np.cos(angle), np.sin(angle)]) * middle
        start, end = (tuple(int(v) for v in np.round(middle + s * reach)) for s in (-1, 1))
        cv2.line(kernel, start, end, 1.0, 1)
        return cv2.filter2D(image, -1, kernel / kernel.sum())
    return image


def _tone(rng: np.random.Generator, colours: Sequence[Array]) -> list[Array]:
    ramp = np.linspace(0, 1, 256)
    gamma = np.exp(rng.normal(0, 0.12))
    contrast = rng.uniform(0.85, 1.15)
    cast = 1 + rng.normal(0, 0.04, 3)
    toned = (0.5 + contrast * (ramp**gamma - 0.5))[:, None] * cast
    table = np.clip(np.round(toned * 255), 0, 255).astype(np.uint8)
    return [cv2.LUT(plane, column) for plane, column in zip(colours, table.T.copy(), strict=True)]


def _vignette(rng: np.random.Generator, colours: Sequence[Array]) -> list[Array]:
    height, width = colours[0].shape
    x = np.linspace(-1, 1, width, dtype=np.float32)[None]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    factor = 1 - np.float32(rng.uniform(0.1, 0.3)) * (x * x + y * y)
    return [(plane * factor).astype(np.uint8) for plane in colours]


def _noise(rng: np.random.Generator, colours: Sequence[Array]) -> Sequence[Array]:
    sigma = 255 * min(0.06, rng.exponential(0.012))
    if sigma < 0.5:
        return colours
    height, width = colours[0].shape
    sheet = _grain()
    top, left = rng.integers(np.array(sheet.shape) - (height, width) + 1)
    grain = sheet[top : top + height, left : left + width]
    grey = (grain * np.float32(sigma)).astype(np.int16)
    return [cv2.add(plane, grey, dtype=cv2.CV_8U) for plane in colours]


@lru_cache(maxsize=1)
def _grain() -> Array:
    """Return the sheet of normal noise, of which every picture has a window: new noise is slow."""
    sheet = np.random.default_rng(0).standard_normal((_GRAIN_SIDE, _GRAIN_SIDE), dtype=np.float32)
    sheet.flags.writeable = False
    return sheet
