"""Identity of a face: shape, colours, hair and what is worn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .fields import mix

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
# From black to platinum, as the pigment fades; red hair has another pigment.
HAIR_TONES = np.array(
    [
        [0.06, 0.05, 0.05],
        [0.13, 0.09, 0.07],
        [0.26, 0.17, 0.11],
        [0.42, 0.29, 0.18],
        [0.66, 0.51, 0.32],
        [0.85, 0.75, 0.55],
    ]
)
RED_HAIR = np.array([0.52, 0.22, 0.10])
WHITE_HAIR = np.array([0.78, 0.77, 0.75])
EYE_COLOURS = np.array(
    [[0.20, 0.11, 0.06], [0.32, 0.20, 0.10], [0.36, 0.35, 0.18], [0.30, 0.45, 0.58]]
)
HAIR_STYLES = (
    'bald',
    'buzz',
    'short',
    'parted',
    'bushy',
    'long',
    'fringe',
    'bun',
    'receding',
    'horseshoe',
    'afro',
    'slick',
)
CROPPED = ('buzz', 'short', 'parted', 'slick')
"""Styles with short hair at the sides."""
BEARDS = ('none', 'moustache', 'chin', 'goatee', 'strap', 'whiskers', 'full')
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
    'brow_thickness',
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

_LOOSE = ('parted', 'bushy', 'long', 'fringe', 'bun')
_BEARD_ODDS = (0.27, 0.06, 0.03, 0.07, 0.03, 0.03, 0.51)


@dataclass(frozen=True)
class Skin:
    """Colour and surface of the skin; strengths are from 0 to 1.

    Attributes:
        rgb: sRGB colour in [0, 1].
        gloss: Strength of highlights, see ``GridMesh``.
        unevenness: Strength of blotches.
        wrinkles: Depth of lines.
        freckles: Strength of freckles.
        flush: Redness of cheeks and nose.
        eye_rings: Strength of the shadows under the eyes.
        moles: Number of moles.
        blemishes: Number of red spots.
    """

    rgb: Array
    gloss: float
    unevenness: float
    wrinkles: float
    freckles: float
    flush: float
    eye_rings: float
    moles: int
    blemishes: int


@dataclass(frozen=True)
class Hair:
    """Scalp hair; lengths are in centimetres.

    Attributes:
        style: One of ``HAIR_STYLES``.
        rgb: sRGB colour.
        grey: Share of white strands.
        contrast: How much the strands differ in brightness.
        curl: From 0, straight, to 1, small curls.
        volume: Thickness relative to the style's.
        density: Opacity over the skin.
        sides: Opacity of the sides and the nape; below 1 only where they are cropped.
        part: Side of the parting, -1 or 1.
        hairline: How much higher than the style's it lies over the forehead.
        temples: How far it recedes at the temples.
        peak: How far it comes down in the middle.
        sweep: How much lower it lies on the side of the parting than in the middle.
        sideburns: How far they reach down.
        ragged: Standard deviation of the line.
        length: How far long hair hangs down below the eyes.
        cheeks: Azimuth in degrees, left and right, from which long hair covers the head.
        wisps: Number of single strands in front of the face.
    """

    style: str
    rgb: Array
    grey: float
    contrast: float
    curl: float
    volume: float
    density: float
    sides: float
    part: int
    hairline: float
    temples: float
    peak: float
    sweep: float
    sideburns: float
    ragged: float
    length: float
    cheeks: tuple[float, float]
    wisps: int


@dataclass(frozen=True)
class Beard:
    """Hair of the lower face; lengths are in centimetres.

    Attributes:
        style: One of ``BEARDS``.
        rgb: sRGB colour.
        grey: Share of white strands.
        density: Opacity over the skin; that of a shaven one is small.
        length: How far it stands off the skin.
        hanging: How far it hangs down below the chin.
        cheek_line: How much higher than usual it grows on the cheeks.
        moustache: Height of the moustache relative to the usual one.
        patchiness: How much of it is missing in places, from 0 to 1.
    """

    style: str
    rgb: Array
    grey: float
    density: float
    length: float
    hanging: float
    cheek_line: float
    moustache: float
    patchiness: float


@dataclass(frozen=True)
class Identity:
    """Everything about a person that an expression does not change.

    Attributes:
        shape: Standardised deviations from the mean head, by the names of ``SHAPE_TRAITS``.
        skin: The skin.
        hair: The scalp hair.
        beard: The beard.
        brow_rgb: sRGB colour of the brows.
        brow_density: Opacity of the brows in [0, 1].
        eye_rgb: sRGB colour of the iris.
        makeup: Strength of lipstick and eyeliner in [0, 1].
        lip_rgb: sRGB colour of the lipstick.
        lid_rgb: sRGB colour of the eye shadow.
        glasses: 'none', 'clear' or 'dark'.
        hat: 'none', 'beanie', 'cap' or 'scarf'.
        cloth_rgb: sRGB colour of hat or scarf.
        shirt_rgb: sRGB colour of the shirt.
        seed: Seed of the fine texture of skin and hair.
    """

    shape: dict[str, float]
    skin: Skin
    hair: Hair
    beard: Beard
    brow_rgb: Array
    brow_density: float
    eye_rgb: Array
    makeup: float
    lip_rgb: Array
    lid_rgb: Array
    glasses: str
    hat: str
    cloth_rgb: Array
    shirt_rgb: Array
    seed: int

    def trait(self, name: str) -> float:
        """Return the standardised deviation of one shape trait."""
        return self.shape[name]


def draw_identity(rng: np.random.Generator) -> Identity:
    """Draw a person; men and women differ in the odds of beard, make-up and long hair."""
    feminine = bool(rng.random() < 0.5)
    age = float(rng.random())
    skin = _draw_skin(rng, age)
    tone = _draw_hair_tone(rng, skin.rgb)
    brow_rgb = tone * min(0.75, 0.42 / tone.max()) * rng.uniform(0.6, 1.5)
    return Identity(
        shape=_draw_shape(rng, feminine),
        skin=skin,
        hair=_draw_hair(rng, tone, feminine, age),
        beard=_draw_beard(rng, tone, feminine, age),
        brow_rgb=mix(brow_rgb, WHITE_HAIR, _draw_grey(rng, 0.7 * age)),
        brow_density=float(rng.beta(3, 1.4)),
        eye_rgb=EYE_COLOURS[rng.choice(4, p=[0.45, 0.25, 0.15, 0.15])] * rng.uniform(0.8, 1.2),
        makeup=float(rng.uniform(0.2, 1.0)) if feminine and rng.random() < 0.5 else 0.0,
        lip_rgb=np.array([rng.uniform(0.35, 0.85), rng.uniform(0.1, 0.45), rng.uniform(0.15, 0.5)]),
        lid_rgb=np.clip(rng.uniform(0.2, 0.7) + rng.normal(0, 0.12, 3), 0.05, 1),
        glasses=str(rng.choice(['none', 'clear', 'dark'], p=[0.8, 0.15, 0.05])),
        hat=_draw_hat(rng, feminine),
        cloth_rgb=_draw_cloth(rng),
        shirt_rgb=_draw_cloth(rng),
        seed=int(rng.integers(2**31)),
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


def _draw_skin(rng: np.random.Generator, age: float) -> Skin:
    rgb = _along(SKIN_TONES, rng.beta(1.1, 1.4))
    # From rosy to olive.
    undertone = rng.normal(0, 0.035)
    rgb = rgb * (1 + rng.normal(0, 0.015, 3)) * [1 - 0.3 * undertone, 1 + undertone, 1 - undertone]
    return Skin(
        rgb=np.clip(rgb, 0, 1),
        gloss=float(rng.gamma(2.0, 0.06)),
        unevenness=float(rng.beta(1.5, 3)),
        wrinkles=float(age**2 * rng.uniform(0.3, 1.0)),
        freckles=float(max(0.0, rng.normal(-0.3, 0.5))),
        flush=float(rng.beta(1.5, 1.8)),
        eye_rings=float(rng.beta(1.5, 2.5)),
        moles=int(rng.poisson(1.5)),
        blemishes=int(rng.poisson(rng.choice([0.3, 5.0], p=[0.8, 0.2]))),
    )


def _along(colours: Array, share: float) -> Array:
    """Return the colour at a share of the way along some."""
    place = share * (len(colours) - 1)
    return np.array([np.interp(place, np.arange(len(colours)), each) for each in colours.T])


def _draw_hair_tone(rng: np.random.Generator, skin_rgb: Array) -> Array:
    """Draw the colour that hair, brows and beard have in common."""
    # Fair hair goes with fair skin.
    fair = float(np.clip((skin_rgb.mean() - 0.45) / 0.3, 0.05, 1.0))
    tone = _along(HAIR_TONES, rng.beta(1.1, 1.0 + 2.5 / fair))
    red = rng.uniform(0.3, 1.0) if rng.random() < 0.12 * fair else rng.uniform(0.0, 0.15)
    return np.clip(mix(tone, RED_HAIR, red) * rng.uniform(0.85, 1.15), 0, 1)


def _draw_grey(rng: np.random.Generator, age: float) -> float:
    """Draw the share of white strands."""
    return float(rng.beta(0.8, 0.8)) if rng.random() < 1.4 * (age - 0.4) else 0.0


def _draw_hair(rng: np.random.Generator, tone: Array, feminine: bool, age: float) -> Hair:
    style = _draw_hair_style(rng, feminine, age)
    dyed = rng.random()
    rgb = tone
    if dyed < 0.03:
        rgb = rng.uniform(0.05, 0.9, 3)
    elif dyed < (0.25 if feminine else 0.05):
        rgb = _along(HAIR_TONES, rng.random())
    curl = 1.0 if style == 'afro' else float(rng.beta(0.6, 1.4))
    recedes = 0.0 if feminine else 2.0 * age * max(0.0, float(rng.normal(0.3, 0.6)))
    return Hair(
        style=style,
        rgb=rgb,
        grey=_draw_grey(rng, age) if dyed >= 0.25 or not feminine else 0.0,
        contrast=float(rng.uniform(0.3, 1.6)),
        curl=curl,
        volume=float(np.exp(rng.normal(0, 0.35))),
        density=float(1 - (0 if feminine else age) * rng.beta(1, 3)),
        sides=float(rng.beta(0.8, 0.6)) if style in CROPPED and not feminine else 1.0,
        part=int(rng.choice([-1, 1])),
        hairline=float(np.clip(rng.normal(0, 0.6), -1.1, 1.3)),
        temples=recedes,
        peak=float(max(0.0, rng.normal(0, 0.5))),
        sweep=float(max(0.0, rng.normal(0, 1.2))) if style in ('fringe', 'parted', 'long') else 0.0,
        sideburns=float(rng.normal(0, 1.2)),
        ragged=float(rng.uniform(0.04, 0.4)),
        length=float(rng.uniform(5, 20)),
        cheeks=(float(rng.uniform(58, 86)), float(rng.uniform(58, 86))),
        wisps=int(rng.integers(2, 9)) if style in _LOOSE and rng.random() < 0.4 else 0,
    )


def _draw_cloth(rng: np.random.Generator) -> Array:
    grey = rng.uniform(0.06, 0.9)
    return np.clip(grey + rng.normal(0, rng.choice([0.02, 0.08, 0.22]), 3), 0.03, 0.95)


def _draw_hat(rng: np.random.Generator, feminine: bool) -> str:
    odds = [0.86, 0.04, 0.02, 0.08] if feminine else [0.86, 0.06, 0.08, 0.0]
    return str(rng.choice(['none', 'beanie', 'cap', 'scarf'], p=odds))


def _draw_hair_style(rng: np.random.Generator, feminine: bool, age: float) -> str:
    odds: dict[str, float]
    if feminine:
        odds = {'buzz': 1, 'short': 9, 'parted': 9, 'bushy': 10, 'long': 33, 'fringe': 16}
        odds |= {'bun': 14, 'afro': 5, 'slick': 3}
    else:
        odds = {'bald': 7, 'buzz': 13, 'short': 28, 'parted': 20, 'bushy': 8, 'long': 3}
        odds |= {'fringe': 4, 'receding': 6 + 14 * age, 'horseshoe': 16 * age**2, 'afro': 3}
        odds |= {'slick': 5}
    shares = np.array(list(odds.values()), float)
    return str(rng.choice(list(odds), p=shares / shares.sum()))


def _draw_beard(rng: np.random.Generator, tone: Array, feminine: bool, age: float) -> Beard:
    style = 'none' if feminine else str(rng.choice(BEARDS, p=_BEARD_ODDS))
    kind = rng.random()
    density, length = rng.uniform(0.75, 1.0), rng.uniform(0.1, 0.6)
    if style == 'full' and kind < 0.45:  # shaven hours or days ago
        density, length = rng.beta(1.2, 2.0) * 0.8, 0.0
    return Beard(
        style=style,
        rgb=np.clip(mix(tone, RED_HAIR, rng.beta(0.6, 3)) * rng.uniform(0.7, 1.2), 0, 1),
        grey=_draw_grey(rng, age + 0.1),
        density=float(density),
        length=float(length),
        hanging=float(rng.uniform(1, 7)) if style in ('full', 'goatee') and kind > 0.85 else 0.0,
        cheek_line=float(rng.normal(0, 0.8)),
        moustache=float(np.exp(rng.normal(0, 0.3))),
        patchiness=float(rng.beta(0.8, 2.5)),
    )
