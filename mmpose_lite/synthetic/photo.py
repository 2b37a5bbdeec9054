"""Camera effects: tone, colour cast, vignette, blur, noise and JPEG."""

from __future__ import annotations

import cv2
import numpy as np

Array = np.ndarray


def develop(rng: np.random.Generator, image: Array) -> Array:
    """Return the picture as a camera would have taken it.

    Args:
        rng: Source of randomness.
        image: (H, W, 3) sRGB uint8.
    """
    image = _focus(rng, image)
    image = _tone(rng, image)
    if rng.random() < 0.3:
        image = _vignette(rng, image)
    if rng.random() < 0.04:
        image = np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    return _noise(rng, image)


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


def _tone(rng: np.random.Generator, image: Array) -> Array:
    ramp = np.linspace(0, 1, 256)
    gamma = np.exp(rng.normal(0, 0.12))
    contrast = rng.uniform(0.85, 1.15)
    cast = 1 + rng.normal(0, 0.04, 3)
    toned = (0.5 + contrast * (ramp**gamma - 0.5))[:, None] * cast
    table = np.clip(np.round(toned * 255), 0, 255).astype(np.uint8)
    return cv2.LUT(image, table[None])


def _vignette(rng: np.random.Generator, image: Array) -> Array:
    height, width = image.shape[:2]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    factor = 1 - np.float32(rng.uniform(0.1, 0.3)) * (x * x + y * y)
    return (image * cv2.merge([factor] * 3)).astype(np.uint8)


def _noise(rng: np.random.Generator, image: Array) -> Array:
    sigma = 255 * min(0.06, rng.exponential(0.012))
    if sigma < 0.5:
        return image
    noise = rng.standard_normal(image.shape[:2], dtype=np.float32) * sigma
    grey = noise.astype(np.int16)
    return cv2.merge([cv2.add(plane, grey, dtype=cv2.CV_8U) for plane in cv2.split(image)])
