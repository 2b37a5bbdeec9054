"""A run on the screen: its head, a bar, a line per validation, and the best of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import IterBasedTrainLoop, Runner
from rich.console import Console

from mmpose_lite.datasets.datasets.base import BaseCocoStyleDataset
from mmpose_lite.evaluation.mean_shape import mean_shape, mean_shape_nme
from mmpose_lite.evaluation.metrics import NME, RowMetric
from mmpose_lite.registry import HOOKS
from mmpose_lite.utils.progress import Progress

from ..run_head import describe_run
from ..run_log import screen_of
from ..run_state import is_training
from .checkpoint_hook import best_validations
from .training_log import is_logged

_GET = BaseCocoStyleDataset.get_data_info
# What stands beside the bar of a training.
_NOTES = {'train/images_per_s': '{:.3g} images/s', 'train/loss': 'loss {:.4g}'}


@HOOKS.register_module()
class ScreenHook(Hook):
    """Shows a run on the screen; ``default_hooks`` names it ``screen``.

    A training has a head; a bar with images/s, loss and the time left; a line per validation with
    the best so far and, for comparison, the error of the training faces' mean shape; and the best
    at the end. For the mean shape the first process reads all annotations once. A test has a head
    and a bar.
    """

    priority = 'LOWEST'

    def __init__(self) -> None:
        self._training: Progress | None = None
        self._evaluation: Progress | None = None
        self._mean_shape: float | None = None
        self._has_head = False

    def before_train(self, runner: Runner) -> None:
        """Print the head, and make the bar."""
        runner.logger.info('\n'.join(describe_run(runner)))
        console = screen_of(runner)
        if console is not None:
            self._mean_shape = _mean_shape_nme(runner)
            self._training = Progress('iterations', runner.max_iters, runner.iter, console)

    def before_train_epoch(self, runner: Runner) -> None:
        """Name the epoch, where they are counted, and start the clock."""
        if self._training is None:
            return
        if not isinstance(runner.train_loop, IterBasedTrainLoop):
            self._training.label = f'epoch {runner.epoch + 1}/{runner.max_epochs}'
        self._training.restart_clock()

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        """Move the bar; its numbers change when they are logged, so nothing waits for them."""
        if self._training is None:
            return
        if is_logged(runner, batch_idx):
            scalars = runner.message_hub.log_scalars
            self._training.note = '  '.join(
                text.format(scalars[name].current())
                for name, text in _NOTES.items()
                if name in scalars
            )
        self._training.advance()

    def before_val_epoch(self, runner: Runner) -> None:
        """Make the bar of a validation."""
        self._begin_evaluation(runner, 'validation', runner.val_loop)

    def before_test_epoch(self, runner: Runner) -> None:
        """Print the head of a test, and make its bar."""
        if not self._has_head:  # a report tests again and again
            runner.logger.info('\n'.join(describe_run(runner)))
            self._has_head = True
        self._begin_evaluation(runner, 'test', runner.test_loop)

    def _begin_evaluation(self, runner: Runner, label: str, loop: Any) -> None:
        console = screen_of(runner)
        if self._training is not None:
            self._training.pause()
        if console is not None:
            self._evaluation = Progress(f'{label}, batches', len(loop.dataloader), 0, console)

    def after_val_iter(self, *args: Any, **kwargs: Any) -> None:
        """Move the bar of a validation."""
        if self._evaluation is not None:
            self._evaluation.advance()

    after_test_iter = after_val_iter

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Print the line of a validation."""
        self.after_test_epoch(runner)
        console = screen_of(runner)
        if console is None or not is_training(runner):
            return
        besides = [f'best {best}' for best in _best(runner)]
        if self._mean_shape is not None:
            besides.append(f'mean shape {100 * self._mean_shape:.2f} %')
        end = f'  ({", ".join(besides)})' if besides else ''
        _print(console, f'{_place(runner)}: {_in_words(runner, metrics or {})}{end}')

    def close(self) -> None:
        """Take all bars away, however the run has ended."""
        for bar in filter(None, (self._evaluation, self._training)):
            bar.pause()

    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Take the bar away."""
        if self._evaluation is not None:
            self._evaluation.pause()
            self._evaluation = None
        if self._training is not None:
            self._training.restart_clock()

    def after_train(self, runner: Runner) -> None:
        """Print the best."""
        if self._training is not None:
            self._training.pause()
        console = screen_of(runner)
        if console is None:
            return
        for text in _best(runner):
            _print(console, f'best {text}')


def _print(console: Console, line: str) -> None:
    console.print(line, markup=False, soft_wrap=True)


def _place(runner: Runner) -> str:
    """Name the epoch, or the iteration, that is done."""
    if isinstance(runner.train_loop, IterBasedTrainLoop):
        return f'iteration {runner.iter:,}'
    return f'epoch {runner.epoch}/{runner.max_epochs}'


def _best(runner: Runner) -> list[str]:
    """The best validation so far by each metric that the best weights are chosen by."""
    return [
        _in_words(runner, {best.name: best.score}) + (f' at {best.when}' if best.when else '')
        for best in best_validations(runner)
    ]


def _in_words(runner: Runner, numbers: Mapping[str, float]) -> str:
    """The numbers of a validation; fractions are in percent."""
    metrics = runner.val_loop.evaluator.metrics if runner.val_loop is not None else ()
    rowwise = [each for each in metrics if isinstance(each, RowMetric)]
    fractions = tuple(name for each in rowwise if each.is_fraction for name in each.names)
    texts = []
    for key, value in numbers.items():
        is_fraction = fractions and key.rpartition('/')[2].startswith(fractions)
        if not isinstance(value, int | float):
            texts.append(f'{key} {value}')
        else:
            texts.append(f'{key} {100 * value:.2f} %' if is_fraction else f'{key} {value:.4g}')
    return ', '.join(texts)


def _mean_shape_nme(runner: Runner) -> float | None:
    """The NME of the mean shape of the training faces on those of the validation, if it has one."""
    metrics = runner.val_loop.evaluator.metrics if runner.val_loop is not None else ()
    metric = next((each for each in metrics if isinstance(each, NME)), None)
    if metric is None:
        return None
    trained, validated = runner.train_dataloader.dataset, runner.val_dataloader.dataset
    # Others may run their pipelines to tell of a face.
    if any(getattr(type(each), 'get_data_info', None) is not _GET for each in (trained, validated)):
        return None
    try:
        shape = mean_shape(_faces(trained))
        return None if shape is None else mean_shape_nme(metric, shape, _faces(validated))
    except (KeyError, TypeError, ValueError):  # a pipeline may add what the metric needs
        return None


def _faces(dataset: Any) -> Iterator[dict]:
    return map(dataset.get_data_info, range(len(dataset)))
