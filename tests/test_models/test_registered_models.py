"""Every part of a network that can be named in a config: exported, described, built, run once."""

import inspect

import pytest
import torch

import mmpose_lite.models as package
from mmpose_lite.models import backbones, data_preprocessors, heads, losses, necks, pose_estimators
from mmpose_lite.registry import MODELS
from mmpose_lite.utils import register_all_modules

register_all_modules(init_default_scope=False)

TINY_HRNET = {
    'stage1': {'num_modules': 1, 'num_branches': 1, 'block': 'BOTTLENECK', 'num_blocks': (1,)}
    | {'num_channels': (4,)},
    **{
        f'stage{i}': {
            'num_modules': 1,
            'num_branches': i,
            'block': 'BASIC',
            'num_blocks': (1,) * i,
            'num_channels': (4,) * i,
        }
        for i in (2, 3, 4)
    },
}
TARGET = torch.ones(2, 3, 8, 8)
POINTS = torch.ones(2, 3, 2)

# What each takes, and the arguments of its forward pass. A new part needs a line here.
PARTS = {
    'HRNet': ({'extra': TINY_HRNET}, lambda: [torch.rand(2, 3, 32, 32)]),
    'ResNet': ({'depth': 18, 'base_channels': 8}, lambda: [torch.rand(2, 3, 32, 32)]),
    'HourglassNet': (
        {'downsample_times': 1, 'stage_channels': (256, 8), 'stage_blocks': (1, 1)},
        lambda: [torch.rand(2, 3, 32, 32)],
    ),
    'MobileNetV2': ({'widen_factor': 0.25}, lambda: [torch.rand(2, 3, 32, 32)]),
    'SCNet': (
        {'depth': 50, 'base_channels': 8, 'num_stages': 1, 'strides': (1,), 'dilations': (1,)}
        | {'out_indices': (0,)},
        lambda: [torch.rand(2, 3, 32, 32)],
    ),
    'CSPNeXt': ({'widen_factor': 0.125}, lambda: [torch.rand(2, 3, 64, 64)]),
    'ResNetV1d': ({'depth': 18, 'base_channels': 8}, lambda: [torch.rand(2, 3, 32, 32)]),
    'FeatureMapProcessor': (
        {'concat': True},
        lambda: [[torch.rand(2, 3, 8, 8, requires_grad=True)]],
    ),
    'GlobalAveragePooling': ({}, lambda: [[torch.rand(2, 3, 8, 8, requires_grad=True)]]),
    'CPMHead': (
        {'in_channels': 4, 'out_channels': 3, 'num_stages': 2},
        lambda: [[torch.rand(2, 4, 4, 4)] * 2],
    ),
    'HeatmapHead': ({'in_channels': 4, 'out_channels': 3}, lambda: [[torch.rand(2, 4, 4, 4)]]),
    'KeypointMSELoss': ({}, lambda: [torch.rand(2, 3, 8, 8, requires_grad=True), TARGET]),
    'BinaryHeatmapLoss': ({}, lambda: [torch.rand(2, 3, 8, 8, requires_grad=True), TARGET]),
    'AdaptiveWingLoss': ({}, lambda: [torch.rand(2, 3, 8, 8, requires_grad=True), TARGET]),
    'CombinedTargetMSELoss': ({}, lambda: [torch.rand(2, 3, 8, 8, requires_grad=True), TARGET]),
    'RegressionHead': ({'in_channels': 4, 'num_joints': 3}, lambda: [[torch.rand(2, 4)]]),
    'RTMCCHead': (
        {'in_channels': 4, 'out_channels': 3, 'input_size': (64, 64), 'in_featuremap_size': (2, 2)},
        lambda: [[torch.rand(2, 4, 2, 2)]],
    ),
    **{
        name: ({}, lambda: [torch.rand(2, 3, 2, requires_grad=True), POINTS])
        for name in ('L1Loss', 'SmoothL1Loss', 'SoftWingLoss', 'WingLoss')
    },
    'JSDiscretLoss': (
        {'use_target_weight': False},
        lambda: [torch.rand(2, 3, 8, 8, requires_grad=True), TARGET / 64],
    ),
    'KLDiscretLoss': (
        {},
        lambda: [
            [torch.rand(2, 3, 8, requires_grad=True)] * 2,
            [torch.ones(2, 3, 8)] * 2,
            torch.ones(2, 3),
        ],
    ),
    'MultipleLossWrapper': (
        {'losses': [{'type': 'KeypointMSELoss'}, {'type': 'AdaptiveWingLoss'}]},
        lambda: [[torch.rand(2, 3, 8, 8, requires_grad=True)] * 2, [TARGET] * 2],
    ),
    'CombinedLoss': ({'losses': {'a': {'type': 'KeypointMSELoss'}}}, None),
    'PoseDataPreprocessor': (
        {'mean': [1.0, 2, 3], 'std': [1.0, 1, 1]},
        lambda: [{'inputs': [torch.zeros(3, 8, 8, dtype=torch.uint8)], 'data_samples': None}],
    ),
    'TopdownPoseEstimator': (
        {
            'backbone': {'type': 'ResNet', 'depth': 18, 'base_channels': 8},
            'head': {'type': 'HeatmapHead', 'in_channels': 64, 'out_channels': 3},
        },
        lambda: [torch.rand(2, 3, 32, 32)],
    ),
}
REGISTERED = sorted(
    name
    for name, kind in MODELS.module_dict.items()
    if kind.__module__.startswith('mmpose_lite.models')
)


def tensors(value):
    """List all tensors in nested results."""
    if isinstance(value, torch.Tensor):
        return [value]
    items = value.values() if isinstance(value, dict) else value or ()
    return [tensor for item in items for tensor in tensors(item)]


def test_all_are_listed_here():
    assert set(REGISTERED) == set(PARTS)


@pytest.mark.parametrize('name', REGISTERED)
def test_exported_and_described(name):
    kind = MODELS.module_dict[name]
    folders = (backbones, data_preprocessors, heads, losses, necks, pose_estimators)
    holders = [folder for folder in folders if getattr(folder, name, None) is kind]
    assert len(holders) == 1
    if name not in ('CombinedLoss', 'MultipleLossWrapper', 'ResNetV1d'):
        assert name in dir(package)
    assert len(inspect.getdoc(kind).splitlines()[0]) > 10


@pytest.mark.parametrize('name', REGISTERED)
def test_builds_and_runs_forward_and_backward(name):
    arguments, inputs = PARTS[name]
    part = MODELS.build({'type': name, **arguments})
    if hasattr(part, 'init_weights'):
        part.init_weights()
    if inputs is None:
        return
    results = tensors(part(*inputs()))
    assert results
    assert all(torch.isfinite(result).all() for result in results)
    if name == 'PoseDataPreprocessor':
        return
    sum(result.sum() for result in results).backward()
    learning = [parameter for parameter in part.parameters() if parameter.requires_grad]
    assert all(parameter.grad is not None for parameter in learning)


@pytest.mark.parametrize('name', REGISTERED)
def test_a_misspelt_argument_is_refused(name):
    with pytest.raises(TypeError, match='chanels'):
        MODELS.build({'type': name, **PARTS[name][0], 'chanels': 3})
