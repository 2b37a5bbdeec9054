"""Painting of one eye: white, iris, lids and lashes."""

from __future__ import annotations

import numpy as np

from .canvas import FaceCanvas, ribbon
from .expression import Expression
from .fields import mix, smoothstep, vec
from .identity import Identity
from .layout import Eye

Array = np.ndarray
IRIS_RADIUS = 0.60


def paint_eye(canvas: FaceCanvas, eye: Eye, identity: Identity, expression: Expression) -> None:
    """Paint an eye with its lids on a canvas."""
    upper, lower = eye.lid(eye.upper), eye.lid(-eye.lower)
    lid_tone = np.array([0.90, 0.84, 0.82]) * (1 - 0.25 * identity.makeup)
    shut = smoothstep(0.35, -0.2, eye.upper)
    crease = eye.lid(max(eye.upper, 0.38) + 0.34)
    canvas.shade(np.concatenate([crease, upper[::-1]]), lid_tone, 0.08)
    canvas.shade(ribbon(crease, 0.12), mix(vec(0.70, 0.62, 0.60), 0.88, shut), 0.06)
    canvas.shade(ribbon(eye.lid(-eye.lower - 0.22), 0.12), np.array([0.88, 0.84, 0.83]), 0.08)
    opening = np.concatenate([upper, lower[::-1]])
    if eye.upper + eye.lower > 0.08:
        window, mask = canvas.mask(opening, 0.015)
        canvas.blend(window, mask, _eyeball(canvas, window, eye, identity, expression))
    lash = np.array([0.07, 0.05, 0.05]) + 0.15 * identity.hair_rgb
    n = len(upper)
    thick = np.interp(np.linspace(0, 1, n), [0, 0.3, 0.9, 1], [0.07, 0.13, 0.17, 0.08])
    canvas.fill(ribbon(upper, thick * (1 + 0.5 * identity.makeup)), lash, 0.92, 0.025)
    canvas.fill(ribbon(lower, 0.06), lash, 0.35 + 0.3 * identity.makeup, 0.03)


def _eyeball(
    canvas: FaceCanvas,
    window: tuple[slice, slice],
    eye: Eye,
    identity: Identity,
    expression: Expression,
) -> Array:
    """Return the colours of the visible eyeball, (h, w, 3)."""
    x, v = canvas.face_plane(*window)
    blur = 0.6 / canvas.pixels_per_cm
    across = (x - eye.center[0]) * eye.side / eye.half_width
    white = vec(0.90, 0.87, 0.85) * (1 - 0.22 * across**2)[..., None]
    image: Array = np.broadcast_to(white, (v.shape[0], x.shape[1], 3))
    tear = smoothstep(-0.72, -0.95, across)[..., None]
    image = mix(image, vec(0.80, 0.50, 0.48), tear)
    iris_x = eye.center[0] + expression.gaze[0] * eye.half_width
    iris_v = eye.center[1] + 0.08 + expression.gaze[1] * eye.half_width
    r = np.hypot(x - iris_x, v - iris_v)
    iris = identity.eye_rgb * mix(1.25, 0.45, smoothstep(0.35, 1.0, r / IRIS_RADIUS))[..., None]
    image = mix(image, iris, smoothstep(IRIS_RADIUS + blur, IRIS_RADIUS - blur, r)[..., None])
    pupil = smoothstep(0.25 + blur, 0.25 - blur, r)
    image = mix(image, vec(0.02, 0.02, 0.02), pupil[..., None])
    # The upper lid's lashes shade the top of the ball.
    lid = np.interp(x[0], *_sorted(eye.lid(eye.upper)))
    image = image * (1 - 0.45 * smoothstep(0.32, 0.0, lid[None] - v))[..., None]
    glint = np.hypot(x - iris_x + 0.2, v - iris_v - 0.22)
    return mix(image, 1.0, 0.9 * smoothstep(0.12 + blur, 0.10 - blur, glint)[..., None])


def _sorted(line: Array) -> tuple[Array, Array]:
    order = np.argsort(line[:, 0])
    return line[order, 0], line[order, 1]
