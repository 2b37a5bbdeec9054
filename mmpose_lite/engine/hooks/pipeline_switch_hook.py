"""Another pipeline for the training data, from an epoch on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from typing import Any

from mmengine.dataset import Compose
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner

from mmpose_lite.registry import HOOKS, TRANSFORMS
from mmpose_lite.utils import InputError
from mmpose_lite.utils.nested_datasets import walk_datasets

from ..run_state import find_hooks


@HOOKS.register_module()
class PipelineSwitchHook(Hook):
    """Gives the training data another pipeline from an epoch on; mmdet's hook, with its arguments.

    Usually the last epochs augment less. The pipeline is built with the hook and tried before the
    first iteration, see :func:`.check_training`. Which one is in use follows from the epoch alone,
    so a resumed run has the right one, and of several hooks the one that was due last counts.

    In a data set made of others that has a pipeline, as :class:`.CombinedDataset` has one, that
    one is replaced and those of its parts stay.

    Args:
        switch_epoch: The first epoch of the other pipeline, from 0.
        switch_pipeline: The transforms of that pipeline, as configs or callables.

    Raises:
        InputError: If the epoch is no number from 0 on.
    """

    def __init__(self, switch_epoch: int, switch_pipeline: Sequence[dict | Callable]) -> None:
        if not isinstance(switch_epoch, int) or isinstance(switch_epoch, bool) or switch_epoch < 0:
            raise InputError(
                f'PipelineSwitchHook: switch_epoch={switch_epoch!r} is no number of an epoch, '
                'which are counted from 0 on'
            )
        self.switch_epoch = switch_epoch
        self.switch_pipeline = switch_pipeline
        self.pipeline = Compose(
            [TRANSFORMS.build(step) if isinstance(step, dict) else step for step in switch_pipeline]
        )
        self._has_switched = False

    def before_train(self, runner: Runner) -> None:
        """Check that the run has epochs, and its data a pipeline.

        Raises:
            InputError: If it has not.
        """
        if self.switch_epoch and not isinstance(runner.train_loop, EpochBasedTrainLoop):
            raise InputError(
                f'PipelineSwitchHook: switch_epoch={self.switch_epoch} is never reached, for '
                'train_cfg.by_epoch=False counts no epochs'
            )

    def before_train_epoch(self, runner: Runner) -> None:
        """Replace the pipeline where that is due; workers that have the old one make way."""
        hooks = find_hooks(runner, PipelineSwitchHook)
        due = [hook for hook in hooks if hook.switch_epoch <= runner.epoch]
        is_last = all(hook.switch_epoch <= self.switch_epoch for hook in due)
        if self._has_switched or self not in due or not is_last:
            return
        loader = runner.train_dataloader
        for dataset in with_pipelines(loader.dataset):
            dataset.pipeline = self.pipeline
        loader._iterator = None  # of persistent workers, which have copies of the data set
        self._has_switched = True
        runner.logger.info(f'from epoch {runner.epoch + 1} on: switch_pipeline ({self.pipeline})')

    def switched(self, dataset: Any) -> list[Any]:
        """Copies of the data sets whose pipeline is replaced, which have the other one."""
        copies = [copy(each) for each in with_pipelines(dataset)]
        for each in copies:
            each.pipeline = self.pipeline
        return copies


def with_pipelines(dataset: Any) -> list[Any]:
    """Find the outermost data sets that have a pipeline: one, or those of others that have none.

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
