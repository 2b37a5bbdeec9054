"""What the hooks that draw samples have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mmengine.hooks import Hook
from mmengine.visualization import Visualizer

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
