"""Checks between building a run and its first iteration: what disagrees is named at once."""

from __future__ import annotations

import os.path as osp
from collections.abc import Iterator, Mapping, Sequence, Sized
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
from mmengine.dataset import InfiniteSampler
from mmengine.device import get_device
from mmengine.dist import get_world_size
from mmengine.hooks import CheckpointHook, EMAHook
from mmengine.model import ExponentialMovingAverage
from mmengine.optim import (
    ConstantParamScheduler,
    LinearParamScheduler,
    PolyParamScheduler,
    _ParamScheduler,
)
from mmengine.optim.scheduler.param_scheduler import INF
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch.utils.data import DataLoader

from mmpose_lite.datasets.datasets.base.split import TrainValSplit

from .config_rewrites import find_datasets
from .hooks import PipelineSwitchHook
from .optim_wrappers import about_slow_precision
from .point_checks import PreflightError, check_points
from .run_state import find_hook, find_hooks, global_batch, optim_wrappers
from .scheduler_states import pairs_of

_WITH_SPLIT = (
    'configs/face_2d_keypoint/topdown_heatmap/aflw/'
    'td-hm_hrnetv2-w18_8xb64-60e_aflw-256x256_val-split.py'
)
# A third of a run, or of an average, is no longer a beginning.
_MOSTLY = 1 / 3


def check_training(runner: Runner) -> None:
    """Check a training run that is built but has not begun.

    Raises:
        InputError: If numbers of points or sizes differ, faces are mirrored without mirror pairs,
            ``save_best`` names no metric, or the validation set lacks what a metric needs.
    """
    loaders, tested = {'train_dataloader': runner.train_dataloader}, []
    if runner.val_loop is not None:
        loaders['val_dataloader'] = runner.val_dataloader
        tested = ['val_dataloader']
    check_points(runner, {**loaders, **_switched(runner)}, tested)
    if runner.val_loop is not None:
        check_metrics(runner.val_loop)
        check_save_best(runner)
        check_selection(runner)
    check_learning_rate(runner)
    dtypes = {getattr(each, 'cast_dtype', None) for each in optim_wrappers(runner).values()}
    slow = (about_slow_precision(dtype, get_device()) for dtype in dtypes)
    for sentence in (*about_lengths(runner), *filter(None, slow)):
        runner.logger.warning(sentence)
    # In all processes: a network may wait for its like in the others.
    memory = runner.train_loop.memory
    if memory is not None and (sentence := memory.warning(runner.train_dataloader.batch_size)):
        runner.logger.warning(sentence)


def _switched(runner: Runner) -> dict[str, Any]:
    """Stand-ins of the training loader, by name: its data with each pipeline switched to."""
    found: dict[str, Any] = {}
    for hook in find_hooks(runner, PipelineSwitchHook):
        for dataset in hook.switched_copies(runner.train_dataloader.dataset):
            place = f'train_dataloader (PipelineSwitchHook, epoch {hook.switch_epoch + 1})'
            place += f' {len(found) + 1}' * (place in found)
            found[place] = SimpleNamespace(dataset=dataset)
    return found


def check_evaluation(runner: Runner, key: str, loop: Any) -> None:
    """Check a validation or test by itself, as :func:`check_training` does; ``key``: its loader."""
    check_points(runner, {key: loop.dataloader}, [key])
    check_metrics(loop)


def check_not_empty(key: str, loader: DataLoader) -> None:
    """Check that a loader has a batch, in some process at least; its sampler shares out evenly."""
    dataset, batch = loader.dataset, loader.batch_size
    if not isinstance(dataset, Sized):
        return
    faces, processes = len(dataset), get_world_size()
    largest_share = -(-faces // processes)
    is_endless = isinstance(loader.sampler, InfiniteSampler)
    is_dropped = loader.drop_last and largest_share < (batch or 1) and not is_endless
    if not faces or is_dropped or (batch is None and not len(loader)):
        source = getattr(dataset, 'ann_file', '') or type(dataset).__name__
        raise PreflightError(
            f"{key} has no batch: '{source}' has {faces} faces, for {processes} process(es) with "
            f'batch_size={batch} and drop_last={loader.drop_last}'
        )


def check_save_best(runner: Runner) -> None:
    """Check that the metric that chooses the best checkpoint is one that will be computed."""
    wanted = getattr(find_hook(runner, CheckpointHook), 'save_best', None)
    metrics = runner.val_loop.evaluator.metrics
    if not wanted or 'auto' in wanted or not all(hasattr(metric, 'names') for metric in metrics):
        return
    dataset = runner.val_dataloader.dataset
    groups = [*getattr(dataset, 'subsets', ()), *getattr(dataset, 'part_names', ())]
    names = [
        name
        for whole in _names(metrics)
        for name in (whole, *(f'{whole}_{group}' for group in groups))
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
        PreflightError: If a set is split, but not into a part to train on and others.
    """
    if leak := about_held_out(runner.cfg):
        runner.logger.warning(leak)
    wanted = getattr(find_hook(runner, CheckpointHook), 'save_best', None)
    if wanted and (message := about_selection(runner.cfg, wanted)):
        runner.logger.info(message)


def about_selection(cfg: Mapping[str, Any], save_best: str | Sequence[str]) -> str | None:
    """Say that the best epoch is chosen on test data; None if it is not.

    MMPose's configs of AFLW and other sets of faces, which have no validation set, do so, and ours
    say what they say; a number of the best epoch is then better than one of unseen faces would be.
    """
    tested = list(_sources(cfg, 'test'))
    shared = [
        file
        for file, validated, _ in _sources(cfg, 'val')
        if any(file == other and _overlap(validated, part) for other, part, _ in tested)
    ]
    if not shared:
        return None
    names = ', '.join(dict.fromkeys(map(osp.basename, shared)))
    is_split = any(part for _, part, _ in tested)
    way_out = 'a test_share beside the val_share' if is_split else _WITH_SPLIT
    metric = save_best if isinstance(save_best, str) else ', '.join(save_best)
    return (
        f"the best epoch is chosen on test data, as MMPose's configs do (save_best: {metric} of "
        f'{names}, which is the test set too); {way_out} holds out faces that it is not chosen on '
        '(dataset.train_val_split)'
    )


def about_held_out(cfg: Mapping[str, Any]) -> str | None:
    """Say that validation or test faces are trained on; None if not, or ``indices`` choose faces.

    Raises:
        PreflightError: If a set is split, but not into a part to train on and others.
    """
    for role, name in (('val', 'validation'), ('test', 'test')):
        for file, trained, some in _sources(cfg, 'train'):
            for other, held, others in _sources(cfg, role):
                if file != other or _are_apart(trained, held):
                    continue
                if trained or held:
                    raise PreflightError(
                        f"'{file}' is split, but {name} faces may be trained on: train_val_split "
                        f'is {trained} in train_dataloader and {held} in {role}_dataloader; it '
                        f"must be part='train' and part='{role}' of the same val_share, "
                        'test_share and group'
                    )
                if not some and not others:
                    return f"{name} faces are trained on: both are those of '{file}'"
    return None


def _are_apart(trained: TrainValSplit | None, held: TrainValSplit | None) -> bool:
    """Tell whether two parts are the one to train on, and another, of one split."""
    return held is not None and held.part != 'train' and trained == replace(held, part='train')


def _overlap(one: TrainValSplit | None, other: TrainValSplit | None) -> bool:
    """Tell whether two parts of a file, or all of it, can have a photograph in common."""
    if one is None or other is None or one.group != other.group:
        return True
    first, second = one.numbers, other.numbers
    return max(first.start, second.start) < min(first.stop, second.stop)


def _sources(cfg: Mapping[str, Any], role: str) -> list[tuple[str, TrainValSplit | None, bool]]:
    """The annotation files of a role's loader, which part of each, and whether by ``indices``."""
    loader = cfg.get(f'{role}_dataloader') or {}
    sources = []
    for dataset in find_datasets(loader.get('dataset')):
        file = osp.realpath(osp.join(dataset.get('data_root') or '', dataset['ann_file']))
        split = TrainValSplit.of(dataset.get('train_val_split'))
        sources.append((file, split, dataset.get('indices') is not None))
    return sources


def check_metrics(loop: Any) -> None:
    """Check on a validation's or test's first sample with a visible point what the metrics need.

    Raises:
        InputError: If it lacks that (the message names the metric's setting), no sample has a
            visible point, or two metrics have one name.
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
    """The names of metrics' numbers, without subsets."""
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


def check_learning_rate(runner: Runner) -> None:
    """Warn where the learning rate is meant for another batch; the head of the run has both."""
    settings = runner.auto_scale_lr or {}
    base = settings.get('base_batch_size')
    actual = global_batch(runner)
    if base and actual != base and not settings.get('enable', False):
        runner.logger.warning(
            f'the learning rate is meant for a batch of {base}, this run has {actual}: '
            f'--auto-scale-lr would multiply it by {actual / base:g}'
        )


def about_lengths(runner: Runner) -> Iterator[str]:
    """Say for which schedules, averages, pipelines, validations, checkpoints a run is too short.

    Raises:
        PreflightError: If the averaging of weights would begin after the run.
    """
    yield from _about_schedules(runner)
    yield from _about_averages(runner)
    yield from _about_switches(runner)
    loop = runner.train_loop
    by_epoch = isinstance(loop, EpochBasedTrainLoop)
    length = loop.max_epochs if by_epoch else loop.max_iters
    if runner.val_loop is not None and getattr(loop, 'val_begin', 0) > length:
        yield (
            f'train_cfg.val_begin={loop.val_begin}, and the run has {length} '
            f'{_unit(by_epoch, length)}: there is no validation'
        )
    if hook := find_hook(runner, CheckpointHook):
        yield from _about_checkpoints(hook, runner)


def _about_switches(runner: Runner) -> Iterator[str]:
    for hook in find_hooks(runner, PipelineSwitchHook):
        if hook.switch_epoch >= runner.max_epochs:
            yield (
                f'PipelineSwitchHook has switch_epoch={hook.switch_epoch}, and the run has '
                f'{runner.max_epochs} {_unit(True, runner.max_epochs)}: its pipeline is never used'
            )


def _unit(by_epoch: bool, count: int) -> str:
    return ('epoch' if by_epoch else 'iteration') + ('s' if count != 1 else '')


def _about_checkpoints(hook: CheckpointHook, runner: Runner) -> Iterator[str]:
    if runner.val_loop is None and hook.save_best:
        yield (
            f'default_hooks.checkpoint.save_best={", ".join(hook.save_best)}, and there is no '
            'validation, so no checkpoint is the best: set val_dataloader, val_evaluator, val_cfg'
        )
    length = runner.max_epochs if hook.by_epoch else runner.max_iters
    if not hook.save_last and not 0 < hook.interval <= length:
        yield (
            f'default_hooks.checkpoint has interval={hook.interval} and save_last=False, and the '
            f'run has {length}: nothing is saved to resume from'
        )


def _about_schedules(runner: Runner) -> Iterator[str]:
    schedulers, loop = runner.param_schedulers or [], runner.train_loop
    for place, scheduler, _ in pairs_of(schedulers, schedulers):
        where = f'param_scheduler{place}'
        length = loop.max_epochs if scheduler.by_epoch else loop.max_iters
        unit = _unit(scheduler.by_epoch, length)
        if sentence := _about_scheduler(scheduler, length, unit, where):
            yield f'{where} ({type(scheduler).__name__}) {sentence}'


def _about_scheduler(scheduler: _ParamScheduler, length: int, unit: str, where: str) -> str | None:
    """Say what a run of some length, in the scheduler's unit, leaves out of a schedule."""
    begin, name, run = scheduler.begin, scheduler.param_name, f'the run has {length} {unit}'
    if begin >= length:
        return f'begins at {begin}, and {run}: it changes nothing'
    if is_warm_up(scheduler):
        return _about_warm_up(scheduler, length, unit, where)
    milestones = getattr(scheduler, 'milestones', ())
    beyond = [step for step in milestones if begin + step >= min(length, scheduler.end)]
    if beyond:
        falls = 'falls less often' if len(beyond) < len(milestones) else 'never falls'
        return f'has the milestones {beyond}, and {run}: {name} {falls}'
    if getattr(scheduler, 'step_size', 0) >= length - begin:
        return f'has step_size={scheduler.step_size}, and {run}: {name} never falls'
    steps = _steps_to_the_end(scheduler)
    if steps is not None and begin + steps > length:
        return f'ends at {begin + steps}, and {run}: {name} does not get to its last value'
    return None


def is_warm_up(scheduler: _ParamScheduler) -> bool:
    """Tell whether a schedule begins below the value that it leads to."""
    if isinstance(scheduler, LinearParamScheduler):
        return scheduler.start_factor < scheduler.end_factor
    return isinstance(scheduler, ConstantParamScheduler) and scheduler.factor < 1


def _about_warm_up(scheduler: _ParamScheduler, length: int, unit: str, where: str) -> str | None:
    """Say that a warm-up is a large part of a run, and how far it gets."""
    steps, name = scheduler.end - scheduler.begin, scheduler.param_name
    if steps <= _MOSTLY * length:
        return None
    share, value = _share_reached(scheduler, length), max(scheduler.base_values)
    return (
        f'is a warm-up over {steps}, and the run has {length} {unit}: {name} reaches '
        f'{100 * share:.3g} % of the {value:g} that the config names, after '
        f'{100 * min(scheduler.end / length, 1):.3g} % of the run; a tenth of it is '
        f'--cfg-options {where}.end={scheduler.begin + max(length // 10, 2)}'
    )


def _share_reached(scheduler: _ParamScheduler, length: int) -> float:
    """The largest factor of a warm-up within so many steps."""
    if scheduler.end <= length:
        return 1.0
    if isinstance(scheduler, ConstantParamScheduler):
        return scheduler.factor
    done = (length - 1 - scheduler.begin) / (scheduler.end - 1 - scheduler.begin)
    return scheduler.start_factor + done * (scheduler.end_factor - scheduler.start_factor)


def _steps_to_the_end(scheduler: _ParamScheduler) -> int | None:
    """After how many steps a value is what the schedule leads to; None if it leads to none."""
    steps = getattr(scheduler, 'T_max', None) or getattr(scheduler, 'total_steps', None)
    if steps is None and isinstance(scheduler, LinearParamScheduler | PolyParamScheduler):
        steps = None if scheduler.end == INF else scheduler.end - scheduler.begin
    return steps


def _about_averages(runner: Runner) -> Iterator[str]:
    """Say what a run is too short for in the moving average of its weights."""
    loop = runner.train_loop
    for hook in (hook for hook in runner.hooks if isinstance(hook, EMAHook)):
        name, length = 'begin_iter', loop.max_iters
        if hook.enabled_by_epoch:
            name, length = 'begin_epoch', loop.max_epochs
        begin = getattr(hook, name)
        if begin >= length:
            text = f'EMAHook has {name}={begin}, and the run has {length}: it averages no weights'
            if begin > length:
                raise PreflightError(text)
            yield text
            continue
        average = hook.ema_model
        updates = (loop.max_iters * (length - begin) / length) // average.interval
        left = (1 - average.momentum) ** updates if type(average) is ExponentialMovingAverage else 0
        if left > _MOSTLY:
            yield (
                f'EMAHook has momentum={average.momentum:g} and averages {updates:.0f} times: '
                f'{100 * left:.3g} % of the weights that are tested are those that the run began '
                'with; set a larger momentum'
            )


def learning_rates(runner: Runner) -> set[float]:
    """The learning rates of a run's parameters before its schedules."""
    # The schedulers have set the first step's rate by now; the config's is kept beside it.
    return {
        group.get('initial_lr', group['lr'])
        for wrapper in optim_wrappers(runner).values()
        for group in wrapper.optimizer.param_groups
    }
