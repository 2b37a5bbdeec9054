"""Points of all faces of photographs, in batches that several photographs share."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from numpy import ndarray

from mmpose_lite.apis.inference import check_boxes, init_model, load_photograph, test_pipeline
from mmpose_lite.errors import InputError
from mmpose_lite.models.utils.fold_norms import fold_norms

from .detectors import Detector, make_detector
from .results import Landmarks
from .sources import Photograph, Source, find_photographs

BoxMap = Callable[[ndarray], ndarray]
"""A function from a detector's boxes ``(N, 5)`` to the model's, ``(N, 5)``, image pixels."""


class Landmarker:
    """Finds the points of all faces of photographs.

        for result in Landmarker(CONFIG, CKPT)('folder/', stream=True):
            print(result.name, result.points)

    Args:
        model: A config, or a model of :func:`init_model`.
        checkpoint: Its weights.
        detector: A detector's name, see :func:`make_detector`, or a function from an image
            ``(H, W, 3)`` uint8 BGR to boxes ``(N, 5)`` x1, y1, x2, y2, score.
        box_map: A function from the detector's boxes to those that the model was trained with.
        device: Such as ``'cuda:0'`` or ``'cpu'``; ``'auto'``: a GPU where there is one.
        batch: Faces in a batch.
        flip: Predict mirrored crops too, in twice the time, whatever the config says.
        amp: Run the network in half precision.

    Attributes:
        model: The model, whose norms are folded: it can neither train nor load a checkpoint.
    """

    def __init__(
        self,
        model: Any,
        checkpoint: str | Path | None = None,
        detector: str | Detector | None = 'retinaface',
        box_map: BoxMap | None = None,
        device: str = 'auto',
        batch: int = 16,
        flip: bool = False,
        amp: bool = False,
    ) -> None:
        if isinstance(model, str | Path):
            model = init_model(model, None if checkpoint is None else str(checkpoint), device)
        self.model = model
        self.model.test_cfg = {**self.model.test_cfg, 'flip_test': flip}
        fold_norms(self.model)
        self.detector = make_detector(detector) if isinstance(detector, str) else detector
        self.box_map = box_map
        self.batch, self.amp = batch, amp

    @property
    def meta(self) -> Any:
        """Description of the points."""
        return self.model.dataset_meta

    def __call__(
        self, source: Source | Iterable[Source], boxes: Any = None, stream: bool = False
    ) -> list[Landmarks] | Iterator[Landmarks]:
        """Find the faces of photographs, and their points.

        Args:
            source: A file, a folder, a pattern, an array ``(H, W, 3)`` uint8 BGR, an image of
                PIL's, or a list of these.
            boxes: Boxes of the faces, image pixels, ``(N, 4)`` or ``(N, 5)`` xyxy, of one
                photograph; the detector is asked where there are none.
            stream: Return an iterator, which holds few photographs at a time.

        Returns:
            One result a photograph, in the order of the source.

        Raises:
            BadImageError: If a photograph cannot be read.
        """
        found = find_photographs(source)
        photographs = (self._read(each, index) for index, each in enumerate(found))
        results = self.predict((each, boxes) for each in photographs)
        return results if stream else list(results)

    def _read(self, source: Source, index: int) -> Photograph:
        loaded = load_photograph(source, 'bgr', test_pipeline(self.model))
        path = loaded['img_path']
        return Photograph(path or f'image {index}', loaded['img'], path)

    def predict(self, photographs: Iterable[tuple[Photograph, Any]]) -> Iterator[Landmarks]:
        """Find the points of photographs with their boxes; None asks the detector.

        Boxes are used as they are given; the detector's go through the ``box_map``.
        """
        waiting: deque[tuple[Photograph, ndarray, list]] = deque()
        crops: list[dict] = []
        for photograph, given in photographs:
            boxes = self.find_boxes(photograph) if given is None else given
            boxes, scores = check_boxes(boxes, 'xyxy', photograph.image.shape[:2])
            waiting.append((photograph, np.column_stack([boxes, scores]), []))
            crops += self._crops(photograph, boxes, scores)
            while len(crops) >= self.batch:
                self._run(crops[: self.batch], waiting)
                crops = crops[self.batch :]
            if len(waiting) > 4 * self.batch and crops:
                self._run(crops, waiting)
                crops = []
            yield from self._finished(waiting)
        if crops:
            self._run(crops, waiting)
        yield from self._finished(waiting)

    def find_boxes(self, photograph: Photograph) -> ndarray:
        """Boxes ``(N, 5)`` of a photograph's faces, as the model takes them.

        Raises:
            InputError: If there is no detector.
        """
        if self.detector is None:
            raise InputError(
                "there are neither boxes nor a detector: say detector='retinaface' (pip install "
                "'mmpose_lite[predict]'), boxes, or detector='whole-image'"
            )
        found = np.asarray(self.detector(photograph.image))
        return found if self.box_map is None or not len(found) else self.box_map(found)

    def _crops(self, photograph: Photograph, boxes: ndarray, scores: ndarray) -> Iterator[dict]:
        pipeline = test_pipeline(self.model)
        for row in range(len(boxes)):
            yield pipeline(
                {
                    **self.model.dataset_meta,
                    'img': photograph.image,
                    'img_path': photograph.path,
                    'bbox': boxes[row : row + 1],
                    'bbox_score': scores[row : row + 1],
                }
            )

    def _run(self, crops: list[dict], waiting: Iterable[tuple[Photograph, ndarray, list]]) -> None:
        """Predict a batch, and give its faces to the first photographs that lack some."""
        device = next(self.model.parameters()).device
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, self.amp):
            samples = iter(self.model.test_step(pseudo_collate(crops)))
        for _, boxes, faces in waiting:
            while len(faces) < len(boxes):
                sample = next(samples, None)
                if sample is None:
                    return
                faces.append(sample.pred_instances)

    def _finished(self, waiting: deque[tuple[Photograph, ndarray, list]]) -> Iterator[Landmarks]:
        while waiting and len(waiting[0][2]) == len(waiting[0][1]):
            photograph, boxes, faces = waiting.popleft()
            count = self.meta['num_keypoints']
            points, scores = np.zeros((0, count, 2)), np.zeros((0, count))
            if faces:
                points = np.concatenate([face.keypoints for face in faces])
                scores = np.concatenate([face.keypoint_scores for face in faces])
            arrays = (points, scores, boxes[:, :4], boxes[:, 4])
            yield Landmarks(photograph, *(each.astype(np.float32) for each in arrays), self.meta)
