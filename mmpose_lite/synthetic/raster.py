"""A z-buffer triangle rasteriser in numpy: exact coverage, one pass, no Python loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .mesh import GridMesh, grid_triangles

Array = np.ndarray
EMPTY_DEPTH = np.float32(-1e9)


@dataclass(frozen=True)
class Triangles:
    """Screen-space triangles.

    Attributes:
        xyz: (F, 3, 3) corners: x, y in samples, z in centimetres (larger is nearer).
        uv: (F, 3, 2) corner positions in the texture atlas.
    """

    xyz: Array
    uv: Array


@dataclass(frozen=True)
class Samples:
    """What a z-buffer holds, one entry for every covered sample.

    Attributes:
        index: (S,) flat sample number, row-major.
        uv: (S, 2) position in the texture atlas.
        depth_hw: (H, W) depth of the nearest surface in centimetres, ``EMPTY_DEPTH`` outside.
    """

    index: Array
    uv: Array
    depth_hw: Array


def gather_triangles(
    meshes: Sequence[GridMesh], offsets_v: Sequence[int], screens: Sequence[Array]
) -> Triangles:
    """Collect the triangles of all meshes that face the viewer.

    Args:
        meshes: The surfaces.
        offsets_v: First row of each mesh's texture in the atlas.
        screens: (R, C, 3) sample positions and depth of each mesh's points.
    """
    corner_sets, uv_sets = [], []
    for mesh, offset_v, screen in zip(meshes, offsets_v, screens, strict=True):
        faces = grid_triangles(*screen.shape[:2])
        flat = screen.reshape(-1, 3)
        a, b, c = (flat[faces[:, k]] for k in range(3))
        area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (
            c[:, 0] - a[:, 0]
        )
        faces = np.concatenate(
            [faces[area > 1e-6], faces[area < -1e-6][:, ::-1] if mesh.two_sided else faces[:0]]
        )
        corner_sets.append(flat[faces])
        uv_sets.append(mesh.uv.reshape(-1, 2)[faces] + np.float32([0, offset_v]))
    return Triangles(np.concatenate(corner_sets), np.concatenate(uv_sets))


def rasterize(triangles: Triangles, shape_hw: tuple[int, int], depth_hw: Array) -> Samples:
    """Draw triangles into a z-buffer.

    Args:
        triangles: Corners in clockwise order on the screen (y down).
        shape_hw: Size of the sample grid; sample centres are at whole numbers.
        depth_hw: (H, W) depth that is already there; not changed.

    Returns:
        The samples at which one of the triangles is nearest.
    """
    tri, row, left, right = _row_spans(triangles.xyz, shape_hw)
    counts = right - left + 1
    starts = np.cumsum(counts) - counts
    x = np.arange(int(counts.sum()), dtype=np.int32) - np.repeat(starts - left, counts).astype(
        np.int32
    )
    planes = _planes(triangles)[tri]
    # The row's share of each plane is constant along a span.
    at_row = planes[:, 0] + planes[:, 2] * row[:, None]
    span = np.repeat(np.arange(len(tri), dtype=np.int32), counts)
    z = at_row[span, 0] + planes[:, 1, 0][span] * x
    index = (row * shape_hw[1])[span].astype(np.int32) + x
    depth = depth_hw.reshape(-1).copy()
    np.maximum.at(depth, index, z)
    won = np.flatnonzero(z == depth[index])
    index, x, span = index[won], x[won], span[won]
    uv = at_row[span, 1:] + planes[span, 1, 1:] * x[:, None]
    return Samples(index, uv, depth.reshape(shape_hw))


def _row_spans(xyz: Array, shape_hw: tuple[int, int]) -> tuple[Array, Array, Array, Array]:
    """Return triangle, row, first and last column of every non-empty run of covered samples."""
    height, width = shape_hw
    top = np.maximum(np.ceil(xyz[:, :, 1].min(1) - 1e-3), 0).astype(np.int64)
    bottom = np.minimum(np.floor(xyz[:, :, 1].max(1) + 1e-3), height - 1).astype(np.int64)
    rows = np.maximum(bottom - top + 1, 0)
    tri = np.repeat(np.arange(len(xyz)), rows)
    row = np.arange(len(tri)) - np.repeat(np.cumsum(rows) - rows - top, rows)
    left = np.full(len(tri), -1e9, np.float32)
    right = np.full(len(tri), 1e9, np.float32)
    for k in range(3):
        start, end = xyz[:, k], xyz[:, (k + 1) % 3]
        dy = end[:, 1] - start[:, 1]
        slope = (end[:, 0] - start[:, 0]) / np.where(np.abs(dy) < 1e-9, 1e-9, dy)
        cross = (start[:, 0] - slope * start[:, 1])[tri] + slope[tri] * row
        rising, falling = (dy < 0)[tri], (dy > 0)[tri]
        left = np.where(rising, np.maximum(left, cross), left)
        right = np.where(falling, np.minimum(right, cross), right)
    first = np.maximum(np.ceil(left - 1e-3), 0)
    last = np.minimum(np.floor(right + 1e-3), width - 1)
    keep = last >= first
    return tri[keep], row[keep], first[keep].astype(np.int64), last[keep].astype(np.int64)


def _planes(triangles: Triangles) -> Array:
    """Return (F, 3, 3): constant, x and y factors (axis 1) of z, u and v (axis 2)."""
    values = np.concatenate([triangles.xyz[:, :, 2:], triangles.uv], axis=2)
    a, b, c = (triangles.xyz[:, k, :2].astype(np.float64) for k in range(3))
    ab, ac = b - a, c - a
    det = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]
    det = np.where(np.abs(det) < 1e-9, 1e-9, det)[:, None]
    dab, dac = values[:, 1] - values[:, 0], values[:, 2] - values[:, 0]
    by_x = (dab * ac[:, 1:] - dac * ab[:, 1:]) / det
    by_y = (dac * ab[:, :1] - dab * ac[:, :1]) / det
    constant = values[:, 0] - by_x * a[:, :1] - by_y * a[:, 1:]
    return np.stack([constant, by_x, by_y], axis=1).astype(np.float32)
