"""Hair and its colours, hats and scarves, as masks and thicknesses over the skin."""

from __future__ import annotations

import numpy as np

from .fields import clamp, mix, peak, smooth_noise, smoothstep
from .identity import CROPPED, WHITE_HAIR, Beard, Hair, Identity
from .layout import HEAD_RADIUS, FaceLayout

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
_USUAL = _HAIRLINE + _NAPE
# Hairlines of other styles, and the edges of hats.
_LINES: dict[str, tuple[tuple[float, float], ...]] = {
    'long': ((0, 6.9), (25, 6.6), (45, 5.2), (56, 2.5), (64, -1.5), (75, -4), (92, -6), *_NAPE[1:]),
    'fringe': ((0, 3.5), (30, 3.5), (48, 3.2), (58, 1.0), (66, -2), (75, -4), (92, -6), *_NAPE[1:]),
    'horseshoe': ((0, 13), (40, 13), (52, 8), (60, 3), (72, -1.2), (92, 2), *_NAPE),
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
    'horseshoe': 0.5,
    'afro': 2.4,
    'slick': 0.35,
    'beanie': 1.0,
    'cap': 0.8,
    'scarf': 0.8,
}
_RAGS = 97  # number of random heights along the hairline
_ABOVE_BROWS = 0.45  # centimetres between brows and hair
_MAX_THICKNESS = 5.0


def hair_mask(identity: Identity, layout: FaceLayout, v: Array, u: Array) -> Array:
    """Return the opacity of the scalp hair, (R, C), at rows ``v``, columns ``u`` (centimetres)."""
    distance = _above_hairline(identity, layout, v, u)
    if distance is None:
        return np.zeros((len(v), len(u)), np.float32)
    style = identity.hair.style
    soft = 1.2 if style in ('buzz', 'receding', 'horseshoe') else 0.6
    mask = smoothstep(-soft / 2, soft / 2, distance) * (0.7 if style == 'buzz' else 1.0)
    return mask * _density(identity.hair, v)[:, None]


def _density(hair: Hair, v: Array) -> Array:
    """Return how dense hair is at rows ``v``, (R,): thin on the top, cropped at the sides."""
    density = hair.sides + (hair.density - hair.sides) * smoothstep(3.0, 7.5, v)
    return density * smoothstep(9.0, 5.0, v) if hair.style == 'horseshoe' else density


def hair_thickness(identity: Identity, layout: FaceLayout, v: Array, u: Array) -> Array:
    """Return how far the scalp hair stands off the skin, (R, C) in centimetres."""
    distance = _above_hairline(identity, layout, v, u)
    if distance is None:
        return np.zeros((len(v), len(u)), np.float32)
    hair = identity.hair
    height = _THICKNESS[hair.style] * hair.volume * _density(hair, v)
    if hair.style in CROPPED:
        height = height * mix(0.3, 1.0, smoothstep(-3.0, 6.5, v))
    thickness = height[:, None] * smoothstep(-0.1, 2.2, distance)
    rng = identity.source('lumps of hair')
    lumps = _sample(rng.random((7, 13), dtype=np.float32), v, u)
    thickness = thickness * (0.8 + 0.4 * lumps)
    if hair.curl > 0.3:  # the rest lies smooth
        locks = _sample(rng.random((17, 37), dtype=np.float32), v, u)
        thickness = thickness * (1 + 1.4 * (hair.curl - 0.3) * (locks - 0.5))
    if hair.style in ('parted', 'long'):
        side = smoothstep(-2.5, 2.5, u * hair.side)[None]
        thickness = thickness * mix(0.65, 1.25, side)
    return np.minimum(thickness, _MAX_THICKNESS).astype(np.float32)


def _above_hairline(identity: Identity, layout: FaceLayout, v: Array, u: Array) -> Array | None:
    """Return the height above the ragged hairline, (R, C) in centimetres; None without hair."""
    if identity.hair.style == 'bald' or identity.hat == 'scarf':
        return None
    line = hairline(identity, layout, u).astype(np.float32)
    return v[:, None].astype(np.float32) - line


def hairline(identity: Identity, layout: FaceLayout, u: Array) -> Array:
    """Return the V, (C,) in centimetres, above which hair grows at columns ``u``."""
    hair = identity.hair
    heights = identity.source('hairline').normal(0, hair.ragged, _RAGS)
    ragged = np.interp(u, np.linspace(-24, 24, _RAGS), heights)
    azimuth = np.degrees(np.abs(u) / HEAD_RADIUS)
    front = smoothstep(62, 40, azimuth)
    line = _line(hair.style, u) + ragged
    line = line + front * (hair.hairline - hair.sweep * clamp(u * hair.side / 6, -0.3, 1))
    line = line + hair.temples * peak(azimuth - 36, 13) - hair.peak * peak(azimuth, 8)
    line = line - hair.sideburns * peak(azimuth - 77, 5)
    above_brows = np.maximum(line, layout.brow_top + _ABOVE_BROWS)
    return mix(line, above_brows, smoothstep(68, 60, azimuth))


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


def paint_hair(
    rng: np.random.Generator, shape_hw: tuple[int, int], cm: float, hair: Hair | Beard
) -> list[Array]:
    """Return three planes (h, w) of the sRGB colours in [0, 1] of hair that runs down the rows.

    Args:
        rng: Source of randomness.
        shape_hw: Size in pixels.
        cm: Pixels in a centimetre.
        hair: Its colours and curls.
    """
    coarse, fine = _strand_fields(rng, shape_hw, cm, hair.curl)
    pattern = _joined(coarse, fine)
    bright = 1 + 0.46 * hair.contrast * pattern
    rgb = np.asarray(hair.rgb, np.float32)
    if hair.grey < 0.02:
        return [clamp(each * bright, 0, 1) for each in rgb]
    # Single strands turn white, not whole locks.
    middle = np.quantile(fine[::4, ::4], 1 - hair.grey)
    white = smoothstep(middle - 0.8, middle + 0.8, fine)
    pairs = zip(rgb, WHITE_HAIR.astype(np.float32), strict=True)
    return [clamp(mix(each, silver, white) * bright, 0, 1) for each, silver in pairs]


def strands(rng: np.random.Generator, shape_hw: tuple[int, int], cm: float, curl: float) -> Array:
    """Return a field (h, w) in about [-1, 1]: strands, which curls make short and wide."""
    return _joined(*_strand_fields(rng, shape_hw, cm, curl))


def _joined(coarse: Array, fine: Array) -> Array:
    return 0.47 * coarse + 0.53 * fine


def _strand_fields(
    rng: np.random.Generator, shape_hw: tuple[int, int], cm: float, curl: float
) -> tuple[Array, Array]:
    """Return the fields (h, w) of locks and of single strands."""
    length = 1 - 0.9 * curl**0.5
    coarse = smooth_noise(rng, shape_hw, (max(1.0, 6 * length * cm), 0.8 * cm))
    width = (0.14 + 0.25 * curl) * cm
    fine = smooth_noise(rng, shape_hw, (max(1.0, 3 * length * cm), max(1.0, width)))
    return coarse, fine


def _line(style: str, u: Array) -> Array:
    knots = np.array(_LINES.get(style, _USUAL))
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
