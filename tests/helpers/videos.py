"""Videos of rendered heads along smooth paths, with the truth of every frame."""

from dataclasses import dataclass, replace

import numpy as np

from mmpose_lite.synthetic import scene

_SEEDS = (3, 4, 5)  # three people whom a detector finds


@dataclass
class RenderedVideo:
    """Frames ``(H, W, 3)`` uint8 BGR, with the truth of N heads, the first ones nearest.

    Points are ``(T, N, 19, 2)``, visibilities ``(T, N, 19)``, boxes ``(T, N, 4)`` xyxy, times
    ``(T,)``, seconds.
    """

    frames: list
    points: np.ndarray
    visible: np.ndarray
    boxes: np.ndarray
    times: np.ndarray


def render_heads(paths, sides, angles=None, size_wh=(640, 360), rate=25.0):
    """Render heads at centres ``(T, N, 2)``, of sides ``(N,)``; angles ``(T, N, 3)``, radians."""
    rng = np.random.default_rng(1)
    background = scene.draw_background(rng, size_wh)
    lighting = scene.draw_lighting(rng)
    sources = [scene.random_source(seed, 'test', 0, 1) for seed in _SEEDS[: len(sides)]]
    people = [scene._draw_person(source, scene.Style()) for source in sources]
    angles = np.zeros((*paths.shape[:2], 3)) if angles is None else angles
    frames, labels = [], []
    for places, turns in zip(paths, angles, strict=True):
        frame, found = background.copy(), {}
        for k in reversed(range(len(people))):
            person = replace(people[k], angles=tuple(turns[k].tolist()))
            box = (*places[k].tolist(), float(sides[k]))
            label, cover = scene._add_person(frame, person, box, lighting, scene.Style())
            found = {j: each.hidden_by(cover) for j, each in found.items()} | {k: label}
        frames.append(frame[..., ::-1].copy())
        labels.append([found[k] for k in range(len(people))])
    half = np.asarray(sides, float)[:, None] / 2
    return RenderedVideo(
        frames,
        np.array([[each.keypoints for each in row] for row in labels]),
        np.array([[each.visibility for each in row] for row in labels]),
        np.concatenate([paths - half, paths + half], axis=-1),
        np.arange(len(frames)) / rate,
    )


def crossing_paths(frames=300, size_wh=(640, 360)):
    """Centres ``(T, 3, 2)``, shares of the frame's size: two pass each other before a third."""
    s = np.linspace(0, 1, frames)[:, None]
    first = np.hstack([0.15 + 0.7 * s, 0.55 + 0.05 * np.sin(6 * s)])
    second = np.hstack([0.86 - 0.7 * s, 0.5 + 0.05 * np.cos(5 * s)])
    third = np.hstack([0.5 + 0.09 * np.sin(4 * np.pi * s), 0.42 + 0.05 * np.sin(9 * s)])
    return np.stack([first, second, third], axis=1) * size_wh
