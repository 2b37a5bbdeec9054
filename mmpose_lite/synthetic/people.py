"""Random people: the odds of shapes, skin, hair, beards and clothes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .fields import mix
from .identity import CROPPED, SHAPE_TRAITS, WHITE_HAIR, Beard, Clothes, Hair, Identity, Skin

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
EYE_COLOURS = np.array(
    [[0.20, 0.11, 0.06], [0.32, 0.20, 0.10], [0.36, 0.35, 0.18], [0.30, 0.45, 0.58]]
)
_WITH_WISPS = ('parted', 'bushy', 'long', 'fringe', 'bun')
# Odds; those of a receding hairline and of a horseshoe of hair grow with a man's age.
_HAIR_OF_WOMEN: Mapping[str, float] = {
    'long': 33, 'fringe': 16, 'bun': 14, 'bushy': 10, 'short': 9, 'parted': 9, 'afro': 5,
    'slick': 3, 'buzz': 1,
}  # fmt: skip
_HAIR_OF_MEN: Mapping[str, float] = {
    'short': 28, 'parted': 20, 'buzz': 13, 'bushy': 8, 'bald': 7, 'slick': 5, 'fringe': 4,
    'long': 3, 'afro': 3,
}  # fmt: skip
_BEARDS: Mapping[str, float] = {
    'full': 51, 'none': 27, 'goatee': 7, 'moustache': 6, 'chin': 3, 'strap': 3, 'whiskers': 3,
}  # fmt: skip
_GLASSES: Mapping[str, float] = {'none': 80, 'clear': 15, 'dark': 5}
_HATS_OF_WOMEN: Mapping[str, float] = {'none': 86, 'beanie': 4, 'cap': 2, 'scarf': 8}
_HATS_OF_MEN: Mapping[str, float] = {'none': 86, 'beanie': 6, 'cap': 8}
_CUTS: Mapping[str, float] = {'jacket': 30, 'closed': 25, 'open': 25, 'crew': 20}
_LIFTS = {'closed': (-1.0, 4.2), 'crew': (-1.5, 2.5), 'open': (-1.5, 2.5), 'jacket': (0.5, 4.5)}


def draw_identity(rng: np.random.Generator) -> Identity:
    """Draw a person; the odds of most things differ between men and women."""
    feminine = bool(rng.random() < 0.5)
    age = float(rng.random())
    skin = _draw_skin(rng, age)
    tone = _draw_hair_tone(rng, skin.rgb)
    grey = float(rng.beta(0.8, 0.8)) if rng.random() < 1.4 * (age - 0.4) else 0.0
    brow_rgb = tone * min(0.75, 0.42 / tone.max()) * rng.uniform(0.6, 1.5)
    hair = _draw_hair(rng, tone, grey, feminine, age)
    return Identity(
        shape=_draw_shape(rng, feminine),
        skin=skin,
        hair=hair,
        beard=_draw_beard(rng, tone, grey, hair.curl, feminine),
        brow_rgb=mix(brow_rgb, WHITE_HAIR, grey * rng.uniform(0, 0.7)),
        brow_density=float(rng.beta(3, 1.4)),
        eye_rgb=EYE_COLOURS[rng.choice(4, p=[0.45, 0.25, 0.15, 0.15])] * rng.uniform(0.8, 1.2),
        makeup=float(rng.uniform(0.2, 1.0)) if feminine and rng.random() < 0.5 else 0.0,
        lip_rgb=np.array([rng.uniform(0.35, 0.85), rng.uniform(0.1, 0.45), rng.uniform(0.15, 0.5)]),
        lid_tint=np.clip(rng.uniform(0.2, 0.7) + rng.normal(0, 0.12, 3), 0.05, 1),
        glasses=_choose(rng, _GLASSES),
        hat=_choose(rng, _HATS_OF_WOMEN if feminine else _HATS_OF_MEN),
        cloth_rgb=_draw_cloth(rng),
        clothes=_draw_clothes(rng),
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
        freckles=float(np.clip(rng.normal(-0.3, 0.5), 0, 1)),
        flush=float(rng.beta(1.5, 1.8)),
        eye_rings=float(rng.beta(1.5, 2.5)),
        chin_shadow=float(rng.uniform(0.0, 0.5)),
        moles=int(rng.poisson(1.5)),
        blemishes=int(rng.poisson(rng.choice([0.3, 5.0], p=[0.8, 0.2]))),
    )


def _choose(rng: np.random.Generator, odds: Mapping[str, float]) -> str:
    """Return one of the names, each as likely as its share of all the odds."""
    shares = np.array(list(odds.values()), float)
    return str(rng.choice(list(odds), p=shares / shares.sum()))


def _along(colours: Array, share: float) -> Array:
    """Return the colour at a share, from 0 to 1, of the way along a row of colours (n, 3)."""
    place = share * (len(colours) - 1)
    return np.array([np.interp(place, np.arange(len(colours)), each) for each in colours.T])


def _draw_hair_tone(rng: np.random.Generator, skin_rgb: Array) -> Array:
    """Draw the colour that hair, brows and beard have in common."""
    # Fair hair goes with fair skin.
    fair = float(np.clip((skin_rgb.mean() - 0.45) / 0.3, 0.05, 1.0))
    tone = _along(HAIR_TONES, rng.beta(1.1, 0.4 + 1.0 / fair))
    red = rng.uniform(0.3, 1.0) if rng.random() < 0.12 * fair else rng.uniform(0.0, 0.15)
    return np.clip(mix(tone, RED_HAIR, red) * rng.uniform(0.85, 1.15), 0, 1)


def _draw_hair(
    rng: np.random.Generator, tone: Array, grey: float, feminine: bool, age: float
) -> Hair:
    odds = _HAIR_OF_WOMEN
    if not feminine:
        odds = {**_HAIR_OF_MEN, 'receding': 6 + 14 * age, 'horseshoe': 16 * age**2}
    style = _choose(rng, odds)
    if rng.random() < (0.25 if feminine else 0.05):  # dyed
        grey = 0.0
        natural = rng.random() < 0.85
        tone = _along(HAIR_TONES, rng.random()) if natural else rng.uniform(0.05, 0.9, 3)
    curl = 1.0 if style == 'afro' else float(rng.beta(0.6, 1.4))
    loose = style == 'long' or (style == 'fringe' and rng.random() < 0.67)
    recedes = 0.0 if feminine else 2.0 * age * max(0.0, float(rng.normal(0.3, 0.6)))
    return Hair(
        style=style,
        rgb=tone,
        grey=grey,
        contrast=float(rng.uniform(0.3, 1.6)),
        curl=curl,
        volume=float(np.exp(np.clip(rng.normal(0, 0.35), -0.8, 0.6))),
        density=float(1 - (0 if feminine else age) * rng.beta(1, 3)),
        sides=float(rng.beta(0.8, 0.6)) if style in CROPPED and not feminine else 1.0,
        side=int(rng.choice([-1, 1])),
        hairline=float(np.clip(rng.normal(0, 0.6), -1.1, 1.3)),
        temples=recedes,
        peak=float(max(0.0, rng.normal(0, 0.5))),
        sweep=float(max(0.0, rng.normal(0, 1.2))) if style in ('fringe', 'parted', 'long') else 0.0,
        sideburns=float(rng.normal(0, 0.5 if feminine else 1.2)),
        ragged=float(rng.uniform(0.04, 0.4)),
        length=float(rng.uniform(5, 20)) if loose else 0.0,
        cheeks=(float(rng.uniform(58, 86)), float(rng.uniform(58, 86))),
        wisps=int(rng.integers(2, 9)) if style in _WITH_WISPS and rng.random() < 0.4 else 0,
    )


def _draw_cloth(rng: np.random.Generator) -> Array:
    grey = rng.uniform(0.06, 0.9)
    return np.clip(grey + rng.normal(0, rng.choice([0.02, 0.08, 0.22]), 3), 0.03, 0.95)


def _draw_clothes(rng: np.random.Generator) -> Clothes:
    cut = _choose(rng, _CUTS)
    rgb = _draw_cloth(rng)
    return Clothes(
        cut=cut,
        rgb=rgb * rng.uniform(0.15, 0.9) if cut == 'jacket' else rgb,
        lift=float(rng.uniform(*_LIFTS[cut])),
        collar=float(rng.uniform(0.4, 1.3)),
        depth=float(rng.uniform(1.5, 4) if cut == 'crew' else rng.uniform(4, 22)),
        half_width=float(rng.uniform(0.5, 1.4)),
        shirt_rgb=np.clip(rng.uniform(0.5, 1.0) + rng.normal(0, 0.08, 3), 0.05, 1),
        tie_rgb=_draw_cloth(rng) if rng.random() < 0.6 else None,
    )


def _draw_beard(
    rng: np.random.Generator, tone: Array, grey: float, curl: float, feminine: bool
) -> Beard:
    style = 'none' if feminine else _choose(rng, _BEARDS)
    kind = rng.random()
    density, length = rng.uniform(0.75, 1.0), rng.uniform(0.1, 0.6)
    if style == 'full' and kind < 0.45:  # shaven hours or days ago
        density, length = rng.beta(1.2, 2.0) * 0.8, 0.0
    return Beard(
        style=style,
        rgb=np.clip(mix(tone, RED_HAIR, rng.beta(0.6, 3)) * rng.uniform(0.7, 1.2), 0, 1),
        grey=float(min(1.0, grey * rng.uniform(0.6, 2.0))),
        contrast=float(rng.uniform(0.5, 1.5)),
        curl=0.6 * curl,
        density=float(density),
        length=float(length),
        hanging=float(rng.uniform(1, 7)) if style in ('full', 'goatee') and kind > 0.85 else 0.0,
        cheek_line=float(rng.normal(0, 0.8)),
        moustache=float(np.exp(rng.normal(0, 0.3))),
        patchiness=float(rng.beta(0.8, 2.5)),
    )
