"""Hair and cloth that hang down: around the head, over the face, from the chin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .fields import linear, mix, smooth_noise, smoothstep, spaced, vec
from .hair import hairline, paint_hair, strands
from .head import surface_point, surface_points
from .identity import WHITE_HAIR, Hair, Identity
from .layout import FaceLayout, unroll
from .mesh import GridMesh, plain_mesh, tube_mesh

Array = np.ndarray
_DRAPE_GRID = (16, 41)


def build_loose_hair(identity: Identity) -> list[GridMesh]:
    """Return hair that hangs down around the head, a bun, or a scarf's drape."""
    hair, rng = identity.hair, identity.source('loose hair')
    if identity.hat == 'scarf':
        rgb = identity.cloth_rgb * (1 + 0.12 * strands(rng, _DRAPE_GRID, 2.0, 0.0)[..., None])
        shape = _DrapeShape(top=-1.0, end=-19.0, volume=0.9, front_deg=(76, 76), ragged=0.25)
        return [_drape(np.clip(rgb, 0, 1), shape, 0.06, rng)]
    if hair.is_loose:
        rgb = np.stack(paint_hair(rng, _DRAPE_GRID, 2.0, hair), -1)
        volume = max(0.8, 1.2 * hair.volume)
        shape = _DrapeShape(6.0, -hair.length, volume, hair.cheeks, 1.0, hair.curl)
        return [_drape(rgb, shape, 0.25, rng)]
    if hair.style == 'bun' and identity.hat == 'none':
        return [_bun(hair, rng)]
    return []


@dataclass(frozen=True)
class _DrapeShape:
    """Shape of what hangs down around the head, in centimetres.

    Attributes:
        top: Y of the upper edge.
        end: Y of the lower edge, on average.
        volume: How far it stands off the head.
        front_deg: Azimuth of its ends on the image's left and right.
        ragged: How far the lower edge strays from its average.
        curl: Strength of its curls, from 0 to 1.
    """

    top: float
    end: float
    volume: float
    front_deg: tuple[float, float]
    ragged: float
    curl: float = 0.0


def _drape(rgb: Array, shape: _DrapeShape, gloss: float, rng: np.random.Generator) -> GridMesh:
    """Return hair or cloth of sRGB colours ``rgb``, shaped (*_DRAPE_GRID, 3)."""
    rows, cols = _DRAPE_GRID
    left, right = shape.front_deg
    azimuth = np.radians(np.linspace(right, 360 - left, cols))[::-1][None]
    ends = shape.end + shape.ragged * smooth_noise(rng, (1, cols), (1, 2.0))
    y = shape.top + (ends - shape.top) * spaced(0, 1, rows)[:, None]
    down = (shape.top - y) / 10.0
    wave = 0.25 * np.sin(down * rng.uniform(2, 6) + azimuth * rng.integers(3, 8))
    wave = wave + 0.9 * shape.curl * smooth_noise(rng, (rows, cols), (1.7, 2.5))
    # The upper edge starts under the hair (or scarf) that lies on the head.
    rise = shape.volume * smoothstep(0, 0.55, down)
    width = 7.0 + rise - 0.35 * down + wave * np.minimum(down, 1)
    x = width * np.sin(azimuth)
    depth = np.where(np.cos(azimuth) > 0, 8.2, 8.3 - 1.2 * down) + rise
    z = -1.0 + depth * np.cos(azimuth)
    points = np.stack(np.broadcast_arrays(x, y, z), -1)
    return plain_mesh(points, linear(rgb), two_sided=True, gloss=gloss)


def _bun(hair: Hair, rng: np.random.Generator) -> GridMesh:
    radius = rng.uniform(2.2, 3.4)
    center = np.array([0.0, rng.uniform(5, 11.5), -8.5])
    points = center + radius * _sphere(13, 17)
    rgb = np.stack(paint_hair(rng, (13, 17), 3.0, hair), -1)
    return plain_mesh(points, linear(rgb), gloss=0.3)


def build_wisps(identity: Identity, layout: FaceLayout, skin: Array) -> list[GridMesh]:
    """Return single strands of hair that fall over forehead and cheeks."""
    hair = identity.hair
    if identity.hat != 'none' or hair.style == 'bald':
        return []
    t, rng = spaced(0, 1, 9), identity.source('wisps')
    rgb = mix(hair.rgb, WHITE_HAIR, hair.grey)
    wisps = []
    for _ in range(hair.wisps):
        side = rng.choice([-1, 1])
        start, end = rng.uniform(1, 5), rng.uniform(4.5, 6.6)
        x = start + (end - start) * t ** rng.uniform(0.5, 1.5)
        x = side * (x + 0.35 * hair.curl * np.sin(9 * t + rng.uniform(0, 6)))
        root = hairline(identity, layout, unroll(x[:1])) + 0.3
        v = root - rng.uniform(2.5, 11) * t
        line = surface_points(skin, np.stack([x, v], 1)) + vec(0, 0, 0.25)
        radius = rng.uniform(0.05, 0.22) * (1 - 0.8 * t)
        colour = linear(np.minimum(rgb * rng.uniform(0.9, 1.4), 1))
        wisps.append(tube_mesh(line, radius, colour, sides=4, gloss=0.25))
    return wisps


def build_long_beard(identity: Identity, layout: FaceLayout, skin: Array) -> list[GridMesh]:
    """Return the part of a beard that hangs down below the chin."""
    beard = identity.beard
    if beard.hanging <= 0 or beard.style == 'none':
        return []
    chin, rng = surface_point(skin, vec(0, layout.chin_v)), identity.source('long beard')
    rows, cols = 9, 15
    down = spaced(0, 1, rows)[:, None]
    turn = spaced(-np.pi, np.pi, cols)[None]
    wide = (2.6 if beard.style == 'full' else 1.5) * np.sqrt(np.maximum(1 - down**2, 0))
    ends = 1 + 0.12 * smooth_noise(rng, (1, cols), (1, 2.0))
    x = chin[0] + wide * np.sin(turn)
    y = chin[1] + 0.6 - (beard.hanging + 0.6) * down * ends
    z = chin[2] - 1.2 + 0.6 * wide * np.cos(turn) - 0.4 * down
    points = np.stack(np.broadcast_arrays(x, y, z), -1)
    rgb = np.stack(paint_hair(rng, (rows, cols), 3.0, beard), -1)
    return [plain_mesh(points, linear(rgb))]


def _sphere(rows: int, cols: int) -> Array:
    """Return a (rows, cols, 3) unit sphere, rows from top to bottom."""
    polar = np.linspace(0, np.pi, rows)[:, None]
    azimuth = np.linspace(-np.pi, np.pi, cols)[None]
    return np.stack(
        np.broadcast_arrays(
            np.sin(polar) * np.sin(azimuth), np.cos(polar), np.sin(polar) * np.cos(azimuth)
        ),
        -1,
    )
