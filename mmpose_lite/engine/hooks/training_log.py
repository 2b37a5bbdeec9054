"""Log of a training beyond mmengine's: errors and losses of crops, speed, last lines.

mmengine's LoggerHook writes the lines, by way of :class:`.run_log.LogProcessor`.

:class:`PoseRunner` has these hooks by default; a config's ``default_hooks`` names them ``speed``,
``train_error``, ``val_loss`` and ``summary``.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import numpy as np
import torch
from mmengine.dist import is_main_process
from mmengine.hooks import Hook, LoggerHook
from mmengine.runner import IterBasedTrainLoop, Runner
from numpy import ndarray
from torch import Tensor, nn

from mmpose_lite.errors import InputError
from mmpose_lite.evaluation.metrics import NME
from mmpose_lite.registry import HOOKS
from mmpose_lite.utils.collectives import gather_objects
from mmpose_lite.utils.tensor_utils import unwrap_model

from ..run_log import FILE_ONLY
from ..run_state import is_training
from .checkpoint_hook import best_validations

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

_MAXRSS_UNITS_PER_MB = 2**20 if sys.platform == 'darwin' else 2**10  # units of ru_maxrss
_VAL_LOSS = 'val_loss'  # `loss` is that of training, in backends that have one curve for a name


@HOOKS.register_module()
class SpeedHook(Hook):
    """Logs ``images_per_s``, and on a CPU ``memory``, with each line of a training.

    Images are counted over all ranks since the last line; the time includes loading, but not
    validations. ``memory`` is the peak of the process, MB (on a GPU, mmengine logs the peak of what
    tensors take there).
    """

    priority = 'NORMAL'

    def __init__(self) -> None:
        self._images, self._seconds, self._since = 0, 0.0, 0.0

    def before_train_epoch(self, runner: Runner) -> None:
        """Start the clock."""
        self._since = perf_counter()

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Start the clock again: a validation between iterations is not theirs."""
        self._since = perf_counter()

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        """Count a batch."""
        now = perf_counter()
        self._seconds, self._since = self._seconds + now - self._since, now
        # Ranks have batches of one size: their samplers round up.
        images = data_batch.get('inputs', ()) if isinstance(data_batch, dict) else ()
        self._images += len(images) * runner.world_size
        if not is_logged(runner, batch_idx):
            return
        hub = runner.message_hub
        # A machine's numbers: they do not go into checkpoints.
        if self._images:
            hub.update_scalar('train/images_per_s', self._images / self._seconds, resumed=False)
        if resource is not None and not torch.cuda.is_available():
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            hub.update_scalar('train/memory', peak // _MAXRSS_UNITS_PER_MB, resumed=False)
        self._images, self._seconds = 0, 0.0


class _HeadListener(Hook):
    """Base of hooks that record what a model's head returns for one batch."""

    def __init__(self) -> None:
        self._head: Any = None
        self._outputs: list[Any] = []
        self._forward: Any = None  # the head's, while it is recorded

    def _listen(self, data_batch: Any) -> None:
        """Start recording, if the samples of the batch carry their points in crop coordinates."""
        samples = (data_batch.get('data_samples') or []) if isinstance(data_batch, dict) else []
        if any('transformed_keypoints' in each.get('gt_instances', ()) for each in samples[:1]):
            self._forward = self._head.forward
            # Not a hook of the module: heads of others call their forward by its name.
            self._head.forward = self._record

    def _record(self, *args: Any, **kwargs: Any) -> Any:
        self._outputs.append(self._forward(*args, **kwargs))
        return self._outputs[-1]

    def _stop_listening(self) -> Any:
        """Stop recording; return the raw outputs of the first call, or None without one."""
        if self._forward is not None:
            del self._head.forward
            if self._head.forward != self._forward:  # a compiler's, or the user's own
                self._head.forward = self._forward
        # A flip test calls the head for the images first, then for their mirrors.
        first = self._outputs[0] if self._outputs else None
        self._forward, self._outputs = None, []
        return first


@HOOKS.register_module()
class TrainErrorHook(_HeadListener):
    """Logs ``train_NME``, the NME of training crops, normalised as ``val_evaluator``'s NME is.

    It is that of the first process's batch at each logged iteration, from the outputs that the
    loss was computed from; other iterations compute nothing. Points that augmentation has moved out
    of the crop do not count, nor do faces whose normaliser needs such a point.
    """

    priority = 'NORMAL'

    def __init__(self) -> None:
        super().__init__()
        self._metrics: dict[str, NME] = {}  # by what is logged

    def before_train(self, runner: Runner) -> None:
        """Find the metrics, and the head whose outputs they measure."""
        model = unwrap_model(runner.model)
        augments = getattr(getattr(model, 'data_preprocessor', None), 'batch_augments', None)
        self._head = getattr(model, 'head', None)
        # Points of a batch that is augmented as a whole are no longer those of its samples.
        can_tell = not augments and hasattr(self._head, 'decode')
        if not is_main_process() or not can_tell or runner.val_loop is None:
            return
        for metric in runner.val_loop.evaluator.metrics:
            if isinstance(metric, NME):
                name = f'{metric.prefix}/train_NME' if metric.prefix else 'train_NME'
                self._metrics[f'train/{name}'] = metric

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Listen to the head in an iteration that will be logged."""
        if self._metrics and is_logged(runner, batch_idx):
            self._listen(data_batch)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        """Compute the error of the recorded outputs."""
        raw = self._stop_listening()
        if raw is None:
            return
        try:
            predictions = [each.keypoints[0] for each in self._head.decode(raw)]
        except Exception as error:  # somebody's own head may decode other outputs than these
            kind, problem = type(self._head).__name__, ' '.join(str(error).split())
            runner.logger.info(f'no NME of training crops: {kind}.decode(raw outputs): {problem}')
            self._metrics.clear()
            return
        rows = list(_rows(data_batch['data_samples'], predictions))
        for name, metric in list(self._metrics.items()):
            try:
                runner.message_hub.update_scalar(name, _mean_error(metric, rows))
            except InputError as error:  # samples of training lack what its normaliser needs
                runner.logger.info(f'no NME of training crops: {error}')
                del self._metrics[name]


@HOOKS.register_module()
class ValLossHook(_HeadListener):
    """Adds ``val_loss``, the model's loss, to the metrics of a training's validations.

    It is computed from the outputs that the predictions are made from, without the mirrored ones of
    a flip test, so that no second pass is needed. It is the mean over the faces, of all ranks, that
    have a visible point; others would count as 0. A loss that is a sum over the faces of a batch,
    and says so (``sums_faces``), is scaled to the size of a training batch.
    """

    priority = 'NORMAL'

    def __init__(self) -> None:
        super().__init__()
        self._model: Any = None
        self._losses: list[tuple[Tensor, int]] = []
        self._has_told = False

    def before_val_epoch(self, runner: Runner) -> None:
        """Begin anew; a validation that was broken off does not count."""
        self._losses.clear()
        model = unwrap_model(runner.model)
        # Somebody's own head may have a loss that is made of feature maps.
        has_losses_of = getattr(getattr(model, 'head', None), 'has_losses_of', lambda: False)()
        is_wanted = is_training(runner) and has_losses_of
        self._model, self._head = (model, model.head) if is_wanted else (None, None)
        if is_training(runner) and not has_losses_of:
            self._tell_once(runner, 'the head has a loss of its own')

    def before_val_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Listen to the head if it can make the targets of the batch."""
        if self._model is not None:
            self._listen(data_batch)

    def after_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Compute the loss of a batch; it stays on the device."""
        raw = self._stop_listening()
        if raw is None:
            return
        samples = data_batch['data_samples']
        visible = (np.asarray(sample.gt_instances.keypoints_visible) for sample in samples)
        counting = [i for i, each in enumerate(visible) if np.any(each > 0)]
        if not counting:
            return
        if len(counting) < len(samples):
            raw, samples = _of_faces(raw, counting), [samples[i] for i in counting]
        batch_size = runner.train_dataloader.batch_size or len(samples)
        with _sums_scaled(self._head, batch_size / len(samples)):
            losses = self._head.losses_of(raw, samples, {'compute_acc': False})
        self._losses.append((self._model.parse_losses(losses)[0], len(samples)))

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Add the loss to the metrics, after theirs."""
        if self._model is None or metrics is None or _VAL_LOSS in metrics:
            return
        values = torch.stack([loss for loss, _ in self._losses]).tolist() if self._losses else []
        counts = [count for _, count in self._losses]
        total = sum(value * count for value, count in zip(values, counts, strict=True))
        totals, faces = zip(*gather_objects([total, sum(counts)]), strict=True)
        self._losses.clear()
        if sum(faces):
            metrics[_VAL_LOSS] = sum(totals) / sum(faces)
            runner.message_hub.update_scalar(f'val/{_VAL_LOSS}', metrics[_VAL_LOSS])
        else:
            head = type(self._head).__name__
            why = f'its targets are not made by the head (see {head}.makes_targets)'
            self._tell_once(runner, f'{why}, or no point is visible')

    def _tell_once(self, runner: Runner, why: str) -> None:
        if not self._has_told:
            self._has_told = True
            runner.logger.info(f'validations have no val_loss: {why}')


@HOOKS.register_module()
class SummaryHook(Hook):
    """Ends the log of a training with all metrics of the best and of the last validation.

    What it needs is in the checkpoints, so a resumed run reports on the whole of it.
    """

    priority = 'BELOW_NORMAL'

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Remember a validation; if it is the best so far, the checkpoint hook copies it."""
        if is_training(runner):
            unit, number, _ = _progress(runner)
            about = {'when': f'{unit} {number}', 'metrics': dict(metrics or {})}
            runner.message_hub.update_info('last_validation', about)

    def after_train(self, runner: Runner) -> None:
        """Write the lines."""
        info = runner.message_hub.runtime_info
        unit, _, length = _progress(runner)
        for best in best_validations(runner):
            when = best.when or unit
            runner.logger.info(
                f'best {when} of {length}, by {best.name}: {_text(best.metrics)}; {best.file}',
                extra=FILE_ONLY,
            )
        last = info.get('last_validation')
        if last is not None:
            text = f'last {last["when"]} of {length}: {_text(last["metrics"])}'
            runner.logger.info(text, extra=FILE_ONLY)


def is_logged(runner: Any, batch_idx: int) -> bool:
    """Tell whether mmengine's LoggerHook writes a line after a training iteration."""
    logger = next((hook for hook in runner.hooks if isinstance(hook, LoggerHook)), None)
    if logger is None:
        return False
    if logger.every_n_inner_iters(batch_idx, logger.interval):
        return True
    loader = runner.train_dataloader
    is_short = not logger.ignore_last or len(loader) <= logger.interval
    return is_short and logger.end_of_epoch(loader, batch_idx)


@contextmanager
def _sums_scaled(head: nn.Module, factor: float) -> Iterator[None]:
    """Scale the losses of a head that are sums over faces, to those of a batch of another size."""
    sums = [each for each in head.modules() if getattr(each, 'sums_faces', False)]
    handles = [each.register_forward_hook(lambda *call: factor * call[-1]) for each in sums]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _of_faces(outputs: Any, faces: list[int]) -> Any:
    """Raw outputs, one or several, of some faces of a batch."""
    if isinstance(outputs, Tensor):
        return outputs[faces]
    return [_of_faces(each, faces) for each in outputs]


def _rows(samples: Sequence[Any], predictions: Sequence[ndarray]) -> Iterator[tuple[dict, dict]]:
    """Pair each face's row with its truth, in pixels of its photograph."""
    for sample, predicted in zip(samples, predictions, strict=True):
        truth = sample.gt_instances
        wanted = truth.transformed_keypoints[0]
        size_wh = np.asarray(sample.input_size)
        inside = ((wanted >= 0) & (wanted <= size_wh - 1)).all(axis=-1)
        visible = np.asarray(truth.keypoints_visible)[0].reshape(len(wanted), -1)[:, 0] > 0
        # The way back to the photograph also rotates and mirrors; lengths change by scale alone.
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
    """Compute the NME over all points that count; NaN if there is none."""
    whole = [{**row, **metric.extra(truth, row)} for row, truth in rows]
    kept = [row for row in whole if metric.reason_to_leave_out(row) is None]
    try:
        return metric.compute(kept)['NME'] if kept else math.nan
    except ValueError:  # a size is not above 0: a number of the log ends no training
        return math.nan


def _progress(runner: Runner) -> tuple[str, int, int]:
    """Return the unit of progress, how many are done, and how many there will be."""
    if isinstance(runner.train_loop, IterBasedTrainLoop):
        return 'iteration', runner.iter, runner.max_iters
    return 'epoch', runner.epoch, runner.max_epochs


def _text(metrics: Mapping[str, Any]) -> str:
    return ', '.join(
        f'{name} {value:.6g}' if isinstance(value, float) else f'{name} {value}'
        for name, value in metrics.items()
    )
