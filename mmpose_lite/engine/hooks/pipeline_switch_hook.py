"""Switching the training data to another pipeline at a given epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from typing import Any

from mmengine.dataset import Compose
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner

from mmpose_lite.errors import InputError
from mmpose_lite.registry import HOOKS, TRANSFORMS
from mmpose_lite.utils.nested_datasets import walk_datasets

from ..preemption import end_workers
from ..run_state import find_hooks


@HOOKS.register_module()
class PipelineSwitchHook(Hook):
    """Switches the training data to a second pipeline at an epoch; mmdet's hook and arguments.

    Usually the last epochs augment less. The second pipeline is built with the hook and tried
    before the first iteration, see :func:`.check_training`. The epoch alone decides which pipeline
    is in use, so a resumed run has the right one; with several hooks, the latest switch that is due
    counts.

    If a data set made of others has a pipeline of its own, as :class:`.CombinedDataset` does, that
    pipeline is replaced, and those of its parts stay.

    Args:
        switch_epoch: The first epoch of the second pipeline, counted from 0.
        switch_pipeline: The transforms of the second pipeline, as configs or callables.

    Raises:
        InputError: If the epoch is not an integer of at least 0.
    """

    def __init__(self, switch_epoch: int, switch_pipeline: Sequence[dict | Callable]) -> None:
        if not isinstance(switch_epoch, int) or isinstance(switch_epoch, bool) or switch_epoch < 0:
            raise InputError(
                f'PipelineSwitchHook: switch_epoch={switch_epoch!r} is not an epoch: '
                'epochs are integers from 0 on'
            )
        self.switch_epoch = switch_epoch
        self.switch_pipeline = switch_pipeline
        self.pipeline = Compose(
            [TRANSFORMS.build(step) if isinstance(step, dict) else step for step in switch_pipeline]
        )
        self._has_switched = False

    def before_train(self, runner: Runner) -> None:
        """Check that the run counts epochs.

        Raises:
            InputError: If it does not, so that the switch would never come.
        """
        if self.switch_epoch and not isinstance(runner.train_loop, EpochBasedTrainLoop):
            raise InputError(
                f'PipelineSwitchHook: switch_epoch={self.switch_epoch} is never reached, for '
                'train_cfg.by_epoch=False counts no epochs'
            )

    def before_train_epoch(self, runner: Runner) -> None:
        """Replace the pipeline if the switch is due; workers with the old one are restarted."""
        hooks = find_hooks(runner, PipelineSwitchHook)
        due = [hook for hook in hooks if hook.switch_epoch <= runner.epoch]
        is_last = all(hook.switch_epoch <= self.switch_epoch for hook in due)
        if self._has_switched or self not in due or not is_last:
            return
        loader = runner.train_dataloader
        for dataset in _outermost_with_pipeline(loader.dataset):
            dataset.pipeline = self.pipeline
        # Persistent workers hold copies of the data set; the loader starts new ones.
        end_workers(loader)
        self._has_switched = True
        runner.logger.info(f'from epoch {runner.epoch + 1} on: switch_pipeline ({self.pipeline})')

    def switched_copies(self, dataset: Any) -> list[Any]:
        """Copy the data sets whose pipeline the hook replaces; the copies have the second one.

        Raises:
            InputError: If no data set has a pipeline.
        """
        copies = [copy(each) for each in _outermost_with_pipeline(dataset)]
        for each in copies:
            each.pipeline = self.pipeline
        return copies


def _outermost_with_pipeline(dataset: Any) -> list[Any]:
    """Find the data sets that have a pipeline and are part of no other that has one.

    Raises:
        InputError: If there is none.
    """
    nests = [nest for _, nest in walk_datasets(dataset) if hasattr(nest[-1], 'pipeline')]
    found = [nest[-1] for nest in nests if not any(hasattr(each, 'pipeline') for each in nest[:-1])]
    if not found:
        raise InputError(
            f'PipelineSwitchHook: train_dataloader.dataset ({type(dataset).__name__}) has no '
            'pipeline to replace'
        )
    return found
