"""Points of all faces of photographs, in batches that several photographs share, and of videos."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.logging import print_log
from mmengine.model import BaseModel
from mmengine.structures import InstanceData
from numpy import ndarray

from mmpose_lite.apis.inference import check_boxes, load_photograph, test_pipeline
from mmpose_lite.errors import InputError
from mmpose_lite.export.estimator import ExportedEstimator
from mmpose_lite.export.runtime import ExportedModel
from mmpose_lite.models.utils.fold_norms import fold_norms
from mmpose_lite.structures import PoseMetainfo

from .box_files import BoxFile
from .calibration import Calibration, find_calibration
from .detectors import ABOUT_BOXES, Detector, detect, make_detector, whole_image
from .models import load_model
from .results import Landmarks
from .sources import Photograph, Source, find_photographs
from .tracking import EVERY
from .video_results import open_videos, split_videos, video_results

BoxMap = Callable[[ndarray], ndarray]
"""A function from a detector's boxes ``(N, 5)`` to the model's, ``(N, 5)``, image pixels."""
OnError = Callable[[str, InputError], None]
"""A function that gets the name of a photograph that cannot be used, and the reason."""

_AHEAD = 4  # photographs that are read while the network runs


@dataclass
class _Waiting:
    """A photograph whose faces are not all predicted yet."""

    photograph: Photograph
    boxes: ndarray
    crops: list[dict]
    faces: list[InstanceData] = field(default_factory=list)

    @property
    def lacks(self) -> bool:
        """True while faces are missing."""
        return len(self.faces) < len(self.boxes)


@dataclass
class _Failed:
    """A photograph that cannot be used; it waits for those before it."""

    name: str
    error: InputError
    lacks = False


class Landmarker:
    """Finds faces and their landmarks in images, folders and videos.

        for result in Landmarker('best.pth')('folder/', stream=True):
            print(result.name, result.points)
        for result in Landmarker('best.pth')('clip.mp4', stream=True, track=True):
            print(result.photograph.time_s, result.ids, result.points)

    Args:
        model: ``'faces19'``; a checkpoint that was trained here; a config, with its weights as
            ``checkpoint``; an exported file, or :class:`.ExportedModel`; or a model from
            :func:`init_model`, which is changed.
        checkpoint: The weights that belong to a config, or an exported file.
        detector: A detector's name, see :func:`make_detector`, or a function from an image
            ``(H, W, 3)`` uint8 BGR to boxes ``(N, 5)`` x1, y1, x2, y2, score; None where boxes are
            always given.
        box_map: A function from the detector's boxes to those that the model was trained with,
            both ``(N, 5)``. By default that of the calibration, if it has one for this detector.
            Boxes that you pass, or that come from a file, are used unchanged.
        device: ``'auto'``, a GPU if there is one; or a device such as ``'cuda:0'`` or ``'cpu'``.
        batch: Number of faces that the network takes at once, from one photograph or several.
        flip: Use the flip test (predict mirrored crops too), which doubles the time. The config's
            setting is not used. An exported file has the flip test built in, or not.
        amp: Compute in bfloat16: faster on GPUs and on CPUs with AVX512-BF16 or AMX, many times
            slower on other CPUs.
        trust_checkpoint: See :func:`init_model`.

    Attributes:
        model: The model. Its norms are folded, so it can neither be trained nor load a checkpoint.
        calibration: The calibration beside the weights (see ``mmpose-lite calibrate``), or None.
        box_map: The function that converts the detector's boxes, or None.
        engine: ``'torch'``, or the engine of an exported file, such as ``'onnxruntime'``.

    Raises:
        InputError: If the model or the detector cannot be loaded, or an exported file is used with
            ``flip`` or ``amp``.
    """

    def __init__(
        self,
        model: BaseModel | ExportedModel | Config | str | os.PathLike,
        checkpoint: str | os.PathLike | None = None,
        detector: str | Detector | None = 'retinaface',
        box_map: BoxMap | None = None,
        device: str = 'auto',
        batch: int = 16,
        flip: bool = False,
        amp: bool = False,
        trust_checkpoint: bool = False,
    ) -> None:
        if batch < 1:
            raise InputError(f'batch={batch} must be at least 1')
        self.detector_name = detector if isinstance(detector, str) else ''
        self._detector: Detector | None = None
        if not isinstance(detector, str):
            self._detector = detector
        self.model = load_model(model, checkpoint, device, trust_checkpoint)
        weights: Any = model if checkpoint is None else checkpoint
        if isinstance(self.model, ExportedEstimator):
            weights = self.model.exported.file
            self.model.check_settings(flip, amp)
            flip, self.engine = self.model.test_cfg['flip_test'], self.model.exported.engine
        else:
            self.engine = 'torch'
            if self.model.test_cfg.get('flip_test') and not flip:
                print_log('Landmarker: the flip test that the config asks for is off', 'current')
            self.model.test_cfg = {**self.model.test_cfg, 'flip_test': flip}
            fold_norms(self.model)
        is_named = isinstance(weights, str | os.PathLike)
        self.calibration: Calibration | None = find_calibration(str(weights)) if is_named else None
        self.box_map = box_map or self._calibrated_map()
        self.batch, self.flip, self.amp = batch, flip, amp

    @property
    def meta(self) -> PoseMetainfo:
        """Description of the points: names, mirror pairs, colours."""
        return self.model.dataset_meta

    @property
    def detector(self) -> Detector | None:
        """The detector, which is loaded at its first use; None if there is none."""
        if self._detector is None and self.detector_name:
            self._detector = make_detector(self.detector_name)
        return self._detector

    def _calibrated_map(self) -> BoxMap | None:
        if self.calibration is None or not self.detector_name:
            return None
        fit = self.calibration.fit_of(self.detector_name)
        return None if fit is None else fit.box_map

    def __call__(
        self,
        source: Source | Iterable[Source],
        boxes: Any = None,
        stream: bool = False,
        on_error: OnError | None = None,
        track: bool = False,
        smooth: bool = False,
        every: int = EVERY,
    ) -> list[Landmarks] | Iterator[Landmarks]:
        """Find the faces in images and in the frames of videos, and their landmarks.

        Args:
            source: A file, folder or pattern; an array ``(H, W, 3)`` uint8 in BGR order; a PIL
                image; a video, the address of a stream, or the number of a camera; or a list of
                these. Of folders and patterns, images come first, then videos. Files and PIL
                images are turned upright by their EXIF orientation.
            boxes: Boxes of the faces in one image, ``(N, 4)`` x1, y1, x2, y2 or ``(N, 5)`` with a
                score, in pixels. Without boxes, the detector finds the faces.
            stream: Return an iterator, which keeps only a few images in memory.
            on_error: A function that is called with the name of each image or video that cannot be
                used and the error; the others are processed. Without it, the first error is raised.
            track: In videos, track faces and give them ids; see :func:`.video_results`.
            smooth: In videos, track faces and smooth their points.
            every: In videos, run the detector on every n-th frame.

        Returns:
            A list, or with ``stream`` an iterator: one result per image, in the order of the
            source, then one per frame. A single image gives a list of one.

        Raises:
            InputError: If the source names nothing; an image cannot be read or its boxes cannot be
                used; there are neither boxes nor a detector; ``stream`` is missing for a camera;
                or ``track`` or ``smooth`` is set and no source is a video.
        """
        videos, photographs = split_videos(source)
        if not videos and (track or smooth):
            raise InputError('track and smooth apply to videos, and the source is not one')
        if videos:
            readers = open_videos(videos, boxes is not None, stream, on_error)
            points_map = self.calibration.points_map if self.calibration else None
            frames: Iterator[Landmarks] = chain.from_iterable(
                video_results(self, each, track, smooth, every, points_map, on_error)
                for each in readers
            )
            if photographs:
                frames = chain(self(photographs, stream=True, on_error=on_error), frames)
            return frames if stream else list(frames)
        sources = find_photographs(photographs)
        if boxes is not None and len(sources) != 1:
            raise InputError(
                f'boxes are those of one photograph, and there are {len(sources)}; those of '
                "several come in a file: detector='file:BOXES.json'"
            )
        if boxes is None and self.detector is None:
            raise InputError(ABOUT_BOXES)

        def prepare(source: Source, index: int) -> _Waiting:
            photograph = self._read(source, index)
            return self._prepare(
                photograph, self.find_boxes(photograph) if boxes is None else boxes
            )

        tasks = ((name_of(each, i), prepare, each, i) for i, each in enumerate(sources))
        results = self._predict(_run_ahead(tasks), on_error)
        return results if stream else list(results)

    def predict(self, photographs: Iterable[tuple[Photograph, Any]]) -> Iterator[Landmarks]:
        """Find the points of photographs, or of a video's frames, whose boxes are known.

        Args:
            photographs: Pairs of a photograph and its boxes ``(N, 4)`` or ``(N, 5)`` xyxy, image
                pixels, which are used unchanged.
        """
        return self._predict(self._prepare(*each) for each in photographs)

    def find_boxes(self, photograph: Photograph) -> ndarray:
        """Run the detector; return boxes ``(N, 5)``, pixels, converted to those of the model.

        Raises:
            InputError: If there is no detector, or it returns no boxes.
        """
        detector = self.detector
        if detector is None:
            raise InputError(ABOUT_BOXES)
        found = detect(detector, photograph)
        is_given = isinstance(detector, BoxFile) or detector is whole_image
        if self.box_map is None or is_given or not len(found):
            return found
        return np.asarray(self.box_map(found), np.float32)

    def _read(self, source: Source, index: int) -> Photograph:
        loaded = load_photograph(source, 'bgr', test_pipeline(self.model))
        is_turned = loaded.get('exif') == 'apply'
        path = loaded['img_path']
        return Photograph(name_of(source, index), loaded['img'], path, is_turned=is_turned)

    def _prepare(self, photograph: Photograph, given: Any) -> _Waiting:
        """Cut the faces of a photograph out, as the config's pipeline does."""
        boxes, scores = check_boxes(given, 'xyxy', photograph.image.shape[:2])
        pipeline = test_pipeline(self.model)
        known = {
            **self.model.dataset_meta,
            'img': photograph.image,
            'img_path': photograph.path,
        }
        rows = (slice(i, i + 1) for i in range(len(boxes)))
        crops = [pipeline({**known, 'bbox': boxes[i], 'bbox_score': scores[i]}) for i in rows]
        return _Waiting(photograph, np.column_stack([boxes, scores]), crops)

    def _predict(
        self, prepared: Iterable[_Waiting | _Failed], on_error: OnError | None = None
    ) -> Iterator[Landmarks]:
        waiting: deque[_Waiting | _Failed] = deque()
        crops: list[dict] = []
        for each in prepared:
            waiting.append(each)
            if isinstance(each, _Waiting):
                crops += each.crops
                each.crops = []
            # Photographs without faces wait behind others with few.
            while len(crops) >= self.batch or (crops and len(waiting) > 2 * self.batch):
                self._run(crops[: self.batch], waiting)
                crops = crops[self.batch :]
            yield from self._finished(waiting, on_error)
        if crops:
            self._run(crops, waiting)
        yield from self._finished(waiting, on_error)

    def _run(self, crops: list[dict], waiting: Iterable[_Waiting | _Failed]) -> None:
        """Predict a batch, and give its faces to the first photographs that lack some."""
        device = self.model.data_preprocessor.device
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, self.amp):
            samples = iter(self.model.test_step(pseudo_collate(crops)))
        for each in waiting:
            while isinstance(each, _Waiting) and each.lacks:
                sample = next(samples, None)
                if sample is None:
                    return
                each.faces.append(sample.pred_instances)

    def _finished(
        self, waiting: deque[_Waiting | _Failed], on_error: OnError | None
    ) -> Iterator[Landmarks]:
        """Take the first photographs that lack nothing."""
        while waiting and not waiting[0].lacks:
            done = waiting.popleft()
            if isinstance(done, _Waiting):
                yield self._result(done)
            elif on_error is None:
                raise done.error
            else:
                on_error(done.name, done.error)

    def _result(self, done: _Waiting) -> Landmarks:
        count = self.meta['num_keypoints']
        points, scores = np.zeros((0, count, 2)), np.zeros((0, count))
        if done.faces:
            points = np.concatenate([face.keypoints for face in done.faces])
            scores = np.concatenate([face.keypoint_scores for face in done.faces])
        # They were fitted on scores without flip test.
        fits = None if self.flip else self.calibration
        known = {} if fits is None else fits.about_points(scores)
        if done.faces and 'keypoint_errors' in done.faces[0]:  # an exported file says them itself
            known['errors'] = np.concatenate([face.keypoint_errors for face in done.faces])
        return Landmarks(
            done.photograph,
            points.astype(np.float32),
            scores.astype(np.float32),
            done.boxes[:, :4].astype(np.float32),
            done.boxes[:, 4].astype(np.float32),
            self.meta,
            **known,
        )


def name_of(source: Source, index: int) -> str:
    """A photograph's name: its path, or its place in a list, from 0."""
    return os.fspath(source) if isinstance(source, str | os.PathLike) else f'image {index}'


def _run_ahead(
    tasks: Iterable[tuple[str, Callable[..., _Waiting], Any, int]],
) -> Iterator[_Waiting | _Failed]:
    """Yield what functions return for their arguments, a few of them ahead, in one other thread.

    Each task is the name of a photograph, a function and its two arguments.
    """
    with ThreadPoolExecutor(1) as pool:
        begun: deque[tuple[str, Future]] = deque()
        try:
            for name, function, *arguments in tasks:
                begun.append((name, pool.submit(function, *arguments)))
                if len(begun) > _AHEAD:
                    yield _settled(*begun.popleft())
            while begun:
                yield _settled(*begun.popleft())
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _settled(name: str, future: Future) -> _Waiting | _Failed:
    try:
        return future.result()
    except InputError as error:
        return _Failed(name, error)
