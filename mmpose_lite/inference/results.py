"""The faces of one photograph or frame, with their points."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from mmengine.structures import InstanceData
from numpy import ndarray

from mmpose_lite.apis.exchange import to_supervision
from mmpose_lite.structures import PoseDataSample, PoseMetainfo
from mmpose_lite.visualization.drawing import draw_box, draw_disc, draw_ring, draw_text

from .sources import Photograph

_BOX, _TEXT = 'lime', 'black'
_FALLBACK = (255, 64, 64)
# Sizes on a picture, as shares of a face's side.
_RADIUS, _SMALLEST_RADIUS = 0.015, 1.5
_RING, _RING_WIDTH = 1.35, 0.55  # of a disc's radius

PROBABLY = 0.5
"""The probability from which on a point is taken for hidden."""


@dataclass
class Landmarks:
    """The N faces of an image or a frame, with K points each.

    Attributes:
        photograph: The image, with its name and its pixels, upright.
        points: ``(N, K, 2)`` float32, image pixels, x before y, pixel centres at integers.
        scores: ``(N, K)`` float32, the maxima of the heatmaps.
        boxes: ``(N, 4)`` float32 xyxy, image pixels, as the model got them.
        box_scores: ``(N,)`` float32, from the detector; 1 for boxes without scores.
        meta: Description of the points, such as their names and colours.
        ids: ``(N,)`` int64, which a face keeps through a video; None without tracking.
        errors: ``(N, K)`` float32, expected errors in percent of the box; None if unknown.
        hidden: ``(N, K)`` float32, probability that a point is hidden; None if unknown.
    """

    photograph: Photograph
    points: ndarray
    scores: ndarray
    boxes: ndarray
    box_scores: ndarray
    meta: PoseMetainfo = field(repr=False)
    ids: ndarray | None = None
    errors: ndarray | None = None
    hidden: ndarray | None = None

    def __len__(self) -> int:
        return len(self.points)

    @property
    def name(self) -> str:
        """The image's file, or a name such as ``'image 3'`` for arrays."""
        return self.photograph.name

    def take(self, rows: ndarray, ids: ndarray | None = None) -> Landmarks:
        """Select faces by their rows ``(M,)``, with ids ``(M,)``."""
        known = {name: getattr(self, name) for name in ('errors', 'hidden')}
        kept = {name: value[rows] for name, value in known.items() if value is not None}
        arrays = (self.points[rows], self.scores[rows], self.boxes[rows], self.box_scores[rows])
        return Landmarks(self.photograph, *arrays, self.meta, ids, **kept)

    def draw(self, least_score: float = 0.0, boxes: bool = True) -> ndarray:
        """Draw the faces on a copy of the image; points that are probably hidden are rings.

        Args:
            least_score: Points with a lower score are not drawn.
            boxes: Draw the boxes, and the ids if there are any.

        Returns:
            ``(H, W, 3)`` uint8, BGR.
        """
        picture = cv2.cvtColor(self.photograph.image, cv2.COLOR_BGR2RGB)
        colors = self.meta.get('keypoint_colors')
        for face, (points, scores) in enumerate(zip(self.points, self.scores, strict=True)):
            side = float(np.max(self.boxes[face, 2:] - self.boxes[face, :2]))
            if boxes:
                self._draw_box(picture, face, side)
            radius = max(_SMALLEST_RADIUS, side * _RADIUS)
            for place, (xy, score) in enumerate(zip(points, scores, strict=True)):
                if score < least_score:
                    continue
                color = _FALLBACK if colors is None else tuple(map(int, colors[place]))
                if self.hidden is not None and self.hidden[face, place] > PROBABLY:
                    draw_ring(picture, xy, radius * _RING, color, radius * _RING_WIDTH)
                else:
                    draw_disc(picture, xy, radius, color)
        return cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)

    def _draw_box(self, picture: ndarray, face: int, side: float) -> None:
        draw_box(picture, self.boxes[face], _BOX, max(1.0, side / 150))
        if self.ids is not None:
            size = float(np.clip(side / 8, 12, 48))
            corner = self.boxes[face, :2]
            draw_text(picture, str(self.ids[face]), corner, size, _TEXT, background=_BOX)

    def to_samples(self) -> list[PoseDataSample]:
        """Return the faces as :func:`inference_topdown` does, one sample each."""
        samples = []
        for face in range(len(self)):
            sample = PoseDataSample(metainfo={'img_path': self.photograph.path})
            rows = slice(face, face + 1)
            sample.pred_instances = InstanceData(
                keypoints=self.points[rows],
                keypoint_scores=self.scores[rows],
                bboxes=self.boxes[rows],
                bbox_scores=self.box_scores[rows],
            )
            samples.append(sample)
        return samples

    def as_supervision(self) -> Any:
        """Return the faces as supervision's ``KeyPoints``; see :func:`to_supervision`.

        Raises:
            InputError: If supervision is not installed.
        """
        return to_supervision(self.to_samples())
