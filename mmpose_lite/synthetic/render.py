"""Drawing of a posed person: light the textures, fill the z-buffer, look up colours."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .lighting import Lighting, ShadowMap, cavity, shade_grid
from .mesh import GridMesh, grid_normals
from .person import Person
from .pose import Pose
from .raster import Samples, gather_triangles, rasterize

Array = np.ndarray

DEPTH_TOLERANCE_CM = 0.25
"""How far behind the drawn surface a visible landmark may lie, besides one sample's width."""
_FACING = 0.0
"""Least z of the outward normal at a visible landmark; it is 0 on the outline."""
_LOOKUP_WIDTH = 1024
_SAMPLE_BUDGET = 400_000
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
