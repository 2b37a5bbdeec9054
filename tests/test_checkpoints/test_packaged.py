"""Weights in the package: found by name, wherever weights are named."""

import shutil

import pytest
import torch
from mmengine.runner.checkpoint import CheckpointLoader

from mmpose_lite.apis import init_model
from mmpose_lite.checkpoints import install_checkpoint_reader
from mmpose_lite.errors import MissingFileError
from mmpose_lite.utils import paths
from mmpose_lite.utils.paths import find_weights, packaged_weights


@pytest.fixture
def shipped(trained, tmp_path, monkeypatch):
    """A package with the weights `tiny19`."""
    file = tmp_path / 'tiny19-0123abcd.pth'
    shutil.copy(trained.checkpoint, file)
    monkeypatch.setattr(paths, 'WEIGHTS', tmp_path)
    return file


def test_name_leads_to_the_file(shipped):
    assert packaged_weights() == {'tiny19': shipped}
    assert find_weights('tiny19') == str(shipped)


@pytest.mark.parametrize('name', ['a/b.pth', 'best.pth', 'https://x.org/y.pth', './tiny19'])
def test_paths_and_addresses_stay(shipped, name):
    assert find_weights(name) == name


def test_file_of_the_same_name_goes_first(shipped, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'tiny19').write_bytes(b'')
    assert find_weights('tiny19') == 'tiny19'


def test_unknown_name_lists_the_known(shipped):
    with pytest.raises(MissingFileError, match=r"'tiny68' does not exist.*it has: tiny19"):
        find_weights('tiny68')


def test_every_reader_knows_the_name(shipped):
    install_checkpoint_reader()
    content = CheckpointLoader.load_checkpoint('tiny19', 'cpu')
    assert content['state_dict']


def test_model_loads_them_by_name(shipped, tiny_config):
    by_name = init_model(tiny_config, 'tiny19', device='cpu').state_dict()
    by_file = init_model(tiny_config, str(shipped), device='cpu').state_dict()
    for key, tensor in by_file.items():
        torch.testing.assert_close(by_name[key], tensor)
