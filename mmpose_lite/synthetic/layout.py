"""Layout of a face's features: the one source for its shape, its paint and its landmarks.

Positions are in *face-plane* centimetres (X, V): X to image right as seen from the front, V up,
origin midway between the eyes. Texture coordinates unroll X around the head:
``U = HEAD_RADIUS * azimuth`` and ``X = HEAD_RADIUS * sin(azimuth)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .expression import Expression
from .fields import clamp, peak, spaced
from .identity import Identity

Array = np.ndarray

HEAD_RADIUS = 7.5
V_TOP, V_BOTTOM = 12.5, -22.0
CHIN_V = -11.3
MOUTH_BAND = 0.45
"""Half the height, in V, of the strip between the lips; it is folded shut in a closed mouth."""

# Share of an eye's half width at which annotators put its corners.
_CORNER = 0.89

LANDMARK_NAMES = (
    'LeftBrowLeftCorner',
    'LeftBrowCenter',
    'LeftBrowRightCorner',
    'RightBrowLeftCorner',
    'RightBrowCenter',
    'RightBrowRightCorner',
    'LeftEyeLeftCorner',
    'LeftEyeCenter',
    'LeftEyeRightCorner',
    'RightEyeLeftCorner',
    'RightEyeCenter',
    'RightEyeRightCorner',
    'NoseLeft',
    'NoseCenter',
    'NoseRight',
    'MouthLeftCorner',
    'MouthCenter',
    'MouthRightCorner',
    'ChinCenter',
)
"""AFLW's 19 points in order; left and right are the image's on an upright frontal face."""


def unroll(x: Array | float) -> Array:
    """Return the texture coordinate U of face-plane coordinate ``x`` (front half)."""
    return HEAD_RADIUS * np.arcsin(clamp(np.asarray(x) / HEAD_RADIUS, -1.0, 1.0))


@lru_cache(maxsize=8)
def _taper(n: int) -> Array:
    """Return a brow's height at n places along it, as shares of its thickness."""
    return np.interp(spaced(0.0, 1.0, n), [0, 0.12, 0.5, 1], [0.75, 1.1, 1.0, 0.25])


@dataclass(frozen=True)
class Brow:
    """One brow: (3, 2) ends and middle of its upper edge in (X, V), and its thickness in cm."""

    points: Array
    thickness: float

    def curve(self, n: int = 13) -> Array:
        """Return (n, 2) points of the parabola-like upper edge, inner end first."""
        t = spaced(0.0, 1.0, n)[:, None]
        inner, middle, outer = self.points
        return inner * (1 - t) * (1 - 2 * t) + middle * 4 * t * (1 - t) + outer * t * (2 * t - 1)

    def widths(self, n: int) -> Array:
        """Return the (n,) heights of the hair below the points of ``curve``."""
        return self.thickness * _taper(n)


@dataclass(frozen=True)
class Eye:
    """One eye: centre (X, V), half width, lid heights about it, tilt (rise outward) and gaze."""

    center: Array
    side: int
    half_width: float
    upper: float
    lower: float
    tilt: float
    gaze: tuple[float, float]

    @property
    def pupil(self) -> Array:
        """(2,) middle of the iris, as far as the gaze moves it; the lids may cover it."""
        right, up = self.gaze
        return self.center + self.half_width * np.array([right, up]) + np.array([0.0, 0.08])

    def lid(self, height: float, n: int = 17) -> Array:
        """Return (n, 2) points of a lid ``height`` cm above the corner line, inner end first."""
        return self.lid_at(height, spaced(-1.0, 1.0, n))

    def lid_at(self, height: float, t: Array) -> Array:
        """Return the points (n, 2) of a lid at shares ``t`` of the half width, outer end at 1."""
        # The upper lid peaks nearer the nose, the lower one nearer the temple.
        lean = -0.18 if height > 0 else 0.18
        arch = (1 - t * t) ** 0.75 * (1 + lean * t)
        x = self.center[0] + self.side * self.half_width * t
        return np.stack([x, self.center[1] + self.tilt * t + height * arch], 1)

    @property
    def corners(self) -> Array:
        """(2, 2) inner and outer corner, where annotators put them: inside the lids' ends."""
        return self.lid_at(0.0, np.array([-_CORNER, _CORNER]))

    @property
    def middle(self) -> Array:
        """(2,) centre of the opening: the mean of its corners and of two points on each lid."""
        thirds = np.array([-1.0, 1.0]) / 3
        lids = [self.lid_at(height, thirds) for height in (self.upper, -self.lower)]
        return np.concatenate([self.corners, *lids]).mean(0)


@dataclass(frozen=True)
class FaceLayout:
    """Face-plane positions of all features for one identity and expression.

    Attributes:
        brows: Image-left and image-right brow.
        eyes: Image-left and image-right eye.
        nose_tip_v: V of the nose tip.
        nose_half_width: X of the outer edge of the right wing.
        mouth_v: V of the line between the lips.
        mouth_half_width: X of the right mouth corner.
        upper_lip: Height of the upper lip in cm.
        lower_lip: Height of the lower lip in cm.
        chin_v: V of the chin point.
    """

    brows: tuple[Brow, Brow]
    eyes: tuple[Eye, Eye]
    nose_tip_v: float
    nose_half_width: float
    mouth_v: float
    mouth_half_width: float
    upper_lip: float
    lower_lip: float
    chin_v: float

    @staticmethod
    def x_at(azimuth: Array) -> Array:
        """Return the face-plane X of an azimuth in radians, on the front half."""
        return HEAD_RADIUS * np.sin(azimuth)

    @property
    def nose_wing(self) -> tuple[float, float]:
        """(X, V) of the nostril's outer lower edge on the image-right side."""
        return 0.75 * self.nose_half_width, self.nose_tip_v - 0.67

    @property
    def mouth_corner_v(self) -> float:
        """V of the mouth's corners, a little below the line between the lips."""
        return self.mouth_v - 0.08

    @property
    def brow_top(self) -> float:
        """V of the highest point of the brows."""
        return max(float(brow.points[:, 1].max()) for brow in self.brows)

    @property
    def landmarks_xv(self) -> Array:
        """(19, 2) face-plane positions in the order of ``LANDMARK_NAMES``."""
        left_brow, right_brow = (brow.points for brow in self.brows)
        left_eye, right_eye = self.eyes
        wing_x, wing_v = self.nose_wing
        corner_v = self.mouth_corner_v
        return np.array(
            [
                *left_brow[::-1],
                *right_brow,
                left_eye.corners[1],
                left_eye.middle,
                left_eye.corners[0],
                right_eye.corners[0],
                right_eye.middle,
                right_eye.corners[1],
                (-wing_x, wing_v),
                (0.0, self.nose_tip_v),
                (wing_x, wing_v),
                (-self.mouth_half_width, corner_v),
                (0.0, self.mouth_v),
                (self.mouth_half_width, corner_v),
                (0.0, self.chin_v),
            ]
        )

    def lip_arch(self, x: Array) -> Array:
        """Return the mouth's opening profile over X: 1 in the middle, 0 from the corners on."""
        return np.maximum(1 - (x / self.mouth_half_width) ** 2, 0) ** 0.6

    def lip_line(self, x: Array, side: int) -> Array:
        """Return (n, 2) points of the inner edge of the upper (1) or lower (-1) lip."""
        return np.stack([x, self.mouth_v + side * MOUTH_BAND * self.lip_arch(x)], 1)

    def lip_edge(self, x: Array, side: int) -> Array:
        """Return (n, 2) points of the outer edge of the upper (1) or lower (-1) lip."""
        reach = np.maximum(1 - (x / self.mouth_half_width) ** 2, 0)
        if side > 0:
            height = self.upper_lip * reach**0.8 * (1 - 0.20 * peak(x, 0.30))
        else:
            height = self.lower_lip * reach**0.7
        return self.lip_line(x, side) + np.stack([np.zeros_like(x), side * height], 1)


def lay_out(identity: Identity, expression: Expression) -> FaceLayout:
    """Place the features of a face."""
    trait = identity.trait
    nose_tip_v = -3.71 - 0.3 * trait('nose_length')
    mouth_v = min(-6.58 - 0.2 * trait('mouth_height'), nose_tip_v - 2.3)
    width = 2.72 + 0.18 * trait('mouth_width')
    return FaceLayout(
        brows=(_brow(identity, expression, 0), _brow(identity, expression, 1)),
        eyes=(_eye(identity, expression, 0), _eye(identity, expression, 1)),
        nose_tip_v=nose_tip_v,
        nose_half_width=1.75 + 0.17 * trait('nose_width'),
        mouth_v=mouth_v,
        mouth_half_width=width,
        upper_lip=max(0.25, 0.62 + 0.16 * trait('lip_fullness')),
        lower_lip=max(0.35, 0.82 + 0.18 * trait('lip_fullness')),
        chin_v=CHIN_V - 0.45,
    )


def _brow(identity: Identity, expression: Expression, index: int) -> Brow:
    trait, side = identity.trait, 2 * index - 1
    lift = expression.brow_raise[index] + 0.16 * trait('brow_height')
    frown = expression.brow_frown
    length = 0.22 * trait('brow_length')
    points = np.array(
        [
            [1.82 - 0.3 * frown, 1.83 + 0.7 * lift - 0.55 * frown],
            [3.67 + 0.3 * length, 2.17 + lift + 0.15 * trait('brow_arch') - 0.2 * frown],
            [5.7 + length, 1.5 + 0.8 * lift],
        ]
    )
    return Brow(points * [side, 1], 0.52 + 0.11 * trait('brow_thickness'))


def _eye(identity: Identity, expression: Expression, index: int) -> Eye:
    trait, side = identity.trait, 2 * index - 1
    opening = expression.eye_open[index]
    squint = 0.15 * max(0.0, expression.smile)
    tall = 1 + 0.12 * trait('eye_height')
    lower = -0.42 * tall * (1 - squint)
    upper = lower + (0.58 * tall + 0.42 * tall) * max(0.0, opening - squint)
    return Eye(
        center=np.array([side * (3.15 + 0.14 * trait('eye_spacing')), 0.0]),
        side=side,
        half_width=1.36 + 0.07 * trait('eye_width'),
        upper=upper,
        lower=-lower,
        tilt=0.065 + 0.09 * trait('eye_tilt'),
        gaze=expression.gaze,
    )
