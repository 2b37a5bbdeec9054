"""Implementations of optimizers: which is chosen, and states that come from another one."""

import copy

import pytest
import torch
from torch import nn

from mmpose_lite.engine import OptimWrapper
from mmpose_lite.engine.optimizer_states import prefer_fused


@pytest.mark.parametrize(
    ('config', 'device', 'fused'),
    [
        ({'type': 'Adam', 'lr': 1.0}, 'cuda', True),
        ({'type': 'Adam', 'lr': 1.0}, 'cpu', True),
        ({'type': torch.optim.AdamW}, 'cuda', True),
        ({'type': 'mmengine.SGD'}, 'cuda', True),
        ({'type': 'Adam'}, 'mps', None),
        ({'type': 'Adagrad'}, 'cuda', None),  # torch has it for CPUs alone
        ({'type': 'RMSprop'}, 'cpu', None),
        ({'type': 'Adam', 'fused': False}, 'cuda', False),
        ({'type': 'Adam', 'foreach': True}, 'cuda', None),
        ({'type': 'Adam', 'differentiable': True}, 'cpu', None),
    ],
)
def test_the_fused_step_is_chosen_where_nothing_else_is_said(config, device, fused):
    before = dict(config)
    assert prefer_fused(config, device).get('fused') == fused
    assert config == before


def wrap(**settings):
    """A convolution channels last, whose weights and gradients are the same at each call."""
    torch.manual_seed(0)
    conv = nn.Conv2d(4, 8, 3).to(memory_format=torch.channels_last)
    return conv, OptimWrapper(torch.optim.Adam(conv.parameters(), lr=0.1, **settings))


def steps(conv, wrapper, count):
    for i in range(count):
        x = torch.arange(100.0).reshape(1, 4, 5, 5).add(i).sin()
        wrapper.update_params(conv(x).square().mean())


@pytest.mark.parametrize('settings', [{'fused': True}, {'foreach': True}, {}])
def test_a_state_of_another_layout_and_implementation_is_resumed(settings):
    whole, wrapper = wrap()
    steps(whole, wrapper, 2)
    state = copy.deepcopy(wrapper.state_dict())
    for values in state['state'].values():  # as MMPose would have saved it
        values.update({name: value.contiguous() for name, value in values.items()})
    steps(whole, wrapper, 2)

    resumed, other = wrap(**settings)
    steps(resumed, other, 2)
    other.load_state_dict(state)
    group = other.optimizer.param_groups[0]
    assert {name: group[name] for name in settings} == settings
    steps(resumed, other, 2)
    torch.testing.assert_close(resumed.weight, whole.weight, rtol=1e-5, atol=1e-6)


def test_a_state_of_other_groups_is_refused():
    _, wrapper = wrap()
    state = wrapper.state_dict()
    state['param_groups'] *= 2
    with pytest.raises(ValueError, match='parameter group'):
        wrapper.load_state_dict(state)
