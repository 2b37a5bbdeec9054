"""Sheets of annotated faces: numbered points, coloured by side, with box, crop and targets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .drawing import RGB, draw_disc, draw_ring, draw_segment, draw_text, overlay_heatmap, text_size
from .image_file import write_image_rgb
from .sheet import FAINT, GAP, INK, blank_strip, cut_square, shortened, title_strip

LEFT, MIDDLE, RIGHT = (80, 170, 255), (90, 230, 90), (255, 110, 60)
"""Colours of points that are left, in the middle and right in the photograph."""

_BOX, _CROP, _NO_TARGET = (255, 236, 130), (240, 240, 240), (190, 90, 200)
_SHADE = (0, 0, 0)  # about points and numbers, which lie on any colour
_HEAT = 0.45  # so that the face can be seen below its targets
_CAPTION, _LEGEND_LINE = 38, 17  # px


@dataclass(frozen=True)
class PointTile:
    """One picture of a sheet, in the pixels of its image; K points.

    Attributes:
        image_rgb: ``(H, W, 3)`` uint8, the photograph or a crop.
        points: ``(K, 2)``.
        shown: ``(K,)``, which points are annotated.
        center: ``(2,)``, the middle of the part that is shown.
        side: The side of that part, which is square.
        box: ``(4, 2)``, corners of the annotated box.
        crop: ``(4, 2)``, corners of what the network sees; None where the image is just that.
        heatmap: ``(h, w)`` over the whole image; None to show the image alone.
        has_target: ``(K,)``, which points have a target; None for all.
        caption: What the face is called.
        note: A second line of that.
    """

    image_rgb: np.ndarray
    points: np.ndarray
    shown: np.ndarray
    center: np.ndarray
    side: float
    box: np.ndarray
    crop: np.ndarray | None = None
    heatmap: np.ndarray | None = None
    has_target: np.ndarray | None = None
    caption: str = ''
    note: str = ''


def point_sheet(
    tiles: Sequence[PointTile],
    out_file: str | Path,
    names: Sequence[str],
    colors: Sequence[RGB],
    columns: int = 6,
    tile: int = 300,
    heading: str = '',
) -> Path:
    """Write a picture of faces with numbered points, and the names of the numbers below.

    Args:
        tiles: What to draw, row by row.
        out_file: The picture to write, ``.png`` or ``.jpg``.
        names: The points' names.
        colors: The points' colours.
        columns: Faces in a row.
        tile: Height and width of a face, px.
        heading: A line of text above all.

    Returns:
        The path written.

    Raises:
        ValueError: If there are no faces, or a size is not positive.
    """
    if not tiles or columns < 1 or tile < 1:
        raise ValueError(
            f'{out_file}: needs faces, columns and a size, got {len(tiles)}, {columns}, {tile}'
        )
    columns = min(columns, len(tiles))
    width = columns * (tile + GAP) + GAP
    strips = [title_strip(heading, width)]
    for start in range(0, len(tiles), columns):
        strips.append(_row(tiles[start : start + columns], width, tile, colors))
    strips.append(legend(names, colors, width))
    write_image_rgb(np.concatenate(strips), out_file)
    return Path(out_file)


def draw_tile(face: PointTile, tile: int, colors: Sequence[RGB]) -> np.ndarray:
    """Draw a face: heatmap, box, crop, and each point with its number.

    Args:
        face: What to draw.
        tile: Height and width of the result, px.
        colors: The points' colours.

    Returns:
        ``(tile, tile, 3)`` RGB.
    """
    image_rgb = face.image_rgb
    if face.heatmap is not None:
        image_rgb = overlay_heatmap(image_rgb, face.heatmap, _HEAT)
    picture, matrix = cut_square(image_rgb, face.center, face.side, tile)

    def to_tile(xy: np.ndarray) -> np.ndarray:
        return xy @ matrix[:, :2].T + matrix[:, 2]

    for corners, color in ((face.crop, _CROP), (face.box, _BOX)):
        if corners is not None:
            outline = to_tile(corners)
            for start, end in zip(outline, np.roll(outline, -1, axis=0), strict=True):
                draw_segment(picture, start, end, color)
    has_target = np.ones(len(face.points), bool) if face.has_target is None else face.has_target
    # Many points leave room for small numbers only.
    radius, size = max(1.5, tile / 140), max(7.0, tile / (26 + len(face.points) / 4))
    for k, xy in enumerate(to_tile(face.points)):
        if not face.shown[k]:
            continue
        if has_target[k]:
            draw_disc(picture, xy, radius + 0.7, _SHADE)
            draw_disc(picture, xy, radius, colors[k])
        else:
            draw_ring(picture, xy, radius * 1.6, _NO_TARGET)
        beside = xy + np.array([radius + 1, -radius])
        draw_text(picture, str(k), beside + 1, size, _SHADE)
        draw_text(picture, str(k), beside, size, colors[k])
    return picture


def legend(names: Sequence[str], colors: Sequence[RGB], width: int) -> np.ndarray:
    """The names of the points by their numbers, and what colours and lines mean.

    Args:
        names: The names.
        colors: Their colours.
        width: Width of the result, px.

    Returns:
        ``(height, width, 3)`` RGB.
    """
    entries = [
        (f'{k} {name}', color) for k, (name, color) in enumerate(zip(names, colors, strict=True))
    ]
    entries += [
        ('left in the photograph', LEFT),
        ('in the middle', MIDDLE),
        ('right in the photograph', RIGHT),
        ('box', _BOX),
        ('crop', _CROP),
        ('ring: no target', _NO_TARGET),
    ]
    entry_width = max(text_size(text, 13)[0] for text, _ in entries) + 16
    columns = max(1, (width - GAP) // entry_width)
    lines = math.ceil(len(entries) / columns)
    strip = blank_strip(lines * _LEGEND_LINE + GAP, width)
    for i, (text, color) in enumerate(entries):
        column, line = divmod(i, lines)
        xy = np.array([GAP + column * entry_width, (line + 1) * _LEGEND_LINE - 4])
        draw_text(strip, text, xy, 13, color)
    return strip


def _row(tiles: Sequence[PointTile], width: int, tile: int, colors: Sequence[RGB]) -> np.ndarray:
    strip = blank_strip(tile + _CAPTION + GAP, width)
    for i, face in enumerate(tiles):
        x = GAP + i * (tile + GAP)
        strip[:tile, x : x + tile] = draw_tile(face, tile, colors)
        for text, below, size, color in ((face.caption, 15, 14, INK), (face.note, 32, 13, FAINT)):
            draw_text(strip, shortened(text, size, tile), np.array([x, tile + below]), size, color)
    return strip
