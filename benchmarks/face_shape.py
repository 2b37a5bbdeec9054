"""The mean frontal shape of the rendered faces beside that of an annotated set of 19 points.

    python benchmarks/face_shape.py ../shared/realface/annotations/face_landmarks_aflw_train.json

Both shapes are means over faces that look into the camera, mirrored and averaged; the rendered one
is laid over the annotated one by a similarity. The table is in per cent of the boxes' side.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from mmpose_lite.synthetic import LANDMARK_NAMES
from mmpose_lite.synthetic.expression import draw_expression
from mmpose_lite.synthetic.head import build_head, surface_point
from mmpose_lite.synthetic.layout import lay_out
from mmpose_lite.synthetic.people import draw_identity
from mmpose_lite.synthetic.pose import Pose

Array = np.ndarray
MIRROR = [5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7, 6, 14, 13, 12, 17, 16, 15, 18]
FRONTAL = 0.05
"""Largest offset of the nose from the middle of the outer eye corners, in their distances."""


def annotated_points(path: Path) -> tuple[Array, Array]:
    """Return the points (N, 19, 2) of an annotation file and the sides (N,) of its boxes."""
    faces = json.loads(path.read_text(encoding='utf-8'))['annotations']
    points = np.array([np.reshape(face['keypoints'], (-1, 3))[:, :2] for face in faces], float)
    return points, np.array([face['box_size'] for face in faces], float)


def rendered_points(count: int, seed: int) -> Array:
    """Return the points (N, 19, 2) of rendered faces that look about into the camera; y down."""
    rng = np.random.default_rng(seed)
    shapes = []
    for _ in range(count):
        identity, expression = draw_identity(rng), draw_expression(rng)
        layout = lay_out(identity, expression)
        skin = build_head(identity, layout, expression)
        marks = np.stack([surface_point(skin, xv) for xv in layout.landmarks_xv])
        yaw, pitch, roll = np.radians(rng.normal(0, [3, 6, 3]))
        pose = Pose(yaw, pitch, roll, 1.0)
        shapes.append(pose.project(pose.turn(marks))[:, :2])
    return np.array(shapes, float)


def mean_frontal(points: Array, sides: Array) -> Array:
    """Return the mirrored mean (19, 2) of frontal faces, in box sides from the eyes' middle."""
    eyes = points[:, 9:12].mean(1) - points[:, 6:9].mean(1)
    angle = np.arctan2(eyes[:, 1], eyes[:, 0])
    turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], -1)
    middle = points[:, 6:12].mean(1, keepdims=True)
    upright = (points - middle) @ turn.reshape(-1, 2, 2) / sides[:, None, None]
    span = upright[:, 11, 0] - upright[:, 6, 0]
    offset = upright[:, 13, 0] - upright[:, [6, 11], 0].mean(1)
    mean = upright[np.abs(offset) < FRONTAL * span].mean(0)
    return (mean + mean[MIRROR] * [-1, 1]) / 2


def laid_over(shape: Array, target: Array) -> Array:
    """Return a shape (19, 2) moved, scaled and turned onto another by least squares."""
    a, b = shape - shape.mean(0), target - target.mean(0)
    u, s, vt = np.linalg.svd(a.T @ b)
    return a @ (u @ vt) * s.sum() / (a**2).sum() + target.mean(0)


def main() -> None:
    """Print each point's difference and the mean of their lengths."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('annotations', type=Path, help='annotation file in the form of AFLW')
    parser.add_argument('--faces', type=int, default=400, help='number of rendered faces')
    parser.add_argument('--seed', type=int, default=0)
    args = parser.parse_args()
    target = mean_frontal(*annotated_points(args.annotations))
    rendered = rendered_points(args.faces, args.seed)
    shape = laid_over(mean_frontal(rendered, np.ones(len(rendered))), target)
    difference = 100 * (shape - target)
    for name, (x, y), (tx, ty) in zip(LANDMARK_NAMES, difference, 100 * target, strict=True):
        print(f'{name:24s} x {x:+6.2f} y {y:+6.2f}   annotated {tx:7.2f} {ty:7.2f}')
    print(f'mean distance {np.hypot(*difference.T).mean():.2f} % of the side')


if __name__ == '__main__':
    main()
