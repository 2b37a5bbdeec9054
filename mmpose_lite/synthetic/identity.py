"""Identity of a face: shape, colours, hair and what is worn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Array = np.ndarray

SKIN_TONES = np.array(
    [
        [0.95, 0.80, 0.72],
        [0.91, 0.73, 0.62],
        [0.83, 0.63, 0.50],
        [0.71, 0.51, 0.38],
        [0.55, 0.38, 0.28],
        [0.42, 0.28, 0.21],
        [0.31, 0.20, 0.15],
    ]
)
HAIR_COLOURS = np.array(
    [
        [0.06, 0.05, 0.05],
        [0.13, 0.09, 0.07],
        [0.26, 0.17, 0.11],
        [0.42, 0.29, 0.18],
        [0.66, 0.51, 0.32],
        [0.50, 0.22, 0.11],
        [0.55, 0.54, 0.53],
        [0.80, 0.79, 0.77],
    ]
)
EYE_COLOURS = np.array(
    [[0.20, 0.11, 0.06], [0.32, 0.20, 0.10], [0.36, 0.35, 0.18], [0.30, 0.45, 0.58]]
)
HAIR_STYLES = ('bald', 'buzz', 'short', 'parted', 'bushy', 'long', 'fringe', 'bun', 'receding')
SHAPE_TRAITS = (
    'head_width',
    'head_depth',
    'cranium',
    'forehead',
    'brow_ridge',
    'jaw_width',
    'jaw_angle',
    'chin_length',
    'chin_forward',
    'chin_width',
    'cheekbone',
    'cheek_fat',
    'eye_spacing',
    'eye_width',
    'eye_height',
    'eye_tilt',
    'eye_depth',
    'brow_height',
    'brow_arch',
    'brow_length',
    'nose_length',
    'nose_width',
    'nose_forward',
    'nose_hump',
    'nose_tilt',
    'mouth_width',
    'mouth_height',
    'lip_fullness',
    'mouth_forward',
    'neck_width',
    'ear_size',
    'ear_angle',
)


@dataclass(frozen=True)
class Identity:
    """Everything about a person that an expression does not change.

    Attributes:
        shape: Standardised deviations from the mean head, by the names of ``SHAPE_TRAITS``.
        skin_rgb: sRGB skin colour in [0, 1].
        hair_rgb: sRGB colour of hair, brows and beard.
        eye_rgb: sRGB colour of the iris.
        hair_style: One of ``HAIR_STYLES``.
        hair_part: Side of the parting, -1 or 1.
        brow_density: Opacity of the brows in [0, 1].
        beard: 'none', 'stubble', 'moustache', 'goatee' or 'full'.
        wrinkles: Depth of lines in the skin in [0, 1].
        freckles: Strength of freckles in [0, 1].
        flush: Redness of cheeks and nose in [0, 1].
        makeup: Strength of lipstick and eyeliner in [0, 1].
        makeup_rgb: sRGB colour of the lipstick.
        glasses: 'none', 'clear' or 'dark'.
        hat: 'none', 'beanie', 'cap' or 'scarf'.
        cloth_rgb: sRGB colour of hat or scarf.
        shirt_rgb: sRGB colour of the shirt.
        skin_seed: Seed of the skin's and the hair's fine texture.
    """

    shape: dict[str, float]
    skin_rgb: Array
    hair_rgb: Array
    eye_rgb: Array
    hair_style: str
    hair_part: int
    brow_density: float
    beard: str
    wrinkles: float
    freckles: float
    flush: float
    makeup: float
    makeup_rgb: Array
    glasses: str
    hat: str
    cloth_rgb: Array
    shirt_rgb: Array
    skin_seed: int

    def trait(self, name: str) -> float:
        """Return the standardised deviation of one shape trait."""
        return self.shape[name]


def draw_identity(rng: np.random.Generator) -> Identity:
    """Draw a person; men and women differ in the odds of beard, make-up and long hair."""
    feminine = bool(rng.random() < 0.5)
    age = float(rng.random())
    skin_rgb = _draw_skin(rng)
    return Identity(
        shape=_draw_shape(rng, feminine),
        skin_rgb=skin_rgb,
        hair_rgb=_draw_hair_colour(rng, age, skin_rgb),
        eye_rgb=EYE_COLOURS[rng.choice(4, p=[0.45, 0.25, 0.15, 0.15])] * rng.uniform(0.8, 1.2),
        hair_style=_draw_hair_style(rng, feminine, age),
        hair_part=int(rng.choice([-1, 1])),
        brow_density=float(rng.uniform(0.55, 0.95)),
        beard='none' if feminine else _draw_beard(rng),
        wrinkles=float(age**2 * rng.uniform(0.3, 1.0)),
        freckles=float(max(0.0, rng.normal(-0.3, 0.5))),
        flush=float(rng.uniform(0.1, 0.8)),
        makeup=float(rng.uniform(0.2, 1.0)) if feminine and rng.random() < 0.5 else 0.0,
        makeup_rgb=np.array(
            [rng.uniform(0.5, 0.85), rng.uniform(0.1, 0.35), rng.uniform(0.2, 0.4)]
        ),
        glasses=str(rng.choice(['none', 'clear', 'dark'], p=[0.8, 0.15, 0.05])),
        hat=_draw_hat(rng, feminine),
        cloth_rgb=_draw_cloth(rng),
        shirt_rgb=_draw_cloth(rng),
        skin_seed=int(rng.integers(2**31)),
    )


def _draw_shape(rng: np.random.Generator, feminine: bool) -> dict[str, float]:
    values = np.clip(rng.normal(0.0, 1.0, len(SHAPE_TRAITS)), -2.2, 2.2)
    shape = dict(zip(SHAPE_TRAITS, values.tolist(), strict=True))
    lean = -0.7 if feminine else 0.7
    for name in ('jaw_width', 'brow_ridge', 'chin_length', 'nose_width', 'neck_width', 'jaw_angle'):
        shape[name] += lean
    for name in ('eye_height', 'lip_fullness', 'brow_arch'):
        shape[name] -= lean
    return shape


def _draw_skin(rng: np.random.Generator) -> Array:
    tone = rng.beta(1.1, 1.4) * (len(SKIN_TONES) - 1)
    base = np.array(
        [np.interp(tone, np.arange(len(SKIN_TONES)), SKIN_TONES[:, k]) for k in range(3)]
    )
    return np.clip(base * (1 + rng.normal(0, 0.02, 3)), 0, 1)


def _draw_hair_colour(rng: np.random.Generator, age: float, skin_rgb: Array) -> Array:
    grey = 0.35 * max(0.0, age - 0.5)
    # Fair hair goes with fair skin.
    fair = float(np.clip((skin_rgb.mean() - 0.45) / 0.3, 0.05, 1.0))
    odds = np.array([0.3, 0.25, 0.2, 0.12 * fair, 0.1 * fair, 0.05 * fair, grey, grey / 2])
    colour = HAIR_COLOURS[rng.choice(len(odds), p=odds / odds.sum())]
    return np.clip(colour * rng.uniform(0.85, 1.15), 0, 1)


def _draw_cloth(rng: np.random.Generator) -> Array:
    grey = rng.uniform(0.06, 0.9)
    return np.clip(grey + rng.normal(0, rng.choice([0.02, 0.08, 0.22]), 3), 0.03, 0.95)


def _draw_hat(rng: np.random.Generator, feminine: bool) -> str:
    odds = [0.86, 0.04, 0.02, 0.08] if feminine else [0.86, 0.06, 0.08, 0.0]
    return str(rng.choice(['none', 'beanie', 'cap', 'scarf'], p=odds))


def _draw_hair_style(rng: np.random.Generator, feminine: bool, age: float) -> str:
    if feminine:
        odds = np.array([0.0, 0.02, 0.1, 0.1, 0.1, 0.33, 0.17, 0.18, 0.0])
    else:
        odds = np.array([0.08, 0.15, 0.3, 0.22, 0.08, 0.03, 0.04, 0.0, 0.1 + 0.2 * age])
    return str(rng.choice(HAIR_STYLES, p=odds / odds.sum()))


def _draw_beard(rng: np.random.Generator) -> str:
    styles = ['none', 'stubble', 'moustache', 'goatee', 'full']
    return str(rng.choice(styles, p=[0.5, 0.22, 0.07, 0.07, 0.14]))
