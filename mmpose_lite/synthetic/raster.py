"""A z-buffer triangle rasteriser in numpy: exact coverage, one pass, no Python loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .fields import vec
from .mesh import GridMesh, grid_triangles

Array = np.ndarray
EMPTY_DEPTH = np.float32(-1e9)
_SLACK = 1e-3
"""Samples by which triangles are grown, so that rounding leaves no cracks between neighbours."""


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
        area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
        faces = np.concatenate(
            [faces[area > 1e-6], faces[area < -1e-6][:, ::-1] if mesh.two_sided else faces[:0]]
        )
        corner_sets.append(flat[faces])
        uv_sets.append(mesh.uv.reshape(-1, 2)[faces] + vec(0, offset_v))
    return Triangles(np.concatenate(corner_sets), np.concatenate(uv_sets))


def rasterize(triangles: Triangles, shape_hw: tuple[int, int]) -> Samples:
    """Draw triangles into a z-buffer.

    Args:
        triangles: Corners in clockwise order on the screen (y down).
        shape_hw: Size of the sample grid; sample centres are at whole numbers.

    Returns:
        The samples at which one of the triangles is nearest.
    """
    tri, row, left, right = _row_spans(triangles.xyz, shape_hw)
    counts = right - left + 1
    starts = np.cumsum(counts) - counts
    span = _numbered(starts, int(counts.sum()))
    x = np.arange(len(span), dtype=np.int32) - (starts - left).astype(np.int32)[span]
    planes = _planes(triangles)[tri]
    # The row's share of each plane is constant along a span.
    at_row = planes[:, 0] + planes[:, 2] * row[:, None].astype(np.float32)
    z = at_row[:, 0][span] + planes[:, 1, 0][span] * x.astype(np.float32)
    index = (row * shape_hw[1]).astype(np.int32)[span] + x
    depth = np.full(shape_hw[0] * shape_hw[1], EMPTY_DEPTH, np.float32)
    np.maximum.at(depth, index, z)
    won = np.flatnonzero(z == depth[index])
    index, x, span = index[won], x[won].astype(np.float32), span[won]
    uv = at_row[:, 1:][span] + planes[:, 1, 1:][span] * x[:, None]
    return Samples(index, uv, depth.reshape(shape_hw))


def _numbered(starts: Array, total: int) -> Array:
    """Return, for every element, the number of the run it is in (a fast ``np.repeat``)."""
    marks = np.zeros(total, np.int32)
    marks[starts[1:]] = 1
    return np.cumsum(marks, dtype=np.int32)


def _row_spans(xyz: Array, shape_hw: tuple[int, int]) -> tuple[Array, Array, Array, Array]:
    """Return triangle, row, first and last column of every non-empty run of covered samples."""
    height, width = shape_hw
    y0, y1, y2 = xyz[:, 0, 1], xyz[:, 1, 1], xyz[:, 2, 1]
    lowest, highest = np.minimum(np.minimum(y0, y1), y2), np.maximum(np.maximum(y0, y1), y2)
    top = np.maximum(np.ceil(lowest - _SLACK), 0).astype(np.int32)
    rows = np.minimum(np.floor(highest + _SLACK), height - 1).astype(np.int32) - top + 1
    kept = np.flatnonzero(rows > 0)
    starts = np.cumsum(rows[kept]) - rows[kept]
    run = _numbered(starts, int(rows[kept].sum()))
    tri = kept[run]
    row = np.arange(len(tri), dtype=np.int32) + (top[kept] - starts).astype(np.int32)[run]
    row_float = row.astype(np.float32)
    left = np.full(len(tri), -np.inf, np.float32)
    right = np.full(len(tri), np.inf, np.float32)
    for k in range(3):
        start, end = xyz[:, k, :2], xyz[:, (k + 1) % 3, :2]
        dy = end[:, 1] - start[:, 1]
        slope = (end[:, 0] - start[:, 0]) / np.where(dy == 0, np.float32(1), dy)
        offset = start[:, 0] - slope * start[:, 1]
        # Corners run clockwise: edges that lead up bound a triangle on the left.
        low, high = np.where(dy < 0, 0, -np.inf), np.where(dy > 0, 0, np.inf)
        crossing = offset[tri] + slope[tri] * row_float
        np.maximum(left, crossing + low.astype(np.float32)[tri], out=left)
        np.minimum(right, crossing + high.astype(np.float32)[tri], out=right)
    first = np.maximum(np.ceil(left - _SLACK), 0)
    last = np.minimum(np.floor(right + _SLACK), width - 1)
    keep = last >= first
    return tri[keep], row[keep], first[keep].astype(np.int32), last[keep].astype(np.int32)


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
