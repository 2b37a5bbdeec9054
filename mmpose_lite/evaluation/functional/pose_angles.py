"""Head pose from AFLW's 19 points alone."""

from __future__ import annotations

import numpy as np
from numpy import ndarray

# The mean head of `mmpose_lite.synthetic`, cm: x to image right, y up, z to the viewer.
MEAN_HEAD = np.array(
    [
        [-5.6, 3.2, -2.3], [-3.7, 3.8, 0.0], [-1.8, 3.5, 0.6],
        [1.8, 3.5, 0.6], [3.7, 3.8, 0.0], [5.6, 3.2, -2.3],
        [-4.3, 1.7, -1.2], [-3.1, 1.7, -0.4], [-1.9, 1.6, -0.3],
        [1.9, 1.6, -0.3], [3.1, 1.7, -0.4], [4.3, 1.7, -1.2],
        [-1.2, -2.7, 1.5], [0.0, -2.0, 3.0], [1.2, -2.7, 1.5],
        [-2.4, -4.9, 0.2], [0.0, -4.9, 1.4], [2.4, -4.9, 0.2],
        [0.0, -9.1, -0.4],
    ]
)  # fmt: skip
_FEWEST = 8  # points; with fewer, the fit follows their noise
_STEPS = 8


def head_pose(points: ndarray, mask: ndarray) -> ndarray:
    """Estimate the pose in which the projection of a mean head is nearest to the points.

    The head is rotated by ``Rz(roll) Rx(pitch) Ry(yaw)``, projected orthographically, scaled and
    shifted so that the sum of squared distances to the points is smallest.

    ``points`` are ``(N, 19, 2)``, image pixels, in AFLW's order; ``mask`` marks those that count.

    Returns:
        ``(N, 3)``: yaw, pitch and roll in radians, yaw > 0 to image right, pitch > 0 down,
        roll > 0 counter-clockwise in the picture; NaN for faces with fewer than eight points.
    """
    poses = np.full((len(points), 3), np.nan)
    for face, (xy, counts) in enumerate(zip(points, np.asarray(mask, dtype=bool), strict=True)):
        if counts.sum() >= _FEWEST:
            rotation = _fit(MEAN_HEAD[counts], xy[counts] * [1.0, -1.0])
            poses[face] = _angles(rotation)
    return poses


def _fit(head: ndarray, seen: ndarray) -> ndarray:
    """Fit the rotation ``(3, 3)`` of a head ``(P, 3)`` to its projection ``(P, 2)``, y up.

    Depths and rotation are estimated alternately, each given the other (a rigid fit).
    """
    head, seen = head - head.mean(axis=0), seen - seen.mean(axis=0)
    affine = np.linalg.lstsq(head, seen, rcond=None)[0].T
    rotation, scale = _nearest_rotation(affine)
    for _ in range(_STEPS):
        depth = scale * head @ rotation[2]
        left, _, right = np.linalg.svd(np.column_stack([seen, depth]).T @ head)
        left[:, 2] *= np.sign(np.linalg.det(left @ right))
        rotation = left @ right
        flat = head @ rotation[:2].T
        scale = float((flat * seen).sum() / max((flat**2).sum(), 1e-12))
    return rotation


def _nearest_rotation(affine: ndarray) -> tuple[ndarray, float]:
    """The rotation whose first two rows are nearest to a map ``(2, 3)``, and the map's scale."""
    left, sizes, right = np.linalg.svd(affine, full_matrices=False)
    rows = left @ right
    return np.vstack([rows, np.cross(rows[0], rows[1])]), float(sizes.mean())


def _angles(rotation: ndarray) -> tuple[float, float, float]:
    """Yaw, pitch and roll of ``Rz(roll) Rx(pitch) Ry(yaw)``."""
    pitch = np.arcsin(np.clip(rotation[2, 1], -1, 1))
    yaw = np.arctan2(-rotation[2, 0], rotation[2, 2])
    roll = np.arctan2(-rotation[0, 1], rotation[1, 1])
    return float(yaw), float(pitch), float(roll)
