"""Things in front of a face: bars, hands, cups, microphones, leaves, cards and strands of hair."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from .fields import smooth_noise
from .identity import SKIN_TONES

Array = np.ndarray
Painter = Callable[[np.random.Generator, Array, Array, float], None]


def occlude(rng: np.random.Generator, image: Array, bbox_xywh: Array) -> Array:
    """Put one random object in front of a face, in place.

    Args:
        rng: Source of randomness.
        image: (H, W, 3) sRGB uint8 picture; changed.
        bbox_xywh: The face's box.

    Returns:
        (H, W) opacity of the object in [0, 1].
    """
    side = float(bbox_xywh[2])
    angle = rng.uniform(0, 2 * np.pi)
    # Objects come from below and from the sides more often than from above.
    if np.sin(angle) < 0 and rng.random() < 0.75:
        angle = -angle
    reach = rng.uniform(0.42, 0.64) * side
    center = bbox_xywh[:2] + side / 2 + reach * np.array([np.cos(angle), np.sin(angle)])
    painter = _PAINTERS[rng.integers(len(_PAINTERS))]
    layer = np.zeros((*image.shape[:2], 4), np.uint8)
    painter(rng, layer, center, side)
    return _lay_over(rng, image, layer, side)


def _lay_over(rng: np.random.Generator, image: Array, layer: Array, side: float) -> Array:
    """Blend an RGBA layer over the picture with uneven light, in place; return its opacity."""
    opacity = np.zeros(image.shape[:2], np.float32)
    x, y, width, height = cv2.boundingRect(np.ascontiguousarray(layer[..., 3]))
    if width == 0:
        return opacity
    window = (slice(y, y + height), slice(x, x + width))
    soft = cv2.GaussianBlur(layer[window][..., 3], (0, 0), 0.8).astype(np.float32) / 255
    light = 1 + 0.15 * smooth_noise(rng, (height, width), (side * 0.3, side * 0.3))
    lit = np.clip(layer[window][..., :3] * light[..., None], 0, 255)
    image[window] = (image[window] + (lit - image[window]) * soft[..., None]).astype(np.uint8)
    opacity[window] = soft
    return opacity


def _paint_colour(rng: np.random.Generator) -> Array:
    return np.clip(rng.uniform(0.1, 0.9) + rng.normal(0, 0.1, 3), 0.03, 0.97)


def _polygon(canvas: Array, points: Array, rgb: Array) -> None:
    fixed = np.round(np.asarray(points) * 16).astype(np.int32)
    value = (*(int(c) for c in np.clip(np.asarray(rgb) * 255, 0, 255)), 255)
    cv2.fillPoly(canvas, [fixed], value, cv2.LINE_8, 4)


def _capsule(canvas: Array, start: Array, end: Array, width: float, rgb: Array) -> None:
    value = (*(int(c) for c in np.clip(np.asarray(rgb) * 255, 0, 255)), 255)
    points = [tuple(int(v) for v in np.round(p)) for p in (start, end)]
    cv2.line(canvas, points[0], points[1], value, max(1, round(width)), cv2.LINE_8)


def _box(center: Array, wide: float, tall: float, angle: float) -> Array:
    c, s = np.cos(angle), np.sin(angle)
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [wide / 2, tall / 2]
    return np.asarray(center) + corners @ np.array([[c, s], [-s, c]])


def _bar(rng: np.random.Generator, canvas: Array, center: Array, side: float) -> None:
    angle = rng.uniform(0, np.pi)
    width = side * rng.uniform(0.08, 0.2)
    rgb = _paint_colour(rng)
    _polygon(canvas, _box(center, 4 * side, width, angle), rgb)
    _polygon(canvas, _box(center, 4 * side, width * 0.4, angle), np.clip(rgb * 1.25, 0, 1))


def _hand(rng: np.random.Generator, canvas: Array, center: Array, side: float) -> None:
    rgb = SKIN_TONES[rng.integers(len(SKIN_TONES))]
    angle = rng.uniform(-0.6, 0.6) - np.pi / 2
    width = side * 0.095
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-along[1], along[0]])
    wrist = center - along * side * 0.5
    _capsule(canvas, wrist - along * side * 0.6, wrist, side * 0.24, rgb * 0.9)
    _polygon(canvas, _box(center - along * side * 0.3, side * 0.4, side * 0.36, angle), rgb)
    for k, length in enumerate((0.25, 0.33, 0.36, 0.3)):
        root = center - along * side * 0.14 + across * width * (k - 1.5) * 1.02
        tip = root + along * side * length + across * width * (k - 1.5) * 0.25
        _capsule(canvas, root, tip, width * 1.05, rgb * 0.78)
        _capsule(canvas, root, tip, width * 0.85, rgb)
    thumb = center - along * side * 0.32 - across * side * 0.17
    _capsule(canvas, thumb, thumb + (along * 0.7 - across) * side * 0.14, width * 1.1, rgb * 0.95)


def _cup(rng: np.random.Generator, canvas: Array, center: Array, side: float) -> None:
    rgb = _paint_colour(rng)
    wide, tall = side * rng.uniform(0.25, 0.4), side * rng.uniform(0.4, 0.6)
    for k in range(6):
        left, right = (k / 6 - 0.5) * wide, ((k + 1) / 6 - 0.5) * wide
        strip = np.array(
            [[left, -tall / 2], [right, -tall / 2], [right * 0.8, tall / 2], [left * 0.8, tall / 2]]
        )
        _polygon(canvas, center + strip, rgb * (0.75 + 0.25 * np.sin(np.pi * (k + 1) / 7)))
    rim = np.linspace(0, 2 * np.pi, 24)
    ellipse = np.stack([np.cos(rim) * wide / 2, np.sin(rim) * wide * 0.12 - tall / 2], 1)
    _polygon(canvas, center + ellipse, rgb * 0.6)


def _microphone(rng: np.random.Generator, canvas: Array, center: Array, side: float) -> None:
    angle = rng.uniform(0.3, np.pi - 0.3)
    along = np.array([np.cos(angle), np.sin(angle)])
    _capsule(canvas, center, center + along * side, side * 0.09, np.array([0.1, 0.1, 0.11]))
    ring = np.linspace(0, 2 * np.pi, 28)
    for radius, grey in ((0.13, 0.22), (0.11, 0.34), (0.06, 0.5)):
        circle = np.stack([np.cos(ring), np.sin(ring)], 1) * side * radius
        _polygon(canvas, center + circle - side * (0.13 - radius) * 0.4, np.full(3, grey))


def _leaves(rng: np.random.Generator, canvas: Array, center: Array, side: float) -> None:
    base = np.array([0.18, 0.38, 0.12]) * rng.uniform(0.6, 1.5)
    t = np.linspace(0, 2 * np.pi, 16)
    for _ in range(int(rng.integers(8, 24))):
        long, wide = side * rng.uniform(0.08, 0.16), side * rng.uniform(0.025, 0.05)
        shape = np.stack([long * np.cos(t), wide * np.sin(t) * (1 - 0.4 * np.cos(t))], 1)
        angle = rng.uniform(0, 2 * np.pi)
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        place = center + rng.normal(0, 0.16, 2) * side
        _polygon(canvas, place + shape @ turn, base * rng.uniform(0.7, 1.4))


def _card(rng: np.random.Generator, canvas: Array, center: Array, side: float) -> None:
    angle, rgb = rng.uniform(-0.6, 0.6), _paint_colour(rng)
    wide, tall = side * rng.uniform(0.3, 0.5), side * rng.uniform(0.4, 0.7)
    _polygon(canvas, _box(center, wide, tall, angle), rgb)
    _polygon(canvas, _box(center, wide * 0.88, tall * 0.85, angle), np.clip(rgb * 1.3 + 0.1, 0, 1))


def _strands(rng: np.random.Generator, canvas: Array, center: Array, side: float) -> None:
    rgb = np.array([0.2, 0.14, 0.1]) * rng.uniform(0.3, 2.5)
    t = np.linspace(-1, 1, 14)[:, None]
    drift = rng.normal(0, 0.25)
    for _ in range(int(rng.integers(6, 22))):
        start = center + np.array([rng.normal(0, 0.1) * side, 0])
        bend = rng.normal(0, 0.08) * side
        line = start + t * [drift * side, side * 0.7] + (t**2) * [bend, 0]
        fixed = np.round(line * 16).astype(np.int32)
        value = (*(int(c) for c in np.clip(rgb * rng.uniform(0.7, 1.3) * 255, 0, 255)), 255)
        cv2.polylines(canvas, [fixed], False, value, max(1, int(side * 0.012)), cv2.LINE_8, 4)


_PAINTERS: tuple[Painter, ...] = (_bar, _hand, _cup, _microphone, _leaves, _card, _strands)
