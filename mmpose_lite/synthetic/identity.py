"""Identity of a face: shape, skin, hair, beard and what is worn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Array = np.ndarray

WHITE_HAIR = np.array([0.78, 0.77, 0.75])
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
CUTS = ('closed', 'crew', 'open', 'jacket')
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


@dataclass(frozen=True)
class Skin:
    """Colour and surface of the skin; strengths are from 0 to 1.

    Attributes:
        rgb: sRGB colour in [0, 1].
        gloss: Strength of highlights on the whole head, see ``GridMesh``.
        unevenness: Strength of blotches and pores.
        wrinkles: Depth of lines.
        freckles: Strength of freckles.
        flush: Redness of cheeks and nose.
        eye_rings: Strength of the shadows under the eyes.
        chin_shadow: Strength of the shadow under the chin.
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
    chin_shadow: float
    moles: int
    blemishes: int


@dataclass(frozen=True)
class Hair:
    """Scalp hair; lengths are in centimetres.

    Attributes:
        style: One of ``HAIR_STYLES``.
        rgb: sRGB colour.
        grey: How white it has turned, from 0 to 1.
        contrast: How much the strands differ in brightness.
        curl: From 0, straight, to 1, small curls.
        volume: Thickness as a multiple of the style's.
        density: Opacity on the top of the head.
        sides: Opacity of the sides and the nape; below 1 only where they are cropped.
        side: Side to which the hair is combed, -1 or 1.
        hairline: How much higher than the style's it begins above the forehead.
        temples: How far it recedes at the temples.
        peak: How far it comes down in the middle.
        sweep: How much lower it begins on the side to which it is combed than in the middle.
        sideburns: How much further down than the style's they reach.
        ragged: Standard deviation of the height at which it begins.
        length: How far loose hair hangs down below the eyes; 0 where none does.
        cheeks: Azimuth in degrees, left and right, from which loose hair covers the head.
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
    side: int
    hairline: float
    temples: float
    peak: float
    sweep: float
    sideburns: float
    ragged: float
    length: float
    cheeks: tuple[float, float]
    wisps: int

    @property
    def is_loose(self) -> bool:
        """True if hair hangs down around the head."""
        return self.length > 0 and self.style != 'bald'


@dataclass(frozen=True)
class Beard:
    """Hair of the lower face; lengths are in centimetres.

    Stubble, and the shadow of a shaven chin, is of style 'full' with length 0.

    Attributes:
        style: One of ``BEARDS``.
        rgb: sRGB colour.
        grey: How white it has turned, from 0 to 1.
        contrast: How much the strands differ in brightness.
        curl: From 0, straight, to 1, small curls.
        density: Opacity over the skin.
        length: How far it stands off the skin.
        hanging: How far it hangs down below the chin.
        cheek_line: How much higher than usual it grows on the cheeks.
        moustache: Height of the moustache relative to the usual one.
        patchiness: How much lighter it is in places, from 0 to 1.
    """

    style: str
    rgb: Array
    grey: float
    contrast: float
    curl: float
    density: float
    length: float
    hanging: float
    cheek_line: float
    moustache: float
    patchiness: float


@dataclass(frozen=True)
class Clothes:
    """Clothes on the body.

    Attributes:
        cut: One of ``CUTS``: up to the neck, with a round or a pointed opening, or over a shirt.
        rgb: sRGB colour.
        lift: Centimetres by which they are raised; at 4 a collar touches the chin.
        collar: Brightness of the upper edge as a multiple of the rest's.
        depth: How far the opening reaches down, in centimetres.
        half_width: Azimuth in radians to which it reaches at its upper end.
        shirt_rgb: sRGB colour of the shirt under a jacket.
        tie_rgb: sRGB colour of the tie, or None.
    """

    cut: str
    rgb: Array
    lift: float
    collar: float
    depth: float
    half_width: float
    shirt_rgb: Array
    tie_rgb: Array | None


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
        makeup: Strength of lipstick, eyeliner and eye shadow in [0, 1].
        lip_rgb: sRGB colour of the lipstick.
        lid_tint: Factors by which eye shadow multiplies the skin's colour.
        glasses: 'none', 'clear' or 'dark'.
        hat: 'none', 'beanie', 'cap' or 'scarf'.
        cloth_rgb: sRGB colour of hat or scarf.
        clothes: The clothes.
        seed: Seed of all that is random and has no field of its own.
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
    lid_tint: Array
    glasses: str
    hat: str
    cloth_rgb: Array
    clothes: Clothes
    seed: int

    def source(self, part: str) -> np.random.Generator:
        """Return the source of randomness of a part, which the other parts do not draw from."""
        return np.random.default_rng([self.seed, *part.encode()])

    def trait(self, name: str) -> float:
        """Return the standardised deviation of one shape trait."""
        return self.shape[name]
