"""Pictures of predictions while validating and testing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.visualization import Visualizer

from mmpose_lite.registry import HOOKS
from mmpose_lite.structures import PoseDataSample, merge_data_samples
from mmpose_lite.visualization.drawing import can_write, read_image_rgb


class DrawingHook(Hook):
    """Draws samples on their photographs, with the visualizer that the runner built.

    Args:
        enable: Whether the hook does anything at all.
        interval: Draw at every so many validation iterations.
        kpt_thr: Points with a lower score are not drawn.
        show: Whether pictures are shown in a window; then they do not go to the visualizer's
            backends, which otherwise get them if there is no ``out_dir``.
        wait_time: How long the window waits, s; 0 waits for a key.
        out_dir: Folder of the pictures of a test, inside ``<work_dir>/<timestamp>/``.
        backend_args: How mmengine's file backends reach the images.

    Raises:
        ValueError: If ``interval`` is not positive.
    """

    def __init__(
        self,
        enable: bool = False,
        interval: int = 50,
        kpt_thr: float = 0.3,
        show: bool = False,
        wait_time: float = 0.0,
        out_dir: str | None = None,
        backend_args: dict | None = None,
    ) -> None:
        if interval < 1:
            raise ValueError(f'interval must be at least 1, but got {interval}')
        self.enable = enable
        self.interval = interval
        self.kpt_thr = kpt_thr
        self.show = show
        self.wait_time = wait_time
        self.out_dir = out_dir
        self.backend_args = backend_args
        self._test_index = 0
        self._counts: Counter[str] = Counter()  # pictures by the name of their photograph

    def _folder(self, runner: Any) -> Path | None:
        if self.out_dir is None:
            return None
        folder = Path(runner.work_dir, runner.timestamp, self.out_dir)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _draw(
        self,
        sample: PoseDataSample,
        dataset_meta: Any,
        name: str,
        step: int,
        draw_heatmap: bool,
        out_file: Path | None = None,
    ) -> None:
        img_path = image_path(sample)
        visualizer: Any = Visualizer.get_current_instance()
        visualizer.set_dataset_meta(dataset_meta)
        visualizer.add_datasample(
            Path(img_path).name if self.show else name,
            read_image_rgb(img_path, self.backend_args, sample.get('exif', 'ignore')),
            # Merging brings the heatmaps of the crop back to the photograph.
            merge_data_samples([sample]) if draw_heatmap else sample,
            draw_gt='keypoints' in sample.get('gt_instances', ()),
            draw_bbox=True,
            draw_heatmap=draw_heatmap,
            show=self.show,
            wait_time=self.wait_time,
            kpt_thr=self.kpt_thr,
            out_file=None if out_file is None else str(out_file),
            step=step,
        )


@HOOKS.register_module()
class PoseVisualizationHook(DrawingHook):
    """Draws truth, prediction, box and heatmaps: some faces of a validation, all of a test.

    A validation's pictures go to the visualizer's backends as ``val_img``, a test's as
    ``test_img`` or, with ``out_dir``, to files named ``<image>_<n>``. Only the main process
    draws. The arguments are those of :class:`DrawingHook`.
    """

    def after_val_iter(
        self,
        runner: Any,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: Sequence[PoseDataSample] | None = None,
    ) -> None:
        """Draw the first face of the batch, at every ``interval``-th iteration."""
        if not (self.enable and outputs and is_main_process()):
            return
        step = runner.iter + batch_idx
        if step % self.interval == 0:
            meta = runner.val_evaluator.dataset_meta
            folder = self._folder(runner)
            out_file = folder and folder / f'val_{step}.png'
            self._draw(outputs[0], meta, 'val_img', step, draw_heatmap=True, out_file=out_file)

    def after_test_iter(
        self,
        runner: Any,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: Sequence[PoseDataSample] | None = None,
    ) -> None:
        """Draw every face of the batch."""
        if not (self.enable and outputs and is_main_process()):
            return
        folder, meta = self._folder(runner), runner.test_evaluator.dataset_meta
        for sample in outputs:
            self._test_index += 1
            out_file = folder and folder / self._picture_name(image_path(sample))
            self._draw(sample, meta, 'test_img', self._test_index, True, out_file)

    def _picture_name(self, img_path: str) -> str:
        stem = Path(img_path).stem
        self._counts[stem] += 1  # an image may hold several faces
        return f'{stem}_{self._counts[stem] - 1}{picture_suffix(img_path)}'


def image_path(sample: PoseDataSample) -> str:
    """The path of a sample's photograph.

    Raises:
        KeyError: If the sample does not name it.
    """
    img_path = sample.get('img_path')
    if img_path is None:
        raise KeyError(
            "cannot draw a sample without 'img_path' in its metainfo: let PackPoseInputs pack it"
        )
    return img_path


def picture_suffix(img_path: str) -> str:
    """The ending of a picture drawn on this photograph: its own, if such files can be written."""
    suffix = Path(img_path).suffix
    return suffix if can_write(suffix) else '.png'
