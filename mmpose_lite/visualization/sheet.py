"""Sheets of many faces: truth, prediction and error, or annotated points with their targets."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from .drawing import (
    RGB,
    draw_disc,
    draw_ring,
    draw_segment,
    draw_text,
    overlay_heatmap,
    read_image_rgb,
    text_size,
    write_image_rgb,
)

_BACKGROUND, INK, FAINT = (24, 26, 30), (240, 240, 240), (150, 156, 166)
_TRUTH, _PREDICTED, _ERROR = (60, 220, 90), (255, 96, 32), (255, 236, 130)
_OUTSIDE = (60, 63, 70)  # beside the image
_ENLARGE = 1.3  # side of a tile, in sides of the face's box
GAP, _CAPTION, _TITLE, _HEADING = 8, 40, 34, 40  # px


@dataclass(frozen=True)
class FaceRow:
    """One face of a sheet, in the pixels of its image.

    Attributes:
        img_path: The image's file.
        keypoints: ``(K, 2)``, the truth.
        predicted: ``(K, 2)``, the prediction.
        bbox_xyxy: ``(4,)``, the face's box.
        nme: Normalised mean error as a fraction: 0.02 is shown as 2 %.
        group: Title above consecutive faces of one group.
        visible: ``(K,)``, nonzero for points whose truth is drawn; None for all.
        exif: ``'apply'``: the image is turned by its EXIF orientation; or ``'ignore'``.

    Raises:
        ValueError: If shapes do not match or the box is empty; the message names the file.
    """

    img_path: str
    keypoints: np.ndarray
    predicted: np.ndarray
    bbox_xyxy: np.ndarray
    nme: float
    group: str = ''
    visible: np.ndarray | None = None
    exif: str = 'ignore'

    def __post_init__(self) -> None:
        shape = np.shape(self.keypoints)
        if len(shape) != 2 or shape[1] != 2 or np.shape(self.predicted) != shape:
            raise ValueError(
                f'{self.img_path}: keypoints and predicted are both (K, 2), but got {shape} and '
                f'{np.shape(self.predicted)}'
            )
        if self.visible is not None and np.shape(self.visible) != shape[:1]:
            raise ValueError(
                f'{self.img_path}: visible is ({shape[0]},), not {np.shape(self.visible)}'
            )
        x1, y1, x2, y2 = self.bbox_xyxy
        if not (math.isfinite(x1 + y1 + x2 + y2) and x2 > x1 and y2 > y1):
            raise ValueError(f'{self.img_path}: bbox_xyxy {self.bbox_xyxy} has no area')


def worst_and_typical(
    rows: Sequence[FaceRow], n_worst: int = 8, n_typical: int = 8
) -> list[FaceRow]:
    """Pick the faces with the largest errors, and a fair sample of the others.

    Args:
        rows: Faces in any order. An error that is NaN counts as the largest.
        n_worst: Number of the worst faces.
        n_typical: Number of other faces, at even steps from the best to the worst.

    Returns:
        The worst, worst first, then the typical, best first, each with its ``group``; fewer if
        there are fewer faces.
    """
    ranked = sorted(rows, key=lambda row: math.inf if math.isnan(row.nme) else row.nme)
    n_worst = min(n_worst, len(ranked))
    rest, worst = ranked[: len(ranked) - n_worst], ranked[len(ranked) - n_worst :][::-1]
    n_typical = min(n_typical, len(rest))
    # The middles of n equal parts, so that one typical face is the median.
    middles = [int((i + 0.5) * len(rest) / n_typical) for i in range(n_typical)]
    worst_title = f'Worst {n_worst} of {len(ranked)}'
    rest_title = f'{n_typical} of the other {len(rest)}, at even steps from best to worst'
    return [replace(row, group=worst_title) for row in worst] + [
        replace(rest[i], group=rest_title) for i in middles
    ]


def face_sheet(
    faces: Sequence[FaceRow],
    out_file: str | Path,
    columns: int = 8,
    tile: int = 200,
    heading: str = '',
) -> Path:
    """Write a picture of many faces, each with its truth, its prediction and its error.

    Args:
        faces: The faces, row by row. A new group begins a new row, under its title.
        out_file: The picture to write, ``.png`` or ``.jpg``.
        columns: Faces in a row.
        tile: Height and width of a face, px.
        heading: A line of text at the top, beside the legend.

    Returns:
        The path written.

    Raises:
        ValueError: If there are no faces, a size is not positive, or a file is not an image.
        FileNotFoundError: If an image is missing.
    """
    if not faces:
        raise ValueError(f'{out_file}: there are no faces to put on a sheet')
    if columns < 1 or tile < 1:
        raise ValueError(f'columns and tile must be positive, but got {columns} and {tile}')
    columns = min(columns, len(faces))
    width = columns * (tile + GAP) + GAP
    strips = [_heading(heading, width)]
    for title, group in groupby(faces, key=lambda face: face.group):
        if title:
            strips.append(title_strip(title, width))
        captioned = [
            (face_tile(face, tile), f'NME {100 * face.nme:.2f} %', Path(face.img_path).name)
            for face in group
        ]
        strips += _rows(captioned, columns, tile)
    write_image_rgb(np.concatenate(strips), out_file)
    return Path(out_file)


def face_tile(
    face: FaceRow, tile: int, read: Callable[..., np.ndarray] = read_image_rgb
) -> np.ndarray:
    """Cut out a face with a margin and draw its points: ``(tile, tile, 3)`` RGB.

    ``read`` reads the image by its path and ``exif``: ``(H, W, 3)`` uint8, RGB.
    """
    image_rgb = read(face.img_path, exif=face.exif)
    low, high = np.asarray(face.bbox_xyxy, float).reshape(2, 2)
    picture, matrix = cut_square(image_rgb, (low + high) / 2, _ENLARGE * (high - low).max(), tile)
    truth = face.keypoints @ matrix[:, :2].T + matrix[:, 2]
    predicted = face.predicted @ matrix[:, :2].T + matrix[:, 2]
    if face.visible is not None:
        truth = np.where(np.asarray(face.visible)[:, None] > 0, truth, np.nan)
    for start, end in zip(truth, predicted, strict=True):
        draw_segment(picture, start, end, _ERROR)
    # The truth is the larger disc: it shows as a rim around a correct prediction.
    radius = max(1.5, tile / 90)
    for points, size, color in ((truth, 1.4, _TRUTH), (predicted, 1, _PREDICTED)):
        for xy in points:
            draw_disc(picture, xy, radius * size, color)
    return picture


def cut_square(
    image_rgb: np.ndarray, center: np.ndarray, side: float, tile: int
) -> tuple[np.ndarray, np.ndarray]:
    """Resample a square of an image to the size of a tile.

    The square, about ``center`` ``(2,)`` and with sides in image pixels, may extend beyond the
    image.

    Returns:
        ``(tile, tile, 3)``, and the map ``(2, 3)`` from image pixels to those of the tile.
    """
    zoom = tile / side
    shrunk, shrink_xy = image_rgb, np.ones(2)
    if zoom < 1:  # shrink first, then cut: a large face must be averaged
        size_wh = np.array(image_rgb.shape[1::-1])
        small_wh = np.maximum(1, np.rint(size_wh * zoom)).astype(int)
        shrunk = cv2.resize(image_rgb, small_wh.tolist(), interpolation=cv2.INTER_AREA)
        shrink_xy = small_wh / size_wh
    small_center = (center + 0.5) * shrink_xy - 0.5
    cut = _zoom_matrix(small_center, zoom / shrink_xy, tile)
    picture = cv2.warpAffine(shrunk, cut, (tile, tile), borderValue=_OUTSIDE)
    return picture, _zoom_matrix(center, np.full(2, zoom), tile)


def _zoom_matrix(center: np.ndarray, zoom_xy: np.ndarray, tile: int) -> np.ndarray:
    """The map that zooms and moves ``center`` to the centre of the tile."""
    return np.column_stack([np.diag(zoom_xy), (tile - 1) / 2 - center * zoom_xy])


def _rows(
    captioned: Sequence[tuple[np.ndarray, str, str]], columns: int, tile: int
) -> Iterator[np.ndarray]:
    """Lay out pictures in strips, each above its two lines of text."""
    for start in range(0, len(captioned), columns):
        strip = blank_strip(tile + _CAPTION + GAP, columns * (tile + GAP) + GAP)
        for i, (picture, caption, note) in enumerate(captioned[start : start + columns]):
            x = GAP + i * (tile + GAP)
            strip[:tile, x : x + tile] = picture
            for text, below, size, color in ((caption, 16, 15, INK), (note, 33, 12, FAINT)):
                xy = np.array([x, tile + below])
                draw_text(strip, shortened(text, size, tile), xy, size, color)
        yield strip


def title_strip(text: str, width: int) -> np.ndarray:
    """Draw a strip of a sheet with a line of text, whose middle is cut if it is too long."""
    strip = blank_strip(_TITLE, width)
    draw_text(strip, shortened(text, 17, width - 2 * GAP), np.array([GAP, 23]), 17, INK)
    return strip


def _heading(text: str, width: int) -> np.ndarray:
    strip = blank_strip(_HEADING, width)
    x = width - GAP
    for word, color in (('prediction', _PREDICTED), ('truth', _TRUTH)):
        x -= text_size(word, 15)[0]
        draw_text(strip, word, np.array([x, 25]), 15, color)
        x -= 14
    draw_text(strip, shortened(text, 20, x - GAP), np.array([GAP, 27]), 20, INK)
    return strip


def blank_strip(height: int, width: int) -> np.ndarray:
    """Make a strip of a sheet, ``(height, width, 3)``, of the background's colour."""
    return np.full((height, width, 3), _BACKGROUND, np.uint8)


def shortened(text: str, size: float, width: float) -> str:
    """Cut the middle out of a text that is wider than ``width`` px."""
    kept = len(text)
    short = text
    while kept > 1 and text_size(short, size)[0] > width:
        kept -= 1
        short = f'{text[: (kept + 1) // 2]}...{text[len(text) - kept // 2 :]}'
    return short


LEFT, MIDDLE, RIGHT = (80, 170, 255), (90, 230, 90), (255, 110, 60)
"""Colours of points that are left, central and right in the photograph."""

_BOX, _CROP, _NO_TARGET = (255, 236, 130), (240, 240, 240), (190, 90, 200)
_SHADE = (0, 0, 0)  # around points and numbers, which lie on any colour
_HEAT = 0.45  # opacity; the face stays visible below its targets
_MARGIN = 1.06  # of what is shown of a photograph, about box, crop and points
_LEGEND_LINE = 17  # px


@dataclass(frozen=True)
class FaceView:
    """A face to look at; K points, in the pixels of ``image_bgr``.

    Attributes:
        image_bgr: ``(H, W, 3)`` uint8, the photograph, or the crop that the network gets.
        points: ``(K, 2)``.
        shown: ``(K,)``, which points are annotated.
        box: ``(4, 2)``, corners of the annotated box.
        face_id: The annotation's id.
        img_path: The photograph.
        crop: ``(4, 2)``, corners of the crop in the photograph; None where the image is the crop.
        heatmap: ``(h, w)``, the targets of all points in one; None where none were asked for.
        cell_wh: Pixels from the centre of a cell of the heatmap to the next; the centre of the
            first is at (0, 0). None stretches the heatmap over the image.
        has_target: ``(K,)``, which points have a target; None where none were asked for.
        is_mirrored: Whether it is mirrored; None where the pipeline never does so.
    """

    image_bgr: np.ndarray
    points: np.ndarray
    shown: np.ndarray
    box: np.ndarray
    face_id: Any
    img_path: str
    crop: np.ndarray | None = None
    heatmap: np.ndarray | None = None
    cell_wh: np.ndarray | None = None
    has_target: np.ndarray | None = None
    is_mirrored: bool | None = None

    @property
    def captions(self) -> tuple[str, str]:
        """The face's name, and what was done to it."""
        name = f'id {self.face_id}: {Path(self.img_path).name}'
        return name, {None: '', False: 'as it is', True: 'mirrored'}[self.is_mirrored]

    @property
    def square(self) -> tuple[np.ndarray, float]:
        """Centre and side of the square that is shown: a whole crop, or all about a face."""
        if self.crop is None:
            height, width = self.image_bgr.shape[:2]
            return np.array([width - 1, height - 1]) / 2, float(max(width, height))
        seen = np.concatenate([self.box, self.crop, self.points[self.shown]])
        low, high = seen.min(axis=0), seen.max(axis=0)
        return (low + high) / 2, _MARGIN * float((high - low).max())


def point_sheet(
    faces: Sequence[FaceView],
    out_file: str | Path,
    names: Sequence[str],
    colors: Sequence[RGB],
    columns: int = 6,
    tile: int = 300,
    heading: str = '',
) -> Path:
    """Write a picture of faces with numbered points, above a legend of their names.

    Names and colours are those of the points; for the rest see :func:`face_sheet`.

    Raises:
        ValueError: If there are no faces, or a size is not positive.
    """
    if not faces or columns < 1 or tile < 1:
        raise ValueError(
            f'{out_file}: needs faces, columns and a size, got {len(faces)}, {columns}, {tile}'
        )
    columns = min(columns, len(faces))
    width = columns * (tile + GAP) + GAP
    captioned = [(draw_tile(each, tile, colors), *each.captions) for each in faces]
    strips = [title_strip(heading, width), *_rows(captioned, columns, tile)]
    strips.append(legend(names, colors, width))
    write_image_rgb(np.concatenate(strips), out_file)
    return Path(out_file)


def draw_tile(face: FaceView, tile: int, colors: Sequence[RGB]) -> np.ndarray:
    """Draw heatmap, box, crop, and each point with its number: ``(tile, tile, 3)`` RGB."""
    image_rgb = np.ascontiguousarray(face.image_bgr[..., ::-1])
    if face.heatmap is not None:
        cells = face.heatmap
        if face.cell_wh is not None:
            cells = place_cells(cells, face.cell_wh, image_rgb.shape[:2])
        image_rgb = overlay_heatmap(image_rgb, cells, _HEAT)
    picture, matrix = cut_square(image_rgb, *face.square, tile)

    def to_tile(xy: np.ndarray) -> np.ndarray:
        return xy @ matrix[:, :2].T + matrix[:, 2]

    for corners, color in ((face.crop, _CROP), (face.box, _BOX)):
        if corners is not None:
            outline = to_tile(corners)
            for start, end in zip(outline, np.roll(outline, -1, axis=0), strict=True):
                draw_segment(picture, start, end, color)
    has_target = np.ones(len(face.points), bool) if face.has_target is None else face.has_target
    # Many points leave room only for small numbers.
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


def place_cells(heatmap: np.ndarray, cell_wh: np.ndarray, shape_hw: Sequence[int]) -> np.ndarray:
    """Put the cells of a heatmap where a codec has them: cell i about pixel ``i * cell_wh``.

    Returns:
        ``shape_hw``: each pixel's cell, 0 beyond the last one.
    """
    columns, rows = (
        np.floor(np.arange(count) / cell + 0.5).astype(int)
        for count, cell in zip(reversed(shape_hw), cell_wh, strict=True)
    )
    height, width = heatmap.shape
    placed = np.zeros(tuple(shape_hw), heatmap.dtype)
    placed[: (rows < height).sum(), : (columns < width).sum()] = heatmap[
        np.ix_(rows[rows < height], columns[columns < width])
    ]
    return placed


def legend(names: Sequence[str], colors: Sequence[RGB], width: int) -> np.ndarray:
    """Draw a strip with the points' names by number, and the meaning of colours and lines."""
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
