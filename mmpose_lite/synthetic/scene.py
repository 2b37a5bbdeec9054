"""A picture with one or more people: who is where, drawn from far to near."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .background import draw_background
from .expression import Expression, draw_expression
from .identity import Identity, draw_identity
from .lighting import Lighting, draw_lighting
from .occluders import occlude
from .person import build_person
from .photo import develop
from .pose import Pose
from .render import RenderedFace, render_face

Array = np.ndarray

SPLITS = ('train', 'test')
BOX_SIDE_CM = 19.0
"""Side of the face box on a head of mean size."""
_BOX_ANCHOR = np.array([0.0, -3.2, 2.0])
_OCCLUDED_SHARE = 0.18
_LEAVING_SHARE = 0.08


@dataclass(frozen=True)
class FaceLabel:
    """What is known about one face.

    Attributes:
        keypoints: (19, 2) image pixels; pixel centres are at whole numbers.
        visibility: (19,) 1 where the point is in the picture and nothing covers it, else 0.
        bbox_xywh: (4,) whole-numbered square about the head; it may leave the picture.
        yaw: Radians; the convention is that of ``pose.Pose``.
        pitch: Radians.
        roll: Radians.
    """

    keypoints: Array
    visibility: Array
    bbox_xywh: Array
    yaw: float
    pitch: float
    roll: float

    def hidden_by(self, cover: Array) -> FaceLabel:
        """Return the label without the points that something hides or that lie outside.

        Args:
            cover: (H, W) opacity of what is in front, for every pixel of the picture.
        """
        height, width = cover.shape
        x, y = np.round(self.keypoints).astype(int).T
        inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
        covered = cover[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)] > 0.5
        return replace(self, visibility=self.visibility * (inside & ~covered))


@dataclass(frozen=True)
class Casting:
    """What is drawn for one face before it has a place in a picture."""

    identity: Identity
    expression: Expression
    angles: tuple[float, float, float]
    box_side: float
    rng: np.random.Generator


def random_source(seed: int, split: str, index: int, purpose: int) -> np.random.Generator:
    """Return the generator of one face or picture; it depends on nothing but its arguments."""
    key = [seed, SPLITS.index(split), index, purpose]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(key)))


def draw_angles(rng: np.random.Generator) -> tuple[float, float, float]:
    """Draw yaw, pitch and roll in radians; yaw is spread as in AFLW, up to a full profile."""
    low, high = [(0, 30), (30, 60), (60, 90)][rng.choice(3, p=[0.58, 0.22, 0.20])]
    # Within each range the turned heads are a little more frequent.
    yaw = (low + (high - low) * rng.random() ** 0.75) * rng.choice([-1, 1])
    pitch = np.clip(rng.normal(0, 9), -32, 32)
    roll = rng.normal(0, 9) if rng.random() < 0.92 else rng.normal(0, 32)
    yaw, pitch, roll = np.radians([yaw, pitch, np.clip(roll, -75, 75)]).tolist()
    return yaw, pitch, roll


def render_scene(seed: int, split: str, first: int, count: int) -> tuple[Array, list[FaceLabel]]:
    """Draw one picture.

    Args:
        seed: Seed of the whole set.
        split: 'train' or 'test'.
        first: Number of the picture's first face in its split.
        count: How many faces are in it.

    Returns:
        (H, W, 3) sRGB uint8 picture and its faces, in the order of their numbers.
    """
    rng = random_source(seed, split, first, 0)
    people = [_draw_person(random_source(seed, split, first + k, 1)) for k in range(count)]
    size_wh, sides = _frame(rng, people)
    boxes = _place(rng, size_wh, sides)
    image = draw_background(rng, size_wh)
    lighting = draw_lighting(rng)
    labels: dict[int, FaceLabel] = {}
    # Who stands lower in the picture stands nearer.
    for k in np.argsort([y for _, y, _ in boxes], kind='stable'):
        label, cover = _add_person(image, people[k], boxes[k], lighting)
        labels = {j: other.hidden_by(cover) for j, other in labels.items()}
        labels[int(k)] = label
    for k in range(count):
        if rng.random() < _OCCLUDED_SHARE:
            cover = occlude(rng, image, labels[k].bbox_xywh)
            labels = {j: label.hidden_by(cover) for j, label in labels.items()}
    return develop(rng, image), [labels[k] for k in range(count)]


def _draw_person(rng: np.random.Generator) -> Casting:
    side = float(np.clip(190 * np.exp(rng.normal(0, 0.5)), 60, 700))
    return Casting(draw_identity(rng), draw_expression(rng), draw_angles(rng), side, rng)


def _frame(rng: np.random.Generator, people: list[Casting]) -> tuple[tuple[int, int], list[float]]:
    """Choose the picture's size and each face's box side in it."""
    base = people[0].box_side
    sides = [base * float(np.clip(p.box_side / 190, 0.6, 1.4)) for p in people]
    if len(people) == 1:
        sides = [base]
    aspect = rng.choice([1.0, 4 / 3, 3 / 2, 3 / 4, 2 / 3])
    need = 1.25 * max(sides) * np.sqrt(len(people))
    short = max(need * rng.uniform(1.0, 2.2), 300.0)
    wide, tall = (short * aspect, short) if aspect >= 1 else (short, short / aspect)
    if len(people) > 1:
        wide = max(wide, 1.15 * sum(sides))
    shrink = min(1.0, 1600 / max(wide, tall))
    size_wh = (max(300, int(wide * shrink)), max(300, int(tall * shrink)))
    return size_wh, [max(60.0, side * min(1.0, shrink)) for side in sides]


def _place(
    rng: np.random.Generator, size_wh: tuple[int, int], sides: list[float]
) -> list[tuple[float, float, float]]:
    """Return (center x, center y, side) of the boxes, as far apart as 30 tries each give."""
    boxes: list[tuple[float, float, float]] = []
    for side in sides:
        tries = rng.uniform(side / 2, np.maximum(size_wh, side + 1) - side / 2, (30, 2))
        if len(sides) == 1:
            # The mean of a few draws: photographers keep a face near the middle.
            center = tries[:2].mean(0)
        else:
            gaps = [_nearest(center, side, boxes) for center in tries]
            center = tries[int(np.argmax(gaps))]
        if rng.random() < _LEAVING_SHARE:
            axis, end = rng.integers(2), rng.integers(2)
            inset = side * rng.uniform(0.3, 0.48)
            center[axis] = size_wh[axis] - inset if end else inset
        boxes.append((float(center[0]), float(center[1]), side))
    return boxes


def _nearest(center: Array, side: float, boxes: list[tuple[float, float, float]]) -> float:
    """Return the smallest distance to another box, relative to the two sides."""
    return min(
        (np.hypot(center[0] - x, center[1] - y) / (side + s) for x, y, s in boxes), default=0
    )


def _add_person(
    image: Array, person: Casting, box: tuple[float, float, float], lighting: Lighting
) -> tuple[FaceLabel, Array]:
    """Draw a person into the picture, in place; return the label and the covered pixels (H, W)."""
    height, width = image.shape[:2]
    scale = box[2] / BOX_SIDE_CM
    pose = Pose(*person.angles, scale)
    anchor = pose.project(pose.turn(_BOX_ANCHOR))
    pose = Pose(*person.angles, scale, (box[0] - float(anchor[0]), box[1] - float(anchor[1])))
    body = build_person(person.identity, person.expression, pose, float(np.clip(scale, 5, 30)))
    face = render_face(body, pose, lighting, (width, height))
    cover = _composite(image, face)
    label = FaceLabel(
        keypoints=face.landmarks_xy,
        visibility=face.visible.astype(int),
        bbox_xywh=_box_about(person.rng, box),
        yaw=pose.yaw,
        pitch=pose.pitch,
        roll=pose.roll,
    )
    return label.hidden_by(np.zeros((height, width), np.float32)), cover


def _box_about(rng: np.random.Generator, box: tuple[float, float, float]) -> Array:
    """Return the whole-numbered square box, a little off as a detector's or a model's would be."""
    side = int(np.floor(box[2] * rng.uniform(0.95, 1.05) + 0.5))
    jitter = rng.normal(0, 0.015, 2) * box[2]
    corner = np.floor(np.array(box[:2]) + jitter - side / 2 + 0.5).astype(int)
    return np.array([corner[0], corner[1], side, side])


def _composite(image: Array, face: RenderedFace) -> Array:
    """Lay a rendered face over the picture, in place; return its coverage (H, W)."""
    x, y = face.corner
    height, width = face.alpha.shape
    view = image[y : y + height, x : x + width]
    view[:] = (view + (face.rgb * 255 - view) * face.alpha[..., None] + 0.5).astype(np.uint8)
    cover = np.zeros(image.shape[:2], np.float32)
    cover[y : y + height, x : x + width] = face.alpha
    return cover
