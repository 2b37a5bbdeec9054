"""The error on training crops, in the unit of the validation, for the log of a training."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from numpy import ndarray

from mmpose_lite.engine.run_log import is_logged
from mmpose_lite.evaluation.metrics import NME
from mmpose_lite.registry import HOOKS
from mmpose_lite.utils import InputError


@HOOKS.register_module()
class TrainErrorHook(Hook):
    """Logs ``train_NME``, of batches of training, by the normaliser of ``val_evaluator``'s NME.

    It is that of the batch whose line is logged, of the first process, from the outputs that the
    loss was computed of: nothing is computed at other iterations. Points that augmentation has
    moved out of the crop do not count, nor do faces whose normaliser needs such a point.

    Args:
        enable: Whether the hook does anything.
    """

    priority = 'NORMAL'

    def __init__(self, enable: bool = True) -> None:
        self.enable = enable
        self._metrics: list[NME] = []
        self._head: Any = None

    def before_train(self, runner: Runner) -> None:
        """Find the metrics, and the head whose outputs they are about."""
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        augments = getattr(getattr(model, 'data_preprocessor', None), 'batch_augments', None)
        # Augmented batches are no longer what the samples say.
        if not self.enable or not is_main_process() or augments or runner.val_loop is None:
            return
        self._head = getattr(model, 'head', None)
        metrics = runner.val_loop.evaluator.metrics
        self._metrics = [metric for metric in metrics if isinstance(metric, NME)]

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Ask for the outputs of an iteration that will be logged."""
        if self._metrics and _has_truth(data_batch) and is_logged(runner, batch_idx):
            self._head.keeps_outputs = True

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict | None = None,
    ) -> None:
        """Measure what was kept."""
        kept = getattr(self._head, 'kept', None)
        if kept is None:
            return
        self._head.kept, self._head.keeps_outputs = None, False
        predictions = [each.keypoints[0] for each in self._head.decode(kept)]
        rows = list(_rows(data_batch['data_samples'], predictions))
        for metric in self._usable(runner, rows[0]):
            name = f'{metric.prefix}/train_NME' if metric.prefix else 'train_NME'
            runner.message_hub.update_scalar(f'train/{name}', _mean_error(metric, rows))

    def _usable(self, runner: Runner, face: tuple[dict, dict]) -> list[NME]:
        """The metrics for whose normaliser samples of training have what it needs."""
        for metric in list(self._metrics):
            try:
                metric.extra(face[1], face[0])
            except InputError as error:
                runner.logger.info(f'no NME of training crops: {error}')
                self._metrics.remove(metric)
        return self._metrics


def _has_truth(data_batch: Any) -> bool:
    samples = (data_batch.get('data_samples') or []) if isinstance(data_batch, dict) else []
    return any('transformed_keypoints' in each.get('gt_instances', ()) for each in samples[:1])


def _rows(samples: Sequence[Any], predictions: Sequence[ndarray]) -> Iterator[tuple[dict, dict]]:
    """The row and the truth of each face, in pixels of its photograph.

    The way from crop to photograph turns, scales and mirrors; errors keep their lengths but for
    the scale, so each is put to its true point as it is.
    """
    for sample, predicted in zip(samples, predictions, strict=True):
        truth = sample.gt_instances
        wanted = truth.transformed_keypoints[0]
        size_wh = np.asarray(sample.input_size)
        inside = ((wanted >= 0) & (wanted <= size_wh - 1)).all(axis=-1)
        visible = np.asarray(truth.keypoints_visible)[0].reshape(len(wanted), -1)[:, 0] > 0
        error = (predicted - wanted) * sample.input_scale / size_wh
        row = {
            'id': sample.get('id'),
            'img_path': sample.get('img_path'),
            'gt': truth.keypoints[0],
            'pred': truth.keypoints[0] + error,
            'mask': inside & visible,
        }
        yield row, dict(truth.items())


def _mean_error(metric: NME, rows: Sequence[tuple[dict, dict]]) -> float:
    """The NME over all points that count.

    NaN if there is none, a prediction is not finite, or a size is not above 0: a number of the log
    ends no training.
    """
    whole = [{**row, **metric.extra(truth, row)} for row, truth in rows]
    kept = [row for row in whole if metric.reason_to_leave_out(row) is None]
    try:
        return metric.compute(kept)['NME'] if kept else math.nan
    except ValueError:
        return math.nan
