"""The faces that a test gets wrong, as pictures and as a list."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dist import is_main_process
from mmengine.logging import print_log

from mmpose_lite.errors import InputError
from mmpose_lite.evaluation.metrics import RowMetric
from mmpose_lite.registry import HOOKS, METRICS, MODELS
from mmpose_lite.structures import PoseDataSample
from mmpose_lite.utils.collectives import gather_objects

from .visualization_hook import DrawingHook, image_path, picture_suffix

# Which registry knows the measure, and whether a large value of it is bad.
_METRIC_TYPES = {'loss': (MODELS, True), 'accuracy': (METRICS, False), 'error': (METRICS, True)}


@HOOKS.register_module()
class BadCaseAnalysisHook(DrawingHook):
    """Measures each face of a test by itself; draws and lists those beyond a threshold.

    The list is ``results.json`` in ``out_dir``, worst first, anew after each test. Each entry has
    ``img`` (the image's name without its ending), ``img_path``, ``id``, ``bbox`` (boxes xyxy, whole
    pixels), the measure under its name (null if it is not a number) and ``file``, the picture. Of
    several processes all contribute to the list, but only the main one draws, so the others'
    faces have no ``file``.

    Args:
        enable: As for :class:`DrawingHook`, like the six that follow. Without ``out_dir`` there is
            no list; the log has the count.
        metric_type: ``'loss'``: ``metric`` is a loss, built from MODELS and called with the
            predicted points, the true ones (both ``(N, K, 2)``, image pixels) and their
            visibility ``(N, K)``. ``'accuracy'`` or ``'error'``: it is a metric from METRICS.
        metric: Config of the loss or metric; ``KeypointMSELoss`` if None.
        metric_key: Which of the metric's values counts; not for a loss.
        badcase_thr: A loss or an error that is not below this is bad, and an accuracy that is not
            above it. What is no number is always bad.

    Raises:
        KeyError: If ``metric_type`` is unknown.
        InputError: If ``badcase_thr`` is above 1 for a metric that is a fraction.
    """

    def __init__(
        self,
        enable: bool = False,
        show: bool = False,
        wait_time: float = 0.0,
        interval: int = 50,
        kpt_thr: float = 0.3,
        out_dir: str | None = None,
        backend_args: dict | None = None,
        metric_type: str = 'loss',
        metric: dict | None = None,
        metric_key: str = 'PCK',
        badcase_thr: float = 5,
    ) -> None:
        super().__init__(enable, interval, kpt_thr, show, wait_time, out_dir, backend_args)
        if metric_type not in _METRIC_TYPES:
            raise KeyError(
                f'The badcase metric type {metric_type} is not supported by '
                f'{type(self).__name__}. Should be one of {tuple(_METRIC_TYPES)}.'
            )
        config = {'type': 'KeypointMSELoss'} if metric is None else metric
        registry, self._large_is_bad = _METRIC_TYPES[metric_type]
        self.metric_type = metric_type
        self.metric: Any = registry.build(config) if enable else None
        if badcase_thr > 1 and getattr(self.metric, 'is_fraction', False):
            raise InputError(f'badcase_thr={badcase_thr}: {metric_key} is a fraction, 0.05 is 5 %')
        self.metric_key = metric_key
        self.metric_name = config['type'] if metric_type == 'loss' else metric_key
        self.badcase_thr = badcase_thr
        self.results: list[dict] = []
        self._unmeasured: list[list] = []

    def before_test_epoch(self, runner: Any) -> None:
        """Forget the last test."""
        self.results, self._unmeasured = [], []

    def after_test_iter(
        self,
        runner: Any,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: Sequence[PoseDataSample] | None = None,
    ) -> None:
        """Measure each face of the batch; note and draw the bad ones."""
        if not (self.enable and outputs):
            return
        folder, meta = self._folder(runner), runner.test_evaluator.dataset_meta
        if self.metric_type != 'loss':
            self.metric.dataset_meta = meta
        for sample in outputs:
            self._test_index += 1
            is_bad, value = self.check_badcase(data_batch, sample)
            if value is None:
                self._unmeasured.append([image_path(sample), sample.get('id')])
            if value is None or not is_bad:
                continue
            entry, out_file = self._entry(sample, value), None
            self.results.append(entry)
            if not is_main_process():
                continue
            if folder is not None:
                entry['file'] = self._picture_name(entry, value)
                out_file = folder / entry['file']
            self._draw(sample, meta, 'test_img', self._test_index, False, out_file)

    def after_test_epoch(self, runner: Any, metrics: dict[str, float] | None = None) -> None:
        """Gather the bad cases of all processes and write the list."""
        if not self.enable:
            return
        # The sampler may give one face to two ranks; rank 0's entry, which has a file, stays.
        own = [self.results, self._unmeasured]
        gathered = gather_objects(own, default=lambda number: number.item())
        parts, lacking = zip(*reversed(gathered), strict=True)
        unique = {
            (entry['img_path'], entry['id'], str(entry['bbox'])): entry
            for part in parts
            for entry in part
        }
        self.results = sorted(unique.values(), key=self._rank)
        unmeasured = len({tuple(face) for part in lacking for face in part})
        if not is_main_process():
            return
        folder, message = self._folder(runner), f'{len(self.results)} bad cases'
        if unmeasured:
            message += f' (and {unmeasured} faces without the points that {self.metric_name} needs)'
        if folder is not None:
            text = json.dumps(self.results, indent=1, default=lambda number: number.item())
            (folder / 'results.json').write_text(text)
            message += f' are listed in {folder / "results.json"}'
        print_log(message, logger='current')

    def check_badcase(
        self, data_batch: dict | None, data_sample: PoseDataSample
    ) -> tuple[bool, float | None]:
        """Measure one sample.

        Returns:
            Whether it is a bad case, and the value that says so; None where the sample lacks the
            points to measure it by, which is no bad case.

        Raises:
            KeyError: If the metric has no value ``metric_key``.
        """
        if self.metric_type == 'loss':
            value = self._loss(data_sample)
        else:
            value = self._metric(data_batch, data_sample)
        if value is None:
            return False, None
        good = value < self.badcase_thr if self._large_is_bad else value > self.badcase_thr
        return not good, value

    def _loss(self, sample: PoseDataSample) -> float | None:
        truth, predicted = sample.gt_instances, sample.pred_instances
        if not np.any(np.asarray(truth.keypoints_visible) > 0):
            return None
        arrays = (predicted.keypoints, truth.keypoints, truth.keypoints_visible)
        tensors = [torch.from_numpy(np.asarray(array, np.float32)) for array in arrays]
        with torch.no_grad():
            return self.metric(*tensors).item()

    def _metric(self, data_batch: dict | None, sample: PoseDataSample) -> float | None:
        # Not evaluate(): it would wait for the other processes, which have other faces.
        self.metric.process([data_batch], [sample.to_dict()])
        rows = list(self.metric.results)
        self.metric.results.clear()
        if isinstance(self.metric, RowMetric) and self.metric.reason_to_leave_out(rows[0]):
            return None
        values = self.metric.compute_metrics(rows)
        if self.metric_key not in values:
            raise KeyError(f"metric_key '{self.metric_key}' is not one of {sorted(values)}")
        return float(values[self.metric_key])

    def _entry(self, sample: PoseDataSample, value: float) -> dict:
        img_path = image_path(sample)
        return {
            'img': Path(img_path).stem,
            'img_path': img_path,
            'id': sample.get('id'),
            'bbox': np.asarray(sample.gt_instances.bboxes).astype(int).tolist(),
            self.metric_name: value if math.isfinite(value) else None,
        }

    def _picture_name(self, entry: dict, value: float) -> str:
        # By the face, not by a count: a face that comes twice has one picture.
        box = '-'.join(str(side) for side in np.ravel(entry['bbox']))
        suffix = picture_suffix(entry['img_path'])
        return f'{entry["img"]}_bbox{box}_{self.metric_name}{value:.4g}{suffix}'

    def _rank(self, entry: dict) -> float:
        value = entry[self.metric_name]
        if value is None:
            return -math.inf
        return -value if self._large_is_bad else value
