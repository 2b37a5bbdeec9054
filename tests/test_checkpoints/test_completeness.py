"""Files that lack a part of their model, as far as their tensors tell."""

import re

import pytest
import torch

from helpers.foreign_names import BACKBONES, WHOLE, to_hrnet_face, to_mmpose0
from mmpose_lite.checkpoints.key_mapping import find_key_mapping, map_keys
from mmpose_lite.cli.convert_checkpoint import find_missing
from mmpose_lite.registry import MODELS

FORMS = {**WHOLE, **BACKBONES}


@pytest.mark.parametrize('form', FORMS)
def test_nothing_is_missing_in_whole_files(model, form):
    state = FORMS[form](model.state_dict())
    key = find_key_mapping(state)
    assert key == form.partition('-branches')[0]
    result = map_keys(state, key)
    assert find_missing(result, key) == []
    assert not result.unknown


@pytest.mark.parametrize(
    'name',
    [
        'backbone.conv1.weight',
        'backbone.bn2.running_mean',
        'backbone.layer1.0.downsample.0.weight',
        'backbone.transition2.2.0.0.weight',
        'backbone.stage2.0.branches.1.0.conv1.weight',
        'backbone.stage3.0.fuse_layers.2.0.1.0.weight',
        'backbone.stage4.0.branches.3.0.bn2.bias',
        'head.conv_layers.0.weight',
        'head.conv_layers.0.bias',
        'head.conv_layers.1.running_var',
        'head.final_layer.weight',
        'head.final_layer.bias',
    ],
)
def test_what_is_missing_is_named(model, name):
    state = to_hrnet_face(model.state_dict())
    stored = next(iter(to_hrnet_face({name: None})))
    del state[stored]
    result = map_keys(state, 'hrnet-face')
    assert f'{name} is missing' in find_missing(result, 'hrnet-face')


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (
            {'stage4.0.branches.1.0.conv1.weight': torch.ones(())},
            r'\(\), which is not that of a conv',
        ),
        ({'stage4.0.branches.1.0.conv1.weight': torch.ones(0, 8, 3, 3)}, 'not that of a conv'),
        ({'stage3.7.branches.0.0.conv1.weight': torch.ones(8)}, 'backbone.stage3.1 is missing'),
        ({'stage2.0.branches.2.0.conv1.weight': torch.ones(8, 8, 3, 3)}, 'is left over'),
        ({'conv2.weight': torch.ones(64, 64, 1, 1)}, r'\(64, 64, 1, 1\), the others ask for'),
    ],
)
def test_what_does_not_fit_the_rest_is_named(model, change, message):
    state = to_hrnet_face(model.state_dict()) | change
    result = map_keys(state, 'hrnet-face')
    (found, *_) = find_missing(result, 'hrnet-face')
    assert re.search(message, found), found


RESNETS = {
    'coordinates': ({'depth': 50}, {'type': 'RegressionHead', 'in_channels': 9, 'num_joints': 5}),
    'heatmaps': ({'depth': 18}, {'deconv_out_channels': (8, 8), 'deconv_kernel_sizes': (4, 3)}),
    'convolutions': ({'depth': 34}, {'conv_out_channels': (8, 4), 'conv_kernel_sizes': (1, 3)}),
    'deep': ({'depth': 50, 'deep_stem': True, 'avg_down': True, 'base_channels': 8}, {}),
}


@pytest.fixture(scope='module', params=RESNETS)
def resnet(request):
    """The tensors of a ResNet and its head, by their names here."""
    backbone, head = RESNETS[request.param]
    usual = {'type': 'HeatmapHead', 'in_channels': 9, 'out_channels': 5}
    if 'deconv_out_channels' not in head:
        usual['deconv_out_channels'] = None
    head = head if 'type' in head else {**usual, **head}
    parts = {'backbone': {'type': 'ResNet', **backbone}, 'head': head}
    return {
        f'{part}.{name}': tensor
        for part, cfg in parts.items()
        for name, tensor in MODELS.build(cfg).state_dict().items()
    }


def lacking(state, *starts):
    return {name: state[name] for name in state if not name.startswith(starts)}


def to_old_names(state):
    """MMPose 0.x: the last layer has a number where it stands in a sequence."""
    convs = [name for name in state if re.match(r'head\.conv_layers\.\d+\.running_mean', name)]
    last = f'final_layer.{3 * len(convs)}.' if convs else 'final_layer.'
    renamed = {}
    for name, tensor in state.items():
        name = name.replace('final_layer.', last).replace('head.conv_layers.', 'head.final_layer.')
        renamed[re.sub('^head', 'keypoint_head', name)] = tensor
    return renamed


@pytest.mark.parametrize(('form', 'rename'), [('mmpose0', to_old_names), ('mmpose1', dict)])
def test_a_resnet_must_be_whole(resnet, form, rename):
    def find(state):
        return find_missing(map_keys(rename(state), form), form)

    assert find(resnet) == []
    for name in ('backbone.layer1.1.conv2.weight', 'backbone.layer4.0.conv1.weight'):
        assert f'{name} is missing' in find(lacking(resnet, name))
    assert find(lacking(resnet, 'backbone.layer4.')) == ['backbone.layer4.0 is missing']
    assert find(lacking(resnet, 'backbone.layer3.0.')) == ['backbone.layer3.0 is missing']
    last = max(int(name.split('.')[2]) for name in resnet if name.startswith('backbone.layer2.'))
    (fault,) = find(lacking(resnet, f'backbone.layer2.{last}.'))
    assert 'which no ResNet has' in fault


@pytest.mark.parametrize('form', WHOLE)
@pytest.mark.parametrize(
    ('starts', 'message'),
    [
        (['head.final_layer.'], r'head\.final_layer\.weight is (missing|\(32,\), which is not)'),
        (['head.final_layer.weight'], r'head\.final_layer\.weight is missing'),
        (['head.final_layer.bias'], r'head\.final_layer\.bias is missing'),
        (['head.conv_layers.0.'], r'head\.conv_layers\.0\.weight is missing'),
        (['head.conv_layers.1.'], r'head\.conv_layers\.1\.weight is missing'),
        (['backbone.'], r'backbone\.\* is neither'),
        (['backbone.stage4.'], r'backbone\.stage4\.0 is missing'),
        (['backbone.stage', 'backbone.transition'], r'backbone\.layer2\.0 is missing'),
        (['backbone.conv2.'], r'backbone\.conv2\.weight is missing'),
    ],
)
def test_a_part_that_is_missing_is_named(model, form, starts, message):
    state = WHOLE[form](lacking(model.state_dict(), *starts))
    found = find_missing(map_keys(state, form), form)
    assert any(re.match(message, fault) for fault in found), found


def test_layers_missing_before_the_last_are_told_by_its_number(model):
    """Without them the head would be one of another kind, and whole."""
    state = to_mmpose0(lacking(model.state_dict(), 'head.conv_layers.'))
    (fault,) = find_missing(map_keys(state, 'mmpose0'), 'mmpose0')
    assert fault.startswith('keypoint_head.final_layer.3.weight is the first layer')
    (fault,) = find_missing(
        map_keys(dict(lacking(model.state_dict(), 'head.')), 'mmpose1'), 'mmpose1'
    )
    assert fault == 'head.final_layer.weight is missing'


@pytest.mark.parametrize('name', ['neck.conv.weight', 'backbone.own.weight', 'head.own.weight'])
def test_what_no_network_of_ours_has_is_left_over(model, name):
    state = {**model.state_dict(), name: torch.ones(3)}
    (fault,) = find_missing(map_keys(state, 'mmpose1'), 'mmpose1')
    assert fault.startswith(f'{name} is left over')
