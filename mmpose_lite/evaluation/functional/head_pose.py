"""The pose of a head, from AFLW's 19 points alone."""

from __future__ import annotations

import numpy as np
from numpy import ndarray

# The mean head of `mmpose_lite.synthetic`, cm: x to image right, y up, z to the viewer.
MEAN_HEAD = np.array(
    [
        [-5.2, 3.4, -1.7], [-3.3, 4.0, 0.2], [-1.3, 3.5, 0.6],
        [1.3, 3.5, 0.6], [3.3, 4.0, 0.2], [5.2, 3.4, -1.7],
        [-4.6, 1.8, -1.4], [-3.1, 1.8, -0.4], [-1.7, 1.7, -0.4],
        [1.7, 1.7, -0.4], [3.1, 1.8, -0.4], [4.6, 1.8, -1.4],
        [-1.7, -2.7, 0.7], [0.0, -2.3, 2.9], [1.7, -2.7, 0.7],
        [-2.3, -5.0, 0.1], [0.0, -5.2, 1.0], [2.3, -5.0, 0.1],
        [0.0, -9.4, 0.6],
    ]
)  # fmt: skip
_FEWEST = 8  # points; with fewer the fit follows their noise
_STEPS = 8


def head_pose(points: ndarray, mask: ndarray) -> ndarray:
    """Estimate the pose that brings a mean head nearest to the points, seen from afar.

    The head is turned by ``Rz(roll) Rx(pitch) Ry(yaw)``, scaled and moved in the picture (a
    scaled orthographic projection), so that the sum of squared distances to the points is least.

    Args:
        points: ``(N, 19, 2)``, image pixels, in AFLW's order.
        mask: ``(N, 19)``, bool: which points count.

    Returns:
        ``(N, 3)``: yaw, pitch and roll in radians, yaw > 0 to image right, pitch > 0 down,
        roll > 0 counter-clockwise in the picture; NaN for faces with fewer than eight points.
    """
    poses = np.full((len(points), 3), np.nan)
    for face, (xy, counts) in enumerate(zip(points, np.asarray(mask, dtype=bool), strict=True)):
        if counts.sum() >= _FEWEST:
            turn = _fit(MEAN_HEAD[counts], xy[counts] * [1.0, -1.0])
            poses[face] = _angles(turn)
    return poses


def _fit(head: ndarray, seen: ndarray) -> ndarray:
    """The turn ``(3, 3)`` of a head ``(P, 3)`` that is seen as ``(P, 2)``, y up.

    The unseen depths and the turn are found in turns: each makes the other's best (a rigid fit).
    """
    head, seen = head - head.mean(axis=0), seen - seen.mean(axis=0)
    affine = np.linalg.lstsq(head, seen, rcond=None)[0].T
    turn, scale = _nearest_turn(affine)
    for _ in range(_STEPS):
        depth = scale * head @ turn[2]
        left, _, right = np.linalg.svd(np.column_stack([seen, depth]).T @ head)
        left[:, 2] *= np.sign(np.linalg.det(left @ right))
        turn = left @ right
        flat = head @ turn[:2].T
        scale = float((flat * seen).sum() / max((flat**2).sum(), 1e-12))
    return turn


def _nearest_turn(affine: ndarray) -> tuple[ndarray, float]:
    """The turn whose first two rows are nearest to a map ``(2, 3)``, and the map's scale."""
    left, sizes, right = np.linalg.svd(affine, full_matrices=False)
    rows = left @ right
    return np.vstack([rows, np.cross(rows[0], rows[1])]), float(sizes.mean())


def _angles(turn: ndarray) -> tuple[float, float, float]:
    """Yaw, pitch and roll of ``Rz(roll) Rx(pitch) Ry(yaw)``."""
    pitch = np.arcsin(np.clip(turn[2, 1], -1, 1))
    yaw = np.arctan2(-turn[2, 0], turn[2, 2])
    roll = np.arctan2(-turn[0, 1], turn[1, 1])
    return float(yaw), float(pitch), float(roll)
