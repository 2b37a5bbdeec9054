"""The painted surface of a head: skin, lips, brows, beard, hair and hat."""

from __future__ import annotations

import numpy as np

from .beard import beard_mask, beard_window
from .canvas import FaceCanvas, disc, ribbon
from .expression import Expression
from .fields import bump, clamp, mix, peak, planes, smooth_noise, smoothstep, spaced, vec
from .hair import hair_mask, hat_mask, paint_hair, strands
from .identity import Identity
from .layout import HEAD_RADIUS, MOUTH_BAND, Eye, FaceLayout

Array = np.ndarray
IRIS_RADIUS = 0.60
# Thickness of the upper lid's lashes in centimetres, at the points of the lid.
_LASHES = np.interp(np.linspace(0, 1, 17), [0, 0.3, 0.9, 1], [0.07, 0.13, 0.17, 0.08])


def paint_eye(canvas: FaceCanvas, eye: Eye, identity: Identity) -> None:
    """Paint an eye with its lids on a canvas."""
    upper, lower = eye.lid(eye.upper), eye.lid(-eye.lower)
    lid_tone = mix(np.array([0.90, 0.84, 0.82]), identity.lid_tint, 0.45 * identity.makeup)
    shut = smoothstep(0.35, -0.2, eye.upper)
    crease = eye.lid(max(eye.upper, 0.38) + 0.34)
    canvas.shade(np.concatenate([crease, upper[::-1]]), lid_tone, 0.08)
    canvas.shade(ribbon(crease, 0.12), mix(vec(0.70, 0.62, 0.60), 0.88, shut), 0.06)
    canvas.shade(ribbon(eye.lid(-eye.lower - 0.22), 0.12), np.array([0.88, 0.84, 0.83]), 0.08)
    opening = np.concatenate([upper, lower[::-1]])
    if eye.upper + eye.lower > 0.08:
        window, mask = canvas.mask(opening, 0.015)
        canvas.blend(window, mask, _eyeball(canvas, window, eye, identity))
    lash = np.array([0.07, 0.05, 0.05]) + 0.15 * identity.brow_rgb
    canvas.fill(ribbon(upper, _LASHES * (1 + 0.5 * identity.makeup)), lash, 0.92, 0.025)
    canvas.fill(ribbon(lower, 0.06), lash, 0.35 + 0.3 * identity.makeup, 0.03)


def _eyeball(
    canvas: FaceCanvas, window: tuple[slice, slice], eye: Eye, identity: Identity
) -> Array:
    """Return the colours of the visible eyeball, (3, h, w)."""
    x, v = canvas.face_plane(*window)
    blur = 0.6 / canvas.pixels_per_cm
    across = (x - eye.center[0]) * eye.side / eye.half_width
    image: Array = planes(vec(0.90, 0.87, 0.85)) * (1 - 0.22 * across**2)
    image = mix(image, planes(vec(0.80, 0.50, 0.48)), smoothstep(-0.72, -0.95, across))
    iris_x, iris_v = eye.pupil
    r = np.hypot(x - iris_x, v - iris_v)
    iris = planes(identity.eye_rgb) * mix(1.25, 0.45, smoothstep(0.35, 1.0, r / IRIS_RADIUS))
    image = mix(image, iris, smoothstep(IRIS_RADIUS + blur, IRIS_RADIUS - blur, r))
    pupil = smoothstep(0.25 + blur, 0.25 - blur, r)
    image = mix(image, planes(vec(0.02, 0.02, 0.02)), pupil)
    # The upper lid's lashes shade the top of the ball.
    lid = np.interp(x[0], *_sorted(eye.lid(eye.upper)))
    image = image * (1 - 0.45 * smoothstep(0.32, 0.0, lid[None] - v))
    glint = np.hypot(x - iris_x + 0.2, v - iris_v - 0.22)
    return mix(image, 1.0, 0.9 * smoothstep(0.12 + blur, 0.10 - blur, glint))


def _sorted(line: Array) -> tuple[Array, Array]:
    order = np.argsort(line[:, 0])
    return line[order, 0], line[order, 1]


def paint_head(
    identity: Identity, layout: FaceLayout, expression: Expression, pixels_per_cm: float
) -> FaceCanvas:
    """Paint the whole head.

    Returns:
        A canvas of sRGB colours in [0, 1].
    """
    canvas = FaceCanvas(pixels_per_cm, identity.skin.rgb)
    _tint(canvas, identity, layout)
    _spots(canvas, identity)
    _lines(canvas, identity, layout)
    _beard(canvas, identity, layout)
    _nostrils(canvas, identity, layout)
    _mouth(canvas, identity, layout, expression)
    for eye in layout.eyes:
        paint_eye(canvas, eye, identity)
    _brows(canvas, identity, layout)
    _hair(canvas, identity, layout)
    _hat(canvas, identity)
    np.clip(canvas.rgb, 0, 1, out=canvas.rgb)
    return canvas


def _tint(canvas: FaceCanvas, identity: Identity, layout: FaceLayout) -> None:
    """Vary the skin: blotches, pores, redness, freckles, shade under the eyes and the chin."""
    skin, cm, rng = identity.skin, canvas.pixels_per_cm, identity.source('tint')
    blotches = smooth_noise(rng, canvas.shape_hw, (2.2 * cm, 2.2 * cm))
    canvas.rgb *= 1 + (0.02 + 0.06 * skin.unevenness) * blotches
    window = canvas.window(np.array([-7.4, -12]), np.array([7.4, 7]))
    face = canvas.view(window)
    x, v = canvas.face_plane(*window)
    red = bump(np.abs(x) - 4.2, v + 3.6, 1.5, 1.5) + 0.7 * bump(x, v - layout.nose_tip_v, 1.2, 1.0)
    strength = skin.flush * 0.17
    face[1:] *= 1 - red * planes(vec(strength, strength * 0.9))
    under_eye = bump(np.abs(x) - 2.9, v + 1.25, 1.2, 0.45)
    face *= 1 - under_eye * planes(vec(0.22, 0.28, 0.22) * (0.1 + skin.eye_rings))
    # Little light gets under the chin.
    under_chin = smoothstep(-11.5, -12.4, canvas.v) * smoothstep(-19.0, -13.0, canvas.v)
    front = smoothstep(1.75, 1.1, np.abs(canvas.u) / HEAD_RADIUS)
    rows = _span(under_chin > 0)
    canvas.rgb[:, rows] *= 1 - skin.chin_shadow * under_chin[rows, None] * front[None]
    pores = 0.01 + 0.05 * skin.unevenness
    face *= 1 + pores * smooth_noise(rng, red.shape, (0.28 * cm, 0.28 * cm))
    if skin.freckles > 0.05:
        dots = smooth_noise(rng, red.shape, (0.15 * cm, 0.15 * cm))
        spots = smoothstep(0.6, 0.85, dots) * bump(np.abs(x) - 2.6, v + 2.6, 2.6, 1.8)
        face *= 1 - spots * planes(vec(0.2, 0.32, 0.38) * skin.freckles)


def _spots(canvas: FaceCanvas, identity: Identity) -> None:
    """Paint moles and red spots."""
    rng = identity.source('spots')
    kinds = (
        (identity.skin.moles, vec(0.45, 0.36, 0.33), (0.06, 0.17), 0.03),
        (identity.skin.blemishes, vec(0.92, 0.72, 0.70), (0.12, 0.3), 0.1),
    )
    for count, factor, sizes, soft in kinds:
        for place in rng.uniform([-6.5, -11], [6.5, 6.5], (count, 2)):
            size = rng.uniform(*sizes)
            canvas.shade(disc(place, (size, size), 10), factor, soft)


def _span(used: Array) -> slice:
    """Return the slice from the first to the last that is used."""
    return slice(*(np.flatnonzero(used)[[0, -1]] + [0, 1]))


def _lines(canvas: FaceCanvas, identity: Identity, layout: FaceLayout) -> None:
    """Darken the folds beside the mouth, and wrinkles of the forehead and around the eyes."""
    rng = identity.source('lines')
    soft = vec(0.80, 0.74, 0.72)
    wrinkles = identity.skin.wrinkles
    depth = 0.15 + 0.2 * rng.random() + wrinkles
    tip, mouth = layout.nose_tip_v, layout.mouth_v
    t = spaced(0, 1, 9)
    start, end = layout.nose_half_width + 0.3, layout.mouth_half_width + rng.uniform(0.5, 1.1)
    width = 0.25 * np.sin(np.pi * (0.15 + 0.8 * t))
    for side in (-1, 1):
        fold = np.stack([side * (start + (end - start) * t**1.3), tip + (mouth - tip) * t], 1)
        canvas.shade(ribbon(fold, width), mix(1, soft, depth), 0.1)
        if wrinkles > 0.25:
            eye = layout.eyes[(side + 1) // 2]
            bag = eye.lid(-eye.lower - rng.uniform(0.5, 0.8))
            canvas.shade(ribbon(bag, 0.14), mix(1, soft, wrinkles), 0.1)
            for rise in rng.normal([-0.35, 0.05, 0.4], 0.1):
                line = eye.corners[1] + np.array([[side * 0.3, rise * 0.3], [side * 1.2, rise]])
                canvas.shade(ribbon(line, 0.1), mix(1, soft, wrinkles), 0.05)
    if wrinkles > 0.3:
        for v in rng.normal([3.7, 4.5, 5.3, 6.0], 0.15)[: rng.integers(2, 5)]:
            x = np.linspace(-rng.uniform(2, 4), rng.uniform(2, 4), 9)
            line = np.stack([x, v + 0.25 * np.cos(x * rng.uniform(0.5, 1.1))], 1)
            canvas.shade(ribbon(line, 0.13), mix(1, soft, 0.9 * wrinkles), 0.08)


def _beard(canvas: FaceCanvas, identity: Identity, layout: FaceLayout) -> None:
    beard = identity.beard
    if beard.style == 'none':
        return
    rows, cols = beard_window(layout, canvas.v, canvas.u)
    cover = beard_mask(identity, layout, canvas.v[rows], canvas.u[cols])
    grown = _span(cover.max(1) > 0)
    cover, rows = cover[grown], slice(rows.start + grown.start, rows.start + grown.stop)
    cm, rng = canvas.pixels_per_cm, identity.source('beard')
    if beard.patchiness > 0.2:
        patches = smooth_noise(rng, cover.shape, (1.6 * cm, 1.6 * cm))
        cover = cover * (1 - beard.patchiness * smoothstep(-0.2, 0.6, patches))
    if beard.length == 0:
        cover = cover * clamp(1 + 0.6 * strands(rng, cover.shape, 0.5 * cm, 0.5), 0, 1)
    hairs = paint_hair(rng, cover.shape, 0.5 * cm, beard)
    canvas.blend((rows, cols), cover * beard.density, hairs)


def _nostrils(canvas: FaceCanvas, identity: Identity, layout: FaceLayout) -> None:
    dark = identity.skin.rgb * 0.15
    for side in (-1, 1):
        center = np.array([side * (layout.nose_half_width * 0.43), layout.nose_tip_v - 0.68])
        canvas.fill(disc(center, (0.36, 0.17)), dark, 0.85, 0.06)
        wing = layout.nose_half_width + 0.04
        v = spaced(-0.75, 0.35, 9)
        crease = np.stack([side * (wing - 0.3 * (v + 0.2) ** 2), layout.nose_tip_v + v - 0.1], 1)
        canvas.shade(ribbon(crease, 0.16), np.array([0.70, 0.62, 0.60]), 0.08)


def _mouth(
    canvas: FaceCanvas, identity: Identity, layout: FaceLayout, expression: Expression
) -> None:
    """Paint the lips and what is between them."""
    x = np.linspace(-layout.mouth_half_width, layout.mouth_half_width, 41)
    upper, top = (each(x, 1)[:, 1] for each in (layout.lip_edge, layout.lip_line))
    lower, bottom = (each(x, -1)[:, 1] for each in (layout.lip_edge, layout.lip_line))
    natural = identity.skin.rgb * [0.86, 0.62, 0.62] + [0.03, 0.0, 0.01]
    colour = mix(natural, identity.lip_rgb, 0.75 * identity.makeup)
    canvas.fill(_between(x, upper, lower), colour, 0.9, 0.07)
    canvas.shade(_between(x, upper, top), np.full(3, 0.86), 0.05)
    gap = _between(x, top, bottom)
    window, mask = canvas.mask(gap, 0.02)
    canvas.blend(window, mask, _mouth_inside(canvas, window, layout, expression))


def _between(x: Array, upper: Array, lower: Array) -> Array:
    """Return the polygon (2 n, 2) between two curves over ``x``."""
    return np.concatenate([np.stack([x, upper], 1), np.stack([x, lower], 1)[::-1]])


def _mouth_inside(
    canvas: FaceCanvas, window: tuple[slice, slice], layout: FaceLayout, expression: Expression
) -> Array:
    """Return the colours of the dark mouth with its teeth and tongue, (3, h, w)."""
    x, v = canvas.face_plane(*window)
    gap = max(expression.mouth_open, 1e-3)
    # Position between the lips in centimetres of the open mouth, from the upper lip down.
    arch = np.maximum(layout.lip_arch(x), 1e-3)
    t = 0.5 - (v - layout.mouth_v) / (2 * MOUTH_BAND * arch)
    depth = t * gap * arch
    inside = planes(vec(0.13, 0.04, 0.04))
    tongue = smoothstep(0.62, 0.8, t) * smoothstep(1.0, 1.8, depth) * peak(x, 1.2)
    inside = mix(inside, planes(vec(0.55, 0.25, 0.24)), tongue * 0.8)
    teeth = smoothstep(0.78, 0.70, depth) * smoothstep(0.15, 0.3, np.float32(gap))
    gaps = 1 - 0.18 * (np.abs((np.abs(x) / 0.62) % 1.0 - 0.5) > 0.44)
    ivory = planes(vec(0.90, 0.87, 0.80)) * gaps * (1 - 0.1 * np.abs(x))
    return mix(inside, ivory, teeth * (np.abs(x) < layout.mouth_half_width * 0.86))


def _brows(canvas: FaceCanvas, identity: Identity, layout: FaceLayout) -> None:
    cm, rng = canvas.pixels_per_cm, identity.source('brows')
    for brow in layout.brows:
        width = brow.widths(17)
        # Annotators mark the upper edge, or the skin just above it.
        line = brow.curve(17) - np.stack([np.zeros(17), 0.5 * width + 0.08], 1)
        window, mask = canvas.mask(ribbon(line, width), 0.07)
        grain = smooth_noise(rng, mask.shape, (max(1.0, 0.2 * cm), max(1.0, 0.12 * cm)))
        opacity = mask * identity.brow_density * clamp(0.95 + 0.3 * grain, 0, 1)
        canvas.blend(window, opacity, planes(identity.brow_rgb))


def _hair(canvas: FaceCanvas, identity: Identity, layout: FaceLayout) -> None:
    mask = hair_mask(identity, layout, canvas.v, canvas.u)
    if mask.any():
        rows = _span(mask.max(1) > 0)
        shape, rng = mask[rows].shape, identity.source('hair')
        hairs = paint_hair(rng, shape, canvas.pixels_per_cm, identity.hair)
        canvas.blend((rows, slice(None)), mask[rows], hairs)


def _hat(canvas: FaceCanvas, identity: Identity) -> None:
    mask = hat_mask(identity, canvas.v, canvas.u)
    if mask.any():
        rows, cm = _span(mask.max(1) > 0), canvas.pixels_per_cm
        knit = smooth_noise(identity.source('hat'), mask[rows].shape, (0.5 * cm, 0.3 * cm))
        cloth = [each * (1 + 0.12 * knit) for each in identity.cloth_rgb]
        canvas.blend((rows, slice(None)), mask[rows], cloth)
