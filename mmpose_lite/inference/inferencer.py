"""MMPose's ``MMPoseInferencer``: its arguments, and what it yields."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmengine.config import Config
from numpy import ndarray

from mmpose_lite.errors import InputError
from mmpose_lite.structures import merge_data_samples, split_instances
from mmpose_lite.visualization.drawing import can_write, write_image

from .landmarker import Landmarker
from .results import Landmarks
from .sources import Source

_NAMES = ('face', 'face2d')
# MMPose's arguments that mean nothing for faces of photographs here.
_UNUSED = ('pose3d', 'pose3d_weights', 'scope')


class MMPoseInferencer:
    """MMPose's class of this name: its arguments and results, on top of :class:`Landmarker`.

        inferencer = MMPoseInferencer('config.py', 'best.pth')
        for result in inferencer('folder/', vis_out_dir='drawn', pred_out_dir='points'):
            print(result['predictions'][0][0]['keypoints'])

    Args:
        pose2d: A config, or a checkpoint that contains its config. MMPose downloads weights for
            aliases such as ``'face'``; here they need ``pose2d_weights``, a checkpoint that
            contains its config.
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
                raise InputError(
                    f"MMPoseInferencer('{pose2d}'): MMPose would download weights; name a file, "
                    f"MMPoseInferencer('{pose2d}', 'best.pth'), or a config and its weights"
                )
            model, checkpoint = pose2d_weights, None
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
        """Yield for each photograph what MMPose's class yields.

        Args:
            inputs: See :class:`Landmarker`.
            return_datasamples: Return samples, all faces of a photograph in one, not plain data.
            batch_size: Faces in a batch.
            out_dir: Folder with ``visualizations`` and ``predictions``.
            bboxes: Boxes of one photograph, xyxy.
            return_vis: Return the drawn photographs, too.
            show: Show each in a window.
            wait_time: Seconds that the window waits; 0 waits for a key.
            draw_bbox: Draw the boxes.
            kpt_thr: Points with a lower score are not drawn.
            bbox_thr: Faces whose box has a lower score are left out.
            vis_out_dir: Folder for drawn photographs, under their names.
            pred_out_dir: Folder for what was found, ``NAME.json``.

        Yields:
            ``predictions``, a list of one photograph's faces: each with ``keypoints`` (K pairs),
            ``keypoint_scores``, ``bbox`` (a tuple of one box) and ``bbox_score``; and
            ``visualization``, a list of one ``(H, W, 3)`` RGB array, where it was asked for.
        """
        if out_dir:
            vis_out_dir, pred_out_dir = (
                os.path.join(out_dir, name) for name in ('visualizations', 'predictions')
            )
        self.landmarker.batch = batch_size
        for result in self.landmarker(inputs, boxes=bboxes, stream=True):
            faces = result.take(np.flatnonzero(result.box_scores >= bbox_thr))
            found: dict[str, Any] = {'visualization': None}
            if return_vis or show or vis_out_dir:
                picture = faces.draw(kpt_thr, boxes=draw_bbox)
                _show(faces, picture, vis_out_dir, show, wait_time)
                found['visualization'] = [picture[..., ::-1].copy()] if return_vis else None
            rows = _rows(faces)
            found['predictions'] = [_sample(faces)] if return_datasamples else [rows]
            if pred_out_dir:
                path = Path(pred_out_dir, f'{Path(faces.name).stem}.json')
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps(rows), encoding='utf-8')
            if not return_vis:
                del found['visualization']
            yield found


def _rows(result: Landmarks) -> list[dict[str, Any]]:
    """The faces as plain data; MMPose puts the box in a tuple."""
    rows = [row for sample in result.to_samples() for row in split_instances(sample.pred_instances)]
    return [{**row, 'bbox': (row['bbox'],)} for row in rows]


def _sample(result: Landmarks) -> Any:
    return merge_data_samples(result.to_samples())


def _show(result: Landmarks, picture: ndarray, folder: str, show: bool, wait_time: float) -> None:
    if folder:
        path = Path(folder, Path(result.name).name)
        write_image(picture, path if can_write(path.suffix) else path.with_suffix('.jpg'))
    if show:
        try:
            cv2.imshow(result.name, np.ascontiguousarray(picture))
            cv2.waitKey(round(1000 * wait_time))
        except cv2.error as error:
            raise InputError(f'show=True: no window can be opened: {error.err or error}') from error
