"""Points that data sets annotate, on the face plane: AFLW's 19, 300W's 68 and WFLW's 98."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from .fields import spaced
from .layout import Brow, Eye, FaceLayout

Array = np.ndarray

# Rows from the image-left ear to the chin: azimuth in degrees and V of the jaw's edge.
_EDGE = np.array(
    [
        (80.0, 0.2),
        (79.5, -1.9),
        (78.0, -4.4),
        (75.0, -7.4),
        (69.0, -9.9),
        (56.0, -11.3),
        (40.0, -11.7),
        (20.0, -11.75),
        (0.0, -11.75),
    ]
)
OUTLINE = {'aflw': 0, '300w': 17, 'wflw': 33}
"""How many points of a set, its first ones, lie on the outline of the face as it is seen."""
POINT_COUNTS = {'aflw': 19, '300w': 68, 'wflw': 98}


def place_points(layout: FaceLayout, name: str) -> Array:
    """Return the face-plane positions (n, 2) of a set's points, by its name in POINT_COUNTS."""
    return _PLACES[name](layout)


def _edge(layout: FaceLayout, count: int) -> Array:
    """Return (count, 2) positions (X, V) along the jaw, image-left ear first."""
    x, v, pull = _mean_edge(count)
    v = v + (layout.chin_v - _EDGE[-1, 1]) * pull
    left = np.stack([-x, v], 1)
    return np.concatenate([left, left[-2::-1] * [-1, 1]])


@lru_cache(maxsize=4)
def _mean_edge(count: int) -> tuple[Array, Array, Array]:
    """Return X and V of the jaw's right half, and the share of the chin's shift that each takes."""
    half = (count - 1) // 2
    position = np.linspace(0, len(_EDGE) - 1, half + 1)
    azimuth, v = (np.interp(position, np.arange(len(_EDGE)), column) for column in _EDGE.T)
    return FaceLayout.x_at(np.radians(azimuth)), v, np.linspace(0, 1, half + 1) ** 2


def _lower_edge(brow: Brow, count: int) -> Array:
    """Return (count, 2) points along the lower edge of a brow, inner end first."""
    return brow.curve(count) - np.stack([np.zeros(count), brow.widths(count)], 1)


def _opening(eye: Eye, per_lid: int) -> Array:
    """Return the outline of an eye: outer corner, upper lid, inner corner, lower lid."""
    t = spaced(1, -1, per_lid + 2)[1:-1]
    upper = eye.lid_at(eye.upper, t)
    lower = eye.lid_at(-eye.lower, t[::-1])
    inner, outer = eye.corners
    return np.concatenate([outer[None], upper, inner[None], lower])


def _eyes(layout: FaceLayout, per_lid: int) -> list[Array]:
    """Return both eyes' outlines; each starts at its image-left corner, upper lid first."""
    left, right = (_opening(eye, per_lid) for eye in layout.eyes)
    turn = per_lid + 1
    upper, lower = right[turn - 1 : 0 : -1], right[:turn:-1]
    return [left, np.concatenate([right[turn : turn + 1], upper, right[:1], lower])]


def _nose(layout: FaceLayout) -> Array:
    """Return (9, 2): four points down the bridge to the tip, five under the nose."""
    tip, base = layout.nose_tip_v, layout.nose_tip_v - 1.0
    wing_x, wing_v = layout.nose_wing
    bridge = [(0.0, v) for v in np.linspace(0.15, tip, 4)]
    x = (-wing_x, -0.52 * wing_x, 0.0, 0.52 * wing_x, wing_x)
    v = (wing_v, base + 0.1, base, base + 0.1, wing_v)
    return np.array([*bridge, *zip(x, v, strict=True)])


def _mouth(layout: FaceLayout) -> Array:
    """Return (20, 2): twelve points about the lips and eight between them, from image left."""
    half, corner_v = layout.mouth_half_width, layout.mouth_corner_v
    x = half * np.array([-0.64, -0.24, 0.0, 0.24, 0.64])
    low = half * np.array([0.68, 0.34, 0.0, -0.34, -0.68])
    left, right = (-half, corner_v), (half, corner_v)
    outer = [left, *layout.lip_edge(x, 1), right, *layout.lip_edge(low, -1)]
    inner_x = half * np.array([-0.42, 0.0, 0.42])
    inner = [(-0.86 * half, corner_v), *layout.lip_line(inner_x, 1), (0.86 * half, corner_v)]
    return np.array([*outer, *inner, *layout.lip_line(inner_x[::-1], -1)])


def _aflw(layout: FaceLayout) -> Array:
    return layout.landmarks_xv


def _300w(layout: FaceLayout) -> Array:
    left, right = (brow.curve(5) for brow in layout.brows)
    return np.concatenate(
        [_edge(layout, 17), left[::-1], right, _nose(layout), *_eyes(layout, 2), _mouth(layout)]
    )


def _wflw(layout: FaceLayout) -> Array:
    over = [brow.curve(5) for brow in layout.brows]
    under = [_lower_edge(brow, 5)[:4] for brow in layout.brows]
    brows = [over[0][::-1], under[0], over[1], under[1][::-1]]
    pupils = [eye.pupil[None] for eye in layout.eyes]
    parts = [_edge(layout, 33), *brows, _nose(layout), *_eyes(layout, 3), _mouth(layout)]
    return np.concatenate([*parts, *pupils])


_PLACES: dict[str, Callable[[FaceLayout], Array]] = {'aflw': _aflw, '300w': _300w, 'wflw': _wflw}
