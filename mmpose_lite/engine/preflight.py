"""Checks between building a run and its first iteration: what disagrees is named at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.dist import get_world_size
from mmengine.hooks import CheckpointHook
from mmengine.optim import OptimWrapperDict
from mmengine.runner import Runner

from .model_selection import about_held_out, about_selection
from .point_checks import PreflightError, check_keypoint_counts, check_mirroring


def check_training(runner: Runner) -> None:
    """Check a training run that is built but has not begun.

    Raises:
        InputError: If numbers of points differ, faces are mirrored without mirror pairs,
            ``save_best`` names no metric, or the validation set lacks what a metric needs.
    """
    loaders = {'train_dataloader': runner.train_dataloader}
    if runner.val_loop is not None:
        loaders['val_dataloader'] = runner.val_dataloader
    check_keypoint_counts(runner, loaders)
    check_mirroring(runner, loaders)
    if runner.val_loop is not None:
        check_validation(runner)
        check_save_best(runner)
        check_selection(runner)
    log_learning_rate(runner)


def check_validation(runner: Runner) -> None:
    """Check a validation that is built but has not begun; see :func:`check_training`."""
    if runner.val_loop is not None:
        _check_predicting(runner, 'val_dataloader', runner.val_loop)


def check_testing(runner: Runner) -> None:
    """Check a test run that is built but has not begun; see :func:`check_training`."""
    _check_predicting(runner, 'test_dataloader', runner.test_loop)


def _check_predicting(runner: Runner, key: str, loop: Any) -> None:
    loaders = {key: loop.dataloader}
    check_keypoint_counts(runner, loaders)
    check_mirroring(runner, loaders, testing=True)
    check_metrics(loop)


def check_save_best(runner: Runner) -> None:
    """Check that the metric that chooses the best checkpoint is one that will be computed.

    Raises:
        PreflightError: If it is not.
    """
    hook = next((hook for hook in runner.hooks if isinstance(hook, CheckpointHook)), None)
    wanted = getattr(hook, 'save_best', None)
    metrics = runner.val_loop.evaluator.metrics
    if not wanted or 'auto' in wanted or not all(hasattr(metric, 'names') for metric in metrics):
        return
    subsets = getattr(runner.val_dataloader.dataset, 'subsets', {})
    names = [
        name
        for whole in _names(metrics)
        for name in (whole, *(f'{whole}_{subset}' for subset in subsets))
    ]
    for name in [wanted] if isinstance(wanted, str) else wanted:
        if name not in names:
            raise PreflightError(
                f"default_hooks.checkpoint.save_best='{name}' is not among the metrics of "
                f'val_evaluator: {", ".join(names)}'
            )


def check_selection(runner: Runner) -> None:
    """Log it if the best epoch is chosen on faces of the test, and warn if on trained ones.

    Raises:
        PreflightError: If a set is split, but not into a part to train on and the rest.
    """
    leak = about_held_out(runner.cfg)
    if leak is not None:
        runner.logger.warning(leak)
    hook = next((hook for hook in runner.hooks if isinstance(hook, CheckpointHook)), None)
    wanted = getattr(hook, 'save_best', None)
    message = about_selection(runner.cfg, wanted) if wanted else None
    if message is not None:
        runner.logger.info(message)


def check_metrics(loop: Any) -> None:
    """Check on a sample of a validation or test loop that it has what the metrics need.

    It is the first that has a visible point.

    Raises:
        InputError: If it has not (the message names the metric's setting), no sample has a visible
            point, or two metrics have one name.
    """
    checking = [metric for metric in loop.evaluator.metrics if hasattr(metric, 'check')]
    if not checking:
        return
    names = _names(checking)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise PreflightError(f"two metrics are called '{twice}': give one of them a `prefix`")
    dataset = loop.dataloader.dataset
    sample = dataset[_first_with_points(dataset)]['data_samples'].to_dict()
    for metric in checking:
        metric.source = _annotation_files(dataset)
        metric.check(sample)


def _names(metrics: Sequence[Any]) -> list[str]:
    """What the numbers of metrics are called, without subsets."""
    return [
        f'{metric.prefix}/{name}' if metric.prefix else name
        for metric in metrics
        for name in getattr(metric, 'names', ())
    ]


def _first_with_points(dataset: Any) -> int:
    """The first sample of a data set that has a visible point, or may have one."""
    if not hasattr(dataset, 'get_data_info'):
        return 0
    for index in range(len(dataset)):
        visible = dataset.get_data_info(index).get('keypoints_visible')
        if visible is None or np.any(np.asarray(visible) > 0):
            return index
    raise PreflightError(
        f'{_annotation_files(dataset)}: none of the {len(dataset)} faces has a visible point, so '
        'there is nothing to evaluate'
    )


def _annotation_files(dataset: Any) -> str:
    """The annotation files of a data set, or of its parts."""
    parts = getattr(dataset, 'datasets', [dataset])
    return ', '.join(str(getattr(part, 'ann_file', type(part).__name__)) for part in parts)


def log_learning_rate(runner: Runner) -> None:
    """Log the learning rate beside the batch it is meant for, and warn where they disagree."""
    settings = runner.auto_scale_lr or {}
    base = settings.get('base_batch_size')
    actual = get_world_size() * (runner.train_dataloader.batch_size or 1)
    rates = ', '.join(f'{rate:g}' for rate in sorted(set(_rates(runner))))
    runner.logger.info(
        f'lr {rates}; batch {actual} in all ({get_world_size()} process(es)); base batch {base}'
    )
    if base and actual != base and not settings.get('enable', False):
        runner.logger.warning(
            f'the learning rate is meant for a batch of {base}, this run has {actual}: '
            f'--auto-scale-lr would multiply it by {actual / base:g}'
        )


def _rates(runner: Runner) -> list[float]:
    wrapper = runner.optim_wrapper
    wrappers = wrapper.values() if isinstance(wrapper, OptimWrapperDict) else [wrapper]
    # The schedulers have set the first step's rate by now; the config's is kept beside it.
    return [
        group.get('initial_lr', group['lr'])
        for each in wrappers
        for group in each.optimizer.param_groups
    ]
