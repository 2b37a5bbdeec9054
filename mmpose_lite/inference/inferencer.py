"""MMPose's ``MMPoseInferencer``: its arguments, and what it yields."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from os.path import isfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmengine.config import Config
from mmengine.logging import print_log
from numpy import ndarray

from mmpose_lite.errors import InputError
from mmpose_lite.structures import merge_data_samples, split_instances
from mmpose_lite.utils.paths import check_apart
from mmpose_lite.visualization.drawing import can_write, write_image

from .detectors import file_of
from .landmarker import Landmarker, name_of
from .results import Landmarks
from .sources import Source, find_photographs
from .video import about_display, writing_video
from .video_results import split_videos, video_of, video_stem

_NAMES = ('face', 'face2d')
_PACKAGED = 'faces19'
# MMPose's arguments that mean nothing for faces of photographs here.
_UNUSED = ('pose3d', 'pose3d_weights', 'scope')


class MMPoseInferencer:
    """MMPose's class of this name: its arguments and results, on top of :class:`Landmarker`.

        inferencer = MMPoseInferencer('config.py', 'best.pth')
        for result in inferencer('folder/', vis_out_dir='drawn', pred_out_dir='points'):
            print(result['predictions'][0][0]['keypoints'])

    Args:
        pose2d: A config, or a checkpoint that contains its config. MMPose downloads weights for
            aliases such as ``'face'``; here they take those of ``pose2d_weights``, a checkpoint
            that contains its config, and without these ``faces19``, AFLW's 19 points.
        pose2d_weights: The weights.
        device: The device; ``None`` for a GPU if there is one.
        det_model: The detector's name, see :func:`make_detector`, or ``'whole_image'`` as in
            MMPose. RetinaFace by default.
        det_weights: The detector's file, if it needs one.
        **others: Other arguments of MMPose, which must be None.

    Raises:
        InputError: If there are no weights, or an argument is not supported.
    """

    def __init__(
        self,
        pose2d: str | Config | None = None,
        pose2d_weights: str | None = None,
        device: str | None = None,
        det_model: str | Callable[[ndarray], ndarray] | None = None,
        det_weights: str | None = None,
        det_cat_ids: int | Sequence[int] | None = None,
        show_progress: bool = False,
        **others: Any,
    ) -> None:
        for name, value in others.items():
            if name not in _UNUSED or value not in (None, 'mmpose'):
                raise InputError(f'MMPoseInferencer: {name}={value!r} means nothing here')
        model, checkpoint = pose2d, pose2d_weights
        if isinstance(pose2d, str) and pose2d in _NAMES:
            if pose2d_weights is None:
                print_log(
                    f"MMPoseInferencer('{pose2d}'): MMPose would download weights with 106 points; "
                    f'these are {_PACKAGED}, of this package, with 19',
                    'current',
                )
            model, checkpoint = pose2d_weights or _PACKAGED, None
        if model is None:
            raise InputError('MMPoseInferencer: pose2d names no model')
        detector: Any = 'whole-image' if det_model == 'whole_image' else det_model
        if isinstance(detector, str) and det_weights is not None:
            detector = f'{detector}:{det_weights}'
        self.landmarker = Landmarker(
            model,
            checkpoint,
            'retinaface' if detector is None else detector,
            device='auto' if device is None else device,
        )
        self.show_progress = show_progress

    def __call__(
        self,
        inputs: Source | Iterable[Source],
        return_datasamples: bool = False,
        batch_size: int = 16,
        out_dir: str | None = None,
        bboxes: Any = None,
        return_vis: bool = False,
        show: bool = False,
        wait_time: float = 0,
        draw_bbox: bool = False,
        kpt_thr: float = 0.3,
        bbox_thr: float = 0.0,
        vis_out_dir: str = '',
        pred_out_dir: str = '',
    ) -> Iterator[dict[str, Any]]:
        """Yield for each photograph, or frame of a video, what MMPose's class yields.

        Args:
            inputs: See :class:`Landmarker`; ``'webcam'`` and ``'webcam:1'`` as well.
            return_datasamples: Return samples, all faces of a photograph in one, not plain data.
            batch_size: Faces in a batch.
            out_dir: Folder with ``visualizations`` and ``predictions``.
            bboxes: Boxes of one photograph, xyxy.
            return_vis: Return the drawn photographs, too.
            show: Show each in a window.
            wait_time: Seconds that the window waits; 0 waits for a key, but not between frames.
            draw_bbox: Draw the boxes.
            kpt_thr: Points with a lower score are not drawn.
            bbox_thr: Faces whose box has a lower score are left out.
            vis_out_dir: Folder for drawn photographs, under their names, and videos, ``NAME.mp4``.
            pred_out_dir: Folder for what was found, ``NAME.json``: a photograph's faces, or a list
                of a video's frames, each with ``frame_id`` and ``instances``.

        Yields:
            ``predictions``, a list of one photograph's faces: each with ``keypoints`` (K pairs),
            ``keypoint_scores``, ``bbox`` (a tuple of one box) and ``bbox_score``; and
            ``visualization``, a list of one ``(H, W, 3)`` RGB array, where it was asked for.

        Raises:
            InputError: If a file in a folder of results would replace one that is read, as where
                ``vis_out_dir`` is the photographs' folder. The first ``next`` raises it.
        """
        if show and (fault := about_display('show=True', 'vis_out_dir')):
            raise InputError(fault)
        if out_dir:
            vis_out_dir, pred_out_dir = (
                os.path.join(out_dir, name) for name in ('visualizations', 'predictions')
            )
        self.landmarker.batch = batch_size
        source = _as_source(inputs)
        detector_file = file_of(self.landmarker.detector_name)
        _Outputs(vis_out_dir, pred_out_dir).check(source, detector_file)
        results = self.landmarker(source, boxes=bboxes, stream=True)
        with closing(_Outputs(vis_out_dir, pred_out_dir)) as outputs:
            for result in results:
                faces = result.take(np.flatnonzero(result.box_scores >= bbox_thr))
                outputs.begin(faces)
                found: dict[str, Any] = {}
                if return_vis or show or vis_out_dir:
                    picture = faces.draw(kpt_thr, boxes=draw_bbox)
                    outputs.add_picture(faces, picture)
                    if show:
                        _show(faces, picture, wait_time)
                    if return_vis:
                        found['visualization'] = [picture[..., ::-1].copy()]
                rows = _rows(faces)
                found['predictions'] = [_sample(faces)] if return_datasamples else [rows]
                outputs.add_rows(faces, rows)
                yield found


def _as_source(inputs: Any) -> Any:
    """Take MMPose's ``'webcam'`` and ``'webcam:1'`` for cameras, and an iterator for a list."""
    if isinstance(inputs, Iterator):
        return list(inputs)
    if isinstance(inputs, str) and inputs.partition(':')[0] == 'webcam':
        return inputs.partition(':')[2] or '0'
    return inputs


class _Outputs:
    """The files that MMPose writes: a picture and a JSON file of each photograph, and of a video.

    Args:
        pictures: Folder for what is drawn; none if it is empty.
        points: Folder for what was found, likewise.
    """

    def __init__(self, pictures: str, points: str) -> None:
        self._pictures, self._points = pictures, points
        self._video: str | None = None  # whose frames are being written
        self._stem = ''
        self._uses: Counter[str] = Counter()
        self._frames: list[dict[str, Any]] = []
        self._stack = ExitStack()
        self._write: Any = None

    def begin(self, result: Landmarks) -> None:
        """Finish the video before, where this is no frame of it."""
        video = video_of(result.photograph)
        if video is not None and video == self._video:
            return
        self.close()
        self._video = video
        path = result.photograph.path
        stem = Path(result.name).stem if video is None else video_stem(video, path)
        self._stem = self._own(stem)

    def _own(self, stem: str) -> str:
        """A name that is not taken: files of one name in several folders would be one."""
        self._uses[stem] += 1
        return stem if self._uses[stem] == 1 else f'{stem}_{self._uses[stem]}'

    def check(self, source: Any, *others: str | None) -> None:
        """Check that the files replace neither a source nor another file that is read.

        Raises:
            InputError: If one does.
        """
        if not (self._pictures or self._points):
            return
        found, photographs = split_videos(source)
        names = [name_of(each, i) for i, each in enumerate(find_photographs(photographs))]
        videos = [str(each) for each in found]
        read = [*names, *videos, *others]
        stems = [self._own(Path(name).stem) for name in names]
        stems += [self._own(video_stem(each, each if isfile(each) else None)) for each in videos]
        suffixes = [*(Path(name).suffix for name in names), *(['.mp4'] * len(videos))]
        if self._points:
            check_apart('pred_out_dir', [self._points_file(each) for each in stems], read)
        if self._pictures:
            pairs = zip(stems, suffixes, strict=True)
            check_apart('vis_out_dir', [self._picture(*pair) for pair in pairs], read)

    def _picture(self, stem: str, suffix: str) -> Path:
        is_known = suffix == '.mp4' or can_write(suffix)
        return Path(self._pictures, f'{stem}{suffix if is_known else ".jpg"}')

    def _points_file(self, stem: str) -> Path:
        return Path(self._points, f'{stem}.json')

    def add_picture(self, result: Landmarks, picture: ndarray) -> None:
        """Write a picture, BGR, or a frame of a video."""
        photograph = result.photograph
        if not self._pictures:
            return
        if photograph.time_s is None:
            write_image(picture, self._picture(self._stem, Path(result.name).suffix))
            return
        if self._write is None:
            path = self._picture(self._stem, '.mp4')
            self._write = self._stack.enter_context(writing_video(path, photograph.path))
        self._write(picture, photograph.time_s)

    def add_rows(self, result: Landmarks, rows: list[dict[str, Any]]) -> None:
        """Write the faces of a photograph, or keep those of a frame."""
        if not self._points:
            return
        if self._video is None:
            self._dump(rows)
        else:
            self._frames.append({'frame_id': result.photograph.frame, 'instances': rows})

    def _dump(self, content: list[dict[str, Any]]) -> None:
        path = self._points_file(self._stem)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding='utf-8')

    def close(self) -> None:
        """Finish the video whose frames were added."""
        self._stack.close()
        if self._frames:
            self._dump(self._frames)
        self._write, self._frames, self._video = None, [], None


def _rows(result: Landmarks) -> list[dict[str, Any]]:
    """The faces as plain data; MMPose puts the box in a tuple."""
    rows = [row for sample in result.to_samples() for row in split_instances(sample.pred_instances)]
    return [{**row, 'bbox': (row['bbox'],)} for row in rows]


def _sample(result: Landmarks) -> Any:
    return merge_data_samples(result.to_samples())


def _show(result: Landmarks, picture: ndarray, wait_time: float) -> None:
    """Show a photograph for so many seconds, 0: until a key; frames one after the other."""
    video = video_of(result.photograph)
    cv2.imshow(result.name if video is None else video, np.ascontiguousarray(picture))
    cv2.waitKey(1 if video is not None and not wait_time else round(1000 * wait_time))
