"""The parts of a model that tensors are of, read from their numbers of layers and their shapes."""

from __future__ import annotations

import re
from typing import Any

from torch import Tensor

from mmpose_lite.models.backbones.resnet import BasicBlock, Bottleneck, ResNet

_STAGES = (2, 3, 4)
_KINDS = {2: 'linear layer', 4: 'convolution'}  # by the dimensions of their weights


def describe_backbone(given: dict[str, Tensor]) -> dict[str, Any]:
    """The config of the HRNet or ResNet that tensors are of.

    Args:
        given: Tensors by name, without ``backbone.``.

    Raises:
        ValueError: If they are of neither, or one that is needed to tell is missing.
    """
    if any(re.match(r'(transition|stage)[0-9]\.', name) for name in given):
        return {'type': 'HRNet', 'extra': _describe_hrnet(given)}
    if any(re.match(r'layer[0-9]\.', name) for name in given):
        return _describe_resnet(given)
    raise ValueError('* is neither an HRNet nor a ResNet: only --config tells what is missing')


def describe_head(given: dict[str, Tensor]) -> dict[str, Any]:
    """The config of the head that tensors are of, of heatmaps or of coordinates.

    Args:
        given: Tensors by name, without ``head.``.

    Raises:
        ValueError: If one that is needed to tell is missing, or is of another kind of layer.
    """
    if any(name.startswith('fc.') for name in given):
        numbers, channels = _shape(given, 'fc.weight', 2)
        return {'type': 'RegressionHead', 'in_channels': channels, 'num_joints': numbers // 2}
    deconvs, convs = (_units(given, name) for name in ('deconv_layers', 'conv_layers'))
    final = _shape(given, 'final_layer.weight', 4)
    # A transposed convolution has its inputs first.
    inputs = deconvs[0][0] if deconvs else (*convs, final)[0][1]
    return {
        'type': 'HeatmapHead',
        'in_channels': inputs,
        'out_channels': final[0],
        'deconv_out_channels': [shape[1] for shape in deconvs],
        'deconv_kernel_sizes': [shape[2] for shape in deconvs],
        'conv_out_channels': [shape[0] for shape in convs],
        'conv_kernel_sizes': [shape[2] for shape in convs],
        'final_layer': {'kernel_size': final[2]},
    }


def _units(given: dict[str, Tensor], name: str) -> list[tuple[int, ...]]:
    """The shapes of the convolutions of a sequence: each is followed by its norm and a ReLU."""
    pattern = re.compile(rf'{name}\.([0-9]+)\.')
    last = max((int(found[1]) for each in given if (found := pattern.match(each))), default=-1)
    return [_shape(given, f'{name}.{i}.weight', 4) for i in range(0, last + 1, 3)]


def _describe_resnet(given: dict[str, Tensor]) -> dict[str, Any]:
    layers = [f'layer{i}' for i in (1, 2, 3, 4)]
    block = Bottleneck if f'{layers[0]}.0.conv3.weight' in given else BasicBlock
    counts = tuple(_count(given, layer) for layer in layers)
    known = ResNet.arch_settings.items()
    depth = next((each for each, setting in known if setting == (block, counts)), None)
    if depth is None:
        raise ValueError(f'layer1 to layer4 have {counts} blocks, which no ResNet has')
    is_deep = any(name.startswith('stem.') for name in given)
    return {
        'type': 'ResNet',
        'depth': depth,
        'stem_channels': _shape(given, f'{"stem.2.conv" if is_deep else "conv1"}.weight', 4)[0],
        'base_channels': _shape(given, f'{layers[0]}.0.conv1.weight', 4)[0],
        'deep_stem': is_deep,
        'avg_down': any('.downsample.2.' in name for name in given),
    }


def _describe_hrnet(given: dict[str, Tensor]) -> dict[str, Any]:
    extra = {'stage1': {'num_modules': 1, 'num_branches': 1, **_blocks(given, ['layer1'])}}
    for stage in _STAGES:
        module = f'stage{stage}.0.branches'
        branches = [f'{module}.{i}' for i in range(stage)]
        extra[f'stage{stage}'] = {
            'num_modules': _count(given, f'stage{stage}'),
            'num_branches': stage,
            **_blocks(given, branches),
        }
    last = f'stage4.{extra["stage4"]["num_modules"] - 1}.fuse_layers'
    extra['stage4']['multiscale_output'] = _count(given, last) > 1
    return extra


def _blocks(given: dict[str, Tensor], branches: list[str]) -> dict[str, Any]:
    return {
        'block': 'BOTTLENECK' if f'{branches[0]}.0.conv3.weight' in given else 'BASIC',
        'num_blocks': tuple(_count(given, branch) for branch in branches),
        'num_channels': tuple(_shape(given, f'{each}.0.conv1.weight', 4)[0] for each in branches),
    }


def _shape(given: dict[str, Tensor], name: str, dimensions: int) -> tuple[int, ...]:
    """The shape of a weight, of so many dimensions, none of which is empty."""
    if name not in given:
        raise ValueError(f'{name} is missing')
    shape = tuple(given[name].shape)
    if len(shape) != dimensions or 0 in shape:
        raise ValueError(f'{name} is {shape}, which is not that of a {_KINDS[dimensions]}')
    return shape


def _count(given: dict[str, Tensor], start: str) -> int:
    """How many numbers follow a name; they begin with 0 and leave out none."""
    pattern = re.compile(rf'{re.escape(start)}\.([0-9]+)\.')
    numbers = {int(found[1]) for name in given if (found := pattern.match(name))}
    gap = next(i for i in range(len(numbers) + 1) if i not in numbers)
    if gap < len(numbers) or not numbers:
        raise ValueError(f'{start}.{gap} is missing')
    return len(numbers)
