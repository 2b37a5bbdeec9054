"""Visualizer of samples: points, links, boxes and heatmaps on the photograph."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.dist import master_only
from mmengine.structures import InstanceData, PixelData

from mmpose_lite.registry import VISUALIZERS
from mmpose_lite.structures import PoseDataSample

from .drawing import Color, each_color, limb_outline, overlay_heatmap, write_image_rgb
from .opencv_backend_visualizer import OpencvBackendVisualizer

Palette = str | Sequence[Color | None] | None
_STYLES = ('mmpose', 'openpose')
_LIMB_ALPHA = 0.6


@VISUALIZERS.register_module()
class PoseLocalVisualizer(OpencvBackendVisualizer):
    """Draw the truth and the prediction of a sample.

    With both there are two panels: the truth left, the prediction right. In the right one a thin
    line connects each predicted point to its true place, marked by a small dot.

    Args:
        name: Name of the instance.
        image: ``(H, W, 3)`` RGB, the first image.
        vis_backends: Backends that store pictures and scalars.
        save_dir: Folder of those backends; without it, those that write files are left out.
        bbox_color: Colour of the boxes.
        kpt_color: Colour of all points, or one for each; None hides a point.
        link_color: Colour of all links, or one for each; None draws no links.
        text_color: Colour of the boxes' labels; None for no labels.
        skeleton: The links, as pairs of point indices.
        line_width: Width of boxes and links, px.
        radius: Radius of the points, px.
        show_keypoint_weight: Draw points with lower scores fainter.
        backend: ``'opencv'`` or ``'matplotlib'``.
        alpha: Opacity of points and boxes, 0 to 1.
        error_color: Colour of the lines from prediction to truth; None for no lines.

    Colours are names or ``(red, green, blue)`` from 0 to 255. Those of :meth:`set_dataset_meta`
    take precedence over the arguments.
    """

    def __init__(
        self,
        name: str = 'visualizer',
        image: np.ndarray | None = None,
        vis_backends: list | dict | None = None,
        save_dir: str | None = None,
        bbox_color: Color = 'green',
        kpt_color: Palette = 'red',
        link_color: Palette = None,
        text_color: Color | None = (255, 255, 255),
        skeleton: Sequence[Sequence[int]] | None = None,
        line_width: float = 1,
        radius: float = 3,
        show_keypoint_weight: bool = False,
        backend: str = 'opencv',
        alpha: float = 1.0,
        error_color: Color | None = 'yellow',
    ) -> None:
        with warnings.catch_warnings():
            # Without a folder nothing is to be stored, as intended.
            warnings.filterwarnings('ignore', message='Failed to add .*save_dir')
            super().__init__(name, backend, image, vis_backends, save_dir)
        self.bbox_color = bbox_color
        self.kpt_color = kpt_color
        self.link_color = link_color
        self.text_color = text_color
        self.skeleton = skeleton
        self.line_width = line_width
        self.radius = radius
        self.show_keypoint_weight = show_keypoint_weight
        self.alpha = alpha
        self.error_color = error_color
        self.dataset_meta: dict = {}

    def set_dataset_meta(self, dataset_meta: Any, skeleton_style: str = 'mmpose') -> None:
        """Take links and colours from the metainfo of a data set.

        Args:
            dataset_meta: Parsed metainfo, of which ``bbox_color``, ``keypoint_colors``,
                ``skeleton_links`` and ``skeleton_link_colors`` are used if present. Anything but a
                mapping is ignored.
            skeleton_style: ``'mmpose'`` or ``'openpose'``.

        Raises:
            NotImplementedError: If the metainfo is not of this style.
        """
        if isinstance(dataset_meta, Mapping):
            meta = dict(dataset_meta)
            _check_style(skeleton_style, meta)
            self.dataset_meta = meta
            self.bbox_color = meta.get('bbox_color', self.bbox_color)
            self.kpt_color = meta.get('keypoint_colors', self.kpt_color)
            self.link_color = meta.get('skeleton_link_colors', self.link_color)
            self.skeleton = meta.get('skeleton_links', self.skeleton)

    @master_only
    def add_datasample(
        self,
        name: str,
        image: np.ndarray,
        data_sample: PoseDataSample,
        draw_gt: bool = True,
        draw_pred: bool = True,
        draw_heatmap: bool = False,
        draw_bbox: bool = False,
        show_kpt_idx: bool = False,
        skeleton_style: str = 'mmpose',
        show: bool = False,
        wait_time: float = 0,
        out_file: str | None = None,
        kpt_thr: float = 0.3,
        step: int = 0,
    ) -> np.ndarray:
        """Draw a sample, then show it, write it to a file, or store it in the backends.

        Args:
            name: The picture's name in the backends, and the window's title.
            image: ``(H, W, 3)`` RGB, the photograph; the sample's points are in its pixels.
            data_sample: Truth and prediction; each may be missing.
            draw_gt: Draw a panel with the truth.
            draw_pred: Draw a panel with the prediction.
            draw_heatmap: Draw heatmaps, if there are any, below the panels, stretched over the
                whole image.
            draw_bbox: Draw the boxes.
            show_kpt_idx: Write each point's index beside it.
            skeleton_style: ``'mmpose'``, or ``'openpose'`` for limb-shaped links.
            show: Show the picture in a window.
            wait_time: Seconds that the window waits; 0 waits for a key.
            out_file: The file to write. Without it, and if nothing is shown, the picture goes to
                the backends.
            kpt_thr: Points with less visibility, or a lower score, are not drawn.
            step: The step for the backends.

        Returns:
            The picture, RGB: ``H`` high (twice that with heatmaps), ``W`` wide for each panel.

        Raises:
            ValueError: If the number of colours is not that of points or links.
            NotImplementedError: If the metainfo is not of the openpose style.
        """
        _check_style(skeleton_style, self.dataset_meta or {})
        panels, heats = [], []
        for part in ['gt'] * draw_gt + ['pred'] * draw_pred:
            panel, instances = image, data_sample.get(f'{part}_instances')
            if instances is not None:
                panel = self._draw_instances_bbox(panel, instances) if draw_bbox else panel
                style = (kpt_thr, show_kpt_idx, skeleton_style)
                panel = self._draw_instances_kpts(panel, instances, *style)
            if draw_gt and part == 'pred':
                panel = self._draw_errors(panel, data_sample, kpt_thr)
            fields = data_sample.get(f'{part}_fields') if draw_heatmap else None
            panels.append(panel)
            count = np.shape((instances or {}).get('keypoints', [[]]))[1]
            maps = (fields, image, count)
            heats.append(None if fields is None else self._draw_instance_heatmap(*maps))
        self.set_image(_arrange(panels, heats, image))
        picture = self.get_image()
        if show:
            self.show(picture, win_name=name, wait_time=wait_time)
        if out_file is not None:
            write_image_rgb(picture, out_file)
        elif not show:
            self.add_image(name, picture, step)
        return picture

    def _draw_instances_bbox(self, image: np.ndarray, instances: InstanceData) -> np.ndarray:
        self.set_image(image)
        if 'bboxes' in instances:
            self.draw_bboxes(instances.bboxes, self.bbox_color, self.line_width, self.alpha)
            if 'labels' in instances and self.text_color is not None:
                self._draw_labels(instances)
        return self.get_image()

    def _draw_labels(self, instances: InstanceData) -> None:
        classes = (self.dataset_meta or {}).get('classes')
        for bbox_xyxy, label in zip(instances.bboxes, instances.labels, strict=True):
            self.draw_texts(
                f'class {label}' if classes is None else classes[label],
                bbox_xyxy[:2],
                colors=self.text_color,
                vertical_alignments='bottom',
                bboxes=[{'facecolor': self.bbox_color}],
            )

    def _draw_instances_kpts(
        self,
        image: np.ndarray,
        instances: InstanceData,
        kpt_thr: float = 0.3,
        show_kpt_idx: bool = False,
        skeleton_style: str = 'mmpose',
    ) -> np.ndarray:
        self.set_image(image)
        if 'keypoints' in instances:
            for points, scores in zip(*_points_and_scores(instances), strict=True):
                self._draw_links(points, scores, kpt_thr, skeleton_style)
                self._draw_points(points, scores, kpt_thr, show_kpt_idx)
        return self.get_image()

    def _draw_links(
        self, points: np.ndarray, scores: np.ndarray, kpt_thr: float, skeleton_style: str
    ) -> None:
        if self.skeleton is None or self.link_color is None:
            return
        colors = each_color(self.link_color, len(self.skeleton), 'link_color', 'skeleton')
        for (i, j), color in zip(self.skeleton, colors, strict=True):
            if color is None or min(scores[i], scores[j]) < kpt_thr:
                continue
            if skeleton_style == 'openpose':
                outline = limb_outline(points[i], points[j], self.line_width)
                self.draw_polygons(outline, color, _LIMB_ALPHA, face_colors=color)
            else:
                xs, ys = points[[i, j]].T
                self.draw_lines(xs, ys, color, self.line_width)

    def _draw_points(
        self, points: np.ndarray, scores: np.ndarray, kpt_thr: float, show_kpt_idx: bool
    ) -> None:
        colors = each_color(self.kpt_color, len(points), 'kpt_color', 'keypoints')
        for i, (xy, score, color) in enumerate(zip(points, scores, colors, strict=True)):
            if color is None or score < kpt_thr:
                continue
            alpha = self.alpha * (float(np.clip(score, 0, 1)) if self.show_keypoint_weight else 1)
            self.draw_circles(xy, np.array([self.radius]), color, alpha, edge_colors=color)
            if show_kpt_idx:
                beside = np.add(xy, (self.radius, -self.radius))
                self.draw_texts(str(i), beside, max(8, self.radius * 3), color, 'bottom')

    def _draw_errors(
        self, image: np.ndarray, data_sample: PoseDataSample, kpt_thr: float
    ) -> np.ndarray:
        parts = [data_sample.get('gt_instances'), data_sample.get('pred_instances')]
        if self.error_color is None or any(x is None or 'keypoints' not in x for x in parts):
            return image
        (truth, visible), (predicted, scores) = map(_points_and_scores, parts)
        if truth.shape != predicted.shape:  # these are not the same faces
            return image
        self.set_image(image)
        shown = (visible > 0) & (scores >= kpt_thr)
        for start, end in zip(truth[shown], predicted[shown], strict=True):
            self.draw_lines(*np.stack([start, end], axis=1), self.error_color, line_widths=1)
            self.draw_circles(start, np.array([self.radius / 2]), self.error_color)
        return self.get_image()

    def _draw_instance_heatmap(
        self, fields: PixelData, overlaid_image: np.ndarray, count: int = 0
    ) -> np.ndarray | None:
        if 'heatmaps' not in fields:
            return None
        heatmaps = fields.heatmaps
        if isinstance(heatmaps, torch.Tensor):
            heatmaps = heatmaps.detach().float().cpu().numpy()
        if heatmaps.ndim == 3:
            # The first map of each point: maps of offsets are no heat.
            heatmaps = heatmaps[:: max(1, len(heatmaps) // (count or len(heatmaps)))].max(axis=0)
        return overlay_heatmap(overlaid_image, heatmaps)


def _check_style(skeleton_style: str, dataset_meta: Mapping) -> None:
    if skeleton_style not in _STYLES:
        raise ValueError(f"skeleton_style must be one of {_STYLES}, but got '{skeleton_style}'")
    dataset_name = str(dataset_meta.get('dataset_name', ''))
    if skeleton_style == 'openpose' and not dataset_name.endswith('openpose'):
        raise NotImplementedError(
            f'openpose style has not been supported for {dataset_name or "this"} dataset: give a '
            "metainfo file of that style, whose dataset_name ends with 'openpose'"
        )


def _points_and_scores(instances: InstanceData) -> tuple[np.ndarray, np.ndarray]:
    points = np.asarray(instances.get('transformed_keypoints', instances.keypoints))[..., :2]
    for key in ('keypoints_visible', 'keypoint_scores'):
        if key in instances:
            # Truth may carry a loss weight beside each visibility: (N, K, 2).
            return points, np.reshape(instances[key], (*points.shape[:2], -1))[..., 0]
    return points, np.ones(points.shape[:-1])


def _arrange(
    panels: list[np.ndarray], heats: list[np.ndarray | None], image: np.ndarray
) -> np.ndarray:
    """Put the panels side by side; if any has a heatmap, all get a lower half."""
    if not panels:
        return image
    if any(heat is not None for heat in heats):
        lower = [image if heat is None else heat for heat in heats]
        panels = [np.concatenate(pair) for pair in zip(panels, lower, strict=True)]
    return np.concatenate(panels, axis=1)
