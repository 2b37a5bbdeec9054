"""Drawing on RGB arrays with OpenCV, and reading and writing them as picture files.

Every ``draw_*`` function changes the ``(H, W, 3)`` uint8 array that it is given. Coordinates are
image pixels, x before y, with pixel centres at integers; they may be fractions and may lie outside
the image. Shapes with coordinates that are not finite are not drawn.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from numbers import Number
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmpose_lite.utils.files import replacing
from mmpose_lite.utils.images import decode_image, read_image

Color = str | Sequence[int]
RGB = tuple[int, int, int]

_NAMED: dict[str, RGB] = {
    'red': (255, 0, 0),
    'green': (0, 255, 0),
    'blue': (0, 0, 255),
    'cyan': (0, 255, 255),
    'yellow': (255, 255, 0),
    'magenta': (255, 0, 255),
    'white': (255, 255, 255),
    'black': (0, 0, 0),
}
_FRACTION_BITS = 4
_FAR = 1e6  # px; beyond it OpenCV's fixed-point coordinates overflow
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_FONT_PX = 30  # height of a line of this font at scale 1


def to_rgb(color: Color) -> RGB:
    """Turn a colour's name, or a sequence of red, green and blue from 0 to 255, into a tuple.

    Args:
        color: MMCV's eight names stand for the full colours (``'green'`` is ``(0, 255, 0)``); any
            other string is a colour of matplotlib's, such as ``'orange'`` or ``'#ff8800'``.

    Raises:
        ValueError: If the colour is unknown or does not have three parts.
    """
    if isinstance(color, str):
        if color in _NAMED:
            return _NAMED[color]
        # Imported here: it takes a third of a second and is rarely needed.
        from matplotlib.colors import to_rgb as parse

        color = [round(part * 255) for part in parse(color)]
    if len(color) != 3:
        raise ValueError(f'a colour has red, green and blue, but got {color}')
    red, green, blue = (int(part) for part in color)
    return red, green, blue


def each_color(
    colors: Color | Sequence[Color | None] | None,
    count: int,
    name: str = 'colors',
    items: str = 'items',
) -> list[Any]:
    """Expand colours to one for each of ``count`` items.

    Names stay names, and None, which hides an item, stays None.

    Args:
        colors: One colour or None for all items, or a sequence with one for each.
        count: The number of items.
        name: The colours in the error's message.
        items: The items there.

    Raises:
        ValueError: If there are several colours, but not ``count``.
    """
    if colors is None or isinstance(colors, str) or (count and isinstance(colors[0], Number)):
        colors = [colors] * count
    if len(colors) != count:
        raise ValueError(f'the length of {name} ({len(colors)}) is not that of {items} ({count})')
    several: Sequence[Any] = colors
    return [each if each is None or isinstance(each, str) else to_rgb(each) for each in several]


def draw_disc(
    image_rgb: np.ndarray, xy: np.ndarray, radius: float, color: Color, alpha: float = 1.0
) -> None:
    """Draw a filled disc about ``xy`` ``(2,)``; ``radius`` in pixels."""
    center = _fixed_point(xy)
    if center is not None:
        with _layer(image_rgb, alpha) as layer:
            _circle(layer, center, radius, color, cv2.FILLED)


def draw_ring(
    image_rgb: np.ndarray, xy: np.ndarray, radius: float, color: Color, width: float = 1
) -> None:
    """Draw a circle's outline about ``xy`` ``(2,)``; ``radius`` and ``width`` in pixels."""
    center = _fixed_point(xy)
    if center is not None:
        _circle(image_rgb, center, radius, color, _thickness(width))


def _circle(
    image_rgb: np.ndarray, center: tuple[int, int], radius: float, color: Color, thickness: int
) -> None:
    fixed_radius = round(radius * (1 << _FRACTION_BITS))
    rgb = to_rgb(color)
    cv2.circle(image_rgb, center, fixed_radius, rgb, thickness, cv2.LINE_AA, _FRACTION_BITS)


def draw_segment(
    image_rgb: np.ndarray, start: np.ndarray, end: np.ndarray, color: Color, width: float = 1
) -> None:
    """Draw a straight line between two points ``(2,)``; ``width`` in pixels."""
    first, last = _fixed_point(start), _fixed_point(end)
    if first is not None and last is not None:
        rgb, thickness = to_rgb(color), _thickness(width)
        cv2.line(image_rgb, first, last, rgb, thickness, cv2.LINE_AA, _FRACTION_BITS)


def draw_box(
    image_rgb: np.ndarray, bbox_xyxy: np.ndarray, color: Color, width: float = 1, alpha: float = 1.0
) -> None:
    """Draw the outline of a box ``(4,)``; ``width`` in pixels."""
    first, last = _fixed_point(bbox_xyxy[:2]), _fixed_point(bbox_xyxy[2:4])
    if first is not None and last is not None:
        with _layer(image_rgb, alpha) as layer:
            rgb, thickness = to_rgb(color), _thickness(width)
            cv2.rectangle(layer, first, last, rgb, thickness, cv2.LINE_8, _FRACTION_BITS)


def draw_polygon(
    image_rgb: np.ndarray, points: np.ndarray, color: Color, alpha: float = 1.0
) -> None:
    """Draw a filled polygon with the corners ``points`` ``(P, 2)``."""
    corners = [_fixed_point(point) for point in points]
    if None not in corners:
        with _layer(image_rgb, alpha) as layer:
            polygon = np.array(corners, np.int32)
            cv2.fillPoly(layer, [polygon], to_rgb(color), cv2.LINE_AA, _FRACTION_BITS)


def limb_outline(start: np.ndarray, end: np.ndarray, width: float) -> np.ndarray:
    """Compute the corners ``(P, 2)`` of an ellipse between two points, OpenPose's shape of a link.

    ``start`` and ``end``, ``(2,)``, are the ends of the long axis; ``width`` is half of the short
    one, px.
    """
    middle, half = (start + end) / 2, (end - start) / 2
    length = max(float(np.hypot(*half)), 1e-6)
    across = np.array([-half[1], half[0]]) * (width / length)
    angles = np.linspace(0, 2 * math.pi, 48, endpoint=False)[:, None]
    return middle + half * np.cos(angles) + across * np.sin(angles)


def text_size(text: str, size: float) -> tuple[int, int]:
    """Width and height in pixels of a line of text that is ``size`` pixels high."""
    (width, height), _ = cv2.getTextSize(text, _FONT, size / _FONT_PX, _stroke(size))
    return width, height


def draw_text(
    image_rgb: np.ndarray,
    text: str,
    xy: np.ndarray,
    size: float,
    color: Color,
    horizontal: str = 'left',
    vertical: str = 'bottom',
    background: Color | None = None,
) -> None:
    """Write a line of text.

    Args:
        image_rgb: ``(H, W, 3)``, changed in place.
        text: The text. A character outside ASCII becomes a question mark.
        xy: ``(2,)``, the point that the text is aligned to.
        size: Height of a line, px; capital letters are two thirds of it.
        color: The text's colour.
        horizontal: The part of the text at the point: ``'left'``, ``'center'``, ``'right'``.
        vertical: Likewise ``'top'``, ``'center'`` or ``'bottom'``, the baseline.
        background: Colour of a box behind the text; None for no box.
    """
    if _fixed_point(xy) is None:
        return
    plain = text.encode('ascii', 'replace').decode()
    width, height = text_size(plain, size)
    x = round(float(xy[0]) - {'left': 0, 'center': width / 2, 'right': width}[horizontal])
    y = round(float(xy[1]) + {'top': height, 'center': height / 2, 'bottom': 0}[vertical])
    if background is not None:
        low, high = (x - 2, y - height - 3), (x + width + 2, y + 3)
        cv2.rectangle(image_rgb, low, high, to_rgb(background), cv2.FILLED)
    scale = size / _FONT_PX
    cv2.putText(image_rgb, plain, (x, y), _FONT, scale, to_rgb(color), _stroke(size), cv2.LINE_AA)


def overlay_heatmap(image_rgb: np.ndarray, heatmap: np.ndarray, alpha: float = 0.6) -> np.ndarray:
    """Colour a copy of an image by a heatmap; at the lowest values the image shows through.

    The heatmap, ``(h, w)`` and of any range, is stretched over the whole image; ``alpha`` is the
    opacity of the colour at its highest value.
    """
    height, width = image_rgb.shape[:2]
    heat = np.nan_to_num(np.asarray(heatmap, np.float32))
    heat = (heat - heat.min()) / max(float(np.ptp(heat)), 1e-12)
    heat = cv2.resize(heat, (width, height), interpolation=cv2.INTER_LINEAR)
    colored_bgr = cv2.applyColorMap(np.uint8(heat * 255), cv2.COLORMAP_JET)
    weight = alpha * np.sqrt(heat)[..., None]  # the root makes weak second peaks visible
    blended = image_rgb * (1 - weight) + colored_bgr[..., ::-1] * weight
    return np.uint8(np.rint(blended))


def _fixed_point(xy: np.ndarray) -> tuple[int, int] | None:
    x, y = float(xy[0]), float(xy[1])
    if not (abs(x) < _FAR and abs(y) < _FAR):  # also catches NaN
        return None
    return round(x * (1 << _FRACTION_BITS)), round(y * (1 << _FRACTION_BITS))


def _thickness(width: float) -> int:
    return max(1, round(width))


def _stroke(size: float) -> int:
    return max(1, round(size / 15))


@contextmanager
def _layer(image_rgb: np.ndarray, alpha: float) -> Iterator[np.ndarray]:
    """Yield the array to draw on; with ``alpha`` below 1 it is blended into the image after."""
    if alpha >= 1:
        yield image_rgb
        return
    layer = image_rgb.copy()
    yield layer
    cv2.addWeighted(layer, alpha, image_rgb, 1 - alpha, 0, dst=image_rgb)


def read_image_rgb(
    path: str | Path, backend_args: dict | None = None, exif: str = 'ignore'
) -> np.ndarray:
    """Read an image in the frame of its points: ``(H, W, 3)`` uint8, RGB.

    Args:
        path: A path or, with a fitting storage backend, a URL.
        backend_args: Arguments of mmengine's file backend; by default it is chosen by the path.
        exif: ``'ignore'``: pixels as they are stored; ``'apply'``: turned as the camera noted.

    Raises:
        MissingImageError: If there is no such file.
        BadImageError: If the file is not an image that can be decoded.
    """
    content = read_image(str(path), backend_args or {})
    return cv2.cvtColor(decode_image(content, str(path), exif=exif), cv2.COLOR_BGR2RGB)


def write_image_rgb(image_rgb: np.ndarray, path: str | Path) -> None:
    """Write an image, ``(H, W, 3)`` uint8 RGB; see :func:`write_image`."""
    write_image(cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR), path)


def write_image(image_bgr: np.ndarray, path: str | Path) -> None:
    """Write an image, ``(H, W[, 3])`` uint8, in the format of the suffix; make its folder.

    A link at the place is replaced, not followed.

    Raises:
        ValueError: If OpenCV has no writer for this suffix.
    """
    path = Path(path)
    if not can_write(path.suffix):
        raise ValueError(
            f"{path}: no picture format is known for '{path.suffix}'; use .png or .jpg"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    _, content = cv2.imencode(path.suffix, image_bgr)
    with replacing(path) as file:
        file.write(content.tobytes())


def can_write(suffix: str) -> bool:
    """Tell whether pictures with a suffix such as ``'.png'`` can be written."""
    return bool(suffix) and cv2.haveImageWriter(f'picture{suffix}')
