"""The shape of a head: a lofted skull and neck, facial features as bumps, expressions as pulls.

The head frame is in centimetres: x to image right, y up, z to the viewer, origin on the vertical
axis through the ears at the height of the eyes. The surface is a grid over (V, U): rows run from
the crown down the face, under the chin and down the neck; columns run around the head from the
back over the image-left ear, the nose and the image-right ear to the back again.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .expression import Expression
from .fields import clamp, mix, peak, smooth_curve, smoothstep
from .identity import Identity
from .layout import CHIN_V, HEAD_RADIUS, MOUTH_BAND, V_BOTTOM, V_TOP, FaceLayout, unroll
from .mesh import sample_grid

Array = np.ndarray

CAP_START_V = 3.0
# Centimetres by which the chin lies above its row.
_CHIN_LIFT = 0.93
WIDTH_KNOTS = np.array(
    [(-22, 5.9), (-15, 4.9), (-13, 4.9), (-11.3, 5.5), (-7.5, 6.3), (-4, 6.95), (0, 7.4), (3, 7.6)]
)
FRONT_KNOTS = np.array(
    [
        (-22, 4.2),
        (-14.6, 3.5),
        (-13.2, 4.7),
        (-12.2, 6.9),
        (-11.5, 8.1),
        (-10.4, 8.6),
        (-8.8, 8.5),
        (-7, 8.8),
        (-4, 8.8),
        (0, 8.7),
        (3, 9.1),
    ]
)
BACK_KNOTS = np.array(
    [(-22, -7.4), (-14, -6.4), (-11, -6.5), (-7, -7.0), (-4, -8.2), (0, -9.5), (3, -9.9)]
)
JAW_RISE_KNOTS = np.radians([0, 20, 35, 50, 70, 90, 180]), [1.0, 0.985, 0.9, 0.74, 0.54, 0.45, 0.6]


@lru_cache(maxsize=1)
def grid_axes() -> tuple[Array, Array]:
    """Return the V of the grid's rows (falling) and the U of its columns (rising)."""
    crown = CAP_START_V + (V_TOP - CAP_START_V) * np.sin(np.radians(np.linspace(90, 11, 14)))
    face = np.arange(4.5, -5.5, -0.25)
    mouth = np.arange(-5.5, -8.4, -0.13)
    chin = np.arange(-8.4, -12.6, -0.25)
    neck = np.concatenate([np.arange(-12.6, -15, -0.4), np.linspace(-15, V_BOTTOM, 8)])
    side = np.concatenate([np.linspace(74, 112, 13), np.linspace(120, 180, 9)])
    azimuth = np.radians(np.concatenate([-side[::-1], np.linspace(-72, 72, 85), side]))
    return np.concatenate([crown, face, mouth, chin, neck]), HEAD_RADIUS * azimuth


def build_head(identity: Identity, layout: FaceLayout, expression: Expression) -> Array:
    """Return the (R, C, 3) skin surface over ``grid_axes`` in the head frame."""
    v, u = grid_axes()
    points = _loft(identity, v, u / HEAD_RADIUS)
    # A column and a row, which broadcast: most of a feature is a product of the two.
    v, azimuth = v[:, None], (u / HEAD_RADIUS)[None]
    # Features exist on the front half only; beyond it the face-plane X is pushed out of reach.
    is_front = np.abs(azimuth) < np.pi / 2
    x = np.where(is_front, HEAD_RADIUS * np.sin(azimuth), np.copysign(99.0, azimuth))
    points[..., 2] += _relief(identity, layout, x, v)
    _push_out(identity, points, azimuth, x, v)
    _pull_mouth(layout, expression, points, x, v)
    _pull_smile(layout, expression, points, x, v)
    return points.astype(np.float32)


def surface_points(points: Array, xv: Array) -> Array:
    """Return where face-plane positions (n, 2) lie on a surface over ``grid_axes``, (n, D).

    Args:
        points: (R, C, D) values on the grid.
        xv: (n, 2) face-plane positions (X, V).
    """
    v, u = grid_axes()
    row = np.interp(-xv[:, 1], -v, np.arange(len(v)))
    return sample_grid(points, row, np.interp(unroll(xv[:, 0]), u, np.arange(len(u))))


def surface_point(points: Array, xv: Array) -> Array:
    """Return where one face-plane position (2,) lies on a surface over ``grid_axes``, (D,)."""
    return surface_points(points, np.asarray(xv)[None])[0]


def _loft(identity: Identity, v: Array, azimuth: Array) -> Array:
    """Return the featureless skull, jaw and neck, (R, C, 3)."""
    trait = identity.trait
    cap = np.sqrt(1 - np.clip((v - CAP_START_V) / (V_TOP - CAP_START_V), 0, 1) ** 2.3)[:, None]
    width = smooth_curve(v, WIDTH_KNOTS, 0.8)[:, None]
    front = smooth_curve(v, FRONT_KNOTS, 0.35)[:, None]
    back = smooth_curve(v, BACK_KNOTS, 0.8)[:, None]
    jaw = peak(v + 9.5, 3.0)[:, None]
    neck = smoothstep(-11.5, -14.5, v)[:, None]
    width = width * (1 + 0.035 * trait('head_width') + 0.05 * trait('jaw_width') * jaw)
    width = width * (1 + (0.09 * trait('neck_width') - 0.02) * neck)
    front = front + 0.25 * trait('chin_forward') * peak(v + 10.5, 1.2)[:, None]
    # Fat under the chin rounds the edge between face and neck.
    front = front + 0.9 * max(0.0, trait('cheek_fat')) * peak(v + 13.2, 1.0)[:, None]
    back = back * (1 + 0.04 * trait('head_depth'))
    middle = -0.8
    sin, cos = np.sin(azimuth)[None], np.cos(azimuth)[None]
    depth = np.where(cos >= 0, (front - middle) * np.abs(cos) ** 0.85, (back - middle) * -cos)
    height = np.maximum(v[:, None] - CAP_START_V, 0) * 0.03 * trait('cranium')
    y = _drop(identity, v[:, None], np.abs(azimuth)[None]) + height
    x, z = width * sin * cap, middle + depth * cap
    # The crown leans back a little.
    z = z - 0.10 * np.maximum(v[:, None] - 5.0, 0)
    points = np.empty((*z.shape, 3))
    for k, each in enumerate((x, y, z)):
        points[..., k] = each
    return points


def _drop(identity: Identity, v: Array, azimuth: Array) -> Array:
    """Return the height y of grid rows: V in front, less far down along the jaw's rising edge."""
    rise = np.interp(azimuth, *JAW_RISE_KNOTS)
    below = np.logaddexp(0.0, -2.0 * (v + 4.0)) / 2.0
    angle = 1 + 0.06 * identity.trait('jaw_angle') * np.sin(np.minimum(azimuth, 1.57)) ** 2
    y = v + (1 - rise * angle) * below
    y = mix(y, v, smoothstep(CHIN_V, -15.0, v))
    # A longer or shorter chin stretches everything below the mouth.
    lift = _CHIN_LIFT * smoothstep(np.pi / 2, 0.5, azimuth)
    length = 0.25 * identity.trait('chin_length') - lift
    return y - length * smoothstep(-7.6, -10.8, v)


def _hill(dx: Array, dy: Array, sigma_x: float, sigma_y: float) -> Array:
    """Return ``bump`` of a row ``dx`` and a column ``dy``, with few exponentials."""
    return peak(dx, sigma_x) * peak(dy, sigma_y)


def _relief(identity: Identity, layout: FaceLayout, x: Array, v: Array) -> Array:
    """Return the forward displacement of brow ridge, sockets, nose, lips and chin, (R, C)."""
    trait = identity.trait
    ax = np.abs(x)
    eye_x = abs(layout.eyes[1].center[0])
    z = (0.32 + 0.13 * trait('brow_ridge')) * _hill(ax - 2.9, v - 1.9, 1.6, 0.75)
    z += (0.1 * trait('forehead')) * _hill(x, v - 5.0, 4.0, 2.0)
    z -= (0.75 + 0.1 * trait('eye_depth')) * _hill(ax - eye_x + 0.1, v - 0.15, 1.45, 0.95)
    z -= 0.55 * _hill(ax - 1.55, v - 0.35, 0.5, 0.9)
    z += 0.50 * _hill(ax - eye_x, v - 0.02, 0.95, 0.72)
    z -= 0.12 * _hill(ax - eye_x, v + 1.25, 1.3, 0.35)
    z += _nose(identity, layout, x, v)
    z += _lips(identity, layout, x, v)
    mouth = layout.mouth_v
    z -= 0.40 * _hill(x, v - (mouth - 1.95), 1.5, 0.42)
    z += (0.50 + 0.12 * trait('chin_forward')) * _hill(
        x, v + 10.3, 1.35 + 0.2 * trait('chin_width'), 0.8
    )
    z -= 0.22 * identity.skin.wrinkles * _fold(layout, ax, v)
    return z


def _nose(identity: Identity, layout: FaceLayout, x: Array, v: Array) -> Array:
    trait, tip = identity.trait, layout.nose_tip_v
    forward = 1 + 0.11 * trait('nose_forward')
    tilt = 0.12 * trait('nose_tilt')
    profile = np.array(
        [
            (tip - 1.35, 0.0),
            (tip - 1.05, 0.25),
            (tip - 0.75, 1.0 + tilt),
            (tip - 0.4, 1.9 + tilt),
            (tip - 0.1, 2.35),
            (tip + 0.2, 2.35 - tilt),
            (tip + 1.0, 1.75),
            (tip * 0.45, 1.15 + 0.14 * trait('nose_hump')),
            (-0.6, 0.62),
            (0.5, 0.32),
            (1.8, 0.0),
        ]
    )
    ridge = smooth_curve(v[:, 0], profile, 0.14)[:, None] * forward
    spread = np.array([(tip - 1, 0.95), (tip, 0.92), (tip + 1.2, 0.74), (-1.0, 0.72), (1.0, 0.9)])
    width = smooth_curve(v[:, 0], spread, 0.3)[:, None] * (1 + 0.06 * trait('nose_width'))
    z = ridge * np.exp(-(np.abs(x / width) ** 2.3) * 0.6)
    wing = np.abs(x) - (layout.nose_half_width - 0.5)
    z = z + 0.75 * _hill(wing, v - (tip - 0.38), 0.34, 0.42)
    # The groove that sets the wings off from the cheek.
    return z - 0.28 * _hill(np.abs(x) - layout.nose_half_width - 0.25, v - (tip - 0.3), 0.28, 0.7)


def _lips(identity: Identity, layout: FaceLayout, x: Array, v: Array) -> Array:
    half, mouth = layout.mouth_half_width, layout.mouth_v
    reach = np.maximum(1 - (x / (half * 1.05)) ** 2, 0)
    band = MOUTH_BAND * layout.lip_arch(x)
    forward = 0.42 + 0.1 * identity.trait('lip_fullness')
    z = forward * reach * peak(v - (mouth + band + 0.30 * layout.upper_lip), 0.36)
    z += forward * reach**0.8 * peak(v - (mouth - band - 0.42 * layout.lower_lip), 0.40)
    z += (0.35 + 0.12 * identity.trait('mouth_forward')) * _hill(x, v - mouth, 2.6, 1.5)
    z -= 0.30 * _hill(np.abs(x) - half, v - mouth, 0.38, 0.38)
    # Closed lips meet in a shallow crease.
    z += 0.24 * reach * peak(v - mouth, 0.3)
    return z - 0.12 * _hill(x, v - (mouth + 1.35), 0.28, 0.5)


def _fold(layout: FaceLayout, ax: Array, v: Array) -> Array:
    """Return the line from the nose's wing to the mouth's corner, 1 on the line."""
    start_x, end_x = layout.nose_half_width + 0.35, layout.mouth_half_width + 0.55
    along = clamp((layout.nose_tip_v - v) / (layout.nose_tip_v - layout.mouth_v), -0.3, 1.1)
    middle = start_x + (end_x - start_x) * clamp(along, 0, 1) ** 1.3
    return peak(ax - middle, 0.22) * smoothstep(-0.3, 0.1, along) * smoothstep(1.1, 0.8, along)


def _push_out(identity: Identity, points: Array, azimuth: Array, x: Array, v: Array) -> None:
    """Move cheekbones, cheeks, temples and jaw corners along the outward direction, in place."""
    trait, ax = identity.trait, np.abs(x)
    amount = (0.28 + 0.14 * trait('cheekbone')) * _hill(ax - 5.2, v + 1.9, 1.3, 0.9)
    amount += (0.18 + 0.22 * trait('cheek_fat')) * _hill(ax - 4.6, v + 5.0, 1.8, 1.9)
    amount -= 0.28 * _hill(ax - 6.6, v - 2.6, 1.0, 1.6)
    points[..., 0] += amount * np.sin(azimuth)
    points[..., 2] += amount * np.cos(azimuth)


def _pull_mouth(
    layout: FaceLayout, expression: Expression, points: Array, x: Array, v: Array
) -> None:
    """Fold the strip between the lips shut, then open it by the jaw's drop, in place."""
    arch = layout.lip_arch(x)
    above = v - layout.mouth_v
    slit = 0.05
    shut = 1 - slit / (2 * MOUTH_BAND)
    fade = smoothstep(MOUTH_BAND + 1.5, MOUTH_BAND + 0.3, np.abs(above))
    points[..., 1] -= shut * clamp(above, -MOUTH_BAND, MOUTH_BAND) * arch * fade
    gap = expression.mouth_open
    lift = 0.2 * gap * max(0.0, expression.smile)
    points[..., 1] += lift * arch * smoothstep(0, MOUTH_BAND, above) * smoothstep(2.0, 0.8, above)
    reach = clamp(points[..., 2] / 8.0, 0, 1)
    sharp = clamp(0.5 - above / (2 * MOUTH_BAND), 0, 1)
    soft = smoothstep(1.5, -3.0, above)
    drop = gap * reach * mix(soft, sharp, arch) * smoothstep(-16.5, -12.0, v)
    points[..., 1] -= drop
    points[..., 2] -= 0.22 * drop
    hollow = np.maximum(1 - (above / MOUTH_BAND) ** 2, 0) ** 0.5
    points[..., 2] -= (0.04 + min(1.4, max(0.0, gap - 0.1))) * hollow * np.minimum(1, 1.5 * arch)


def _pull_smile(
    layout: FaceLayout, expression: Expression, points: Array, x: Array, v: Array
) -> None:
    """Move the mouth's corners, lift the cheeks and pucker the lips, in place."""
    smile, half = expression.smile, layout.mouth_half_width
    above = v - layout.mouth_v
    corner = _hill(np.abs(x) - half, above, 1.2, 1.1)
    points[..., 0] += 0.42 * max(0.0, smile) * corner * np.sign(x)
    points[..., 1] += 0.42 * smile * corner
    points[..., 2] -= 0.30 * max(0.0, smile) * corner
    points[..., 2] += 0.35 * max(0.0, smile) * _hill(np.abs(x) - 3.9, v + 3.9, 1.3, 1.0)
    kiss = expression.pucker * _hill(x, above, 2.0, 1.2)
    points[..., 0] -= 0.28 * kiss * clamp(x, -9, 9)
    points[..., 2] += 0.45 * kiss
