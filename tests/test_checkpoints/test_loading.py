"""Checkpoints that lie elsewhere, and how they are fetched."""

import hashlib
import os
import re
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.runner.checkpoint import CheckpointLoader
from pickling import call, content, zipped

from mmpose_lite.checkpoints import (
    install_checkpoint_reader,
    load_strictly,
    read_checkpoint,
    trusting,
)
from mmpose_lite.errors import InputError
from mmpose_lite.registry import MODELS


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


@pytest.fixture
def web(monkeypatch, tmp_path):
    """A network of one file, whatever its address; the value lists the addresses asked for."""

    def download(url, path):
        shutil.copy(network.file, path)
        network.asked.append(url)

    network = SimpleNamespace(file=None, asked=[], folder=tmp_path / 'hub' / 'checkpoints')
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'hub'))
    monkeypatch.setattr(torch.hub, 'download_url_to_file', download)
    monkeypatch.setenv('MMENGINE_HOME', str(tmp_path / 'mmengine'))
    install_checkpoint_reader()
    return network


def load(name):
    return CheckpointLoader.load_checkpoint(name, 'cpu')


def test_a_remote_file_is_downloaded_once_and_read_the_same_way(web, old_file):
    web.file = old_file
    for _ in range(2):
        content = load('https://example.org/a/net.pth?x=1')
        assert 'head.conv_layers.0.weight' in content['state_dict']
    assert web.asked == ['https://example.org/a/net.pth?x=1']
    assert [path.name for path in web.folder.iterdir()] == ['net.pth']


@pytest.mark.parametrize('name', ['net-{}.pth', 'net-{}_20210125.pth', 'a-b-{}.pt'])
def test_a_download_is_what_the_hash_in_its_name_says(web, old_file, name):
    web.file = old_file
    digest = hashlib.sha256(old_file.read_bytes()).hexdigest()
    load(f'https://example.org/{name.format(digest[:8])}')
    wrong = f'https://example.org/{name.format("0" * 8)}'
    for _ in range(2):
        with pytest.raises(InputError, match=rf'{re.escape(wrong)}.*its name promises 00000000'):
            load(wrong)
    assert [path.name for path in web.folder.iterdir()] == [name.format(digest[:8])]


def test_a_kept_download_that_was_changed_is_named_and_left(web, old_file):
    """It may be somebody's own: what is removed is what was fetched just now."""
    web.file = old_file
    digest = hashlib.sha256(old_file.read_bytes()).hexdigest()
    url = f'https://example.org/net-{digest[:8]}.pth'
    load(url)
    kept = web.folder / f'net-{digest[:8]}.pth'
    changed = kept.read_bytes()[:-1]
    kept.write_bytes(changed)
    with pytest.raises(InputError, match=rf"'{kept}', from '{url}', is refused.*remove it"):
        load(url)
    assert kept.read_bytes() == changed
    kept.unlink()
    load(url)


@pytest.mark.parametrize('name', ['net-20230115.pth', 'net-19991231_20230115.pth'])
def test_a_date_is_no_hash(web, old_file, name):
    web.file = old_file
    load(f'https://example.org/{name}')
    assert [path.name for path in web.folder.iterdir()] == [name]


def test_digits_that_are_no_date_are_a_hash(web, old_file):
    web.file = old_file
    for digits in ('20231315', '30230115', '00000000'):
        with pytest.raises(InputError, match=f'its name promises {digits}'):
            load(f'https://example.org/net-{digits}.pth')


def test_a_date_is_a_hash_in_the_lists_of_mmengine(web, old_file, monkeypatch):
    web.file = old_file
    names = {'net': 'https://example.org/net-20230115.pth'}
    monkeypatch.setattr('mmengine.runner.checkpoint.get_external_models', lambda: names)
    with pytest.raises(InputError, match='its name promises 20230115'):
        load('open-mmlab://net')
    assert not list(web.folder.iterdir())


def test_a_download_that_breaks_off_leaves_nothing(web, monkeypatch):
    def download(url, path):
        Path(path).write_bytes(b'half')
        raise TimeoutError('the network is gone')

    monkeypatch.setattr(torch.hub, 'download_url_to_file', download)
    with pytest.raises(InputError, match=r'net\.pth.*the network is gone'):
        load('http://example.org/net.pth')
    assert not list(web.folder.iterdir())


@pytest.mark.parametrize('end', ['', '..', 'a/..', '..%5cx/', 'a%2f../..'])
def test_an_address_that_names_no_file_is_refused(web, end):
    with pytest.raises(InputError, match='names no file'):
        load(f'http://example.org/{end}')
    assert not web.asked


def test_every_scheme_of_mmengine_is_read_by_ours():
    """The schemes that mmengine knows, with those that a newer one may have."""
    install_checkpoint_reader()
    assert len(CheckpointLoader._schemes) >= 11
    foreign = {
        prefix: loader
        for prefix, loader in CheckpointLoader._schemes.items()
        if loader.__module__ != 'mmpose_lite.checkpoints.loading'
    }
    assert not foreign


class Backend:
    def get(self, name):
        return self.content


@pytest.fixture
def places(web, monkeypatch):
    """One name of each scheme, all of which lead to one file."""
    url = 'https://example.org/net.pth'
    module = 'mmengine.runner.checkpoint'
    monkeypatch.setattr(f'{module}.get_torchvision_models', lambda: {'net': url})
    monkeypatch.setattr(f'{module}.get_external_models', lambda: {'net': url, 'own': 'own.pth'})
    monkeypatch.setattr(f'{module}.get_mmcls_models', lambda: {'net': url})
    monkeypatch.setattr(f'{module}.get_deprecated_model_names', lambda: {'before': 'net'})
    backend = Backend()
    monkeypatch.setattr(
        'mmpose_lite.checkpoints.loading.get_file_backend', lambda *_, **__: backend
    )
    cloud = SimpleNamespace(
        get=lambda _: SimpleNamespace(download=lambda path: shutil.copy(web.file, path))
    )
    monkeypatch.setitem(sys.modules, 'pavi', SimpleNamespace(modelcloud=cloud))

    def put(path):
        web.file, backend.content = path, path.read_bytes()
        home = Path(os.environ['MMENGINE_HOME'])
        home.mkdir(exist_ok=True)
        shutil.copy(path, home / 'own.pth')

    return put


NAMES = [
    *('http://x.org/net.pth', 'https://x.org/net.pth', 'torchvision://net', 'modelzoo://net'),
    *('open-mmlab://net', 'openmmlab://before', 'open-mmlab://own', 'mmcls://net'),
    *('s3://bucket/net.pth', 'cluster:s3://bucket/net.pth', 'petrel://a/net.pth', 'pavi://net.pth'),
]


@pytest.mark.parametrize('name', NAMES)
def test_a_file_is_read_wherever_its_name_leads(places, tmp_path, name):
    good = tmp_path / 'good.pth'
    torch.save({'state_dict': {'backbone.weight': torch.ones(2)}}, good)
    places(good)
    (value,) = load(name)['state_dict'].values()
    assert value.tolist() == [1, 1]


@pytest.mark.parametrize('name', NAMES)
def test_a_hostile_file_is_refused_wherever_it_lies(places, tmp_path, name):
    canary, evil = tmp_path / 'canary', tmp_path / 'evil.pth'
    evil.write_bytes(zipped(content(call('os mkdir', str(canary)))))
    places(evil)
    with pytest.raises(InputError, match=r'is refused: os\.mkdir'):
        load(name)
    assert not canary.exists()
    with trusting(name):
        with suppress(InputError, AttributeError):
            load(name)
        assert canary.exists()


@pytest.mark.parametrize('name', ['torchvision://x', 'open-mmlab://x', 'mmcls://x'])
def test_an_unknown_name_is_an_error(places, web, name):
    with pytest.raises(InputError, match=f"'{name}' is not among the"):
        load(name)
    assert not web.asked
