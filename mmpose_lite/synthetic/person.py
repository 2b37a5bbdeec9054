"""One person as surfaces in the camera frame, with the landmarks on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .accessories import build_brim, build_ears, build_glasses, build_loose_hair
from .body import build_body
from .expression import Expression
from .fields import linear
from .hair import hair_cover, hat_cover
from .head import build_head, grid_axes, surface_point
from .identity import Identity
from .layout import FaceLayout, lay_out
from .mesh import GridMesh, grid_normals
from .pose import Pose
from .skin import beard_thickness, paint_head

Array = np.ndarray


@dataclass(frozen=True)
class Person:
    """A posed person.

    Attributes:
        surfaces: The head first, then everything else; camera frame, centimetres.
        landmarks: (19, 3) positions on the head's surface.
        normals: (19, 3) outward unit normals there.
    """

    surfaces: list[GridMesh]
    landmarks: Array
    normals: Array


def build_person(
    identity: Identity, expression: Expression, pose: Pose, texture_per_cm: float
) -> Person:
    """Build and pose a person.

    Args:
        identity: Who.
        expression: Doing what.
        pose: Looking where.
        texture_per_cm: Resolution of the head's texture in pixels per centimetre.
    """
    layout = lay_out(identity, expression)
    rng = np.random.default_rng([identity.skin_seed, 3])
    skin = build_head(identity, layout, expression)
    canvas = paint_head(identity, layout, expression, texture_per_cm)
    v, u = grid_axes()
    head = GridMesh(
        _cover(identity, layout, skin),
        linear(canvas.rgb),
        canvas.pixels(np.stack(np.meshgrid(u, v), axis=-1)).astype(np.float32),
        cavities=True,
    )
    parts = [
        head,
        *build_ears(identity),
        *build_loose_hair(identity, rng),
        *build_brim(identity, skin),
        *build_glasses(identity, layout, skin),
        *build_body(identity, rng),
    ]
    surfaces = [part.moved(pose.turn(part.points)) for part in parts]
    points, normals = surfaces[0].points, grid_normals(surfaces[0].points)
    return Person(
        surfaces,
        np.stack([surface_point(points, xv) for xv in layout.landmarks_xv]),
        np.stack([surface_point(normals, xv) for xv in layout.landmarks_xv]),
    )


def _cover(identity: Identity, layout: FaceLayout, skin: Array) -> Array:
    """Return the skin (R, C, 3) raised by hair, hat and beard."""
    v, u = grid_axes()
    hair, hat = hair_cover(identity, v, u), hat_cover(identity, v, u)
    thickness = np.maximum(hair.thickness * (1 - 0.7 * hat.mask), hat.thickness)
    thickness = np.maximum(thickness, beard_thickness(identity, layout, v, u))
    return (skin + thickness[..., None] * grid_normals(skin)).astype(np.float32)
