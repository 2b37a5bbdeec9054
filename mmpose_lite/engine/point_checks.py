"""Whether data, model and metrics mean the same points, checked before the first iteration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmpose_lite.datasets.transforms import KeypointConverter, RandomFlip
from mmpose_lite.utils import InputError


class PreflightError(InputError):
    """Two parts of a config contradict each other; the message names the keys and values."""


def check_keypoint_counts(runner: Runner, loaders: Mapping[str, Any]) -> None:
    """Compare the numbers of points of data sets and head.

    That annotations have as many points as the metainfo names is checked where they are read, and
    that a metric's points exist by the metric.

    Args:
        runner: The run, whose model is built.
        loaders: Loaders by their keys in the config.

    Raises:
        PreflightError: If the numbers differ; the message names all of them.
    """
    counts = dict(_head_count(_model(runner)))
    for key, loader in loaders.items():
        metainfo = getattr(loader.dataset, 'metainfo', {})
        count = metainfo.get('num_keypoints')
        if count is None:
            continue
        where = f"{key}.dataset ('{metainfo['dataset_name']}')"
        sigmas = len(metainfo.get('sigmas', ()))
        if sigmas not in (0, count):
            raise PreflightError(f'{where}: metainfo names {count} points, but {sigmas} sigmas')
        counts[f'{where} has {count} points'] = count
        # A CombinedDataset has compared its parts with what their converters make of them.
        for step in () if hasattr(loader.dataset, 'datasets') else _steps(loader.dataset):
            if isinstance(step, KeypointConverter):
                counts[f'{step} in the pipeline of {where}'] = step.num_keypoints
    if len(set(counts.values())) > 1:
        raise PreflightError(f'the numbers of points differ: {"; ".join(counts)}')


def check_mirroring(runner: Runner, loaders: Mapping[str, Any], testing: bool = False) -> None:
    """Check that faces are mirrored only where the metainfo says which point becomes which.

    Args:
        runner: The run, whose model is built.
        loaders: Loaders by their keys in the config.
        testing: Whether the model predicts on these loaders, and so its flip test counts.

    Raises:
        PreflightError: If no point has a mirror point; the message says what to do.
    """
    flip_test = testing and (getattr(_model(runner), 'test_cfg', None) or {}).get('flip_test')
    for key, loader in loaders.items():
        if flip_test and _has_no_pairs(loader.dataset):
            raise _no_pairs(
                f'{key}.dataset',
                loader.dataset,
                'model.test_cfg.flip_test=True',
                'set model.test_cfg.flip_test=False',
            )
        for dataset in _parts(loader.dataset):
            flips = [step for step in _steps(dataset) if isinstance(step, RandomFlip)]
            if _has_no_pairs(dataset) and any(np.max(step.prob) > 0 for step in flips):
                raise _no_pairs(
                    f'{key}.dataset', dataset, str(flips[0]), 'take RandomFlip out of its pipeline'
                )


def _no_pairs(where: str, dataset: Any, culprit: str, way_out: str) -> PreflightError:
    return PreflightError(
        f"{where} ('{dataset.metainfo['dataset_name']}') declares no mirror pairs, so {culprit} "
        'would take left points for right ones: name the mirror point of each in `swap` of '
        'metainfo.keypoint_info (of one on the axis its own name, where all lie there), or '
        f'{way_out}'
    )


def _has_no_pairs(dataset: Any) -> bool:
    metainfo = getattr(dataset, 'metainfo', {})
    mirror = list(metainfo.get('flip_indices', ()))
    # A lone point has none, and points may all be said to be their own.
    is_said = len(metainfo.get('own_mirror_ids', ())) == len(mirror)
    return len(mirror) > 1 and mirror == list(range(len(mirror))) and not is_said


def _head_count(model: Any) -> Iterator[tuple[str, float]]:
    head: Any = getattr(model, 'head', None)
    if hasattr(head, 'num_joints'):
        count = head.num_joints
        yield f'model.head.num_joints={count} makes {count} points', count
    elif getattr(head, 'out_channels', None) is not None:
        maps = 3 if getattr(head.decoder, 'heatmap_type', '') == 'combined' else 1
        count = head.out_channels / maps
        yield f'model.head.out_channels={head.out_channels} makes {count:g} points', count


def _model(runner: Runner) -> Any:
    return runner.model.module if is_model_wrapper(runner.model) else runner.model


def _parts(dataset: Any) -> Iterator[Any]:
    """A data set and those that it is made of."""
    yield dataset
    inner = getattr(dataset, 'datasets', None) or filter(None, [getattr(dataset, 'dataset', None)])
    for part in inner:
        yield from _parts(part)


def _steps(dataset: Any) -> list[Any]:
    return list(getattr(getattr(dataset, 'pipeline', None), 'transforms', ()))
