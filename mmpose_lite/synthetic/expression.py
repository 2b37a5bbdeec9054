"""Facial expression: brows, lids, gaze and mouth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Expression:
    """A facial expression; pairs are (image-left, image-right) on an upright frontal face.

    Attributes:
        brow_raise: Lift of each brow in centimetres.
        brow_frown: Inward and downward pull of the inner brow ends in [0, 1].
        eye_open: Opening of each eye; 0 shut, 1 relaxed, above 1 wide.
        gaze: Shift of the irises (right, up) as a share of the eye's half width.
        mouth_open: Gap between the lips in centimetres.
        smile: Corners out and up above 0, down below 0; in [-1, 1].
        pucker: Narrowing of the mouth in [0, 1].
    """

    brow_raise: tuple[float, float] = (0.0, 0.0)
    brow_frown: float = 0.0
    eye_open: tuple[float, float] = (1.0, 1.0)
    gaze: tuple[float, float] = (0.0, 0.0)
    mouth_open: float = 0.0
    smile: float = 0.0
    pucker: float = 0.0


def draw_expression(rng: np.random.Generator) -> Expression:
    """Draw an expression: neutral, smiling, talking, surprised or frowning, with small noise."""
    kind = rng.choice(
        ['neutral', 'smile', 'laugh', 'talk', 'surprise', 'frown'],
        p=[0.32, 0.28, 0.12, 0.15, 0.06, 0.07],
    )
    raise_both = rng.normal(0.0, 0.12) + (rng.uniform(0.4, 0.8) if kind == 'surprise' else 0.0)
    lids = np.clip(rng.normal(1.0, 0.14), 0.5, 1.3) + (0.3 if kind == 'surprise' else 0.0)
    left = right = float(lids)
    if rng.random() < 0.06:
        left = right = float(rng.uniform(0.0, 0.3))
    elif rng.random() < 0.02:
        left = 0.05
    gap = {'laugh': (0.5, 2.0), 'talk': (0.2, 1.5), 'surprise': (0.6, 2.6)}.get(kind, (0.0, 0.0))
    smile = {'smile': (0.3, 1.0), 'laugh': (0.5, 1.0), 'frown': (-1.0, -0.3)}.get(kind, (-0.2, 0.2))
    return Expression(
        brow_raise=(
            float(raise_both + rng.normal(0, 0.06)),
            float(raise_both + rng.normal(0, 0.06)),
        ),
        brow_frown=float(rng.uniform(0.4, 1.0)) if kind == 'frown' else 0.0,
        eye_open=(left, right),
        gaze=(float(np.clip(rng.normal(0, 0.12), -0.3, 0.3)), float(rng.normal(0, 0.04))),
        mouth_open=float(max(0.0, rng.uniform(*gap) + rng.normal(0, 0.04))),
        smile=float(rng.uniform(*smile)),
        pucker=float(rng.uniform(0.3, 0.9))
        if kind in ('talk', 'neutral') and rng.random() < 0.15
        else 0.0,
    )
