"""Limits of failure rates and areas, for each normaliser those that papers print for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits of a face's mean error, as fractions, and who uses them."""

    values: tuple[float, ...]
    source: str

    @property
    def keys(self) -> list[str]:
        """The limits as keys of ``metrics.json``: ``'0.08'``."""
        return [f'{value:.2f}' for value in self.values]


_EYES = Limits((0.08, 0.10), '8 % is the limit of 300W papers, 10 % that of WFLW and COFW papers')
_UNKNOWN = Limits((0.05, 0.10), 'no convention is known for this normaliser')
_LIMITS = {
    'interocular': _EYES,
    'two_points': _EYES,
    'box': Limits(
        (0.05, 0.07),
        '5 % of the face size is the limit of Zhu and Ramanan (CVPR 2012), 7 % of the box that of '
        'AFLW papers since LUVLi (CVPR 2020)',
    ),
    'tight_box': Limits(
        (0.07, 0.08),
        '7 % is the limit of Bulat and Tzimiropoulos (ICCV 2017), 8 % that of the ICPR 2020 '
        'challenge on 106 points',
    ),
    'diagonal': Limits((0.05,), '5 % of the diagonal is 7 % of the side of a square box'),
}


def limits_of(normaliser: str) -> Limits:
    """Look up the limits for a normaliser of :func:`.find_normalisers`, by its name."""
    return _LIMITS.get(normaliser, _UNKNOWN)
