"""Trunk and arms, and the clothes on them."""

from __future__ import annotations

import numpy as np

from .fields import linear, mix, smooth_curve, smoothstep, spaced
from .identity import Clothes, Identity
from .mesh import GridMesh, tube_mesh

Array = np.ndarray
_ROWS_Y = np.array([-14.6, -15.3, -16, -17, -18, -19.2, -21, -23, -26, -32, -45, -400.0])
# Rows: y, half width and half depth of the trunk in centimetres.
_TRUNK = np.array(
    [
        (-400, 15.0, 11.5),
        (-32, 15.5, 11.0),
        (-26, 17.0, 10.5),
        (-22.5, 17.5, 9.5),
        (-20.5, 16.5, 8.5),
        (-18.8, 13.5, 7.5),
        (-17.5, 10.5, 6.8),
        (-16.5, 8.0, 6.2),
        (-15.5, 6.2, 5.6),
        (-14.5, 5.5, 5.0),
    ]
)
# Rows: x, y, z and radius of the right arm's middle line.
_ARM = np.array(
    [
        (13.0, -20.5, -1.5, 2.0),
        (15.5, -22.0, -1.5, 3.6),
        (17.6, -25.0, -1.6, 4.6),
        (19.0, -31.0, -2.0, 4.7),
        (20.5, -42.0, -3.0, 4.3),
        (20.5, -400.0, -3.0, 4.0),
    ]
)
# Pixels of the trunk's texture between two of its points, down and across.
_FINE = (6, 4)


def build_body(identity: Identity) -> list[GridMesh]:
    """Return trunk and arms; the head's pose turns them in part (see ``Pose.turn``)."""
    size = 1 + 0.05 * identity.trait('neck_width')
    clothes = identity.clothes
    cloth = linear(clothes.rgb)
    arms = [
        tube_mesh(
            _ARM[:, :3] * [side * size, 1, 1] + [0, clothes.lift, 0], _ARM[:, 3], cloth, sides=12
        )
        for side in (-1, 1)
    ]
    return [_trunk(size, clothes, identity.skin.rgb), *arms]


def _trunk(size: float, clothes: Clothes, skin_rgb: Array) -> GridMesh:
    rows, cols = len(_ROWS_Y), 41
    width = smooth_curve(_ROWS_Y, _TRUNK[:, :2], 0.3)[:, None] * size
    depth = smooth_curve(_ROWS_Y, _TRUNK[:, ::2], 0.3)[:, None]
    azimuth = spaced(-np.pi, np.pi, cols)[None]
    cos = np.cos(azimuth)
    x = width * np.sin(azimuth)
    z = -1.5 + depth * np.sign(cos) * np.abs(cos) ** 0.8
    points = np.stack(np.broadcast_arrays(x, _ROWS_Y[:, None] + clothes.lift, z), -1)
    fine_rows, fine_cols = (rows - 1) * _FINE[0] + 1, (cols - 1) * _FINE[1] + 1
    y = np.interp(np.arange(fine_rows) / _FINE[0], np.arange(rows), _ROWS_Y)
    rgb = _dress(clothes, skin_rgb, _ROWS_Y[0] - y, spaced(-np.pi, np.pi, fine_cols))
    uv = np.stack(np.meshgrid(np.arange(cols) * _FINE[1], np.arange(rows) * _FINE[0]), -1)
    albedo = linear(rgb).transpose(2, 0, 1).copy()
    return GridMesh(points.astype(np.float32), albedo, uv.astype(np.float32))


def _dress(clothes: Clothes, skin_rgb: Array, down: Array, azimuth: Array) -> Array:
    """Return the sRGB colours (R, C, 3) of the trunk ``down`` cm below its upper end."""
    down, azimuth = down[:, None, None], np.abs(azimuth)[None, :, None]
    outer = np.clip(clothes.rgb * np.where(down < 0.9, clothes.collar, 1.0), 0, 1)
    under = _shirt(clothes, down, azimuth) if clothes.cut == 'jacket' else skin_rgb
    return mix(outer, under, _opening(clothes, down, azimuth))


def _opening(clothes: Clothes, down: Array, azimuth: Array) -> Array:
    """Return where clothes are open, (R, C, 1): down to a point, or to a curve for a crew neck."""
    if clothes.cut == 'closed':
        return np.zeros_like(down * azimuth)
    share = 1 - down / clothes.depth
    edge = clothes.half_width * share
    if clothes.cut == 'crew':
        # Below the opening, an edge of 0 would leave half of it in the middle.
        curve = 1.6 * clothes.half_width * np.sqrt(np.maximum(share, 0))
        edge = np.where(share > 0, curve, -1)
    opening = smoothstep(0.06, -0.06, azimuth - edge)
    return np.maximum(opening, smoothstep(1.2, 0.8, down)) if clothes.cut == 'crew' else opening


def _shirt(clothes: Clothes, down: Array, azimuth: Array) -> Array:
    """Return the colours of a shirt, whose collar is brighter, and its tie: (R, C, 3)."""
    shirt = np.where(down < 1.6, np.minimum(clothes.shirt_rgb * 1.08, 1), clothes.shirt_rgb)
    if clothes.tie_rgb is None:
        return shirt
    tie = smoothstep(0.02, -0.02, azimuth - 0.10 - 0.006 * down) * (down > 0.8)
    return mix(shirt, clothes.tie_rgb, tie)
