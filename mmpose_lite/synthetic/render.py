"""Drawing of a posed person: light the textures, fill the z-buffer, look up colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from .fields import vec
from .lighting import Lighting, ShadowMap, cavity, shade_grid
from .mesh import GridMesh, grid_normals, grid_triangles
from .person import Person
from .pose import Pose

Array = np.ndarray
EMPTY_DEPTH = np.float32(-1e9)
_SLACK = 1e-3
DEPTH_TOLERANCE_CM = 0.25
_FACING = 0.0
_LOOKUP_WIDTH = 1024
_SAMPLE_BUDGET = 400_000


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
    """Contents of a z-buffer, one entry for every covered sample.

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


"""How far behind the drawn surface a visible landmark may lie, besides one sample's width."""
"""Least z of the outward normal at a visible landmark; it is 0 on the outline."""
"""Samples spent on a person; small ones get up to 2 x 2 a pixel, large ones a single one."""


@dataclass(frozen=True)
class RenderedFace:
    """A person drawn on a transparent patch of the picture.

    Attributes:
        rgb: (h, w, 3) sRGB colours in [0, 1], not multiplied by ``alpha``.
        alpha: (h, w) coverage in [0, 1].
        corner: Picture position (x, y) of the patch's first pixel.
        landmarks_xy: (19, 2) picture positions in pixels.
        landmark_depth: (19,) depth of the landmarks in cm, larger is nearer.
        surface_depth: (19,) depth of the nearest drawn surface there.
        visible: (19,) whether the person's own head, hair and glasses leave the point in view.
    """

    rgb: Array
    alpha: Array
    corner: tuple[int, int]
    landmarks_xy: Array
    landmark_depth: Array
    surface_depth: Array
    visible: Array


def render_face(
    person: Person, pose: Pose, lighting: Lighting, picture_wh: tuple[int, int]
) -> RenderedFace:
    """Draw a posed person.

    Args:
        person: Surfaces in the camera frame.
        pose: Gives place and size.
        lighting: The light.
        picture_wh: Size of the picture; nothing is drawn outside.
    """
    corner, size_wh = _patch(person, pose, picture_wh)
    oversampling = np.clip(np.sqrt(_SAMPLE_BUDGET / (size_wh[0] * size_wh[1])), 1.0, 2.0)
    samples_wh = (int(size_wh[0] * oversampling) + 1, int(size_wh[1] * oversampling) + 1)
    ratio = np.array(samples_wh) / size_wh

    def to_samples(points: Array) -> Array:
        screen = pose.project(points)
        screen[..., :2] = (screen[..., :2] - corner + 0.5) * ratio - 0.5
        return screen

    textures = bake(person.surfaces, lighting)
    screens = [to_samples(surface.points) for surface in person.surfaces]
    atlas, offsets = _pack(textures)
    triangles = gather_triangles(person.surfaces, offsets, screens)
    samples = rasterize(triangles, samples_wh[::-1])
    patch = cv2.resize(_resolve(samples, atlas), size_wh, interpolation=cv2.INTER_AREA)
    alpha = patch[..., 3]
    local = to_samples(person.landmarks)
    surface_depth = _depth_at(samples.depth_hw, local)
    # At an outline the nearest sample may lie on the surface a little nearer, or beside it.
    tolerance = DEPTH_TOLERANCE_CM + 1 / (pose.pixels_per_cm * ratio.min())
    visible = (surface_depth <= local[:, 2] + tolerance) & (person.normals[:, 2] > _FACING)
    return RenderedFace(
        rgb=np.sqrt(patch[..., :3] / np.maximum(alpha, 1e-4)[..., None]),
        alpha=alpha,
        corner=corner,
        landmarks_xy=pose.project(person.landmarks)[:, :2].astype(np.float64),
        landmark_depth=local[:, 2],
        surface_depth=surface_depth,
        visible=visible,
    )


def bake(surfaces: list[GridMesh], lighting: Lighting) -> list[Array]:
    """Return every surface's texture with the light on it, linear RGB in [0, 1].

    The exposure is set by the light on the first surface's visible side.
    """
    cloud = np.concatenate([surface.points.reshape(-1, 3) for surface in surfaces])
    shadows = ShadowMap(cloud, lighting.key_direction)
    gain, textures = None, []
    for surface in surfaces:
        normals = grid_normals(surface.points)
        openness = cavity(surface.points, normals) if surface.cavities else None
        lit = shadows.lit(surface.points, normals)
        diffuse, shine = shade_grid(normals, lighting, surface.gloss, openness, lit)
        if gain is None:
            gain = lighting.exposure / float(diffuse[normals[..., 2] > 0.3].mean())
        light = _spread(surface, np.dstack([diffuse, shine]) * np.float32(gain))
        texture = light[..., :3] * surface.albedo
        texture += light[..., 3:] * lighting.key_rgb.astype(np.float32)
        textures.append(np.clip(texture, 0, 1, out=texture))
    return textures


def _patch(
    person: Person, pose: Pose, picture_wh: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return first pixel and size (w, h) of the part of the picture that the person covers."""
    points = np.concatenate([surface.points.reshape(-1, 3) for surface in person.surfaces])
    xy = pose.project(points)[:, :2]
    low = np.clip(np.floor(xy.min(0)) - 1, 0, np.array(picture_wh) - 1).astype(int)
    high = np.clip(np.ceil(xy.max(0)) + 2, low + 1, picture_wh).astype(int)
    return (int(low[0]), int(low[1])), (int(high[0] - low[0]), int(high[1] - low[1]))


def _spread(surface: GridMesh, values: Array) -> Array:
    """Resample grid values to the surface's texture; rows and columns map separately."""
    height, width = surface.albedo.shape[:2]
    if values.shape[:2] == (height, width):
        return values
    cols = np.interp(np.arange(width), surface.uv[0, :, 0], np.arange(values.shape[1]))
    rows = np.interp(np.arange(height), surface.uv[:, 0, 1], np.arange(values.shape[0]))
    map_x = np.broadcast_to(cols.astype(np.float32)[None], (height, width))
    map_y = np.broadcast_to(rows.astype(np.float32)[:, None], (height, width))
    return cv2.remap(values, map_x, map_y, cv2.INTER_LINEAR)


def _pack(textures: list[Array]) -> tuple[Array, list[int]]:
    """Stack textures into one atlas; return it and the first row of each."""
    heights = [len(texture) + 2 for texture in textures]
    offsets = np.concatenate([[0], np.cumsum(heights)])
    atlas = np.zeros((int(offsets[-1]), max(t.shape[1] for t in textures), 3), np.float32)
    for offset, texture in zip(offsets[:-1], textures, strict=True):
        atlas[offset : offset + len(texture), : texture.shape[1]] = texture
    return atlas, offsets[:-1].tolist()


def _resolve(samples: Samples, atlas: Array) -> Array:
    """Return the (H, W, 4) linear colours and coverage of all samples."""
    rows = -(-len(samples.uv) // _LOOKUP_WIDTH)
    uv = np.zeros((rows * _LOOKUP_WIDTH, 2), np.float32)
    uv[: len(samples.uv)] = samples.uv
    map_x, map_y = cv2.split(uv.reshape(rows, _LOOKUP_WIDTH, 2))
    colours = cv2.remap(atlas, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    patch = np.zeros((samples.depth_hw.size, 4), np.float32)
    patch[samples.index, :3] = colours.reshape(-1, 3)[: len(samples.uv)]
    patch[samples.index, 3] = 1.0
    return patch.reshape(*samples.depth_hw.shape, 4)


def _depth_at(depth_hw: Array, screen: Array) -> Array:
    """Return the depth at the samples nearest to screen points (n, 3)."""
    height, width = depth_hw.shape
    cols = np.clip(np.round(screen[:, 0]).astype(int), 0, width - 1)
    rows = np.clip(np.round(screen[:, 1]).astype(int), 0, height - 1)
    return depth_hw[rows, cols]
