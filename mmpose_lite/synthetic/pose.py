"""Pose of a head: where it looks, and where it is in the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .fields import smoothstep

Array = np.ndarray

POSES = ('wide', 'portrait')
_PIVOT = np.array([0.0, -9.0, -2.5], np.float32)
"""The joint between head and neck, in the head frame."""


def rotation(yaw: float, pitch: float, roll: float) -> Array:
    """Return ``Rz(roll) @ Rx(pitch) @ Ry(yaw)``, (3, 3), of angles in radians."""
    (sy, sp, sr), (cy, cp, cr) = np.sin([yaw, pitch, roll]), np.cos([yaw, pitch, roll])
    turn = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    nod = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    tilt = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return tilt @ nod @ turn


@dataclass(frozen=True)
class Pose:
    """A head's angles and its orthographic place in the picture.

    The camera frame has x to image right, y up and z to the viewer, and the head is turned by
    ``Rz(roll) @ Rx(pitch) @ Ry(yaw)`` (AFLW's order). So yaw > 0 turns the nose to image right,
    pitch > 0 lowers it, and roll > 0 turns the head counter-clockwise in the picture.

    Attributes:
        yaw: Radians.
        pitch: Radians.
        roll: Radians.
        pixels_per_cm: Size in the picture.
        origin: Picture position (x, y) of the camera frame's origin, in pixels.
    """

    yaw: float
    pitch: float
    roll: float
    pixels_per_cm: float
    origin: tuple[float, float] = (0.0, 0.0)

    def turn(self, points: Array) -> Array:
        """Return camera-frame positions of head-frame points (..., 3), both in centimetres.

        The neck follows the head less and less towards the shoulders, which turn only partly.
        """
        head = rotation(self.yaw, self.pitch, self.roll).T
        body = rotation(0.45 * self.yaw, 0.1 * self.pitch, 0.4 * self.roll).T
        follow = np.repeat(smoothstep(-18.0, -10.0, points[..., 1:2]), 3, axis=-1)
        local = points - _PIVOT
        turned, rest = local @ head, local @ body
        turned *= follow
        rest *= 1 - follow
        turned += rest
        turned += _PIVOT
        return turned.astype(np.float32)

    def project(self, points: Array) -> Array:
        """Return picture x, y (pixels) and depth z (cm) of camera-frame points (..., 3)."""
        screen = np.empty(np.shape(points), np.float32)
        screen[..., 2] = points[..., 2]
        for axis, scale in enumerate((self.pixels_per_cm, -self.pixels_per_cm)):
            screen[..., axis] = points[..., axis] * np.float64(scale) + self.origin[axis]
        return screen


def draw_angles(rng: np.random.Generator, poses: str = 'wide') -> tuple[float, float, float]:
    """Draw yaw, pitch and roll in radians.

    Args:
        rng: Source of randomness.
        poses: ``'wide'``: yaw is spread as in AFLW, up to a full profile; ``'portrait'``: people
            who look more or less into the camera.
    """
    if poses == 'portrait':
        return _draw_portrait(rng)
    low, high = [(0, 30), (30, 60), (60, 90)][rng.choice(3, p=[0.58, 0.22, 0.20])]
    # Within each range the turned heads are a little more frequent.
    yaw = (low + (high - low) * rng.random() ** 0.75) * rng.choice([-1, 1])
    pitch = np.clip(rng.normal(0, 9), -32, 32)
    roll = rng.normal(0, 9) if rng.random() < 0.92 else rng.normal(0, 32)
    yaw, pitch, roll = np.radians([yaw, pitch, np.clip(roll, -75, 75)]).tolist()
    return yaw, pitch, roll


def _draw_portrait(rng: np.random.Generator) -> tuple[float, float, float]:
    yaw = np.clip(rng.normal(0, 25), -75, 75)
    roll = rng.normal(0, 7) if rng.random() < 0.95 else rng.normal(0, 20)
    angles = [yaw, np.clip(rng.normal(0, 8), -30, 30), np.clip(roll, -60, 60)]
    yaw, pitch, roll = np.radians(angles).tolist()
    return yaw, pitch, roll
