"""Configs that checkpoints hold: read as data, whatever is in them."""

import pytest
import torch

from mmpose_lite.checkpoints import read_config_of
from mmpose_lite.errors import InputError
from mmpose_lite.inference.models import load_model
from mmpose_lite.utils.config_text import config_text, read_config_text

VALUES = {
    'a': {'b': [1, (2.5, None), (3,)], 'c': {'x y': True, 1: 'z'}},
    'd': float('inf'),
    'e': "it's\n",
    'f': {},
    'g': -1e-5,
}


def test_the_text_of_a_config_reads_back_without_running_it():
    assert read_config_text(config_text(VALUES)) == VALUES


@pytest.mark.parametrize(
    'text',
    [
        'import os',
        'a = __import__("os")',
        'a = dict([(1, 2)])',
        'a = dict(**b)',
        'a = [x for x in y]',
        'a.b = 1',
        'a, b = 1, 2',
        'a = {**b}',
        'a = open("x")',
        'a = b',
        'a =',
    ],
)
def test_a_text_with_more_than_data_is_refused(text):
    with pytest.raises(InputError, match='config'):
        read_config_text(text)


def save(path, **values):
    state = {'x': torch.zeros(1)}
    torch.save({'state_dict': state, 'meta': {'cfg': config_text(values)}}, path)
    return str(path)


@pytest.mark.parametrize(
    ('model', 'named'),
    [
        ({'type': 'subprocess.Popen', 'args': 'x'}, 'subprocess.Popen'),
        ({'type': 'mmengine.load', 'file': 'x.pkl'}, 'mmengine.load'),
        ({'type': 'TopdownPoseEstimator', 'head': {'type': 'os'}}, "'os'"),
        ({'type': 'TopdownPoseEstimator', 'metainfo': {'from_file': 'evil.py'}}, 'evil.py'),
    ],
)
def test_a_stored_config_builds_parts_of_the_package_only(tmp_path, model, named):
    path = save(tmp_path / 'x.pth', model=model)
    assert read_config_of(path) == {'model': model}
    with pytest.raises(InputError, match=named):
        load_model(path)


def test_a_checkpoint_without_a_config_asks_for_one(tmp_path):
    torch.save({'state_dict': {'x': torch.zeros(1)}}, tmp_path / 'x.pth')
    with pytest.raises(InputError, match=r'x.pth.* contains no config: name its config before it'):
        load_model(tmp_path / 'x.pth')
