"""The loss on validation crops, for the log of a training."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor

from mmpose_lite.engine.run_log import is_training
from mmpose_lite.registry import HOOKS
from mmpose_lite.utils.collectives import gather_bytes

_NAME = 'val_loss'  # `loss` is that of training, in backends that have one curve for a name


@HOOKS.register_module()
class ValLossHook(Hook):
    """Adds ``val_loss``, the model's loss, to what the validations of a training give.

    It is that of the outputs which the predictions are made of, without the mirrored ones of a
    flip test, so that no second pass is needed. It is the mean over the faces of all ranks that
    have a visible point: what others have is no loss, but 0.

    Args:
        enable: Whether the hook does anything.
    """

    priority = 'NORMAL'

    def __init__(self, enable: bool = True) -> None:
        self.enable = enable
        self._model: Any = None
        self._losses: list[tuple[Tensor, int]] = []

    def before_val_epoch(self, runner: Runner) -> None:
        """Begin anew; a validation that was broken off does not count."""
        self._losses.clear()
        is_wanted = self.enable and is_training(runner)
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        self._model = model if is_wanted and hasattr(model, 'head') else None

    def before_val_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Ask for the outputs of a batch whose targets the head can make."""
        samples = data_batch.get('data_samples') if isinstance(data_batch, dict) else None
        if self._model is not None and samples:
            truth = samples[0].get('gt_instances', ())
            self._model.head.keeps_outputs = 'transformed_keypoints' in truth

    def after_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Compute the loss of a batch; it stays on the device."""
        head = getattr(self._model, 'head', None)
        kept = getattr(head, 'kept', None)
        if head is None or kept is None:
            return
        head.kept, head.keeps_outputs = None, False
        samples = data_batch['data_samples']
        counting = [i for i, sample in enumerate(samples) if _has_points(sample)]
        if not counting:
            return
        if len(counting) < len(samples):
            kept, samples = kept[counting], [samples[i] for i in counting]
        loss, _ = self._model.parse_losses(head.losses_of(kept, samples, {'compute_acc': False}))
        self._losses.append((loss, len(samples)))

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Add the loss to the metrics, after theirs."""
        if self._model is None or metrics is None or _NAME in metrics:
            return
        values = torch.stack([loss for loss, _ in self._losses]).tolist() if self._losses else []
        counts = [count for _, count in self._losses]
        total = sum(value * count for value, count in zip(values, counts, strict=True))
        parts = gather_bytes(json.dumps([total, sum(counts)]).encode())
        totals, faces = zip(*(json.loads(part) for part in parts), strict=True)
        self._losses.clear()
        if sum(faces):
            metrics[_NAME] = sum(totals) / sum(faces)
            runner.message_hub.update_scalar(f'val/{_NAME}', metrics[_NAME])


def _has_points(sample: Any) -> bool:
    return bool(np.any(np.asarray(sample.gt_instances.keypoints_visible) > 0))
