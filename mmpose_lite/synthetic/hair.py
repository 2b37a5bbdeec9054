"""Cover of the head: scalp hair, hats and scarves, as a mask and a thickness over the skin."""

from __future__ import annotations

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
_RAGS = 97  # numbers by which a hairline is ragged


def hair_mask(identity: Identity, v: Array, u: Array) -> Array:
    """Return the opacity of the scalp hair, (R, C), at rows ``v``, columns ``u`` (centimetres)."""
    distance = _above_hairline(identity, v, u)
    if distance is None:
        return np.zeros((len(v), len(u)), np.float32)
    style = identity.hair_style
    soft = 1.2 if style in ('buzz', 'receding') else 0.6
    return smoothstep(-soft / 2, soft / 2, distance) * (0.7 if style == 'buzz' else 1.0)


def hair_thickness(identity: Identity, v: Array, u: Array) -> Array:
    """Return how far the scalp hair stands off the skin, (R, C) in centimetres."""
    distance = _above_hairline(identity, v, u)
    if distance is None:
        return np.zeros((len(v), len(u)), np.float32)
    style = identity.hair_style
    thickness = _THICKNESS[style] * smoothstep(-0.1, 2.2, distance)
    if style in ('short', 'parted', 'buzz'):
        # Cropped sides and nape.
        thickness = thickness * mix(0.3, 1.0, smoothstep(-3.0, 6.5, v))[:, None]
    rng = np.random.default_rng(identity.skin_seed)
    rng.normal(size=_RAGS)
    lumps = rng.random((7, 13), dtype=np.float32)
    thickness = thickness * (0.8 + 0.4 * _sample(lumps, v, u))
    if style in ('parted', 'long'):
        side = smoothstep(-2.5, 2.5, u * identity.hair_part)[None]
        thickness = thickness * mix(0.65, 1.25, side)
    return thickness.astype(np.float32)


def _above_hairline(identity: Identity, v: Array, u: Array) -> Array | None:
    """Return the height above the ragged hairline, (R, C) in centimetres; None without hair."""
    if identity.hair_style == 'bald' or identity.hat == 'scarf':
        return None
    rng = np.random.default_rng(identity.skin_seed)
    ragged = np.interp(u, np.linspace(-24, 24, _RAGS), rng.normal(0, 0.16, _RAGS))
    return v[:, None] - (_line(identity.hair_style, u) + ragged)[None]


def hat_mask(identity: Identity, v: Array, u: Array) -> Array:
    """Return the opacity of hat or scarf, (R, C), at rows ``v``, columns ``u`` (centimetres)."""
    return _hat(identity, v, u, -0.06, 0.06)


def hat_thickness(identity: Identity, v: Array, u: Array) -> Array:
    """Return how far the hat or scarf stands off the skin, (R, C) in centimetres."""
    return _THICKNESS.get(identity.hat, 0.0) * _hat(identity, v, u, -0.15, 0.35)


def _hat(identity: Identity, v: Array, u: Array, outside: float, inside: float) -> Array:
    """Return the step (R, C) from ``outside`` to ``inside``, in centimetres from the hat's edge."""
    if identity.hat == 'none':
        return np.zeros((len(v), len(u)), np.float32)
    if identity.hat == 'scarf':
        across = (u / HEAD_RADIUS / np.radians(61))[None]
        down = ((v + 2.6) / np.where(v > -2.6, 8.6, 10.2))[:, None]
        distance = 8.0 * (np.sqrt(across**2 + down**2) - 1)
    else:
        distance = v[:, None] - _line(identity.hat, u)[None]
    return smoothstep(outside, inside, distance)


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
