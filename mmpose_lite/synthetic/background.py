"""Clutter behind the faces: a setting, shapes in and out of focus, lights and texture."""

from __future__ import annotations

import cv2
import numpy as np

from .fields import mix, smooth_noise, smoothstep, vec

Array = np.ndarray
_REDUCTION = 4


def draw_background(rng: np.random.Generator, size_wh: tuple[int, int]) -> Array:
    """Return an (H, W, 3) sRGB uint8 picture without any face in it.

    Args:
        rng: Source of randomness.
        size_wh: Width and height in pixels.
    """
    small_wh = (max(8, size_wh[0] // _REDUCTION), max(8, size_wh[1] // _REDUCTION))
    setting = (_wall, _landscape, _street, _gradient)[rng.choice(4, p=[0.35, 0.25, 0.2, 0.2])]
    image = setting(rng, small_wh)
    for _ in range(int(rng.integers(0, 14))):
        _draw_shape(rng, image, rng.uniform(0.3, 1.0))
    sigma = float(rng.choice([0.0, 0.8, 2.5, 6.0], p=[0.2, 0.3, 0.3, 0.2])) * small_wh[0] / 160
    if sigma > 0:
        image = cv2.GaussianBlur(image, (0, 0), sigma)
    if sigma > 2 and rng.random() < 0.4:
        _bokeh(rng, image)
    cell = rng.uniform(1, 10)
    image *= (1 + rng.uniform(0, 0.08) * smooth_noise(rng, image.shape[:2], (cell, cell)))[
        ..., None
    ]
    large = np.clip(image * 255, 0, 255).astype(np.uint8)
    large = cv2.resize(large, size_wh, interpolation=cv2.INTER_CUBIC)
    if sigma < 1:
        _sharp_edges(rng, large)
    return large


def _colour(rng: np.random.Generator, low: float = 0.05, high: float = 0.95) -> Array:
    warmth = rng.normal(0.02, 0.07)
    tint = np.array([warmth, rng.normal(0, 0.03), -warmth]) + rng.normal(0, 0.02, 3)
    return np.clip(rng.uniform(low, high) + tint, 0.02, 0.98).astype(np.float32)


def _gradient(rng: np.random.Generator, size_wh: tuple[int, int]) -> Array:
    corners = np.array([[_colour(rng) for _ in range(2)] for _ in range(2)], np.float32)
    corners = mix(corners, corners.mean((0, 1)), rng.uniform(0, 0.9)).astype(np.float32)
    return cv2.resize(corners, size_wh, interpolation=cv2.INTER_LINEAR)


def _wall(rng: np.random.Generator, size_wh: tuple[int, int]) -> Array:
    """A lit wall with frames, shelves or a door."""
    width, height = size_wh
    image = mix(_gradient(rng, size_wh), _colour(rng, 0.3, 0.9), 0.75).astype(np.float32)
    for _ in range(int(rng.integers(1, 6))):
        x, y = int(rng.uniform(-0.1, 0.9) * width), int(rng.uniform(-0.1, 0.8) * height)
        w, h = int(rng.uniform(0.1, 0.4) * width), int(rng.uniform(0.15, 0.6) * height)
        cv2.rectangle(image, (x, y), (x + w, y + h), _tuple(_colour(rng, 0.05, 0.6)), -1)
        inset = max(1, w // 12)
        inner = ((x + inset, y + inset), (x + w - inset, y + h - inset))
        cv2.rectangle(image, *inner, _tuple(_colour(rng)), -1)
    return image


def _landscape(rng: np.random.Generator, size_wh: tuple[int, int]) -> Array:
    """Sky over a leafy horizon and a plain ground."""
    width, height = size_wh
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    sky = mix(vec(0.45, 0.62, 0.85), vec(0.85, 0.88, 0.9), y * rng.uniform(0.8, 2))
    image = np.broadcast_to(np.clip(sky, 0, 0.95), (height, width, 3)).copy()
    horizon = rng.uniform(0.2, 0.8)
    ridge = horizon + 0.12 * smooth_noise(rng, (1, width), (1, rng.uniform(4, 30)))
    green = vec(0.22, 0.34, 0.15) * rng.uniform(0.6, 1.6)
    leaf = green * (1 + 0.6 * smooth_noise(rng, (height, width), (3, 3)))[..., None]
    image = mix(image, leaf, smoothstep(-0.01, 0.01, y[..., 0] - ridge)[..., None])
    ground = (
        _colour(rng, 0.25, 0.7) * (1 + 0.1 * smooth_noise(rng, (height, width), (1, 6)))[..., None]
    )
    return mix(image, ground, smoothstep(0, 0.02, y - horizon - 0.15)).astype(np.float32)


def _street(rng: np.random.Generator, size_wh: tuple[int, int]) -> Array:
    """House fronts with rows of windows."""
    width, height = size_wh
    image = _gradient(rng, size_wh)
    x = 0
    while x < width:
        w = int(rng.uniform(0.12, 0.4) * width) + 4
        top = int(rng.uniform(-0.2, 0.4) * height)
        cv2.rectangle(image, (x, top), (x + w, height), _tuple(_colour(rng, 0.2, 0.8)), -1)
        glass = _tuple(_colour(rng, 0.05, 0.9))
        step_x, step_y = (
            max(5, int(w / rng.integers(2, 6))),
            max(6, int(height / rng.integers(4, 10))),
        )
        for wx in range(x + step_x // 4, x + w - step_x // 2, step_x):
            for wy in range(top + step_y // 4, height, step_y):
                cv2.rectangle(image, (wx, wy), (wx + step_x // 2, wy + step_y // 2), glass, -1)
        x += w
    return image


def _draw_shape(rng: np.random.Generator, image: Array, opacity: float) -> None:
    """Lay one random shape over a float image, in place."""
    height, width = image.shape[:2]
    center = (int(rng.uniform(0, width)), int(rng.uniform(0, height)))
    radius = width * rng.uniform(0.02, 0.22)
    colour = _tuple(_colour(rng))
    layer = image.copy()
    kind = rng.integers(4)
    if kind == 0:
        axes = (int(radius) + 1, int(radius * rng.uniform(0.3, 1)) + 1)
        cv2.ellipse(layer, center, axes, rng.uniform(0, 180), 0, 360, colour, -1, cv2.LINE_AA)
    elif kind == 1:
        box = (
            center,
            (radius * 2, radius * rng.uniform(0.2, 3)),
            rng.choice([0.0, 0.0, 30.0, 75.0]),
        )
        cv2.fillPoly(layer, [cv2.boxPoints(box).astype(np.int32)], colour, cv2.LINE_AA)
    elif kind == 2:
        end = (int(rng.uniform(0, width)), int(rng.uniform(0, height)))
        cv2.line(layer, center, end, colour, int(rng.integers(1, 6)), cv2.LINE_AA)
    else:
        points = np.array(center) + rng.normal(0, radius, (int(rng.integers(3, 8)), 2))
        cv2.fillPoly(layer, [points.astype(np.int32)], colour, cv2.LINE_AA)
    cv2.addWeighted(layer, opacity, image, 1 - opacity, 0, dst=image)


def _bokeh(rng: np.random.Generator, image: Array) -> None:
    """Add out-of-focus lights, in place."""
    layer = np.zeros_like(image)
    for _ in range(int(rng.integers(5, 30))):
        center = (int(rng.uniform(0, image.shape[1])), int(rng.uniform(0, image.shape[0])))
        glow = _tuple(np.array([1.0, 0.85, 0.6]) * rng.uniform(0.1, 0.45))
        cv2.circle(layer, center, int(image.shape[1] * rng.uniform(0.01, 0.05)) + 1, glow, -1)
    image += cv2.GaussianBlur(layer, (0, 0), 0.7)


def _sharp_edges(rng: np.random.Generator, image: Array) -> None:
    """Draw a few lines and boxes at full resolution, in place."""
    height, width = image.shape[:2]
    for _ in range(int(rng.integers(0, 7))):
        start = (int(rng.uniform(0, width)), int(rng.uniform(0, height)))
        end = (int(rng.uniform(0, width)), int(rng.uniform(0, height)))
        colour = tuple(int(255 * c) for c in _colour(rng))
        if rng.random() < 0.6:
            cv2.line(image, start, end, colour, int(rng.integers(1, 7)), cv2.LINE_AA)
        else:
            cv2.rectangle(image, start, end, colour, int(rng.integers(1, 7)))


def _tuple(rgb: Array) -> tuple[float, ...]:
    return tuple(float(c) for c in rgb)
