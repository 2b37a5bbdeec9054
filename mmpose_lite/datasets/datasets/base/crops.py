"""Demands on cached crops: all pipelines that a data set may run must be served by them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mmengine.dataset import BaseDataset

from mmpose_lite.errors import InputError
from mmpose_lite.registry import TRANSFORMS

from ...crop_cache import CacheSettings
from ...transforms import LoadImage, RandomHalfBody


def cropping_pipelines(
    dataset: BaseDataset, settings: CacheSettings, whole: BaseDataset | None = None
) -> list[list[Callable]]:
    """Collect the pipelines that read cached crops of a data set, each from its first transform.

    Args:
        dataset: The data set.
        settings: The cache's settings, which may name further pipelines.
        whole: The data set that it is part of, whose pipeline comes after its own.
    """
    outermost = dataset if whole is None else whole
    further = (list(map(TRANSFORMS.build, steps)) for steps in settings.further_pipelines)
    pipelines = [
        _acting(steps, outermost.metainfo) for steps in (outermost.pipeline.transforms, *further)
    ]
    if whole is None:
        return pipelines
    own = _acting(getattr(dataset.pipeline, 'transforms', ()), dataset.metainfo)
    return [[*own, *each] for each in pipelines]


def _acting(steps: Sequence[Callable], metainfo: Mapping[str, Any]) -> list[Callable]:
    """Leave out RandomHalfBody where no point belongs to a half: it does nothing there."""
    has_halves = metainfo['upper_body_ids'] or metainfo['lower_body_ids']
    return [step for step in steps if has_halves or not isinstance(step, RandomHalfBody)]


def one_loader(name: str, pipelines: Sequence[Sequence[Callable]]) -> LoadImage:
    """Find the transform that loads photographs, which all pipelines must have in common.

    Args:
        name: Of the data set's class, for messages.
        pipelines: The pipelines.

    Raises:
        InputError: If a pipeline has none, or they load in different ways.
    """
    loaders = [
        next((each for each in steps if isinstance(each, LoadImage)), None) for steps in pipelines
    ]
    first = loaders[0]
    if first is None or None in loaders:
        raise InputError(f'{name}: cache needs a pipeline that begins with LoadImage')
    ways = dict.fromkeys(map(repr, loaders))
    if len(ways) > 1:
        raise InputError(
            f'{name}: cache needs pipelines that load photographs in one way, not by '
            f'{" and ".join(ways)}'
        )
    return first
