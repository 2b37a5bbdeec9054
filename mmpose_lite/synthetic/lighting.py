"""Light on surfaces: sky and ground, a key light that casts shadows, and a coloured fill."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .fields import clamp, mix, planes, vec

Array = np.ndarray
_SHADOW_CELL = 0.4
_SHADOW_SIZE = 160


@dataclass(frozen=True)
class Lighting:
    """The light in a picture; directions point to the light in the camera frame.

    Attributes:
        key_direction: (3,) unit vector.
        key_rgb: Linear colour of the key light.
        fill_direction: (3,) unit vector.
        fill_rgb: Linear colour of the fill light, which casts no shadow.
        sky_rgb: Ambient light from above.
        ground_rgb: Ambient light from below.
        exposure: Mean light on a face as the camera sees it; white is 1.
    """

    key_direction: Array
    key_rgb: Array
    fill_direction: Array
    fill_rgb: Array
    sky_rgb: Array
    ground_rgb: Array
    exposure: float


def draw_lighting(rng: np.random.Generator) -> Lighting:
    """Draw the light of one picture, from soft daylight to a hard coloured lamp."""
    hardness = rng.beta(1.6, 1.8)
    tint = _tint(rng, 0.10 if rng.random() < 0.85 else 0.35)
    ambient = mix(0.75, 0.22, hardness)
    return Lighting(
        key_direction=_direction(rng.normal(0, 50), rng.uniform(0, 65)),
        key_rgb=mix(0.35, 1.0, hardness) * tint,
        fill_direction=_direction(rng.uniform(-100, 100), rng.uniform(-20, 40)),
        fill_rgb=rng.uniform(0.05, 0.3) * _tint(rng, 0.25),
        sky_rgb=ambient * _tint(rng, 0.08),
        ground_rgb=ambient * rng.uniform(0.45, 0.75) * _tint(rng, 0.08),
        exposure=float(rng.uniform(0.65, 1.0) if rng.random() < 0.93 else rng.uniform(0.3, 0.6)),
    )


def _direction(azimuth_deg: float, elevation_deg: float) -> Array:
    azimuth, elevation = np.radians([np.clip(azimuth_deg, -115, 115), elevation_deg])
    return np.array(
        [
            np.sin(azimuth) * np.cos(elevation),
            np.sin(elevation),
            np.cos(azimuth) * np.cos(elevation),
        ]
    )


def _tint(rng: np.random.Generator, strength: float) -> Array:
    warmth = rng.normal(0, strength)
    return np.clip(np.array([1 + warmth, 1 + rng.normal(0, 0.2 * strength), 1 - warmth]), 0.3, 1.7)


def cavity(points: Array, normals: Array) -> Array:
    """Return how open each grid point lies, (R, C): below 1 in hollows, above 1 on ridges."""
    openness = np.zeros(points.shape[:2], np.float32)
    for sigma, gain in ((2.0, 1.3), (6.0, 0.35)):
        mean = cv2.GaussianBlur(points, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
        openness += gain * np.einsum('rck,rck->rc', points - mean, normals)
    return clamp(1 + openness, 0.35, 1.15)


class ShadowMap:
    """Depth of the surface nearest to the key light, on a coarse grid.

    Args:
        clouds: (n, 3) points of everything that casts a shadow.
        direction: (3,) unit vector to the light.
    """

    def __init__(self, clouds: Array, direction: Array) -> None:
        side = np.cross(direction, [0.0, 1.0, 0.1])
        side /= np.linalg.norm(side)
        self._axes = np.stack([side, np.cross(side, direction), direction], 1).astype(np.float32)
        x, y, z = (clouds @ self._axes).T
        depth = np.full(_SHADOW_SIZE * _SHADOW_SIZE, -1e3, np.float32)
        np.maximum.at(depth, _cells(x) + _SHADOW_SIZE * _cells(y), z)
        # Points are sparser than cells: spread each a little.
        self._depth = cv2.dilate(depth.reshape(_SHADOW_SIZE, _SHADOW_SIZE), np.ones((3, 3)))

    def lit(self, points: Array, normals: Array) -> Array:
        """Return the share of the key light that reaches each grid point, (R, C)."""
        raised = points + 0.35 * normals
        x, y, z = np.ascontiguousarray((raised.reshape(-1, 3) @ self._axes).T)
        share = np.zeros(len(z), np.float32)
        depth = self._depth.reshape(-1)
        columns, rows = _cells(x), _SHADOW_SIZE * _cells(y)
        cells = [columns + rows]
        cells += [_cells(x + np.float32(step)) + rows for step in (0.6, -0.6)]
        cells += [columns + _SHADOW_SIZE * _cells(y + np.float32(step)) for step in (0.6, -0.6)]
        reach = z + np.float32(0.8)
        for cell in cells:
            share += depth.take(cell) < reach
        return cv2.GaussianBlur((share / 5).reshape(points.shape[:2]), (0, 0), 1.2)


def _cells(position: Array) -> Array:
    """Return the cells of the shadow map, along one axis, of positions in centimetres."""
    cell = position / np.float32(_SHADOW_CELL) + np.float32(_SHADOW_SIZE / 2)
    return clamp(cell, 0, _SHADOW_SIZE - 1).astype(np.int64)


def shade_grid(
    normals: Array, lighting: Lighting, gloss: float, openness: Array | None, lit: Array
) -> tuple[Array, Array]:
    """Return the diffuse light (3, R, C), and the share of the key light (R, C) that is mirrored.

    Args:
        normals: (R, C, 3) outward normals in the camera frame.
        lighting: The light.
        gloss: Strength of the highlight.
        openness: (R, C) share of the ambient light that arrives; all of it if None.
        lit: (R, C) share of the key light that arrives.
    """
    openness = np.ones(lit.shape, np.float32) if openness is None else openness
    up = (normals[..., 1] + 1) / 2
    diffuse = mix(planes(lighting.ground_rgb), planes(lighting.sky_rgb), up) * openness
    key = np.maximum((normals @ lighting.key_direction + 0.12) / 1.12, 0) * lit
    fill = np.maximum((normals @ lighting.fill_direction + 0.2) / 1.2, 0) * openness
    diffuse = diffuse + key * planes(lighting.key_rgb) + fill * planes(lighting.fill_rgb)
    half = lighting.key_direction + vec(0, 0, 1)
    half = half / np.linalg.norm(half)
    shine = gloss * np.maximum(normals @ half, 0) ** 18 * lit
    return diffuse.astype(np.float32), shine.astype(np.float32)
