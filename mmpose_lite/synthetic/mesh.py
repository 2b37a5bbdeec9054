"""Grid meshes: the one kind of surface the renderer knows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import cv2
import numpy as np

from .fields import gradient, lengths, spaced, tripled

Array = np.ndarray


@dataclass(frozen=True)
class GridMesh:
    """A surface given by a grid of points; rows run down and columns to the right as seen outside.

    Attributes:
        points: (R, C, 3) positions in centimetres; x to image right, y up, z to the viewer.
        albedo: (3, h, w) linear RGB surface colour in [0, 1].
        uv: (R, C, 2) position of every grid point in ``albedo``, in pixels (x, y).
        two_sided: Whether the back of the surface is drawn as well.
        gloss: Strength of the specular highlight.
        cavities: Whether hollows of the surface are darkened.
    """

    points: Array
    albedo: Array
    uv: Array
    two_sided: bool = False
    gloss: float = 0.1
    cavities: bool = False

    @cached_property
    def normals(self) -> Array:
        """(R, C, 3) unit outward normals."""
        return grid_normals(self.points)

    def moved(self, points: Array) -> GridMesh:
        """Return the same surface with other positions."""
        return replace(self, points=points)


@lru_cache(maxsize=64)
def grid_uv(rows: int, cols: int) -> Array:
    """Return the (R, C, 2) texture position of a grid whose texture has one pixel per point."""
    uv = np.stack(np.meshgrid(np.arange(cols), np.arange(rows)), axis=-1).astype(np.float32)
    uv.flags.writeable = False
    return uv


def plain_mesh(points: Array, rgb: Array, two_sided: bool = False, gloss: float = 0.1) -> GridMesh:
    """Build a mesh with one colour per grid point.

    Args:
        points: (R, C, 3) positions.
        rgb: Linear colour, broadcastable to (R, C, 3).
        two_sided: Whether the back is drawn.
        gloss: Specular strength.
    """
    albedo = np.broadcast_to(np.asarray(rgb, np.float32), points.shape).transpose(2, 0, 1).copy()
    uv = grid_uv(*points.shape[:2])
    return GridMesh(points.astype(np.float32), albedo, uv, two_sided=two_sided, gloss=gloss)


def tube_mesh(
    line: Array, radius: Array | float, rgb: Array, sides: int = 6, gloss: float = 0.1
) -> GridMesh:
    """Build a tube around a line.

    Args:
        line: (n, 3) middle line.
        radius: One radius in centimetres, or n.
        rgb: Linear colour.
        sides: Number of flat sides.
        gloss: Specular strength.
    """
    along = gradient(line)
    along /= np.maximum(lengths(along), 1e-9)
    # Any direction will do that no line here runs along.
    side = _cross(along, np.array([[0.31, 0.11, 0.94]]))
    side /= np.maximum(lengths(side), 1e-9)
    other = _cross(side, along)
    turn = spaced(0, 2 * np.pi, sides + 1)[None, :, None]
    ring = side[:, None] * np.cos(turn) + other[:, None] * np.sin(turn)
    reach = np.broadcast_to(radius, (len(line),))[:, None, None]
    return plain_mesh(line[:, None] + reach * ring, rgb, gloss=gloss)


def _cross(a: Array, b: Array) -> Array:
    """Return the cross products (n, 3) of vectors, like ``np.cross`` but in fewer steps."""
    (ax, ay, az), (bx, by, bz) = a.T, b.T
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], 1)


@lru_cache(maxsize=64)
def grid_triangles(rows: int, cols: int) -> Array:
    """Return the (3, 2 (R-1) (C-1)) vertex numbers of a grid's triangles, in row-major order."""
    index = np.arange(rows * cols).reshape(rows, cols)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    pairs = np.stack([np.stack([a, b, c]), np.stack([b, d, c])], axis=-1)
    return pairs.reshape(3, -1)


def grid_normals(points: Array) -> Array:
    """Return the (R, C, 3) unit outward normals of a grid of points."""
    along_col = np.empty_like(points)
    along_col[:, 1:-1] = points[:, 2:] - points[:, :-2]
    along_col[:, 0] = points[:, 1] - points[:, 0]
    along_col[:, -1] = points[:, -1] - points[:, -2]
    along_row = np.empty_like(points)
    along_row[1:-1] = points[2:] - points[:-2]
    along_row[0] = points[1] - points[0]
    along_row[-1] = points[-1] - points[-2]
    ax, ay, az = along_row[..., 0], along_row[..., 1], along_row[..., 2]
    bx, by, bz = along_col[..., 0], along_col[..., 1], along_col[..., 2]
    normal = cv2.merge([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])
    length = np.sqrt(np.einsum('rck,rck->rc', normal, normal))
    normal /= tripled(np.maximum(length, 1e-9))
    return normal


def sample_grid(values: Array, row: Array, col: Array) -> Array:
    """Return ``values`` (R, C, D) at n fractional grid positions, (n, D), on the grid's triangles.

    Args:
        values: (R, C, D) values at the grid's points.
        row: (n,) positions along the first axis, from 0 on.
        col: (n,) positions along the second axis.
    """
    rows, cols = values.shape[:2]
    r = np.minimum(np.asarray(row).astype(int), rows - 2)
    c = np.minimum(np.asarray(col).astype(int), cols - 2)
    fr, fc = (row - r)[:, None], (col - c)[:, None]
    a, b, lower, d = values[r, c], values[r, c + 1], values[r + 1, c], values[r + 1, c + 1]
    upper = a + (b - a) * fc + (lower - a) * fr
    return np.where(fr + fc <= 1.0, upper, d + (lower - d) * (1.0 - fc) + (b - d) * (1.0 - fr))
