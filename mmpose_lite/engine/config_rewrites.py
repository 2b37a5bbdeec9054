"""Rewrites of a config before anything is built, mostly of where work is done.

The config that a run keeps, dumps and saves stays as it was written, and is rewritten again when
a run resumes or tests from it. The log has one line for each rewrite: each step below changes the
config that it is given and returns a sentence about it, or an empty string if it changed nothing.
"""

from __future__ import annotations

import os.path as osp
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

from mmengine.config import Config
from mmengine.device import get_device

from mmpose_lite.datasets.crop_cache import CacheSettings
from mmpose_lite.errors import InputError
from mmpose_lite.models.heads import BaseHead
from mmpose_lite.registry import KEYPOINT_CODECS, MODELS, TRANSFORMS
from mmpose_lite.utils.config_utils import LOADERS
from mmpose_lite.utils.nested_datasets import walk_datasets
from mmpose_lite.utils.threads import limit_workers

AUGMENT_MODES = ('auto', 'resident', 'stream')
_HOOKS = ('custom_hooks.', 'default_hooks.')


def rewrite_config(cfg: Config) -> tuple[Config, list[str]]:
    """Apply all rewrites to a copy of a config.

    Returns:
        The config that runs, and a sentence for each rewrite.

    Raises:
        InputError: If ``augment_on_device`` is unknown, or a pipeline or data set rules it out.
    """
    rewritten = deepcopy(cfg)
    steps = (move_targets_to_head, pack_truth, warp_on_device, extend_caches, spare_workers)
    return rewritten, list(filter(None, (step(rewritten) for step in steps)))


def move_targets_to_head(cfg: Config) -> str:
    """Move the making of training targets to the head, if it makes the same as the pipeline.

    The head runs the same codec on a whole batch at once, on the model's device, and maps no longer
    travel from the workers to the training process. A pipeline whose targets the head cannot make
    (another codec, transforms that read the targets) stays as it is; so does that of a head with
    targets of its own (see :meth:`BaseHead.makes_targets`). ``targets_by_head=False`` leaves all of
    them, for hooks that read the samples' ``gt_fields``.
    """
    head = cfg.get('model', {}).get('head') or {}
    codec = head.get('decoder')
    if not cfg.get('targets_by_head', True) or not codec or not _head_can_encode(head, codec):
        return ''
    makers: dict[str, list[list[dict]]] = {}
    for place, steps in find_pipelines(cfg, ['train_dataloader']):
        if any(step.get('type') == 'GenerateTarget' for step in steps):
            makers.setdefault(_loader_of(place), []).append(steps)
    # A batch has faces of all pipelines of a loader, and targets of one maker.
    moved = {
        loader: found
        for loader, found in makers.items()
        if all(_without_targets(steps, codec) for steps in found)
    }
    for steps in (steps for found in moved.values() for steps in found):
        steps[:] = _without_targets(steps, codec)
    if not moved:
        return ''
    listed = ' and '.join(moved)
    return (
        f"{head['type']} makes the targets of {listed}, not the pipeline's GenerateTarget "
        '(targets_by_head=False leaves them there)'
    )


def _head_can_encode(head: Mapping[str, Any], codec: Mapping[str, Any]) -> bool:
    """Tell whether a head makes the targets that a pipeline with the same codec makes."""
    kind, encoder = (
        registry.get(part['type']) if isinstance(part.get('type'), str) else part.get('type')
        for registry, part in ((MODELS, head), (KEYPOINT_CODECS, codec))
    )
    if not (isinstance(kind, type) and issubclass(kind, BaseHead) and kind.makes_targets()):
        return False
    # The head knows a sample's points alone; some codecs encode more than these.
    return not getattr(encoder, 'auxiliary_encode_keys', None)


def _without_targets(steps: Sequence[dict], codec: Mapping[str, Any]) -> list[dict]:
    """A pipeline whose targets a head with a codec makes; empty if that would make others."""
    if [step.get('type') for step in steps[-2:]] != ['GenerateTarget', 'PackPoseInputs']:
        return []
    given, packed = dict(steps[-2]), {'pack_transformed': True}
    if given.pop('use_dataset_keypoint_weights', False):
        packed['pack_weights'] = True
    if given != {'type': 'GenerateTarget', 'encoder': codec}:
        return []
    return [*steps[:-2], {**steps[-1], **packed}]


def pack_truth(cfg: Config) -> str:
    """Pack each sample's points in crop coordinates, for ``train_NME`` and ``val_loss``.

    Training samples always get them. Validation samples get them only if the head makes the
    training targets: then it can make theirs in the same way, with the same weights.
    """
    train = [step for _, steps in find_pipelines(cfg, ['train_dataloader']) for step in steps]
    head_encodes = not any(step.get('type') == 'GenerateTarget' for step in train)
    packed = {'pack_transformed': True}
    if head_encodes and any(step.get('pack_weights') for step in train):
        packed['pack_weights'] = True
    loaders = ('train_dataloader', 'val_dataloader') if head_encodes else ('train_dataloader',)
    changed = []
    for place, steps in find_pipelines(cfg, loaders):
        last = steps[-1] if steps else {}
        if last.get('type') == 'PackPoseInputs' and not last.get('pack_transformed'):
            steps[-1] = {**last, **packed}
            changed.append(_loader_of(place))
    if not changed:
        return ''
    listed = ' and '.join(dict.fromkeys(changed))
    return f'PackPoseInputs(pack_transformed=True) in {listed}, for train_NME and val_loss'


def warp_on_device(cfg: Config) -> str:
    """Warp the crops on the model's device, if ``augment_on_device`` is set.

    ``'auto'`` leaves it to the workers where that device is a CPU.

    Raises:
        InputError: If its value is unknown, a data set has no cache, or a pipeline does not end
            with the crop and changes that the device can make.
    """
    mode = cfg.get('augment_on_device')
    if not mode:
        return ''
    if mode not in AUGMENT_MODES:
        raise InputError(f'augment_on_device={mode!r} is not one of {", ".join(AUGMENT_MODES)}')
    datasets = dict(_of_all_loaders(cfg))
    served = _pipelines_that_crop(cfg, datasets)
    if mode == 'auto' and get_device() == 'cpu':
        # A CPU warps face by face many times faster. The config may come from a run on a GPU, with
        # ``warp=False`` in it.
        cfg.augment_on_device = None
        for _, steps in served:
            for step in steps:
                if step['type'] == 'TopdownAffine':
                    step.pop('warp', None)
        return "augment_on_device='auto' leaves the crops to the workers, for there is no GPU"
    for place, dataset in datasets.items():
        if not dataset.get('cache'):
            raise InputError(f'augment_on_device needs {place}.cache (or --cache)')
    for place, steps in served:
        steps[:] = _without_warp(steps, place)
    return f'TopdownAffine(warp=False): augment_on_device={mode!r} warps the crops of all loaders'


def extend_caches(cfg: Config) -> str:
    """Make the training data's crop caches wide enough for the pipelines that it switches to."""
    switched = [steps for _, steps in find_pipelines(cfg, loaders=()) if steps]  # those of hooks
    datasets = [nest[-1] for _, nest in walk_datasets(cfg.get('train_dataloader'))]
    cached = [part for part in datasets if isinstance(part, dict) and part.get('cache')]
    if not switched or not cached:
        return ''
    for part in cached:
        settings = vars(CacheSettings.of(part['cache']))
        further = [*settings['further_pipelines'], *switched]
        part['cache'] = {**settings, 'further_pipelines': further}
    return 'the crop cache of train_dataloader reaches as far as every switch_pipeline'


def spare_workers(cfg: Config) -> str:
    """Leave out the loaders' workers that would have no core of their own.

    ``limit_workers=False`` keeps them, for images that take long to arrive, as over a network.
    """
    if not cfg.get('limit_workers', True):
        return ''
    limited = []
    for name in LOADERS:
        asked = (cfg.get(name) or {}).get('num_workers') or 0
        if asked > (workers := limit_workers(asked)):
            cfg[name].num_workers = workers
            limited.append(f'{name}.num_workers={workers} instead of {asked}')
    if not limited:
        return ''
    listed = ' and '.join(limited)
    return f'{listed}, as many as this process has cores (limit_workers=False keeps them)'


def find_pipelines(
    cfg: Config, loaders: Sequence[str] = LOADERS
) -> Iterator[tuple[str, list[dict]]]:
    """Find the pipelines of a config, and make each a list that may be changed in place.

    They are those of the data sets of ``loaders``, at any depth, and those that a hook of
    ``custom_hooks`` or ``default_hooks`` switches the training data to.

    Yields:
        The place of each, such as ``'train_dataloader.dataset'`` or ``'custom_hooks.1'``, and its
        steps.
    """
    holders = [
        (place, part, 'pipeline')
        for loader in loaders
        for place, (*_, part) in walk_datasets(cfg.get(loader), loader)
    ]
    hooks = [(f'custom_hooks.{i}', hook) for i, hook in enumerate(cfg.get('custom_hooks') or ())]
    hooks += [
        (f'default_hooks.{key}', hook) for key, hook in (cfg.get('default_hooks') or {}).items()
    ]
    holders += [(place, hook, 'switch_pipeline') for place, hook in hooks]
    for place, part, key in holders:
        steps = part.get(key) if isinstance(part, dict) else None
        if steps is not None and all(isinstance(step, dict) for step in steps):
            part[key] = list(steps)
            yield place, part[key]


def find_datasets(config: Any) -> Iterator[dict]:
    """Find the configs of the data sets that read annotations, at any depth of a loader's."""
    return (part for _, part in _with_annotations(config))


def files_read(cfg: Config) -> Iterator[str]:
    """The files that a config's data sets read, and the folders of images.

    The files are those of annotations, boxes and subsets.
    """
    parts = (nest[-1] for each in LOADERS for _, nest in walk_datasets(cfg.get(each)))
    for part in parts:
        if not isinstance(part, dict) or 'ann_file' not in part:
            continue
        folders, subsets = (part.get(key) or {} for key in ('data_prefix', 'subsets'))
        named = (part['ann_file'], part.get('bbox_file'), *folders.values(), *subsets.values())
        for each in named:
            if each and isinstance(each, str):  # a subset may be a list of faces
                yield osp.join(part.get('data_root') or '', each)


def set_cache(cfg: Config, cache: bool | str) -> None:
    """Give every data set of a config a crop cache.

    Args:
        cfg: The config; it is changed.
        cache: The folder of the cache, or True: the one that the config names, or else ``crops``.
    """
    for _, dataset in _of_all_loaders(cfg):
        settings = dataset.get('cache')
        if isinstance(settings, dict) and isinstance(cache, str):
            settings['dir'] = cache
        elif isinstance(cache, str) or not settings:
            dataset['cache'] = cache


def _loader_of(place: str) -> str:
    """The loader that a pipeline belongs to, or its hook."""
    return place if place.startswith(_HOOKS) else place.partition('.')[0]


def _pipelines_that_crop(cfg: Config, datasets: Iterable[str]) -> list[tuple[str, list[dict]]]:
    """Find the pipelines that make the crops of the data sets at some places, with theirs.

    A sample goes through the pipelines of all data sets that it is in; the last one crops.
    """
    found = dict(find_pipelines(cfg))
    served = [place for place in found if place.startswith(_HOOKS)]
    for place in datasets:
        around = [each for each in found if f'{place}.'.startswith(f'{each}.')]
        served.append(next((each for each in around if found[each]), place))
    return [(place, found[place]) for place in dict.fromkeys(served)]


def _without_warp(steps: list[dict], place: str) -> list[dict]:
    kinds = [str(step.get('type')) for step in steps]
    crop = kinds.index('TopdownAffine') if 'TopdownAffine' in kinds else len(kinds)
    behind = [step for step in steps[crop + 1 :] if step is not steps[-1]]
    fixed = [step for step in behind if step.get('type') != 'GenerateTarget' and not _waits(step)]
    if fixed:
        listed = ', '.join(map(_label, fixed))
        raise InputError(
            f'augment_on_device: the pipeline of {place} has {listed} behind TopdownAffine, whose '
            'pixels only the workers change; the device can do YOLOXHSVRandomAug, '
            'PhotometricDistortion, and of Albumentation Blur, MedianBlur and CoarseDropout'
        )
    if 'GenerateTarget' in kinds or crop == len(kinds) or kinds[-1] != 'PackPoseInputs':
        raise InputError(
            f'augment_on_device: the pipeline of {place} must end with TopdownAffine, changes of '
            'pixels that the device makes, and PackPoseInputs (its targets made by the head), '
            f'not {", ".join(kinds[-3:]) or "nothing"}'
        )
    return [*steps[:crop], {**steps[crop], 'warp': False}, *steps[crop + 1 :]]


def _waits(step: Mapping[str, Any]) -> bool:
    """Tell whether a transform can follow a crop that is made on the device."""
    kind = step.get('type')
    kind = TRANSFORMS.get(kind) if isinstance(kind, str) else kind
    # Of some only the arguments say so.
    return bool(getattr(kind, 'can_wait', False)) and TRANSFORMS.build(dict(step)).can_wait


def _label(step: Mapping[str, Any]) -> str:
    inner = ', '.join(str(each.get('type')) for each in step.get('transforms', ()))
    return f'{step.get("type")} ({inner})' if inner else str(step.get('type'))


def _of_all_loaders(cfg: Config) -> Iterator[tuple[str, dict]]:
    """Find the data sets of all loaders that read annotations, with their places."""
    return (found for loader in LOADERS for found in _with_annotations(cfg.get(loader), loader))


def _with_annotations(config: Any, place: str = '') -> Iterator[tuple[str, dict]]:
    for found, (*_, part) in walk_datasets(config, place):
        if isinstance(part, dict) and 'ann_file' in part and 'pipeline' in part:
            yield found, part
