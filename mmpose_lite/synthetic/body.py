"""Shoulders, chest and arms in a shirt."""

from __future__ import annotations

import numpy as np

from .fields import linear, smooth_curve
from .identity import Identity
from .mesh import GridMesh, plain_mesh, tube_mesh

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


def build_body(identity: Identity, rng: np.random.Generator) -> list[GridMesh]:
    """Return trunk and arms; the head's pose turns them in part (see ``Pose.turn``)."""
    size = 1 + 0.05 * identity.trait('neck_width')
    cloth = linear(identity.shirt_rgb)
    arms = [
        tube_mesh(_ARM[:, :3] * [side * size, 1, 1], _ARM[:, 3], cloth, sides=12)
        for side in (-1, 1)
    ]
    return [_trunk(size, cloth, rng), *arms]


def _trunk(size: float, cloth: Array, rng: np.random.Generator) -> GridMesh:
    width = smooth_curve(_ROWS_Y, _TRUNK[:, :2], 0.3)[:, None] * size
    depth = smooth_curve(_ROWS_Y, _TRUNK[:, ::2], 0.3)[:, None]
    azimuth = np.linspace(-np.pi, np.pi, 41)[None]
    cos = np.cos(azimuth)
    x = width * np.sin(azimuth)
    z = -1.5 + depth * np.sign(cos) * np.abs(cos) ** 0.8
    points = np.stack(np.broadcast_arrays(x, _ROWS_Y[:, None], z), -1)
    collar = np.where(_ROWS_Y > -15.5, rng.uniform(0.4, 1.3), 1.0)[:, None, None]
    return plain_mesh(points, np.clip(cloth * collar, 0, 1))
