"""Checkpoints with the names of MMPose 0.x, and checkpoints that lie elsewhere."""

import shutil

import pytest
import torch
from mmengine.runner.checkpoint import CheckpointLoader

from mmpose_lite.engine.checkpoint import install_checkpoint_reader, load_strictly, read_checkpoint
from mmpose_lite.engine.old_checkpoints import rename_old_keys
from mmpose_lite.registry import MODELS

# Of MMPose 0.x's HRNetV2 for AFLW: one sequence of convolution, norm, ReLU and last convolution.
WITH_CONVOLUTION = {
    'backbone.conv1.weight': 'backbone.conv1.weight',
    'keypoint_head.final_layer.0.weight': 'head.conv_layers.0.weight',
    'keypoint_head.final_layer.1.running_mean': 'head.conv_layers.1.running_mean',
    'keypoint_head.final_layer.3.weight': 'head.final_layer.weight',
    'keypoint_head.final_layer.3.bias': 'head.final_layer.bias',
}
# Of its ResNets: transposed convolutions and a last convolution that has no number.
WITHOUT = {
    'keypoint_head.deconv_layers.0.weight': 'head.deconv_layers.0.weight',
    'keypoint_head.final_layer.bias': 'head.final_layer.bias',
}


@pytest.mark.parametrize('names', [WITH_CONVOLUTION, WITHOUT])
def test_names_of_0x_are_renewed(names):
    old = {name: index for index, name in enumerate(names)}
    assert rename_old_keys(old) == {names[name]: index for name, index in old.items()}


def test_names_of_1x_stay():
    state = {'head.final_layer.weight': 1, 'head.conv_layers.0.weight': 2}
    assert rename_old_keys(state) is state


@pytest.fixture
def head():
    return MODELS.build(
        {
            'type': 'HeatmapHead',
            'in_channels': 6,
            'out_channels': 2,
            'deconv_out_channels': None,
            'conv_out_channels': [4],
            'conv_kernel_sizes': [1],
        }
    )


@pytest.fixture
def old_file(head, tmp_path):
    """The head's weights as 0.x would have written them."""
    state = {}
    for name, tensor in head.state_dict().items():
        name = name.replace('final_layer.', 'final_layer.3.').replace(
            'conv_layers.', 'final_layer.'
        )
        state[f'keypoint_head.{name}'] = tensor
    path = tmp_path / 'old-f2bbc62b_20210125.pth'
    torch.save({'state_dict': state, 'meta': {}}, path)
    return path


class Model(torch.nn.Module):
    def __init__(self, head):
        super().__init__()
        self.head = head


def test_an_old_file_fits_to_the_last_tensor(head, old_file):
    wanted = {name: tensor.clone() for name, tensor in head.state_dict().items()}
    torch.nn.init.zeros_(head.final_layer.weight)
    load_strictly(Model(head), read_checkpoint(str(old_file)), 'old')
    assert all(torch.equal(tensor, wanted[name]) for name, tensor in head.state_dict().items())


def test_a_remote_file_is_downloaded_once_and_read_the_same_way(monkeypatch, tmp_path, old_file):
    fetched = []

    def download(url, path):
        fetched.append(url)
        shutil.copy(old_file, path)

    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'hub'))
    monkeypatch.setattr(torch.hub, 'download_url_to_file', download)
    install_checkpoint_reader()
    for _ in range(2):
        content = CheckpointLoader.load_checkpoint('https://example.org/a/net.pth?x=1', 'cpu')
        assert 'head.conv_layers.0.weight' in content['state_dict']
    assert fetched == ['https://example.org/a/net.pth?x=1']
    assert (tmp_path / 'hub' / 'checkpoints' / 'net.pth').is_file()
