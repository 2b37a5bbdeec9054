"""Small array helpers: smooth steps, bumps and random fields."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

Array = np.ndarray


def vec(*values: float) -> Array:
    """Return a float32 vector, such as a colour."""
    return np.array(values, np.float32)


def planes(rgb: Array) -> Array:
    """Return a colour (3,) as (3, 1, 1), which broadcasts over pictures (3, h, w)."""
    return np.asarray(rgb)[:, None, None]


def tripled(values: Array) -> Array:
    """Return (R, C) values as (R, C, 3): NumPy broadcasts along three numbers slowly."""
    return cv2.merge([values] * 3)


def clamp(values: Array | float, low: float, high: float) -> Array:
    """Return ``values`` clipped to [low, high]; ``np.clip`` takes longer on small arrays."""
    return np.minimum(np.maximum(values, low), high)


@lru_cache(maxsize=64)
def spaced(start: float, stop: float, count: int) -> Array:
    """Return the array of ``np.linspace``, made once and read-only."""
    values = np.linspace(start, stop, count)
    values.flags.writeable = False
    return values


def linear(rgb: Array) -> Array:
    """Return the linear light of an sRGB colour; the gamma is 2 everywhere here."""
    return np.square(np.asarray(rgb, np.float32))


def smoothstep(edge0: float, edge1: float, value: Array | float) -> Array:
    """Return the cubic step that is 0 at ``edge0`` and 1 at ``edge1`` (edges may be swapped)."""
    t = clamp((np.asarray(value, np.float32) - edge0) / (edge1 - edge0), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def bump(dx: Array, dy: Array | float, sigma_x: float, sigma_y: float) -> Array:
    """Return an axis-aligned Gaussian of height 1 at offsets ``dx``, ``dy`` from its centre."""
    return np.exp(-0.5 * ((dx / sigma_x) ** 2 + (dy / sigma_y) ** 2))


def peak(d: Array, sigma: float) -> Array:
    """Return a Gaussian of height 1 at offset ``d`` from its centre."""
    return np.exp(-0.5 * (d / sigma) ** 2)


def smooth_curve(x: Array, knots: Array, sigma: float = 0.0) -> Array:
    """Interpolate ``knots`` (K, 2; first column rising) at ``x``, rounding corners over ``sigma``.

    Args:
        x: Positions, any shape.
        knots: Rows (position, value).
        sigma: Standard deviation of the rounding, in units of ``x``; 0 keeps the corners.
    """
    if sigma <= 0:
        return np.interp(x, knots[:, 0], knots[:, 1]).astype(np.float32)
    # Five-point Gauss-Hermite quadrature of the Gaussian average.
    offsets = np.array([-2.02018287, -0.95857246, 0.0, 0.95857246, 2.02018287]) * np.sqrt(2)
    weights = np.array([0.01995324, 0.39361932, 0.94530872, 0.39361932, 0.01995324])
    total = np.zeros(np.shape(x))
    for offset, weight in zip(offsets, weights / np.sqrt(np.pi), strict=True):
        total += weight * np.interp(x + offset * sigma, knots[:, 0], knots[:, 1])
    return total.astype(np.float32)


def smooth_noise(
    rng: np.random.Generator, shape_hw: tuple[int, int], cells_hw: tuple[float, float]
) -> Array:
    """Return a random field in about [-1, 1] whose features are ``cells_hw`` pixels large.

    Args:
        rng: Source of randomness.
        shape_hw: Height and width of the field.
        cells_hw: Vertical and horizontal size of a feature, in pixels.
    """
    rows = max(2, int(np.ceil(shape_hw[0] / cells_hw[0])) + 1)
    cols = max(2, int(np.ceil(shape_hw[1] / cells_hw[1])) + 1)
    coarse = rng.random((rows, cols), dtype=np.float32) * 2.0 - 1.0
    return cv2.resize(coarse, (shape_hw[1], shape_hw[0]), interpolation=cv2.INTER_CUBIC)


def gradient(line: Array) -> Array:
    """Return the derivative (n, D) along a line (n, D), like ``np.gradient`` but in fewer steps."""
    along = np.empty_like(line)
    along[1:-1] = (line[2:] - line[:-2]) / 2
    along[0], along[-1] = line[1] - line[0], line[-1] - line[-2]
    return along


def lengths(vectors: Array) -> Array:
    """Return the lengths (n, 1) of vectors (n, D)."""
    return np.sqrt(np.square(vectors).sum(1, keepdims=True))


def mix(a: Array | float, b: Array | float, weight: Array | float) -> Array:
    """Return ``a`` where ``weight`` is 0 and ``b`` where it is 1."""
    return np.asarray(a) + (np.asarray(b) - np.asarray(a)) * weight
