"""Drawing of a posed person: light the textures, fill the z-buffer, look up colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from .fields import vec
from .lighting import Lighting, ShadowMap, cavity, shade_grid
from .mesh import GridMesh, grid_triangles
from .person import Person
from .pose import Pose

Array = np.ndarray
EMPTY_DEPTH = np.float32(-1e9)
_FAR = np.float32(np.inf)
# Samples by which triangles are grown, so that rounding leaves no cracks between neighbours.
_SLACK = 1e-3
# How far behind the drawn surface a visible landmark may lie, besides one sample's width.
DEPTH_TOLERANCE_CM = 0.25
# Least z of the outward normal at a visible landmark; it is 0 on the outline.
_FACING = 0.0
# Samples spent on a person; small ones get up to 2 x 2 a pixel, large ones a single one.
_SAMPLE_BUDGET = 400_000
# Samples in a row of what OpenCV looks up at once.
_SHEET = 1024


@dataclass(frozen=True)
class Triangles:
    """Screen-space triangles; numbers of one kind lie side by side, which is fastest.

    Attributes:
        xyz: (3, 3, F) x, y in samples and z in centimetres (larger is nearer) of three corners.
        uv: (3, 2, F) corner positions in the texture atlas.
    """

    xyz: Array
    uv: Array


@dataclass(frozen=True)
class Samples:
    """Visible samples of a z-buffer.

    Attributes:
        index: (n,) drawn samples, by their number in the grid; of one that is there twice the last
            counts.
        uv: (n,) their positions u + iv in the texture atlas: NumPy moves a complex number faster
            than two real ones.
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
        flat = np.ascontiguousarray(screen.reshape(-1, 3).T)
        a, b, c = (flat[:2].take(corner, axis=1) for corner in faces)
        area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
        front = faces.take(np.flatnonzero(area > 1e-6), axis=1)
        if mesh.two_sided:
            back = faces[::-1].take(np.flatnonzero(area < -1e-6), axis=1)
            front = np.concatenate([front, back], axis=1)
        uv = np.ascontiguousarray((mesh.uv.reshape(-1, 2) + vec(0, offset_v)).T)
        corner_sets.append([flat.take(corner, axis=1) for corner in front])
        uv_sets.append([uv.take(corner, axis=1) for corner in front])
    return Triangles(np.concatenate(corner_sets, axis=2), np.concatenate(uv_sets, axis=2))


def rasterize(triangles: Triangles, shape_hw: tuple[int, int]) -> Samples:
    """Draw triangles into a z-buffer.

    Args:
        triangles: Corners in clockwise order on the screen (y down).
        shape_hw: Size of the sample grid; sample centres are at whole numbers.

    Returns:
        The nearest of the triangles at each sample.
    """
    tri, row, left, right = _row_spans(triangles.xyz, shape_hw)
    counts = right - left + 1
    # A sample of every span, and the span that it is of.
    span = np.repeat(np.arange(len(counts)), counts)
    shift = left - np.cumsum(counts) + counts
    index = (row * shape_hw[1] + shift).take(span)
    index += np.arange(len(index))
    x = shift.astype(np.float32).take(span)
    x += np.arange(len(x), dtype=np.float32)
    planes = _planes(triangles)
    # The row's share of each plane is constant along a span.
    (z_row, z_by_x), (uv_row, uv_by_x) = (_along(plane, tri, row) for plane in planes)
    z = z_by_x.take(span)
    z *= x
    z += z_row.take(span)
    depth = np.full(shape_hw[0] * shape_hw[1], EMPTY_DEPTH, np.float32)
    np.maximum.at(depth, index, z)
    won = np.flatnonzero(z == depth.take(index))
    span, index, x = span.take(won), index.take(won), x.take(won)
    uv = uv_by_x.take(span)
    uv *= x
    uv += uv_row.take(span)
    return Samples(index, uv, depth.reshape(shape_hw))


def _along(plane: Array, tri: Array, row: Array) -> tuple[Array, Array]:
    """Return a plane's value at x = 0, and its factor of x, for spans of triangles."""
    constant, by_x, by_y = (each.take(tri) for each in plane)
    by_y *= row.astype(np.float32)
    by_y += constant
    return by_y, by_x


def _row_spans(xyz: Array, shape_hw: tuple[int, int]) -> tuple[Array, Array, Array, Array]:
    """Return triangle, row, first and last column of every non-empty run of covered samples."""
    height, width = shape_hw
    corners = xyz[:, :2]
    y = corners[:, 1]
    top = np.maximum(np.ceil(y.min(0) - _SLACK), 0).astype(np.int64)
    rows = np.minimum(np.floor(y.max(0) + _SLACK), height - 1).astype(np.int64) - top + 1
    rows = np.maximum(rows, 0)
    tri = np.repeat(np.arange(len(rows)), rows)
    row = (top - np.cumsum(rows) + rows).take(tri)
    row += np.arange(len(tri))
    row_float = row.astype(np.float32)
    left, right = np.full(len(tri), -_FAR), np.full(len(tri), _FAR)
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        dy = end[1] - start[1]
        slope = (end[0] - start[0]) / np.where(dy == 0, np.float32(1), dy)
        offset = start[0] - slope * start[1]
        # Corners run clockwise: edges that lead up bound a triangle on the left.
        on_left, on_right = np.where(dy < 0, offset, -_FAR), np.where(dy > 0, offset, _FAR)
        rise = slope.take(tri)
        rise *= row_float
        for bound, on_side, nearer in ((left, on_left, np.maximum), (right, on_right, np.minimum)):
            at_row = on_side.take(tri)
            at_row += rise
            nearer(bound, at_row, out=bound)
    first = np.maximum(np.ceil(left - _SLACK), 0)
    last = np.minimum(np.floor(right + _SLACK), width - 1)
    kept = np.flatnonzero(last >= first)
    first, last = (each.take(kept).astype(np.int64) for each in (first, last))
    return tri.take(kept), row.take(kept), first, last


def _planes(triangles: Triangles) -> tuple[Array, Array]:
    """Return constant, x and y factors, (3, F) each, of z and of u + iv."""
    start, second, third = np.concatenate([triangles.xyz[:, 2:], triangles.uv], axis=1)
    a, b, c = triangles.xyz[:, :2].astype(np.float64)
    ab, ac = b - a, c - a
    det = ab[0] * ac[1] - ab[1] * ac[0]
    det = np.where(np.abs(det) < 1e-9, 1e-9, det)
    dab, dac = second - start, third - start
    by_x = (dab * ac[1] - dac * ab[1]) / det
    by_y = (dac * ab[0] - dab * ac[0]) / det
    constant = start - by_x * a[0] - by_y * a[1]
    factors = np.stack([constant, by_x, by_y], axis=1).astype(np.float32)
    uv = np.empty(factors.shape[1:], np.complex64)
    uv.real, uv.imag = factors[1:]
    return factors[0], uv


@dataclass(frozen=True)
class RenderedFace:
    """A person drawn on a transparent patch of the picture.

    Attributes:
        rgb: (3, h, w) sRGB colours in [0, 1], not multiplied by ``alpha``.
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
    screens = [pose.project(surface.points) for surface in person.surfaces]
    corner, size_wh = _patch(screens, picture_wh)
    oversampling = np.clip(np.sqrt(_SAMPLE_BUDGET / (size_wh[0] * size_wh[1])), 1.0, 2.0)
    samples_wh = (int(size_wh[0] * oversampling) + 1, int(size_wh[1] * oversampling) + 1)
    ratio = np.array(samples_wh) / size_wh

    def to_samples(screen: Array) -> Array:
        samples = screen.copy()
        for k in range(2):
            samples[..., k] = (screen[..., k] - np.float64(corner[k]) + 0.5) * ratio[k] - 0.5
        return samples

    atlas, offsets = pack(bake(person.surfaces, lighting))
    triangles = gather_triangles(person.surfaces, offsets, list(map(to_samples, screens)))
    samples = rasterize(triangles, samples_wh[::-1])
    # Between one and two samples a pixel, along each axis, which this averages about as well as
    # INTER_AREA, and faster.
    drawn = cv2.resize(look_up(samples, atlas), size_wh, interpolation=cv2.INTER_LINEAR)
    alpha = drawn[..., 3].copy()
    cover = np.maximum(alpha, 1e-4)
    rgb = np.empty((3, *alpha.shape), np.float32)
    for k, plane in enumerate(rgb):
        np.divide(drawn[..., k], cover, out=plane)
        np.sqrt(plane, out=plane)
    landmarks = pose.project(person.landmarks)
    local = to_samples(landmarks)
    surface_depth = _depth_at(samples.depth_hw, local)
    # At an outline the nearest sample may lie on the surface a little nearer, or beside it.
    tolerance = DEPTH_TOLERANCE_CM + 1 / (pose.pixels_per_cm * ratio.min())
    visible = (surface_depth <= local[:, 2] + tolerance) & (person.normals[:, 2] > _FACING)
    return RenderedFace(
        rgb=rgb,
        alpha=alpha,
        corner=corner,
        landmarks_xy=landmarks[:, :2].astype(np.float64),
        landmark_depth=local[:, 2],
        surface_depth=surface_depth,
        visible=visible,
    )


def bake(surfaces: list[GridMesh], lighting: Lighting) -> list[Array]:
    """Return every surface's texture with the light on it, (h, w, 4).

    Three channels are linear RGB in [0, 1]. The last is for ``look_up`` to fill: OpenCV resamples
    four faster than three. The exposure is set by the light on the first surface's visible side.
    """
    cloud = np.concatenate([surface.points.reshape(-1, 3) for surface in surfaces])
    shadows = ShadowMap(cloud, lighting.key_direction)
    gain, textures = None, []
    for surface in surfaces:
        normals = surface.normals
        if surface.two_sided:  # light the side that is seen
            normals = np.where(normals[..., 2:] < 0, -normals, normals)
        openness = cavity(surface.points, normals) if surface.cavities else None
        lit = shadows.lit(surface.points, normals)
        diffuse, shine = shade_grid(normals, lighting, surface.gloss, openness, lit)
        if gain is None:
            seen = normals[..., 2] > 0.3
            gain = np.float32(lighting.exposure / float(diffuse[:, seen].T.copy().mean()))
        *light, mirrored = cv2.split(_spread(surface, cv2.merge([*diffuse, shine]) * gain))
        key_rgb = lighting.key_rgb.astype(np.float32)
        for each, albedo, key in zip(light, surface.albedo, key_rgb, strict=True):
            each *= albedo
            each += mirrored * key
            np.minimum(each, 1, out=each)
        textures.append(cv2.merge([*light, mirrored]))
    return textures


def _patch(
    screens: Sequence[Array], picture_wh: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return first pixel and size (w, h) of the part of the picture that is covered."""
    first = np.min([[screen[..., k].min() for k in range(2)] for screen in screens], axis=0)
    last = np.max([[screen[..., k].max() for k in range(2)] for screen in screens], axis=0)
    low = np.clip(np.floor(first) - 1, 0, np.array(picture_wh) - 1).astype(int)
    high = np.clip(np.ceil(last) + 2, low + 1, picture_wh).astype(int)
    return (int(low[0]), int(low[1])), (int(high[0] - low[0]), int(high[1] - low[1]))


def _spread(surface: GridMesh, values: Array) -> Array:
    """Resample grid values to the surface's texture; rows and columns map separately."""
    height, width = surface.albedo.shape[1:]
    if values.shape[:2] == (height, width):
        return values
    cols = np.interp(np.arange(width), surface.uv[0, :, 0], np.arange(values.shape[1]))
    rows = np.interp(np.arange(height), surface.uv[:, 0, 1], np.arange(values.shape[0]))
    map_x = np.broadcast_to(cols.astype(np.float32)[None], (height, width))
    map_y = np.broadcast_to(rows.astype(np.float32)[:, None], (height, width))
    return cv2.remap(values, map_x, map_y, cv2.INTER_LINEAR)


def pack(textures: list[Array]) -> tuple[Array, list[int]]:
    """Stack textures (h, w, 4) into one atlas; return it and the first row of each."""
    heights = [len(texture) + 2 for texture in textures]
    offsets = np.concatenate([[0], np.cumsum(heights)])
    atlas = np.zeros((int(offsets[-1]), max(t.shape[1] for t in textures), 4), np.float32)
    for offset, texture in zip(offsets[:-1], textures, strict=True):
        atlas[offset : offset + len(texture), : texture.shape[1]] = texture
    return atlas, offsets[:-1].tolist()


def look_up(samples: Samples, atlas: Array) -> Array:
    """Return the linear colours and the coverage, (H, W, 4), of all samples."""
    count = len(samples.index)
    # OpenCV takes no lists: a sheet of them.
    places = np.zeros((count // _SHEET + 1, _SHEET), np.complex64)
    places.reshape(-1)[:count] = samples.uv
    x, y = places.real.copy(), places.imag.copy()
    found = cv2.remap(atlas, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    found[..., 3] = 1
    # Four floats move as one complex number.
    drawn = np.zeros(samples.depth_hw.shape, np.complex128)
    drawn.reshape(-1)[samples.index] = found.view(np.complex128).reshape(-1)[:count]
    return drawn.view(np.float32).reshape(*drawn.shape, 4)


def _depth_at(depth_hw: Array, screen: Array) -> Array:
    """Return the depth at the samples nearest to screen points (n, 3)."""
    height, width = depth_hw.shape
    cols = np.clip(np.round(screen[:, 0]).astype(int), 0, width - 1)
    rows = np.clip(np.round(screen[:, 1]).astype(int), 0, height - 1)
    return depth_hw[rows, cols]
