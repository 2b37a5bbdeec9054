"""mmengine's visualizer with OpenCV as a second backend."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.dist import master_only
from mmengine.visualization import Visualizer
from mmengine.visualization.utils import tensor2ndarray

from . import drawing
from .drawing import Color, each_color

Array = np.ndarray | torch.Tensor
Colors = Color | Sequence[Color]


def _or_matplotlib(method: Callable) -> Callable:
    """Wrap ``method`` to call mmengine's method of the same name if the backend is matplotlib.

    The arguments have mmengine's names and are passed on by name.
    """
    signature = inspect.signature(method)

    @master_only
    @wraps(method)
    def draw(self: OpencvBackendVisualizer, *args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(self, *args, **kwargs)
        if self.backend == 'opencv':
            return method(*bound.args, **bound.kwargs)
        bound.apply_defaults()
        del bound.arguments['self']
        return getattr(Visualizer, method.__name__)(self, **bound.arguments)

    return draw


class OpencvBackendVisualizer(Visualizer):
    """A visualizer that draws with OpenCV or, like mmengine's, with matplotlib.

    Drawing methods take one item or several, and one value for all or one for each. They return the
    visualizer for chaining. Only the main process draws. OpenCV ignores ``line_styles``,
    ``font_families`` and ``font_properties``, and the ``face_colors`` of boxes and polygons.

    The ``backend`` is ``'opencv'``, which is many times faster and does not import matplotlib, or
    ``'matplotlib'``. The other arguments are mmengine's; images are ``(H, W, 3)``, RGB.

    Raises:
        ValueError: If the backend is unknown.
    """

    def __init__(
        self,
        name: str = 'visualizer',
        backend: str = 'matplotlib',
        image: np.ndarray | None = None,
        vis_backends: list | dict | None = None,
        save_dir: str | None = None,
        fig_save_cfg: dict | None = None,
        fig_show_cfg: dict | None = None,
    ) -> None:
        if backend not in ('opencv', 'matplotlib'):
            raise ValueError(f"backend must be 'opencv' or 'matplotlib', but got '{backend}'")
        self.backend = backend
        self._image: np.ndarray | None = None
        super().__init__(
            name,
            image,
            vis_backends,
            save_dir,
            fig_save_cfg or {'frameon': False},
            fig_show_cfg or {'frameon': False},
        )

    @_or_matplotlib
    def set_image(self, image: np.ndarray) -> None:
        """Copy ``image`` ``(H, W, 3)``, RGB, to draw on.

        Raises:
            ValueError: If the array is not ``(H, W, 3)``.
        """
        if image.ndim != 3 or image.shape[2] != 3:
            raise ValueError(f'an image is (H, W, 3), RGB, but got the shape {image.shape}')
        self._image = np.array(image, dtype=np.uint8, order='C')
        self.height, self.width = image.shape[:2]

    @_or_matplotlib
    def get_image(self) -> np.ndarray:
        """Return the image ``(H, W, 3)``, RGB, with all that was drawn.

        Raises:
            RuntimeError: If no image was set.
        """
        if self._image is None:
            raise RuntimeError('there is no image yet: call set_image first')
        return self._image

    @_or_matplotlib
    def draw_circles(
        self,
        center: Array,
        radius: Array,
        face_colors: Colors = 'none',
        alpha: float = 1.0,
        edge_colors: Colors = 'g',
        line_styles: str | list[str] = '-',
        line_widths: float | list[float] = 2,
    ) -> OpencvBackendVisualizer:
        """Draw circles: centres ``(N, 2)`` or ``(2,)``, radii ``(N,)``, ``(1,)`` or a number, px.

        The face colour ``'none'`` leaves a ring of the edge colour. With OpenCV ``alpha`` is the
        opacity of filled circles only, and these have no rims.
        """
        image = self.get_image()
        centers = np.reshape(tensor2ndarray(center), (-1, 2))
        radii = np.broadcast_to(np.ravel(tensor2ndarray(radius)), len(centers))
        count = len(centers)
        faces, edges = each_color(face_colors, count), each_color(edge_colors, count)
        widths = _each(line_widths, count)
        for i, xy in enumerate(centers):
            if isinstance(faces[i], str) and faces[i] == 'none':
                drawing.draw_ring(image, xy, radii[i], edges[i], widths[i])
            else:
                drawing.draw_disc(image, xy, radii[i], faces[i], alpha)
        return self

    @_or_matplotlib
    def draw_texts(
        self,
        texts: str | list[str],
        positions: Array,
        font_sizes: float | list[float] | None = None,
        colors: Colors = 'g',
        vertical_alignments: str | list[str] = 'top',
        horizontal_alignments: str | list[str] = 'left',
        bboxes: dict | list[dict] | None = None,
        font_families: str | list[str] = 'sans-serif',
        font_properties: Any = None,
    ) -> OpencvBackendVisualizer:
        """Write lines of text at positions ``(N, 2)`` or ``(2,)``, px.

        The alignments (``'top'``, ``'center'``, ``'bottom'``, ``'left'``, ``'right'``) say which
        part of a text is at its position. Font sizes are heights of a line, px; by default they
        follow from the image's size. Of ``bboxes``, which are behind the texts, OpenCV uses the
        ``facecolor``.
        """
        lines = [texts] if isinstance(texts, str) else texts
        count = len(lines)
        default_size = max(np.sqrt(self.height * self.width) // 90, 10)
        columns = (
            np.reshape(tensor2ndarray(positions), (-1, 2)),
            _each(font_sizes or default_size, count),
            each_color(colors, count),
            _each(horizontal_alignments, count),
            _each(vertical_alignments, count),
            [box and box.get('facecolor') for box in _each(bboxes, count)],
        )
        for line, *values in zip(lines, *columns, strict=True):
            drawing.draw_text(self.get_image(), line, *values)
        return self

    @_or_matplotlib
    def draw_bboxes(
        self,
        bboxes: Array,
        edge_colors: Colors = 'g',
        line_widths: float | list[float] = 2,
        alpha: float = 1.0,
        line_styles: str | list[str] = '-',
        face_colors: Colors = 'none',
    ) -> OpencvBackendVisualizer:
        """Draw the outlines of boxes ``(N, 4)`` or ``(4,)``, xyxy, px; ``alpha`` is the opacity."""
        boxes_xyxy = np.reshape(tensor2ndarray(bboxes), (-1, 4))
        count = len(boxes_xyxy)
        colors, widths = each_color(edge_colors, count), _each(line_widths, count)
        for box_xyxy, color, width in zip(boxes_xyxy, colors, widths, strict=True):
            drawing.draw_box(self.get_image(), box_xyxy, color, width, alpha)
        return self

    @_or_matplotlib
    def draw_lines(
        self,
        x_datas: Array,
        y_datas: Array,
        colors: Colors = 'g',
        line_widths: float | list[float] = 2,
        line_styles: str | list[str] = '-',
    ) -> OpencvBackendVisualizer:
        """Draw straight lines from ``x_datas`` and ``y_datas``, each ``(N, 2)`` or ``(2,)``, px."""
        xs, ys = (np.reshape(tensor2ndarray(data), (-1, 2)) for data in (x_datas, y_datas))
        lines_xy = np.stack([xs, ys], axis=-1)
        count = len(lines_xy)
        line_colors, widths = each_color(colors, count), _each(line_widths, count)
        for (start, end), color, width in zip(lines_xy, line_colors, widths, strict=True):
            drawing.draw_segment(self.get_image(), start, end, color, width)
        return self

    @_or_matplotlib
    def draw_polygons(
        self,
        polygons: Array | list[Array],
        edge_colors: Colors = 'g',
        alpha: float = 1.0,
        line_styles: str | list[str] = '-',
        line_widths: float | list[float] = 2,
        face_colors: Colors = 'none',
    ) -> OpencvBackendVisualizer:
        """Draw polygons ``(P, 2)``, px. OpenCV fills them with ``edge_colors``."""
        many = polygons if isinstance(polygons, list) else [polygons]
        for polygon, color in zip(many, each_color(edge_colors, len(many)), strict=True):
            drawing.draw_polygon(self.get_image(), tensor2ndarray(polygon), color, alpha)
        return self

    @_or_matplotlib
    def show(
        self,
        drawn_img: np.ndarray | None = None,
        win_name: str = 'image',
        wait_time: float = 0.0,
        continue_key: str = ' ',
    ) -> None:
        """Show an image ``(H, W, 3)``, RGB, in a window; by default the visualizer's.

        It waits for so many seconds, or with 0 for the ``continue_key``; with OpenCV any key.
        """
        image_rgb = self.get_image() if drawn_img is None else drawn_img
        window = str(id(self))  # one window for all images: only its title changes
        cv2.namedWindow(window)
        cv2.setWindowTitle(window, win_name)
        cv2.imshow(window, cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR))
        cv2.waitKey(int(np.ceil(wait_time * 1000)))

    def _initialize_fig(self, fig_cfg: dict) -> tuple:
        if self.backend == 'matplotlib':
            return super()._initialize_fig(fig_cfg)
        return _NoFigure(), _NoFigure(), _NoFigure()


class _NoFigure:
    """Placeholder for the base class's matplotlib figure, which OpenCV does not need."""

    def get_dpi(self) -> float:
        return 100.0

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"only backend='matplotlib' can draw this (it asks for '{name}')")


def _each(values: Any, count: int) -> list:
    if not isinstance(values, list):
        return [values] * count
    if len(values) != count:
        raise ValueError(f'got {len(values)} values for {count} items: {values}')
    return values
