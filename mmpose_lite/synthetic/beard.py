"""Beards: where they grow on the lower face, and how far they stand off the skin."""

from __future__ import annotations

import numpy as np

from .fields import peak, smoothstep
from .identity import Beard, Identity
from .layout import HEAD_RADIUS, FaceLayout

Array = np.ndarray
# It reaches from below the chin to the temples: V, height above the mouth, and azimuth in degrees.
_LOWEST, _HEIGHT, _BACK = -14.0, 8.0, 97.0


def beard_window(layout: FaceLayout, v: Array, u: Array) -> tuple[slice, slice]:
    """Return the rows and columns of ``v`` and ``u`` that a beard may reach."""
    rows = np.flatnonzero((v > _LOWEST) & (v < layout.mouth_v + _HEIGHT))
    cols = np.flatnonzero(np.abs(u) < HEAD_RADIUS * np.radians(_BACK))
    return slice(rows[0], rows[-1] + 1), slice(cols[0], cols[-1] + 1)


def beard_mask(identity: Identity, layout: FaceLayout, v: Array, u: Array) -> Array:
    """Return where the beard grows, (R, C) in [0, 1], at rows ``v`` and columns ``u``."""
    beard = identity.beard
    if beard.style == 'none':
        return np.zeros((len(v), len(u)), np.float32)
    azimuth = np.degrees(np.abs(u) / HEAD_RADIUS)[None]
    x = np.abs(HEAD_RADIUS * np.sin(u / HEAD_RADIUS))[None]
    x = np.where(azimuth < 90, x, 99.0)
    above = v[:, None] - layout.mouth_v
    parts = []
    if beard.style in ('moustache', 'goatee', 'full', 'whiskers'):
        moustache = peak(np.maximum(x - layout.mouth_half_width - 0.1, 0), 0.25)
        below_nose = layout.nose_tip_v - 1.25 - layout.mouth_v
        top = min(1.55 * beard.moustache, below_nose) - 0.12 * x
        parts.append(moustache * smoothstep(0.2, -0.2, above - top) * (above > -0.6))
    if beard.style in ('chin', 'goatee'):
        parts.append(smoothstep(-1.0, -1.5, above) * smoothstep(2.6, 2.0, x))
    if beard.style == 'goatee':
        parts.append(peak(x - layout.mouth_half_width - 0.35, 0.35) * (above < 1.0))
    if beard.style in ('full', 'strap', 'whiskers'):
        parts.append(_jaw_mask(beard, above, azimuth))
    cover = np.maximum.reduce(parts)
    return (cover * smoothstep(-13.6, -12.6, v)[:, None]).astype(np.float32)


def beard_thickness(identity: Identity, layout: FaceLayout, v: Array, u: Array) -> Array:
    """Return how far the beard stands off the skin, (R, C) in centimetres; lips stay bare."""
    if identity.beard.length <= 0 or identity.beard.style == 'none':
        return np.zeros((len(v), len(u)), np.float32)
    x = (HEAD_RADIUS * np.sin(u / HEAD_RADIUS))[None]
    above = (v - layout.mouth_v)[:, None]
    across = (x / (layout.mouth_half_width + 0.15)) ** 2
    bare = smoothstep(1.35, 0.95, across + (above / 1.25) ** 2)
    return identity.beard.length * beard_mask(identity, layout, v, u) * (1 - bare)


def _jaw_mask(beard: Beard, above: Array, azimuth: Array) -> Array:
    """Return where a beard grows on jaw and cheeks, (R, C), at heights above the mouth."""
    top = np.interp(azimuth, [0, 12, 24, 40, 60, 76, 90], [-1.3, -1.2, 0.4, 0.0, 1.8, 5.0, 5.5])
    top = top + beard.cheek_line * peak(azimuth - 45, 18)
    jaw = smoothstep(0.3, -0.3, above - top) * smoothstep(96, 84, azimuth)
    if beard.style == 'strap':
        edge = np.interp(azimuth, [0, 30, 60, 78], [-4, -3.4, -1, 6])
        jaw = jaw * smoothstep(0.2, -0.2, above - edge)
    elif beard.style == 'whiskers':
        jaw = jaw * smoothstep(26, 34, azimuth)
    return jaw
