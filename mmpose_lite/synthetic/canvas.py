"""A texture that is painted in face-plane centimetres.

Its three colours are planes, so that what holds for all of them broadcasts fast.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property, lru_cache

import cv2
import numpy as np

from .fields import gradient, lengths, planes
from .layout import HEAD_RADIUS, V_BOTTOM, V_TOP, unroll

Array = np.ndarray
_SUBPIXEL_BITS = 4
# Position in centimetres and relative resolution from there on: coarse at the back and the neck.
_BACK = np.pi * HEAD_RADIUS
_U_KNOTS = ((-_BACK, 0.3), (-13.5, 1.0), (13.5, 0.3), (_BACK, 0.0))
_V_KNOTS = ((-V_TOP, 1.0), (14.0, 0.35), (-V_BOTTOM, 0.0))


class FaceCanvas:
    """The unrolled skin of a head and neck as an sRGB float image, ``rgb`` (3, height, width).

    Args:
        pixels_per_cm: Resolution.
        rgb: Colour of the bare canvas.
    """

    def __init__(self, pixels_per_cm: float, rgb: Array) -> None:
        self.pixels_per_cm = pixels_per_cm
        self._u_knots, self._u_pixels = _axis(_U_KNOTS, pixels_per_cm)
        self._v_knots, self._v_pixels = _axis(_V_KNOTS, pixels_per_cm)
        self.shape_hw = int(np.ceil(self._v_pixels[-1])), int(np.ceil(self._u_pixels[-1]))
        self.rgb = np.empty((3, *self.shape_hw), np.float32)
        self.rgb[:] = planes(rgb)

    @cached_property
    def u(self) -> Array:
        """(width,) U of the pixel columns."""
        return np.interp(np.arange(self.shape_hw[1]) + 0.5, self._u_pixels, self._u_knots)

    @cached_property
    def v(self) -> Array:
        """(height,) V of the pixel rows."""
        return -np.interp(np.arange(self.shape_hw[0]) + 0.5, self._v_pixels, self._v_knots)

    def grid_pixels(self, u: Array, v: Array) -> Array:
        """Return the pixel positions (R, C, 2) of rows ``v`` and columns ``u``."""
        return np.stack(np.meshgrid(*self._xy(u, v)), -1)

    def _xy(self, u: Array, v: Array) -> tuple[Array, Array]:
        x = np.interp(u, self._u_knots, self._u_pixels) - 0.5
        return x, np.interp(-v, self._v_knots, self._v_pixels) - 0.5

    def window(self, low_xv: Array, high_xv: Array) -> tuple[slice, slice]:
        """Return the row and column slices that hold a face-plane box."""
        return self._around(*self._place(np.stack([low_xv, high_xv])))

    def _place(self, xv: Array) -> tuple[Array, Array]:
        """Return the pixel columns and rows, n each, of face-plane positions (n, 2)."""
        return self._xy(unroll(xv[:, 0]), xv[:, 1])

    def _around(self, x: Array, y: Array) -> tuple[slice, slice]:
        """Return the slices that hold a box whose lower left and upper right corner are given."""
        height, width = self.shape_hw
        rows = slice(max(0, int(y[1]) - 1), min(height, int(y[0]) + 3))
        return rows, slice(max(0, int(x[0]) - 1), min(width, int(x[1]) + 3))

    def face_plane(self, rows: slice, cols: slice) -> tuple[Array, Array]:
        """Return X (1, w) and V (h, 1) of the pixels of a window."""
        x, v = self._face_plane
        return x[:, cols], v[rows]

    @cached_property
    def _face_plane(self) -> tuple[Array, Array]:
        x = HEAD_RADIUS * np.sin(self.u / HEAD_RADIUS)
        return x[None].astype(np.float32), self.v[:, None].astype(np.float32)

    def view(self, window: tuple[slice, slice]) -> Array:
        """Return the colours (3, h, w) of a window, to be changed in place."""
        rows, cols = window
        return self.rgb[:, rows, cols]

    def mask(self, polygon_xv: Array, blur_cm: float = 0.0) -> tuple[tuple[slice, slice], Array]:
        """Rasterise a face-plane polygon.

        Args:
            polygon_xv: (n, 2) corners.
            blur_cm: Softness of the edge (standard deviation).

        Returns:
            The window and the (h, w) coverage in [0, 1] inside it.
        """
        margin = 3 * blur_cm + 0.1
        box = polygon_xv.min(0) - margin, polygon_xv.max(0) + margin
        # One call places the corners of the polygon and of the box about it.
        x, y = self._place(np.concatenate([polygon_xv, box]))
        window = rows, cols = self._around(x[-2:], y[-2:])
        pixels = np.empty(polygon_xv.shape)
        pixels[:, 0], pixels[:, 1] = x[:-2] - cols.start, y[:-2] - rows.start
        shape = (max(1, rows.stop - rows.start), max(1, cols.stop - cols.start))
        cover = np.zeros(shape, np.uint8)
        fixed = np.rint(pixels * (1 << _SUBPIXEL_BITS)).astype(np.int32)
        cv2.fillPoly(cover, [fixed], 255, cv2.LINE_AA, _SUBPIXEL_BITS)
        sigma = blur_cm * self.pixels_per_cm
        soft = cover.astype(np.float32) / 255
        return window, cv2.GaussianBlur(soft, (0, 0), sigma) if sigma > 0.3 else soft

    def blend(self, window: tuple[slice, slice], mask: Array, rgb: Iterable[Array]) -> None:
        """Lay a colour (3, 1, 1), or an image (3, h, w), over a window with an (h, w) opacity."""
        for below, above in zip(self.view(window), rgb, strict=True):
            below += (np.asarray(above, np.float32) - below) * mask

    def fill(
        self, polygon_xv: Array, rgb: Array, opacity: float = 1.0, blur_cm: float = 0.0
    ) -> None:
        """Fill a face-plane polygon with a colour."""
        window, mask = self.mask(polygon_xv, blur_cm)
        self.blend(window, mask * opacity, planes(rgb))

    def shade(self, polygon_xv: Array, factor: Array, blur_cm: float = 0.0) -> None:
        """Multiply the colours inside a face-plane polygon by an RGB factor."""
        window, mask = self.mask(polygon_xv, blur_cm)
        view = self.view(window)
        view *= 1 + (planes(np.asarray(factor, np.float32)) - 1) * mask


def _axis(knots: tuple[tuple[float, float], ...], pixels_per_cm: float) -> tuple[Array, Array]:
    """Return positions in centimetres and the pixels at which they lie."""
    position, density = np.array(knots).T
    steps = np.diff(position) * density[:-1] * pixels_per_cm
    return position, np.concatenate([[0.0], np.cumsum(steps)])


def ribbon(line: Array, width: Array | float) -> Array:
    """Return the polygon of a line (n, 2) drawn with a width of one or n values."""
    along = gradient(line)
    normal = np.empty_like(along)
    normal[:, 0], normal[:, 1] = -along[:, 1], along[:, 0]
    normal /= np.maximum(lengths(normal), 1e-9)
    offset = normal * (np.asarray(width, float).reshape(-1, 1) / 2)
    return np.concatenate([line + offset, (line - offset)[::-1]])


def disc(center: Array, radius_xy: tuple[float, float], n: int = 20) -> Array:
    """Return the (n, 2) corners of an axis-aligned ellipse."""
    return np.asarray(center) + _circle(n) * radius_xy


@lru_cache(maxsize=4)
def _circle(n: int) -> Array:
    angle = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return np.stack([np.cos(angle), np.sin(angle)], 1)
