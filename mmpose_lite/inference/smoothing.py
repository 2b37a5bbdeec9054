"""Smoothing of points over time, by the One-Euro filter, in units of the face.

Source: Casiez, Roussel, Vogel: 1 Euro Filter, CHI 2012, https://doi.org/10.1145/2207676.2208639
"""

from __future__ import annotations

import math

import numpy as np
from numpy import ndarray

MIN_CUTOFF = 1.0  # Hz, of a face at rest
BETA = 30.0  # Hz for a speed of one side of the face a second
_SPEED_CUTOFF = 1.0  # Hz, of the speed's own low-pass filter, as in the paper


class OneEuro:
    """A low-pass filter of the points of one face, the weaker the faster they move.

    The cutoff frequency of a point is ``min_cutoff + beta * speed``, its speed in sides of the face
    a second, so that a face is smoothed alike near the camera and far away.
    """

    def __init__(self, min_cutoff: float = MIN_CUTOFF, beta: float = BETA) -> None:
        self.min_cutoff = min_cutoff
        self.beta = beta
        self._time = -math.inf
        self._points = np.zeros(0)
        self._speed = np.zeros(0)

    def __call__(self, points: ndarray, time: float, side: float) -> ndarray:
        """Smooth the points of the next frame.

        Args:
            points: ``(K, 2)``, pixels.
            time: Seconds; a frame that is not later than the one before is taken as it is.
            side: Side of the face, pixels.

        Returns:
            ``(K, 2)``, float64.
        """
        points = np.asarray(points, np.float64)
        step = time - self._time
        if not 0 < step < math.inf:
            self._speed = np.zeros_like(points)
            smooth = points
        else:
            speed = (points - self._points) / (step * max(side, 1e-6))
            self._speed = self._speed + _share(_SPEED_CUTOFF, step) * (speed - self._speed)
            pace = np.linalg.norm(self._speed, axis=-1, keepdims=True)
            share = _share(self.min_cutoff + self.beta * pace, step)
            smooth = self._points + share * (points - self._points)
        self._time, self._points = time, smooth
        return smooth


def _share(cutoff: float | ndarray, step: float) -> ndarray:
    """The new value's share in a low-pass filter of so many Hz, for a step of so many seconds."""
    angle = 2 * math.pi * np.asarray(cutoff) * step
    return angle / (angle + 1)


def smooth_track(
    points: ndarray,
    times: ndarray,
    sides: ndarray,
    min_cutoff: float = MIN_CUTOFF,
    beta: float = BETA,
) -> ndarray:
    """Smooth the points of a face whose frames are all there, forward and backward.

    Both directions lag, each behind the other, so their mean does not.

    Args:
        points: ``(T, K, 2)``, pixels.
        times: ``(T,)``, seconds, rising.
        sides: ``(T,)``, sides of the face, pixels.
        min_cutoff: Hz of a face at rest.
        beta: Hz for a speed of one side a second.

    Returns:
        ``(T, K, 2)``, float64.
    """
    ways = []
    for order in (slice(None), slice(None, None, -1)):
        one_euro = OneEuro(min_cutoff, beta)
        instants = np.abs(times[order] - times[order][0]) if len(times) else times
        steps = zip(points[order], instants, sides[order], strict=True)
        smooth = [one_euro(each, float(t), float(side)) for each, t, side in steps]
        ways.append(np.reshape(smooth, np.shape(points))[order])
    return (ways[0] + ways[1]) / 2
