"""Gradients that keep their memory, and take the steps of those that do not."""

import pytest
import torch
from torch import nn

from mmpose_lite.engine import Muon, OptimWrapper
from mmpose_lite.engine.optim_wrappers import GradientBuffers


class TwoBranches(nn.Module):
    """Each input takes one of two branches; a third is never used, a fourth is frozen."""

    def __init__(self):
        super().__init__()
        self.branches = nn.ModuleList(nn.Linear(3, 1) for _ in range(4))
        self.branches[3].requires_grad_(False)

    def forward(self, x, branch):
        return self.branches[branch](x).mean()


def train(keep, optimizer, branches=(0, 1, 0, 0, 1), **settings):
    torch.manual_seed(0)
    model = TwoBranches()
    arguments = {'lr': 0.1, 'weight_decay': 0.1}
    if optimizer is torch.optim.SGD:
        arguments['momentum'] = 0.9
    wrapper = OptimWrapper(optimizer(model.parameters(), **arguments), **settings)
    if keep:
        wrapper.keep_gradients()
    for i, branch in enumerate(branches):
        wrapper.update_params(model(torch.full((2, 3), i + 1.0), branch))
    return model


@pytest.mark.parametrize('optimizer', [torch.optim.SGD, torch.optim.Adam, Muon])
@pytest.mark.parametrize(
    'settings',
    [{}, {'accumulative_counts': 2}, {'clip_grad': {'max_norm': 0.1}}],
    ids=['plain', 'accumulated', 'clipped'],
)
def test_weights_are_those_of_fresh_gradients(optimizer, settings):
    """Momentum and weight decay would move a branch whose gradients were zero."""
    ours, theirs = (train(keep, optimizer, **settings).state_dict() for keep in (True, False))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_unused_and_frozen_parameters_stay():
    torch.manual_seed(0)
    start = TwoBranches().state_dict()
    end = train(True, torch.optim.SGD).state_dict()
    moved = {name for name in end if not torch.equal(start[name], end[name])}
    assert moved == {f'branches.{i}.{kind}' for i in (0, 1) for kind in ('weight', 'bias')}


def test_memory_and_layout_stay():
    conv = nn.Conv2d(4, 4, 3).to(memory_format=torch.channels_last)
    wrapper = OptimWrapper(torch.optim.SGD(conv.parameters(), lr=0.1))
    wrapper.keep_gradients()
    places = set()
    for _ in range(3):
        wrapper.update_params(conv(torch.ones(1, 4, 5, 5)).mean())
        assert not conv.weight.grad.any()
        assert conv.weight.grad.stride() == conv.weight.stride()
        places.add(conv.weight.grad.data_ptr())
    assert len(places) == 1


def test_a_parameter_that_thaws_gets_a_new_gradient_each_time():
    thawing = torch.nn.Linear(1, 1)
    thawing.weight.requires_grad_(False)
    buffers = GradientBuffers(torch.optim.SGD(thawing.parameters()))
    thawing.weight.requires_grad_(True)
    for _ in range(3):
        thawing(torch.ones(1, 1)).sum().backward()
        assert float(thawing.weight.grad) == 1
        buffers.clear()
