"""The table of renames: what a file speaks, and what becomes of its names."""

import logging

import pytest
import torch
from mmengine.logging import MMLogger
from mmengine.runner.checkpoint import CheckpointLoader

from helpers.foreign_names import BACKBONES, WHOLE, to_hrnet_face, to_imagenet
from mmpose_lite.apis import init_model, load_config
from mmpose_lite.checkpoints import install_checkpoint_reader, read_checkpoint
from mmpose_lite.checkpoints.key_mapping import (
    KEY_MAPPINGS,
    find_key_mapping,
    map_keys,
    names_as_stored,
)
from mmpose_lite.errors import InputError
from mmpose_lite.registry import MODELS

IMAGES = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
FORMS = {**WHOLE, **BACKBONES}

# Names as files of the others have them, and those that they have here.
PAIRS = [
    (
        'mmpose0',
        {
            'backbone.conv1.weight': 'backbone.conv1.weight',
            'keypoint_head.final_layer.0.weight': 'head.conv_layers.0.weight',
            'keypoint_head.final_layer.1.running_mean': 'head.conv_layers.1.running_mean',
            'keypoint_head.final_layer.3.weight': 'head.final_layer.weight',
            'keypoint_head.final_layer.3.bias': 'head.final_layer.bias',
        },
    ),
    (  # ten layers and more: numbers, not letters, say which is the last
        'mmpose0',
        {
            'keypoint_head.final_layer.9.weight': 'head.conv_layers.9.weight',
            'keypoint_head.final_layer.12.weight': 'head.final_layer.weight',
        },
    ),
    (  # a ResNet's: transposed convolutions, and a last convolution without a number
        'mmpose0',
        {
            'keypoint_head.deconv_layers.0.weight': 'head.deconv_layers.0.weight',
            'keypoint_head.final_layer.bias': 'head.final_layer.bias',
        },
    ),
    (  # a network of coordinates
        'mmpose0',
        {
            'backbone.layer1.0.conv1.weight': 'backbone.layer1.0.conv1.weight',
            'keypoint_head.fc.weight': 'head.fc.weight',
        },
    ),
    (
        'mmpose1',
        {
            'backbone.conv1.weight': 'backbone.conv1.weight',
            'neck.conv.weight': 'neck.conv.weight',
            'head.fc.weight': 'head.fc.weight',
        },
    ),
    (
        'hrnet-face',
        {
            'stage4.0.branches.0.0.conv1.weight': 'backbone.stage4.0.branches.0.0.conv1.weight',
            'transition1.1.0.0.weight': 'backbone.transition1.1.0.0.weight',
            'head.0.weight': 'head.conv_layers.0.weight',
            'head.1.running_mean': 'head.conv_layers.1.running_mean',
            'head.3.bias': 'head.final_layer.bias',
        },
    ),
    (
        'hrnet-imagenet',
        {
            'stage4.0.branches.0.0.conv1.weight': 'stage4.0.branches.0.0.conv1.weight',
            'layer1.0.downsample.0.weight': 'layer1.0.downsample.0.weight',
            'incre_modules.0.0.downsample.0.weight': None,
            'downsamp_modules.0.0.weight': None,
            'final_layer.0.weight': None,
            'classifier.bias': None,
        },
    ),
    (
        'timm',
        {
            'conv1.weight': 'conv1.weight',
            'stage4.2.branches.3.0.conv1.weight': 'stage4.2.branches.3.0.conv1.weight',
            'incre_modules.0.0.conv1.weight': None,
        },
    ),
]


@pytest.mark.parametrize('wrapper', ['', 'module.', 'model._orig_mod.'])
@pytest.mark.parametrize(('key', 'names'), PAIRS)
def test_names(key, names, wrapper):
    state = {f'{wrapper}{old}': index for index, old in enumerate(names)}
    assert find_key_mapping(state) == key
    result = map_keys(state, key)
    assert result.state == {new: i for i, new in enumerate(names.values()) if new is not None}
    assert result.left_out == [f'{wrapper}{old}' for old, new in names.items() if new is None]
    assert not result.unknown
    assert not result.made


@pytest.mark.parametrize(
    'names',
    [
        ['conv1.weight', 'layer1.0.conv1.weight', 'fc.weight'],  # torchvision's ResNet
        ['backbone.conv1.weight', 'decode_head.conv_seg.weight'],
        ['head.0.weight', 'head.1.running_mean', 'head.3.weight'],
        ['weight', 'bias'],
        [],
    ],
)
def test_others_stay_as_they_are(names, tmp_path):
    assert find_key_mapping(names) is None
    state = {name: torch.tensor([i]) for i, name in enumerate(names)}
    torch.save(state, tmp_path / 'a.pth')
    assert read_checkpoint(str(tmp_path / 'a.pth')) == state


def test_a_pose_network_s_last_layer_is_not_taken_for_a_classifier_s():
    state = {'conv1.weight': 1, 'stage4.0.branches.0.0.conv1.weight': 2, 'final_layer.weight': 3}
    result = map_keys(state, find_key_mapping(state))
    assert result.unknown == ['final_layer.weight']
    assert result.state == state


def test_two_tensors_of_one_name_are_an_error(tmp_path):
    state = dict.fromkeys(['keypoint_head.final_layer.3.bias', 'keypoint_head.final_layer.bias'], 1)
    with pytest.raises(InputError, match=r'final_layer\.bias and .*final_layer\.3\.bias are both'):
        map_keys(state, 'mmpose0')
    torch.save({'state_dict': state}, tmp_path / 'two.pth')
    with pytest.raises(InputError, match=r"two\.pth': keypoint_head.* are both head\.final_layer"):
        read_checkpoint(str(tmp_path / 'two.pth'))


def test_counters_of_old_files_are_made():
    state = {'backbone.bn1.running_var': torch.ones(2), 'head.bn.running_var': torch.ones(2)}
    state['head.bn.num_batches_tracked'] = torch.tensor(7)
    result = map_keys(state, 'mmpose1')
    assert result.made == ['backbone.bn1.num_batches_tracked']
    assert result.state['backbone.bn1.num_batches_tracked'] == 0
    assert result.state['head.bn.num_batches_tracked'] == 7


def test_names_as_stored(tmp_path):
    torch.save({'state_dict': {'keypoint_head.fc.weight': torch.ones(1)}}, tmp_path / 'a.pth')
    path = str(tmp_path / 'a.pth')
    with names_as_stored():
        assert list(read_checkpoint(path)['state_dict']) == ['keypoint_head.fc.weight']
    assert list(read_checkpoint(path)['state_dict']) == ['head.fc.weight']


@torch.no_grad()
def heatmaps(model):
    return model(IMAGES, mode='tensor')


# A file as it is, one of a run, and one of a compiled model in DataParallel.
@pytest.mark.parametrize('wrap', ['bare', 'run', 'parallel'])
@pytest.mark.parametrize('form', WHOLE)
def test_any_form_of_a_whole_model_gives_the_same_heatmaps(
    model, tiny_config, tmp_path, form, wrap
):
    state = WHOLE[form](model.state_dict())
    assert find_key_mapping(state) == form
    if wrap == 'parallel':
        state = {f'module._orig_mod.{name}': tensor for name, tensor in state.items()}
    torch.save({'state_dict': state, 'meta': {}} if wrap == 'run' else state, tmp_path / 'a.pth')
    other = init_model(tiny_config, str(tmp_path / 'a.pth'), device='cpu')
    assert torch.equal(heatmaps(other), heatmaps(model))


@pytest.mark.parametrize(
    ('form', 'more'),
    [*((form, {'prefix': 'backbone'}) for form in WHOLE), *((form, {}) for form in BACKBONES)],
)
def test_any_form_starts_a_backbone(model, tiny_config, tmp_path, form, more):
    torch.save(FORMS[form](model.state_dict()), tmp_path / 'a.pth')
    cfg = load_config(tiny_config).model.backbone
    cfg.init_cfg = {'type': 'Pretrained', 'checkpoint': str(tmp_path / 'a.pth'), **more}
    install_checkpoint_reader()
    backbone = MODELS.build(cfg)
    backbone.init_weights()
    for name, tensor in model.backbone.state_dict().items():
        assert torch.equal(backbone.state_dict()[name], tensor), name


@pytest.mark.parametrize(
    'places',
    [['model'], ['model_state_dict'], ['ema'], ['state_dict_ema'], ['params'], ['ema', 'model']],
)
def test_weights_are_found_wherever_a_file_has_them(model, tiny_config, tmp_path, places):
    content = {f'_orig_mod.{name}': tensor for name, tensor in model.state_dict().items()}
    for place in reversed(places):
        content = {place: content, 'epoch': 3, 'net': {'depth': 18}}
    torch.save(content, tmp_path / 'a.pth')
    other = init_model(tiny_config, str(tmp_path / 'a.pth'), device='cpu')
    assert torch.equal(heatmaps(other), heatmaps(model))


def test_the_weights_of_a_run_go_before_their_average(tmp_path):
    kinds = {'ema': 1, 'state_dict': 2, 'model': 3}
    torch.save({key: {'weight': torch.tensor([i])} for key, i in kinds.items()}, tmp_path / 'a.pth')
    assert read_checkpoint(str(tmp_path / 'a.pth'))['state_dict']['weight'] == 2


@pytest.mark.usefixtures('as_new_process')
def test_the_log_says_what_a_file_was_taken_for(model, tmp_path, caplog):
    logger = MMLogger.get_instance('dialects', logger_name='dialects')
    logger.addHandler(caplog.handler)
    caplog.set_level(logging.INFO)
    own, face = tmp_path / 'own.pth', tmp_path / 'face.pth'
    torch.save(model.state_dict(), own)
    read_checkpoint(str(own))
    assert not caplog.messages
    torch.save(to_hrnet_face(model.state_dict()), face)
    read_checkpoint(str(face))
    (said,) = caplog.messages
    count = len(model.state_dict())
    assert str(face) in said
    assert f'HRNet-Facial-Landmark-Detection: {count} tensors renamed, 0 left out' in said


def test_a_backbone_alone_is_no_model(model, tiny_config, tmp_path):
    torch.save(to_imagenet(model.state_dict()), tmp_path / 'a.pth')
    with pytest.raises(InputError, match=r'backbone\.conv1\.weight is missing'):
        init_model(tiny_config, str(tmp_path / 'a.pth'), device='cpu')


def test_a_listed_name_is_translated_too(model, tmp_path, monkeypatch):
    """``open-mmlab://msra/hrnetv2_w18`` is such a file."""
    monkeypatch.setenv('MMENGINE_HOME', str(tmp_path))
    monkeypatch.setattr(
        'mmengine.runner.checkpoint.get_external_models', lambda: {'msra/net': 'net.pth'}
    )
    torch.save(to_imagenet(model.state_dict()), tmp_path / 'net.pth')
    install_checkpoint_reader()
    content = CheckpointLoader.load_checkpoint('open-mmlab://msra/net', 'cpu')
    assert list(content) == list(model.backbone.state_dict())


def test_every_dialect_is_tried_here():
    assert {key for key, _ in PAIRS} == set(KEY_MAPPINGS)
    assert {form.partition('-branches')[0] for form in FORMS} == set(KEY_MAPPINGS)
