"""A picture with one or more people: who is where, drawn from far to near."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from mmpose_lite.utils.face_boxes import convert_face_boxes

from .background import draw_background
from .expression import Expression, draw_expression
from .fields import smooth_noise
from .identity import Identity
from .lighting import Lighting, draw_lighting
from .people import SKIN_TONES, draw_identity
from .person import build_person
from .photo import develop
from .pose import Pose, draw_angles
from .render import RenderedFace, render_face

Array = np.ndarray
Painter = Callable[[np.random.Generator, Array, Array, float], None]
SPLITS = ('train', 'test')
BOX_SIDE_CM = 19.0  # of the face box on a head of mean size
BOX_ANCHOR = np.array([0.0, -3.2, 2.0])
_OCCLUDED_SHARE = 0.18
_LEAVING_SHARE = 0.08


def occlude(rng: np.random.Generator, image: Array, bbox_xywh: Array) -> Array:
    """Put one random object in front of a face, in place.

    Args:
        rng: Source of randomness.
        image: (H, W, 3) sRGB uint8 picture; changed.
        bbox_xywh: The face's box.

    Returns:
        (H, W) opacity of the object in [0, 1].
    """
    side = float(bbox_xywh[2])
    angle = rng.uniform(0, 2 * np.pi)
    # Objects come from below and from the sides more often than from above.
    if np.sin(angle) < 0 and rng.random() < 0.75:
        angle = -angle
    reach = rng.uniform(0.42, 0.64) * side
    center = bbox_xywh[:2] + side / 2 + reach * np.array([np.cos(angle), np.sin(angle)])
    painter = _PAINTERS[rng.integers(len(_PAINTERS))]
    layer = np.zeros((*image.shape[:2], 4), np.uint8)
    painter(rng, layer, center, side)
    return _lay_over(rng, image, layer, side)


def _lay_over(rng: np.random.Generator, image: Array, layer: Array, side: float) -> Array:
    """Blend an RGBA layer over the picture with uneven light, in place; return its opacity."""
    opacity = np.zeros(image.shape[:2], np.float32)
    x, y, width, height = cv2.boundingRect(np.ascontiguousarray(layer[..., 3]))
    if width == 0:
        return opacity
    window = (slice(y, y + height), slice(x, x + width))
    soft = cv2.GaussianBlur(layer[window][..., 3], (0, 0), 0.8).astype(np.float32) / 255
    light = 1 + 0.15 * smooth_noise(rng, (height, width), (side * 0.3, side * 0.3))
    lit = np.clip(layer[window][..., :3] * light[..., None], 0, 255)
    image[window] = (image[window] + (lit - image[window]) * soft[..., None]).astype(np.uint8)
    opacity[window] = soft
    return opacity


def _paint_colour(rng: np.random.Generator) -> Array:
    return np.clip(rng.uniform(0.1, 0.9) + rng.normal(0, 0.1, 3), 0.03, 0.97)


def _polygon(canvas: Array, points: Array, rgb: Array) -> None:
    fixed = np.round(np.asarray(points) * 16).astype(np.int32)
    value = (*(int(c) for c in np.clip(np.asarray(rgb) * 255, 0, 255)), 255)
    cv2.fillPoly(canvas, [fixed], value, cv2.LINE_8, 4)


def _capsule(canvas: Array, start: Array, end: Array, width: float, rgb: Array) -> None:
    value = (*(int(c) for c in np.clip(np.asarray(rgb) * 255, 0, 255)), 255)
    points = [tuple(int(v) for v in np.round(p)) for p in (start, end)]
    cv2.line(canvas, points[0], points[1], value, max(1, round(width)), cv2.LINE_8)


def _box(center: Array, wide: float, tall: float, angle: float) -> Array:
    c, s = np.cos(angle), np.sin(angle)
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [wide / 2, tall / 2]
    return np.asarray(center) + corners @ np.array([[c, s], [-s, c]])


def _bar(rng: np.random.Generator, canvas: Array, center: Array, side: float) -> None:
    angle = rng.uniform(0, np.pi)
    width = side * rng.uniform(0.08, 0.2)
    rgb = _paint_colour(rng)
    _polygon(canvas, _box(center, 4 * side, width, angle), rgb)
    _polygon(canvas, _box(center, 4 * side, width * 0.4, angle), np.clip(rgb * 1.25, 0, 1))


def _hand(rng: np.random.Generator, canvas: Array, center: Array, side: float) -> None:
    rgb = SKIN_TONES[rng.integers(len(SKIN_TONES))]
    angle = rng.uniform(-0.6, 0.6) - np.pi / 2
    width = side * 0.095
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-along[1], along[0]])
    wrist = center - along * side * 0.5
    _capsule(canvas, wrist - along * side * 0.6, wrist, side * 0.24, rgb * 0.9)
    _polygon(canvas, _box(center - along * side * 0.3, side * 0.4, side * 0.36, angle), rgb)
    for k, length in enumerate((0.25, 0.33, 0.36, 0.3)):
        root = center - along * side * 0.14 + across * width * (k - 1.5) * 1.02
        tip = root + along * side * length + across * width * (k - 1.5) * 0.25
        _capsule(canvas, root, tip, width * 1.05, rgb * 0.78)
        _capsule(canvas, root, tip, width * 0.85, rgb)
    thumb = center - along * side * 0.32 - across * side * 0.17
    _capsule(canvas, thumb, thumb + (along * 0.7 - across) * side * 0.14, width * 1.1, rgb * 0.95)


def _cup(rng: np.random.Generator, canvas: Array, center: Array, side: float) -> None:
    rgb = _paint_colour(rng)
    wide, tall = side * rng.uniform(0.25, 0.4), side * rng.uniform(0.4, 0.6)
    for k in range(6):
        left, right = (k / 6 - 0.5) * wide, ((k + 1) / 6 - 0.5) * wide
        strip = np.array(
            [[left, -tall / 2], [right, -tall / 2], [right * 0.8, tall / 2], [left * 0.8, tall / 2]]
        )
        _polygon(canvas, center + strip, rgb * (0.75 + 0.25 * np.sin(np.pi * (k + 1) / 7)))
    rim = np.linspace(0, 2 * np.pi, 24)
    ellipse = np.stack([np.cos(rim) * wide / 2, np.sin(rim) * wide * 0.12 - tall / 2], 1)
    _polygon(canvas, center + ellipse, rgb * 0.6)


def _microphone(rng: np.random.Generator, canvas: Array, center: Array, side: float) -> None:
    angle = rng.uniform(0.3, np.pi - 0.3)
    along = np.array([np.cos(angle), np.sin(angle)])
    _capsule(canvas, center, center + along * side, side * 0.09, np.array([0.1, 0.1, 0.11]))
    ring = np.linspace(0, 2 * np.pi, 28)
    for radius, grey in ((0.13, 0.22), (0.11, 0.34), (0.06, 0.5)):
        circle = np.stack([np.cos(ring), np.sin(ring)], 1) * side * radius
        _polygon(canvas, center + circle - side * (0.13 - radius) * 0.4, np.full(3, grey))


def _leaves(rng: np.random.Generator, canvas: Array, center: Array, side: float) -> None:
    base = np.array([0.18, 0.38, 0.12]) * rng.uniform(0.6, 1.5)
    t = np.linspace(0, 2 * np.pi, 16)
    for _ in range(int(rng.integers(8, 24))):
        long, wide = side * rng.uniform(0.08, 0.16), side * rng.uniform(0.025, 0.05)
        shape = np.stack([long * np.cos(t), wide * np.sin(t) * (1 - 0.4 * np.cos(t))], 1)
        angle = rng.uniform(0, 2 * np.pi)
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        place = center + rng.normal(0, 0.16, 2) * side
        _polygon(canvas, place + shape @ turn, base * rng.uniform(0.7, 1.4))


def _card(rng: np.random.Generator, canvas: Array, center: Array, side: float) -> None:
    angle, rgb = rng.uniform(-0.6, 0.6), _paint_colour(rng)
    wide, tall = side * rng.uniform(0.3, 0.5), side * rng.uniform(0.4, 0.7)
    _polygon(canvas, _box(center, wide, tall, angle), rgb)
    _polygon(canvas, _box(center, wide * 0.88, tall * 0.85, angle), np.clip(rgb * 1.3 + 0.1, 0, 1))


def _strands(rng: np.random.Generator, canvas: Array, center: Array, side: float) -> None:
    rgb = np.array([0.2, 0.14, 0.1]) * rng.uniform(0.3, 2.5)
    t = np.linspace(-1, 1, 14)[:, None]
    drift = rng.normal(0, 0.25)
    for _ in range(int(rng.integers(6, 22))):
        start = center + np.array([rng.normal(0, 0.1) * side, 0])
        bend = rng.normal(0, 0.08) * side
        line = start + t * [drift * side, side * 0.7] + (t**2) * [bend, 0]
        fixed = np.round(line * 16).astype(np.int32)
        value = (*(int(c) for c in np.clip(rgb * rng.uniform(0.7, 1.3) * 255, 0, 255)), 255)
        cv2.polylines(canvas, [fixed], False, value, max(1, int(side * 0.012)), cv2.LINE_8, 4)


_PAINTERS: tuple[Painter, ...] = (_bar, _hand, _cup, _microphone, _leaves, _card, _strands)


@dataclass(frozen=True)
class Style:
    """Kind of a set's pictures and labels.

    Attributes:
        points: Name of the labelled points, of ``POINT_COUNTS``.
        boxes: Convention of the boxes, of ``FACE_BOXES``.
        poses: One of ``POSES``.
    """

    points: str = 'aflw'
    boxes: str = 'head'
    poses: str = 'wide'


_PLAIN = Style()


@dataclass(frozen=True)
class FaceLabel:
    """Ground truth of one face.

    Attributes:
        keypoints: (n, 2) image pixels; pixel centres are at whole numbers.
        visibility: (n,) 1 where the point is in the picture and nothing covers it, else 0.
        bbox_xywh: (4,) whole-numbered square, as the set's boxes are; it may leave the picture.
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
    """One face's random choices before it has a place in a picture."""

    identity: Identity
    expression: Expression
    angles: tuple[float, float, float]
    box_side: float
    rng: np.random.Generator


def random_source(seed: int, split: str, index: int, purpose: int) -> np.random.Generator:
    """Return the generator of one face or picture; it depends on nothing but its arguments."""
    key = [seed, SPLITS.index(split), index, purpose]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(key)))


def render_scene(
    seed: int, split: str, first: int, count: int, style: Style = _PLAIN
) -> tuple[Array, list[FaceLabel]]:
    """Draw one picture.

    Args:
        seed: Seed of the whole set.
        split: 'train' or 'test'.
        first: Number of the picture's first face in its split.
        count: How many faces are in it.
        style: Which points, boxes and poses.

    Returns:
        (H, W, 3) sRGB uint8 picture and its faces, in the order of their numbers.
    """
    rng = random_source(seed, split, first, 0)
    people = [_draw_person(random_source(seed, split, first + k, 1), style) for k in range(count)]
    size_wh, sides = _frame(rng, people)
    boxes = _place(rng, size_wh, sides)
    image = draw_background(rng, size_wh)
    lighting = draw_lighting(rng)
    labels: dict[int, FaceLabel] = {}
    # Who stands lower in the picture stands nearer.
    for k in np.argsort([y for _, y, _ in boxes], kind='stable'):
        label, cover = _add_person(image, people[k], boxes[k], lighting, style)
        labels = {j: other.hidden_by(cover) for j, other in labels.items()}
        labels[int(k)] = label
    for k in range(count):
        if rng.random() < _OCCLUDED_SHARE:
            cover = occlude(rng, image, labels[k].bbox_xywh)
            labels = {j: label.hidden_by(cover) for j, label in labels.items()}
    return develop(rng, image), [labels[k] for k in range(count)]


def _draw_person(rng: np.random.Generator, style: Style) -> Casting:
    side = float(np.clip(190 * np.exp(rng.normal(0, 0.5)), 60, 700))
    angles = (draw_identity(rng), draw_expression(rng), draw_angles(rng, style.poses))
    return Casting(*angles, side, rng)


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
    image: Array,
    person: Casting,
    box: tuple[float, float, float],
    lighting: Lighting,
    style: Style,
) -> tuple[FaceLabel, Array]:
    """Draw a person into the picture, in place; return the label and the covered pixels (H, W)."""
    height, width = image.shape[:2]
    scale = box[2] / BOX_SIDE_CM
    pose = Pose(*person.angles, scale)
    anchor = pose.project(pose.turn(BOX_ANCHOR))
    pose = Pose(*person.angles, scale, (box[0] - float(anchor[0]), box[1] - float(anchor[1])))
    texture = float(np.clip(scale, 5, 30))
    body = build_person(person.identity, person.expression, pose, texture, style.points)
    face = render_face(body, pose, lighting, (width, height))
    cover = _composite(image, face)
    if style.boxes == 'head':
        square = _box_about(person.rng, box)
    else:
        square = box_about(pose.project(body.contour)[:, :2], style.boxes)
    label = FaceLabel(
        keypoints=face.landmarks_xy,
        visibility=face.visible.astype(int),
        bbox_xywh=square,
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


def box_about(points_xy: Array, boxes: str) -> Array:
    """Return the whole-numbered square (4,), left, top, side and side, that a data set would have.

    Args:
        points_xy: (68, 2) points of 300W, image pixels.
        boxes: One of ``FACE_BOXES``; the square of ``tight68`` is exact, others follow from it.
    """
    low, high = points_xy.min(0), points_xy.max(0)
    middle, half = (low + high) / 2, (high - low).max() / 2
    square = convert_face_boxes(np.concatenate([middle - half, middle + half]), 'tight68', boxes)
    side = int(np.ceil(square[2] - square[0]))
    corner = np.floor((square[:2] + square[2:] - side) / 2 + 0.5).astype(int)
    return np.array([corner[0], corner[1], side, side])


def _lay(below: Array, above: Array, alpha: Array) -> Array:
    """Return a uint8 plane with a plane in [0, 1] over it."""
    base = below.astype(np.float32)
    blended = above * 255
    blended -= base
    blended *= alpha
    blended += base
    blended += 0.5
    return blended.astype(np.uint8)


def _composite(image: Array, face: RenderedFace) -> Array:
    """Lay a rendered face over the picture, in place; return its coverage (H, W)."""
    x, y = face.corner
    height, width = face.alpha.shape
    view = image[y : y + height, x : x + width]
    view[:] = cv2.merge(
        [_lay(*each, face.alpha) for each in zip(cv2.split(view), face.rgb, strict=True)]
    )
    cover = np.zeros(image.shape[:2], np.float32)
    cover[y : y + height, x : x + width] = face.alpha
    return cover
