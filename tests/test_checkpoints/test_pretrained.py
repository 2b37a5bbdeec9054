"""Weights of another training that a module starts with: what was taken is said and counted."""

import logging
from urllib.error import URLError

import pytest
import torch
from mmengine.logging import MMLogger
from mmengine.model import BaseModule
from torch import nn

from mmpose_lite.checkpoints import install_checkpoint_reader
from mmpose_lite.errors import InputError

pytestmark = pytest.mark.usefixtures('as_new_process')


class Backbone(BaseModule):
    def __init__(self, init_cfg):
        super().__init__(init_cfg)
        self.conv = nn.Conv2d(3, 4, 1)
        self.norm = nn.BatchNorm2d(4)
        nn.init.zeros_(self.conv.weight)


@pytest.fixture
def start(tmp_path, caplog):
    """Starts a module from a file of tensors; the value is the module and what was logged."""
    install_checkpoint_reader()

    def run(tensors, prefix=None, wrap=True):
        path = tmp_path / 'net.pth'
        torch.save({'state_dict': tensors} if wrap else tensors, path)
        settings = {} if prefix is None else {'prefix': prefix}
        module = Backbone({'type': 'Pretrained', 'checkpoint': str(path), **settings})
        logger = MMLogger.get_instance('pretrained', logger_name='pretrained')
        logger.addHandler(caplog.handler)
        caplog.set_level(logging.INFO)
        module.init_weights()
        return module, [each for each in caplog.messages if 'tensors come from' in each]

    return run


def whole(prefix=''):
    state = Backbone(None).state_dict()
    state['conv.weight'] = torch.ones(4, 3, 1, 1)
    return {f'{prefix}{name}': tensor for name, tensor in state.items()}


@pytest.mark.parametrize('wrap', [True, False])
@pytest.mark.parametrize(
    ('stored', 'prefix'),
    [('', None), ('module.', None), ('backbone.', 'backbone'), ('backbone.', 'backbone.')],
)
def test_what_was_taken_is_said(start, stored, prefix, wrap):
    wrapper = stored if stored == 'module.' else ''
    others = {f'{stored}fc.weight': torch.ones(1), f'{wrapper}head.weight': torch.ones(2)}
    module, (line,) = start({**whole(stored), **others}, prefix, wrap)
    given = 9 if prefix is None else 8
    assert f'Backbone: 7 of its 7 tensors come from the {given} of ' in line
    assert 'net.pth' in line
    assert 'stays' not in line
    assert module.conv.weight.unique().tolist() == [1]


@pytest.mark.parametrize('wrapper', ['', 'module.'])
def test_a_backbone_takes_that_of_a_whole_model(start, wrapper):
    others = {f'{wrapper}head.conv.weight': torch.ones(4, 3, 1, 1)}
    module, (line,) = start({**whole(f'{wrapper}backbone.'), **others})
    assert "Backbone: 7 of its 7 tensors come from the 7 of '" in line
    assert "(prefix 'backbone')" in line
    assert module.conv.weight.unique().tolist() == [1]


@pytest.mark.parametrize('prefix', [None, 'backbone'])
@pytest.mark.parametrize('wrapper', ['_orig_mod.', 'model.', 'module.model.'])
def test_what_wraps_a_file_is_taken_off(start, caplog, wrapper, prefix):
    stored = wrapper if prefix is None else f'{wrapper}{prefix}.'
    others = {f'{wrapper}head.weight': torch.ones(2)}
    module, (line,) = start({**whole(stored), **others}, prefix)
    assert 'Backbone: 7 of its 7 tensors' in line
    assert f"'{wrapper}' is taken off the names of its tensors" in caplog.text
    assert module.conv.weight.unique().tolist() == [1]


def test_what_keeps_its_start_is_listed(start):
    given = {**whole(), 'conv.weight': torch.ones(4, 5, 1, 1)}
    del given['norm.bias']
    module, (line,) = start(given)
    assert '5 of its 7 tensors come from the 6 of' in line
    assert 'the start of 2 stays: conv.weight, norm.bias' in line
    assert module.conv.weight.unique().tolist() == [0]


def test_a_name_that_looks_wrapped_replaces_no_other(start):
    module, _ = start({**whole(), 'module.conv.weight': torch.full((4, 3, 1, 1), 7.0)})
    assert module.conv.weight.unique().tolist() == [1]


@pytest.mark.parametrize(
    ('given', 'prefix', 'message'),
    [
        (whole(), 'backbone', r"none of the 0 tensors of '.*net\.pth' \(prefix 'backbone'\) fits"),
        (whole('neck.'), None, r'none of the 7 .*the file has neck\.conv\.weight'),
        (whole('neck.'), 'neck.body', r"\(prefix 'neck\.body'\)"),
        ({'conv.weight': torch.ones(9)}, None, 'none of the 1 tensors'),
        ({'epoch': 3}, None, 'none of the 0 tensors'),
        ({}, None, 'the file has none'),
    ],
)
def test_a_file_of_which_nothing_fits_is_an_error(start, given, prefix, message):
    with pytest.raises(InputError, match=message):
        start(given, prefix)


def test_without_a_network_the_way_round_is_named(monkeypatch, tmp_path):
    def download(url, path):
        raise URLError('no route')

    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, 'download_url_to_file', download)
    install_checkpoint_reader()
    for name in ('https://example.org/net.pth', 'open-mmlab://msra/hrnetv2_w18', 'nowhere.pth'):
        module = Backbone({'type': 'Pretrained', 'checkpoint': name})
        with pytest.raises(InputError) as refusal:
            module.init_weights()
        said = str(refusal.value)
        assert '--cfg-options model.backbone.init_cfg=None' in said
        assert 'init_cfg.checkpoint=FILE' in said
        assert '\n' not in said
        assert ('no route' in said) == (name != 'nowhere.pth')
        assert ("put it at '" in said) == (name != 'nowhere.pth')
