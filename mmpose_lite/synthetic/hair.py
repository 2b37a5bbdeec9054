"""Cover of the head: scalp hair, hats and scarves, as a mask and a thickness over the skin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .fields import mix, smooth_noise, smoothstep
from .identity import Identity
from .layout import HEAD_RADIUS

Array = np.ndarray

# Rows: azimuth in degrees, V of the line above which the head is covered.
_HAIRLINE = (
    (0, 6.7),
    (22, 6.6),
    (40, 6.1),
    (53, 4.6),
    (62, 2.6),
    (69, 0.6),
    (73, -2.2),
    (81, -2.4),
    (86, 0.6),
    (92, 1.0),
)
_NAPE = ((104, -4.0), (120, -8.5), (180, -10.5))
_LINES: dict[str, tuple[tuple[float, float], ...]] = {
    'buzz': _HAIRLINE + _NAPE,
    'short': _HAIRLINE + _NAPE,
    'parted': _HAIRLINE + _NAPE,
    'bushy': _HAIRLINE + _NAPE,
    'long': ((0, 6.9), (25, 6.6), (45, 5.2), (56, 2.5), (64, -1.5), (75, -4), (92, -6), *_NAPE[1:]),
    'fringe': ((0, 3.5), (30, 3.5), (48, 3.2), (58, 1.0), (66, -2), (75, -4), (92, -6), *_NAPE[1:]),
    'bun': _HAIRLINE + _NAPE,
    'receding': ((0, 8.0), (15, 8.6), (35, 9.2), (50, 6.5), (60, 2.0), (72, -1.2), (92, 2), *_NAPE),
    'beanie': ((0, 4.3), (45, 4.0), (90, 2.2), (180, -2.5)),
    'cap': ((0, 4.9), (45, 4.6), (90, 3.6), (180, 0.5)),
}
_THICKNESS = {
    'buzz': 0.12,
    'short': 0.7,
    'parted': 1.1,
    'bushy': 2.3,
    'long': 1.0,
    'fringe': 1.1,
    'bun': 0.55,
    'receding': 0.4,
    'beanie': 1.0,
    'cap': 0.8,
    'scarf': 0.8,
}


@dataclass(frozen=True)
class Cover:
    """One layer over the skin, on a grid of rows (V) and columns (U).

    Attributes:
        mask: (R, C) opacity in [0, 1].
        thickness: (R, C) height above the skin in centimetres.
    """

    mask: Array
    thickness: Array


def hair_cover(identity: Identity, v: Array, u: Array) -> Cover:
    """Return the scalp hair at rows ``v`` and columns ``u`` (texture centimetres)."""
    style = identity.hair_style
    if style == 'bald' or identity.hat == 'scarf':
        return Cover(np.zeros((len(v), len(u)), np.float32), np.zeros((len(v), len(u)), np.float32))
    rng = np.random.default_rng(identity.skin_seed)
    ragged = np.interp(u, np.linspace(-24, 24, 97), rng.normal(0, 0.16, 97))
    distance = v[:, None] - (_line(style, u) + ragged)[None]
    soft = 1.2 if style in ('buzz', 'receding') else 0.6
    mask = smoothstep(-soft / 2, soft / 2, distance) * (0.7 if style == 'buzz' else 1.0)
    thickness = _THICKNESS[style] * smoothstep(-0.1, 2.2, distance)
    if style in ('short', 'parted', 'buzz'):
        # Cropped sides and nape.
        thickness = thickness * mix(0.3, 1.0, smoothstep(-3.0, 6.5, v))[:, None]
    lumps = rng.random((7, 13), dtype=np.float32)
    thickness = thickness * (0.8 + 0.4 * _sample(lumps, v, u))
    if style in ('parted', 'long'):
        side = smoothstep(-2.5, 2.5, u * identity.hair_part)[None]
        thickness = thickness * mix(0.65, 1.25, side)
    return Cover(mask.astype(np.float32), thickness.astype(np.float32))


def hat_cover(identity: Identity, v: Array, u: Array) -> Cover:
    """Return the hat or scarf at rows ``v`` and columns ``u`` (texture centimetres)."""
    if identity.hat == 'none':
        return Cover(np.zeros((len(v), len(u)), np.float32), np.zeros((len(v), len(u)), np.float32))
    if identity.hat == 'scarf':
        across = (u / HEAD_RADIUS / np.radians(61))[None]
        down = ((v + 2.6) / np.where(v > -2.6, 8.6, 10.2))[:, None]
        distance = 8.0 * (np.sqrt(across**2 + down**2) - 1)
    else:
        distance = v[:, None] - _line(identity.hat, u)[None]
    mask = smoothstep(-0.06, 0.06, distance)
    thickness = _THICKNESS[identity.hat] * smoothstep(-0.15, 0.35, distance)
    return Cover(mask.astype(np.float32), thickness.astype(np.float32))


def strands(rng: np.random.Generator, shape_hw: tuple[int, int], cm: float) -> Array:
    """Return a brightness pattern of hair running down the rows, around 1.

    Args:
        rng: Source of randomness.
        shape_hw: Size in pixels.
        cm: Pixels in a centimetre.
    """
    coarse = smooth_noise(rng, shape_hw, (6 * cm, 0.8 * cm))
    fine = smooth_noise(rng, shape_hw, (3 * cm, max(1.0, 0.14 * cm)))
    return 1 + 0.22 * coarse + 0.24 * fine


def _line(style: str, u: Array) -> Array:
    knots = np.array(_LINES[style])
    return np.interp(np.abs(u) / HEAD_RADIUS, np.radians(knots[:, 0]), knots[:, 1])


def _sample(lumps: Array, v: Array, u: Array) -> Array:
    """Interpolate a coarse field spread over the whole head at rows ``v``, columns ``u``."""
    rows = np.interp(v, np.linspace(-22, 12.5, len(lumps)), np.arange(len(lumps)))
    cols = np.interp(u, np.linspace(-24, 24, lumps.shape[1]), np.arange(lumps.shape[1]))
    r = np.minimum(rows.astype(int), len(lumps) - 2)
    c = np.minimum(cols.astype(int), lumps.shape[1] - 2)
    fr, fc = (rows - r)[:, None], (cols - c)[None]
    top = mix(lumps[r][:, c], lumps[r][:, c + 1], fc)
    return mix(top, mix(lumps[r + 1][:, c], lumps[r + 1][:, c + 1], fc), fr)
