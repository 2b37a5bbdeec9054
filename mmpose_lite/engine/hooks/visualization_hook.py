"""Pictures of predictions while validating and testing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process

from mmpose_lite.registry import HOOKS
from mmpose_lite.structures import PoseDataSample

from .drawing_hook import DrawingHook, image_path, picture_suffix


@HOOKS.register_module()
class PoseVisualizationHook(DrawingHook):
    """Draws truth, prediction, box and heatmaps: some faces of a validation, all of a test.

    A validation's pictures go to the visualizer's backends as ``val_img``, a test's as
    ``test_img`` or, with ``out_dir``, to files named ``<image>_<n>``. Only the main process
    draws. The arguments are those of :class:`DrawingHook`.
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
        super().__init__(enable, interval, kpt_thr, show, wait_time, out_dir, backend_args)
        self._counts: Counter[str] = Counter()

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
