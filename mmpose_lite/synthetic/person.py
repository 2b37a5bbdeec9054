"""One person as surfaces in the camera frame, with the landmarks on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .beard import beard_thickness
from .body import build_body
from .expression import Expression
from .fields import linear, spaced, tripled, vec
from .hair import hair_thickness, hat_mask, hat_thickness
from .head import build_head, grid_axes, surface_point, surface_points
from .identity import Identity
from .layout import FaceLayout, lay_out
from .loose_hair import build_long_beard, build_loose_hair, build_wisps
from .mesh import GridMesh, grid_normals, plain_mesh, tube_mesh
from .points import OUTLINE, place_points
from .pose import Pose
from .skin import paint_head

Array = np.ndarray
# Shares of an outline point's X at which the outline of a turned head is looked for.
_INWARDS = np.sin(np.radians(np.linspace(90, 10, 17)))


def build_ears(identity: Identity) -> list[GridMesh]:
    """Return the two ears, bowls with a rim, attached in front; none under scarf or loose hair."""
    if identity.hat == 'scarf' or identity.hair.is_loose:
        return []
    size = 1 + 0.08 * identity.trait('ear_size')
    tilt = np.radians(28 + 9 * identity.trait('ear_angle'))
    angle = spaced(0, 2 * np.pi, 21)
    radius = np.array([0.02, 0.3, 0.55, 0.72, 0.84, 0.94, 1.0, 0.98])[:, None]
    lift = np.array([0.12, 0.14, 0.22, 0.32, 0.34, 0.55, 0.42, 0.0])[:, None]
    shade = np.array([0.50, 0.60, 0.86, 0.98, 0.80, 1.05, 1.02, 0.95])[:, None]
    up = np.sin(angle)[None] * radius * np.where(np.sin(angle) > 0, 2.9, 3.2)[None]
    # Narrower at the lobe than at the top.
    back = np.cos(angle)[None] * radius * (1.65 + 0.40 * np.sin(angle))[None] + 1.3
    ears = []
    half_width = 7.25 * (1 + 0.035 * identity.trait('head_width'))
    red = linear(identity.skin.rgb * [1.0, 0.90, 0.88])
    for side in (-1, 1):
        out = back * np.sin(tilt) + lift * np.cos(tilt)
        x = side * (half_width - 0.1 + size * out)
        z = -0.2 - size * (back * np.cos(tilt) - lift * np.sin(tilt)) - 0.22 * up
        points = np.stack([x, -1.3 + size * up, z], -1)
        rgb = red * (shade * np.ones_like(up))[..., None]
        ears.append(plain_mesh(points, rgb, two_sided=True, gloss=0.0))
    return ears


def build_brim(identity: Identity, skin: Array) -> list[GridMesh]:
    """Return a cap's visor in front of the forehead."""
    if identity.hat != 'cap':
        return []
    angle = np.linspace(-1.15, 1.15, 21)[None]
    out = np.linspace(0, 1, 6)[:, None]
    root = surface_point(skin, np.array([0.0, 5.2]))
    reach = out * 6.0 * np.cos(angle * 1.36)
    x = 7.4 * np.sin(angle) * (1 - 0.12 * out)
    z = root[2] - 9.3 + 9.6 * np.cos(angle) ** 0.8 + reach
    y = root[1] + 0.1 - 1.3 * out - 1.9 * (1 - np.cos(angle)) * (1 + 0.3 * out)
    points = np.stack(np.broadcast_arrays(x, y, z), -1)
    return [plain_mesh(points, linear(identity.cloth_rgb * 0.9), two_sided=True)]


def build_glasses(identity: Identity, layout: FaceLayout, skin: Array) -> list[GridMesh]:
    """Return the frame, and dark lenses; clear ones are not seen."""
    if identity.glasses == 'none':
        return []
    rng = identity.source('glasses')
    wide, tall = rng.uniform(2.4, 2.9), rng.uniform(1.6, 2.4)
    power = rng.uniform(2.0, 4.0)
    bridge = surface_point(skin, np.array([0.0, -0.3]))
    brow = max(surface_point(skin, eye.center + vec(0, 1.8))[2] for eye in layout.eyes)
    front = max(bridge[2] + 0.1, brow + 0.25)
    colour = linear(rng.choice([[0.05, 0.05, 0.06], [0.30, 0.17, 0.08], [0.55, 0.5, 0.42]]))
    thick = rng.uniform(0.09, 0.22)
    parts = []
    angle = spaced(0, 2 * np.pi, 33)
    for eye in layout.eyes:
        outline = _superellipse(angle, wide, tall, power)
        center = np.array([eye.center[0] + eye.side * 0.2, eye.center[1] - 0.25, front])
        rim = np.concatenate([outline, np.zeros((len(angle), 1))], 1) + center
        # The frame follows the face's curve.
        rim[:, 2] -= 0.035 * rim[:, 0] ** 2
        parts.append(tube_mesh(rim, thick, colour, gloss=0.6))
        parts.append(_temple(eye.side, rim, thick, colour))
        if identity.glasses == 'dark':
            parts.append(_lens(rim))
    arc = np.linspace(-1, 1, 7)
    span = abs(layout.eyes[1].center[0]) + 0.2 - wide
    line = np.stack([arc * span, 0.2 + 0.25 * (1 - arc**2), front + 0.15 - 0.1 * arc**2], 1)
    parts.append(tube_mesh(line, thick, colour, gloss=0.6))
    return parts


def _lens(rim: Array) -> GridMesh:
    """Return an opaque lens, lighter towards its lower edge."""
    fan = np.linspace(0.02, 1, 4)[:, None, None]
    middle = rim[:-1].mean(0)
    points = middle + (rim - middle)[None] * fan
    height = (middle[1] - points[..., 1:2]) / np.ptp(rim[:, 1])
    return plain_mesh(points, 0.01 + 0.05 * (height + 0.5), two_sided=True, gloss=0.4)


def _superellipse(angle: Array, wide: float, tall: float, power: float) -> Array:
    cos, sin = np.cos(angle), np.sin(angle)
    x = wide * np.sign(cos) * np.abs(cos) ** (2 / power)
    return np.stack([x, tall * np.sign(sin) * np.abs(sin) ** (2 / power)], 1)


def _temple(side: int, rim: Array, thick: float, rgb: Array) -> GridMesh:
    hinge = rim[np.argmax(rim[:, 0] * side)] + [0, 0.5, 0]
    ear = np.array([side * 7.6, 0.6, -1.5])
    t = np.linspace(0, 1, 8)[:, None]
    line = hinge + (ear - hinge) * t + np.array([side * 0.35, 0, 0]) * np.sin(np.pi * t)
    return tube_mesh(line, thick, rgb, gloss=0.6)


@dataclass(frozen=True)
class Person:
    """A posed person.

    Attributes:
        surfaces: The head first, then everything else; camera frame, centimetres.
        landmarks: (n, 3) positions of the asked-for points on the head's surface.
        normals: (n, 3) outward unit normals there.
        contour: (68, 3) positions of 300W's points, about which boxes are drawn.
    """

    surfaces: list[GridMesh]
    landmarks: Array
    normals: Array
    contour: Array


def build_person(
    identity: Identity,
    expression: Expression,
    pose: Pose,
    texture_per_cm: float,
    points: str = 'aflw',
) -> Person:
    """Build and pose a person.

    Args:
        identity: Who.
        expression: Doing what.
        pose: Looking where.
        texture_per_cm: Resolution of the head's texture in pixels per centimetre.
        points: Name of the set of points to label, of ``POINT_COUNTS``.
    """
    layout = lay_out(identity, expression)
    skin = build_head(identity, layout, expression)
    canvas = paint_head(identity, layout, expression, texture_per_cm)
    v, u = grid_axes()
    head = GridMesh(
        _cover(identity, layout, skin),
        linear(canvas.rgb),
        canvas.grid_pixels(u, v).astype(np.float32),
        gloss=identity.skin.gloss,
        cavities=True,
    )
    parts = [
        head,
        *build_ears(identity),
        *build_loose_hair(identity),
        *build_wisps(identity, layout, skin),
        *build_long_beard(identity, layout, skin),
        *build_brim(identity, skin),
        *build_glasses(identity, layout, skin),
        *build_body(identity),
    ]
    surfaces = [part.moved(pose.turn(part.points)) for part in parts]
    drawn = surfaces[0].points, surfaces[0].normals
    turned = pose.turn(skin)
    bare = turned, grid_normals(turned)
    contour = _mark(drawn, bare, layout, '300w', pose)
    marks = contour if points == '300w' else _mark(drawn, bare, layout, points, pose)
    return Person(surfaces, marks[:, :3], marks[:, 3:], contour[:, :3])


def _mark(
    drawn: tuple[Array, Array],
    bare: tuple[Array, Array],
    layout: FaceLayout,
    points: str,
    pose: Pose,
) -> Array:
    """Return a set's points on the posed head: (n, 6) position and normal in the camera frame.

    Args:
        drawn: (R, C, 3) positions and normals of the head with hair, hat and beard.
        bare: The same of the skin, which the face's outline follows.
        layout: Where the features are.
        points: Name of the set.
        pose: The pose.
    """
    places = place_points(layout, points)
    marks = np.concatenate([surface_points(each, places) for each in drawn], axis=1)
    sides = np.flatnonzero(places[: OUTLINE[points], 0])
    if len(sides):
        # Annotators follow the outline that they see: on the far side it lies further in front.
        line = places[sides, None] * np.stack([_INWARDS, np.ones_like(_INWARDS)], 1)
        found = surface_points(bare[0], line.reshape(-1, 2)).reshape(*line.shape[:2], 3)
        across = np.array([np.cos(pose.roll), np.sin(pose.roll)])
        outward = np.sign(places[sides, 0])[:, None] * (found[..., :2] @ across)
        outermost = line[np.arange(len(sides)), outward.argmax(1)]
        marks[sides] = np.concatenate([surface_points(each, outermost) for each in bare], axis=1)
    return marks


def _cover(identity: Identity, layout: FaceLayout, skin: Array) -> Array:
    """Return the skin (R, C, 3) raised by hair, hat and beard."""
    v, u = grid_axes()
    flattened = hair_thickness(identity, layout, v, u) * (1 - 0.7 * hat_mask(identity, v, u))
    thickness = np.maximum(flattened, hat_thickness(identity, v, u))
    thickness = np.maximum(thickness, beard_thickness(identity, layout, v, u))
    return (skin + tripled(thickness) * grid_normals(skin)).astype(np.float32)
