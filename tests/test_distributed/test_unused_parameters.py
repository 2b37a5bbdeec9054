"""Checks and preparations of distributed training before its first step."""

import pytest
import torch
import torch.distributed as dist
from mmengine.model import MMDistributedDataParallel
from torch import nn

from mmpose_lite.engine import OptimWrapper
from mmpose_lite.engine.distributed import (
    check_gradients,
    prepare_ddp,
    settle_buckets,
)
from mmpose_lite.errors import InputError


class Network(nn.Module):
    def __init__(self, extra):
        super().__init__()
        self.used = nn.Linear(2, 1)
        self.extra = nn.ModuleList(nn.Linear(1, 1, bias=False) for _ in range(extra))

    def forward(self, values):
        return self.used(values)


@pytest.fixture
def group(tmp_path):
    store = dist.FileStore(str(tmp_path / 'store'), 1)
    dist.init_process_group('gloo', store=store, rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def first_step(network, **kwargs):
    """Make the first step of a run whose model is wrapped as runs do."""
    model = MMDistributedDataParallel(network, device_ids=None, **kwargs)
    wrapper = OptimWrapper(torch.optim.SGD(network.parameters(), lr=0.1))
    prepare_ddp(model, wrapper)
    for _ in range(2):
        wrapper.update_params(model(torch.ones(3, 2)).sum())


@pytest.mark.usefixtures('group')
def test_unused_parameters_are_named_before_the_step():
    network = Network(extra=2)
    before = network.used.weight.clone()
    with pytest.raises(InputError, match=r'^2 parameters .*: extra\.0\.weight, extra\.1\.weight;'):
        first_step(network)
    assert torch.equal(network.used.weight, before)


@pytest.mark.usefixtures('group')
@pytest.mark.parametrize('way_out', ['none', 'frozen', 'find'])
def test_what_may_be_is_left_alone(way_out):
    network = Network(extra=0 if way_out == 'none' else 2)
    network.extra.requires_grad_(way_out != 'frozen')
    first_step(network, find_unused_parameters=way_out == 'find')


def test_at_most_ten_are_named():
    with pytest.raises(InputError) as error:
        check_gradients(Network(extra=12))  # 14 with the layer that is used
    assert str(error.value).startswith('14 parameters')
    assert 'extra.7.weight and 4 more;' in str(error.value)
    assert 'extra.8' not in str(error.value)
    assert 'find_unused_parameters=True' in str(error.value)


@pytest.mark.usefixtures('group')
def test_buckets_are_laid_out_before_the_first_pass():
    network = Network(extra=0)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    model = MMDistributedDataParallel(network, device_ids=None)
    wrapper = OptimWrapper(torch.optim.SGD(network.parameters(), lr=0.1))
    prepare_ddp(model, wrapper)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())
    for _ in range(2):  # what the second one began with is what the first one used
        model(torch.ones(3, 2)).sum().backward()
    assert model._get_ddp_logging_data()['has_rebuilt_buckets'] == 1


@pytest.mark.usefixtures('group')
def test_a_forward_of_the_module_s_own_is_kept():
    network = Network(extra=0)
    network.forward = own = network.forward
    settle_buckets(MMDistributedDataParallel(network, device_ids=None))
    assert vars(network)['forward'] is own
    del network.forward
    settle_buckets(MMDistributedDataParallel(network, device_ids=None))
    assert 'forward' not in vars(network)
