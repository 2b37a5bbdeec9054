"""A texture that is painted in face-plane centimetres.

Its three colours are planes, so that what holds for all of them broadcasts fast.
"""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from .fields import planes
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

    @property
    def u(self) -> Array:
        """(width,) U of the pixel columns."""
        return np.interp(np.arange(self.shape_hw[1]) + 0.5, self._u_pixels, self._u_knots)

    @property
    def v(self) -> Array:
        """(height,) V of the pixel rows."""
        return -np.interp(np.arange(self.shape_hw[0]) + 0.5, self._v_pixels, self._v_knots)

    def pixels(self, uv: Array) -> Array:
        """Return the pixel positions (..., 2) of texture positions (U, V)."""
        return np.stack(self._xy(uv[..., 0], uv[..., 1]), -1)

    def grid_pixels(self, u: Array, v: Array) -> Array:
        """Return the pixel positions (R, C, 2) of rows ``v`` and columns ``u``."""
        return np.stack(np.meshgrid(*self._xy(u, v)), -1)

    def _xy(self, u: Array, v: Array) -> tuple[Array, Array]:
        x = np.interp(u, self._u_knots, self._u_pixels) - 0.5
        return x, np.interp(-v, self._v_knots, self._v_pixels) - 0.5

    def window(self, low_xv: Array, high_xv: Array) -> tuple[slice, slice]:
        """Return the row and column slices that hold a face-plane box."""
        corners = np.array([[low_xv[0], high_xv[1]], [high_xv[0], low_xv[1]]])
        corners[:, 0] = unroll(corners[:, 0])
        (x0, y0), (x1, y1) = self.pixels(corners)
        height, width = self.shape_hw
        rows = slice(max(0, int(y0) - 1), min(height, int(y1) + 3))
        return rows, slice(max(0, int(x0) - 1), min(width, int(x1) + 3))

    def face_plane(self, rows: slice, cols: slice) -> tuple[Array, Array]:
        """Return X (1, w) and V (h, 1) of the pixels of a window."""
        x = HEAD_RADIUS * np.sin(self.u[cols] / HEAD_RADIUS)
        return x[None].astype(np.float32), self.v[rows][:, None].astype(np.float32)

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
        window = self.window(polygon_xv.min(0) - margin, polygon_xv.max(0) + margin)
        rows, cols = window
        pixels = self.pixels(np.stack([unroll(polygon_xv[:, 0]), polygon_xv[:, 1]], -1))
        pixels -= [cols.start, rows.start]
        shape = (max(1, rows.stop - rows.start), max(1, cols.stop - cols.start))
        cover = np.zeros(shape, np.uint8)
        fixed = np.round(pixels * (1 << _SUBPIXEL_BITS)).astype(np.int32)
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
    tangent = np.gradient(line, axis=0)
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], 1)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    half = np.broadcast_to(np.asarray(width, float) / 2, (len(line),))[:, None]
    return np.concatenate([line + normal * half, (line - normal * half)[::-1]])


def disc(center: Array, radius_xy: tuple[float, float], n: int = 20) -> Array:
    """Return the (n, 2) corners of an axis-aligned ellipse."""
    angle = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return np.asarray(center) + np.stack([np.cos(angle), np.sin(angle)], 1) * radius_xy
