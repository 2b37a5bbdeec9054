"""Checks before the first iteration that data, model and metrics mean the same points.

Numbers of points, mirror pairs and sizes stand in several places of a config each. Sizes are also
compared with what the network makes of one crop; see :func:`check_sizes`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
import torch
from mmengine.model import is_model_wrapper
from mmengine.runner import BaseLoop, Runner
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import IterableDataset

from mmpose_lite.datasets.transforms import (
    GenerateTarget,
    RandomFlip,
    TopdownAffine,
)
from mmpose_lite.errors import InputError
from mmpose_lite.models.data_preprocessors.data_preprocessor import is_uncropped
from mmpose_lite.models.heads import BaseHead
from mmpose_lite.models.pose_estimators import BasePoseEstimator
from mmpose_lite.structures.metainfo import find_moved
from mmpose_lite.utils.nested_datasets import walk_datasets
from mmpose_lite.utils.tensor_utils import unwrap_model

from .memory import as_it_was

# Where two codecs differ in these, targets and predictions are of different places.
_GEOMETRY = ('input_size', 'heatmap_size', 'heatmap_type', 'simcc_split_ratio')


class PreflightError(InputError):
    """Two parts of a config contradict each other; the message names the keys and values."""


def check_points(runner: Runner, loaders: Mapping[str, Any], tested: Sequence[str]) -> None:
    """Check numbers of points, mirror pairs and sizes.

    Args:
        runner: The run, whose model is built.
        loaders: Loaders by their keys in the config.
        tested: The keys of those whose faces are predicted, by the flip test too if it is on.

    Raises:
        PreflightError: If they contradict each other; the message names the places and values.
    """
    check_keypoint_counts(runner, loaders)
    check_mirroring(runner, loaders, tested)
    check_sizes(runner, loaders, tested)


def check_keypoint_counts(runner: Runner, loaders: Mapping[str, Any]) -> None:
    """Compare the numbers of points of data sets and head.

    That annotations have as many points as the metainfo names is checked where they are read, and
    that a metric's points exist by the metric.
    """
    counts = dict(_head_count(unwrap_model(runner.model)))
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
            if _converts(step):
                counts[f'{step} in the pipeline of {where}'] = step.num_keypoints
    if len(set(counts.values())) > 1:
        raise PreflightError(f'the numbers of points differ: {"; ".join(counts)}')


def check_order(
    runner: Runner, checkpoint: Mapping[str, Any], name: str, is_start: bool = False
) -> None:
    """Compare the order of a checkpoint's points with that of the run's data set.

    Only names that both have are compared: other names may mean the same points. Nothing is
    compared where the pipeline converts points.

    Args:
        runner: The run, whose loop is built.
        checkpoint: The checkpoint; nothing is compared if its ``meta`` does not name the points.
        name: Where it comes from, for messages.
        is_start: The weights start a new training, which can learn another order: a warning.

    Raises:
        PreflightError: If a point is at another place.
    """
    loops = (runner._train_loop, runner._val_loop, runner._test_loop)
    loop: Any = next((each for each in loops if isinstance(each, BaseLoop)), None)
    dataset = getattr(getattr(loop, 'dataloader', None), 'dataset', None)
    metainfo = getattr(dataset, 'metainfo', {})
    if not hasattr(dataset, 'datasets') and any(map(_converts, _steps(dataset))):
        return
    learnt, own = (
        _names_of(meta) for meta in ((checkpoint.get('meta') or {}).get('dataset_meta'), metainfo)
    )
    moved = find_moved(learnt, own) if len(learnt) == len(own) else None
    if moved is None:
        return
    i, place = moved
    problem = (
        f"checkpoint '{name}': its points are in another order than those of "
        f"'{metainfo['dataset_name']}': its point {i} is {learnt[i]!r}, which is point {place} "
        'there'
    )
    if not is_start:
        raise PreflightError(problem)
    runner.logger.warning(
        f'{problem}; the last layer starts with the places of other points: put the points of '
        "annotations and metainfo into the checkpoint's order"
    )


def _converts(step: Any) -> bool:
    """Tell if a transform makes other points: a KeypointConverter, or one like it."""
    return getattr(step, 'num_keypoints', None) is not None


def _names_of(metainfo: Any) -> list[str]:
    names: Any = metainfo.get('keypoint_id2name') if isinstance(metainfo, Mapping) else None
    if not isinstance(names, Mapping) or set(names) != set(range(len(names))):
        return []
    return [str(names[i]) for i in range(len(names))]


def check_mirroring(runner: Runner, loaders: Mapping[str, Any], tested: Sequence[str]) -> None:
    """Check that faces are mirrored only where the metainfo says which point becomes which."""
    flip_test = _test_cfg(unwrap_model(runner.model)).get('flip_test')
    for key, loader in loaders.items():
        if flip_test and key in tested and _has_no_pairs(loader.dataset):
            raise _no_pairs(
                f'{key}.dataset',
                loader.dataset,
                'model.test_cfg.flip_test=True',
                'set model.test_cfg.flip_test=False',
            )
        for where, dataset in _parts(loader.dataset, f'{key}.dataset'):
            flips = [step for step in _steps(dataset) if isinstance(step, RandomFlip)]
            if _has_no_pairs(dataset) and any(np.max(step.prob) > 0 for step in flips):
                raise _no_pairs(
                    where, dataset, str(flips[0]), 'take RandomFlip out of its pipeline'
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


def _test_cfg(model: Any) -> Mapping[str, Any]:
    return getattr(model, 'test_cfg', None) or {}


def _parts(dataset: Any, where: str) -> Iterator[tuple[str, Any]]:
    """List a data set and those that it is made of, with their paths in the config."""
    return ((place, nest[-1]) for place, nest in walk_datasets(dataset, where))


def _steps(dataset: Any) -> list[Any]:
    return list(getattr(getattr(dataset, 'pipeline', None), 'transforms', ()))


def check_sizes(runner: Runner, loaders: Mapping[str, Any], tested: Sequence[str] = ()) -> None:
    """Compare the sizes of crops and heatmaps in all places, by one crop's way through the model.

    The model is as it was afterwards: nothing is learnt, drawn or kept. What need not be wrong is
    a warning.

    Raises:
        PreflightError: If sizes differ, a part of the model does not take what comes before it, or
            points would be read in another way than targets are made.
    """
    model = unwrap_model(runner.model)
    decoder = getattr(getattr(model, 'head', None), 'decoder', None)
    steps = {
        f'{where}.pipeline.{i}': step
        for key, each in loaders.items()
        for where, part in _parts(each.dataset, f'{key}.dataset')
        for i, step in enumerate(_steps(part))
    }
    # The codecs that make targets: several where they are of several resolutions.
    encoders = {
        f'{where}.encoder': step.encoder if isinstance(step.encoder, list) else [step.encoder]
        for where, step in steps.items()
        if isinstance(step, GenerateTarget)
    }
    # The last warp of a pipeline makes the crop.
    lasts = {
        where.rpartition('.')[0]: (where, step)
        for where, step in steps.items()
        if isinstance(step, TopdownAffine)
    }
    affines = dict(lasts.values())
    _check_input_sizes(decoder, encoders, affines)
    doubts = [*_about_encoders(decoder, encoders), *_about_decoder(decoder, affines)]
    if tested:
        doubts += _about_flip_test(model, decoder)
    for sentence in doubts:
        runner.logger.warning(sentence)
    if _goes_part_by_part(runner, model):
        is_compiled = bool(runner.cfg.get('compile'))
        # Compiling takes minutes, for a batch of one that never comes again.
        eager = torch.compiler.set_stance('force_eager') if is_compiled else nullcontext()
        with as_it_was(runner.model), torch.no_grad(), eager:
            for key, loader in loaders.items():
                _try_crop(model, key, loader.dataset, key in tested)


def _check_input_sizes(
    decoder: Any, encoders: Mapping[str, list[Any]], affines: Mapping[str, TopdownAffine]
) -> None:
    codecs = {'model.head.decoder': decoder} if decoder is not None else {}
    codecs |= {where: each for where, several in encoders.items() for each in several}
    sizes = {
        f'{where}.input_size': part.input_size
        for where, part in {**codecs, **affines}.items()
        if getattr(part, 'input_size', None) is not None
    }
    _compare('sizes of crops', sizes)


def _about_encoders(decoder: Any, encoders: Mapping[str, list[Any]]) -> Iterator[str]:
    """Compare the codecs that make targets with the one that reads points; one must be like it."""
    for where, codecs in encoders.items() if decoder is not None else ():
        found = min((_differences(codec, decoder) for codec in codecs), key=len)
        if not found:
            continue
        own = ', '.join(f'{name}={values[0]!r}' for name, values in found.items())
        other = ', '.join(f'{name}={values[1]!r}' for name, values in found.items())
        text = (
            f'targets and predictions have different codecs: {where} has {own}, '
            f'model.head.decoder has {other}'
        )
        if {'type', *_GEOMETRY} & set(found):
            raise PreflightError(text)
        yield text


def _differences(one: Any, other: Any) -> dict[str, tuple[Any, Any]]:
    """The arguments in which two codecs differ, with the values of both."""
    if type(one) is not type(other):
        return {'type': (type(one).__name__, type(other).__name__)}
    own, others = _arguments(one), _arguments(other)
    return {
        name: (own.get(name), others.get(name))
        for name in {**own, **others}
        if own.get(name) != others.get(name)
    }


def _arguments(codec: Any) -> dict[str, Any]:
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in vars(codec).items()}
    return {k: v for k, v in values.items() if isinstance(v, bool | int | float | str | tuple)}


def _about_decoder(decoder: Any, affines: Mapping[str, TopdownAffine]) -> Iterator[str]:
    """Tell of settings that fit together and yet move points by a share of a cell."""
    is_udp = getattr(decoder, 'use_udp', None)
    if is_udp is None:
        return
    if not is_udp and np.mod(decoder.input_size, decoder.heatmap_size).any():
        yield (
            f'model.head.decoder.input_size={tuple(decoder.input_size)} is not a whole multiple of '
            f'heatmap_size={tuple(decoder.heatmap_size)}: the cells of a network that halves sizes '
            'are elsewhere'
        )
    for where, step in affines.items():
        if step.use_udp != is_udp:
            yield (
                f'{where}.use_udp={step.use_udp} (TopdownAffine), and model.head.decoder is a '
                f'{type(decoder).__name__}: points move by half a pixel of the crop; set '
                f'use_udp={is_udp}'
            )


def _about_flip_test(model: Any, decoder: Any) -> Iterator[str]:
    settings = _test_cfg(model)
    is_shifted = settings.get('flip_test') and settings.get('shift_heatmap')
    if is_shifted and getattr(decoder, 'use_udp', None):
        yield (
            f'model.test_cfg.shift_heatmap={settings["shift_heatmap"]}, and model.head.decoder is '
            f'a {type(decoder).__name__}, whose mirrored maps need no shift: set '
            'shift_heatmap=False'
        )


def _goes_part_by_part(runner: Runner, model: Any) -> bool:
    """Tell whether a model's parts can be tried one after another, all of them on this process."""
    is_whole = not is_model_wrapper(runner.model) or isinstance(
        runner.model, DistributedDataParallel
    )
    has_head = isinstance(getattr(model, 'head', None), BaseHead)
    return is_whole and has_head and isinstance(model, BasePoseEstimator)


def _try_crop(model: Any, key: str, dataset: Any, predicts: bool) -> None:
    """Send one face through the model, part by part."""
    packed = None if isinstance(dataset, IterableDataset) or not len(dataset) else dataset[0]
    if not (isinstance(packed, dict) and isinstance(packed.get('inputs'), Tensor)):
        return
    inputs, sample, size_wh = _one_crop(model, key, packed)
    outputs: Any = inputs
    for name in ('backbone', 'neck', 'head'):
        part = getattr(model, name, None)
        if part is not None:
            with _naming(_described(name, part), _shapes(outputs)):
                outputs = part.forward(outputs)
    _check_outputs(model, key, outputs, sample, size_wh)
    if predicts:
        with _naming(f'model.test_cfg={dict(model.test_cfg)}', f'a face of {key}'):
            model.forward(inputs, [sample], mode='predict')


def _one_crop(model: Any, key: str, packed: dict) -> tuple[Tensor, Any, tuple[int, ...]]:
    """The network's input ``(1, 3, H, W)``, black where the device makes crops, sample, size."""
    image, sample = packed['inputs'], packed['data_samples']
    width, height = sample.get('input_size') or image.shape[:-3:-1]
    if is_uncropped([image], [sample]):
        inputs = torch.zeros(1, 3, height, width, device=model.data_preprocessor.device)
        return inputs, sample, (width, height)
    with _naming('model.data_preprocessor', f'{_shapes(image)} of {key}'):
        batch = model.data_preprocessor({'inputs': [image], 'data_samples': [sample]})
    inputs = batch['inputs']
    crop, given = f'the crops of {key}', 'the input of model.backbone'
    _compare(
        'sizes of crops',
        {crop: (width, height), given: inputs.shape[:-3:-1]},
        '; see model.data_preprocessor.pad_size_divisor',
    )
    return inputs, batch['data_samples'][0], (width, height)


def _check_outputs(model: Any, key: str, outputs: Any, sample: Any, size_wh: Sequence[int]) -> None:
    """Compare the outputs of a head with those of the codecs, and let the loss compare the rest."""
    head = model.head
    made = f'what model.head makes of crops of {size_wh[0]}x{size_wh[1]}'
    several = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    for maps in (each for each in several if isinstance(each, Tensor) and each.dim() == 4):
        count = getattr(head, 'out_channels', maps.shape[1])
        _compare('numbers of maps', {'model.head.out_channels': count, made: maps.shape[1]})
        size = getattr(head.decoder, 'heatmap_size', None)
        if size is not None:
            sizes = {'model.head.decoder.heatmap_size': size, made: maps.shape[:-3:-1]}
            _compare('sizes of heatmaps', sizes)
        targets = sample.gt_fields.get('heatmaps') if 'gt_fields' in sample else None
        if isinstance(targets, Tensor):
            shapes = {f'the targets of {key}': targets.shape, made: maps.shape[1:]}
            _compare('shapes (K, h, w) of heatmaps', shapes)
    if key.startswith('train_dataloader') and head.makes_targets():
        with _naming('model.head.loss', f'{_shapes(outputs)} and the targets of {key}'):
            head.losses_of(outputs, [sample], model.train_cfg)


def _compare(what: str, values: Mapping[str, Any], hint: str = '') -> None:
    """Refuse numbers, or sizes, that are not all the same."""
    plain = {k: v if isinstance(v, int) else tuple(map(int, v)) for k, v in values.items()}
    if len(set(plain.values())) > 1:
        listed = '; '.join(f'{where}={value}' for where, value in plain.items())
        raise PreflightError(f'the {what} differ: {listed}{hint}')


@contextmanager
def _naming(what: str, given: str) -> Iterator[None]:
    """Add to an error of torch, which names no part, the part and its input."""
    try:
        yield
    except (RuntimeError, ValueError, IndexError) as error:
        if isinstance(error, InputError | NotImplementedError):  # faults of a part's code
            raise
        problem = ' '.join(str(error).split())
        raise PreflightError(f'{what} does not take {given}: {problem}') from error


def _described(name: str, part: nn.Module) -> str:
    channels = getattr(part, 'in_channels', None)
    said = '' if channels is None else f', in_channels={channels}'
    return f'model.{name} ({type(part).__name__}{said})'


def _shapes(value: Any) -> str:
    """The shapes of what one part hands to the next."""
    if isinstance(value, Tensor):
        return f'a tensor {tuple(value.shape)}'
    return ' and '.join(_shapes(each) for each in value) if len(value) else 'nothing'
