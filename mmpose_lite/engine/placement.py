"""Where the work on a batch is done: by the loader's workers, or on the model's device.

These functions rewrite a config before anything is built, so that the config that a run leaves
behind says what it did.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mmengine.config import Config
from mmengine.device import get_device

from mmpose_lite.utils import InputError
from mmpose_lite.utils.nested_datasets import walk_datasets

AUGMENT_MODES = ('auto', 'resident', 'stream')
_ENCODING_HEADS = ('HeatmapHead', 'RegressionHead')
_LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def place_targets(cfg: Config) -> None:
    """Have the head make the targets of training, where the pipeline would make the same ones.

    The function is the same, for a whole batch at once and on the model's device, and maps no
    longer travel from workers to the training process. Pipelines whose targets the head could not
    make (another codec, weights of the data set, transforms that read them) stay as they are, and
    all do with ``targets_by_head=False``, for hooks that read the samples' ``gt_fields``.
    """
    if not cfg.get('targets_by_head', True):
        return
    head = cfg.get('model', {}).get('head') or {}
    if head.get('type') not in _ENCODING_HEADS or not head.get('decoder'):
        return
    for dataset in find_datasets(cfg.get('train_dataloader')):
        steps = dataset['pipeline']
        if [step.get('type') for step in steps[-2:]] != ['GenerateTarget', 'PackPoseInputs']:
            continue
        if steps[-2] == {'type': 'GenerateTarget', 'encoder': head['decoder']}:
            dataset['pipeline'] = [*steps[:-2], {**steps[-1], 'pack_transformed': True}]


def place_truth(cfg: Config) -> None:
    """Have samples tell where their points are in the crop, for what is logged of a training.

    Those of training always do. Those of validation do where the head makes the targets of
    training: only then would it make the same ones for a validation loss.
    """
    train = list(_pipelines(cfg.get('train_dataloader')))
    head_encodes = not any(
        step.get('type') == 'GenerateTarget' for steps in train for step in steps
    )
    loaders = ('train_dataloader', 'val_dataloader') if head_encodes else ('train_dataloader',)
    for loader in loaders:
        for steps in _pipelines(cfg.get(loader)):
            if steps and steps[-1].get('type') == 'PackPoseInputs':
                steps[-1] = {**steps[-1], 'pack_transformed': True}


def _pipelines(config: Any) -> Iterator[list[dict]]:
    """The pipelines inside a loader's config, at any depth; their lists belong to it alone."""
    for _, (*_, part) in walk_datasets(config):
        is_dict = isinstance(part, dict)
        if is_dict and all(isinstance(step, dict) for step in part.get('pipeline', [None])):
            part['pipeline'] = list(part['pipeline'])
            yield part['pipeline']


def place_augmentation(cfg: Config) -> None:
    """Have the crops warped on the model's device, if ``augment_on_device`` is set.

    ``'auto'`` leaves it to the workers where that device is a CPU.

    Raises:
        InputError: If its value is unknown, or a pipeline cannot be served so.
    """
    mode = cfg.get('augment_on_device')
    if not mode:
        return
    if mode not in AUGMENT_MODES:
        raise InputError(f'augment_on_device={mode!r} is not one of {", ".join(AUGMENT_MODES)}')
    if mode == 'auto' and get_device() == 'cpu':
        # A CPU warps face by face many times faster, also in a config that a GPU left behind.
        cfg.augment_on_device = None
        for step in _crop_steps(cfg):
            step.pop('warp', None)
        return
    for loader in _LOADERS:
        for dataset in find_datasets(cfg.get(loader)):
            if not dataset.get('cache'):
                raise InputError(f'augment_on_device needs {loader}.dataset.cache (or --cache)')
            dataset['pipeline'] = _without_warp(dataset['pipeline'], loader)


def _crop_steps(cfg: Config) -> Iterator[dict]:
    for loader in _LOADERS:
        for dataset in find_datasets(cfg.get(loader)):
            yield from (step for step in dataset['pipeline'] if step['type'] == 'TopdownAffine')


def _without_warp(steps: list[dict], loader: str) -> list[dict]:
    kinds = [step.get('type') for step in steps]
    if kinds[-2:] != ['TopdownAffine', 'PackPoseInputs']:
        raise InputError(
            f'augment_on_device: the pipeline of {loader} must end with TopdownAffine and '
            f'PackPoseInputs (its targets made by the head), not {", ".join(map(str, kinds[-3:]))}'
        )
    return [*steps[:-2], {**steps[-2], 'warp': False}, steps[-1]]


def set_cache(cfg: Config, cache: bool | str) -> None:
    """Give every data set of a config a crop cache.

    Args:
        cfg: The config.
        cache: A folder; or True: where the config has it, else ``crops`` below the data root.
    """
    for loader in _LOADERS:
        for dataset in find_datasets(cfg.get(loader)):
            settings = dataset.get('cache')
            if isinstance(settings, dict) and isinstance(cache, str):
                settings['dir'] = cache
            elif isinstance(cache, str) or not settings:
                dataset['cache'] = cache


def find_datasets(config: Any) -> Iterator[dict]:
    """The configs of data sets that read annotations, inside a loader's, at any depth."""
    for _, (*_, part) in walk_datasets(config):
        if isinstance(part, dict) and 'ann_file' in part and 'pipeline' in part:
            yield part
