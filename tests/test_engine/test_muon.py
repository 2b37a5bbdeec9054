"""Muon: steps whose singular values are near 1, AdamW for vectors, and states that resume."""

import copy

import pytest
import torch
from torch import nn

from mmpose_lite.engine import Muon, OptimWrapper
from mmpose_lite.engine.muon import orthogonalise
from mmpose_lite.errors import InputError
from mmpose_lite.registry import OPTIMIZERS


def matrices(*shape, dtype=torch.float32):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(dtype)


@pytest.mark.parametrize('shape', [(3, 18, 162), (2, 256, 64), (2, 64, 27), (1, 40, 40)])
def test_singular_values_come_near_one_and_directions_stay(shape):
    given = matrices(*shape)
    left, _, right = torch.linalg.svd(given, full_matrices=False)
    values = left.mT @ orthogonalise(given) @ right.mT
    diagonal = values.diagonal(dim1=1, dim2=2)
    torch.testing.assert_close(values, torch.diag_embed(diagonal), atol=1e-3, rtol=0)
    # A square matrix has a singular value near 0, from which five rounds do not reach 1.
    assert diagonal.min() > (0.1 if shape[1] == shape[2] else 0.65)
    assert diagonal.max() < 1.2


def test_the_rounds_are_the_published_ones():
    """The quintic of the matrix itself, five times."""
    given = matrices(1, 12, 30, dtype=torch.float64)
    step = given[0] / given[0].norm()
    for _ in range(5):
        gram = step @ step.mT
        step = 3.4445 * step + (-4.7750 * gram + 2.0315 * gram @ gram) @ step
    torch.testing.assert_close(orthogonalise(given)[0], step)


def test_matrices_without_a_direction_stay_finite():
    assert orthogonalise(torch.zeros(1, 3, 5)).eq(0).all()
    rank_one = torch.ones(1, 6, 4)
    torch.testing.assert_close(
        torch.linalg.svdvals(orthogonalise(rank_one))[0, 1:], torch.zeros(3), atol=1e-3, rtol=0
    )


def moves(optimizer, parameters, steps=3):
    """Distances that parameters go, a list a step; gradients are the same at each call."""
    random, found = torch.Generator().manual_seed(1), []
    for _ in range(steps):
        before = [each.detach().clone() for each in parameters]
        for each in parameters:
            each.grad = torch.randn(each.shape, generator=random)
        optimizer.step()
        found.append([(new - old).detach() for new, old in zip(parameters, before, strict=True)])
    return found


@pytest.mark.parametrize('shape', [(20, 50), (50, 20)])
def test_a_matrix_moves_as_by_torch_which_computes_in_bfloat16(shape):
    settings = {'lr': 0.1, 'weight_decay': 0.5, 'momentum': 0.9}
    ours, theirs = (nn.Parameter(matrices(*shape)) for _ in range(2))
    mine = moves(Muon([ours], **settings), [ours])
    others = moves(torch.optim.Muon([theirs], **settings), [theirs])
    for (one,), (other,) in zip(mine, others, strict=True):
        assert (one - other).norm() < 0.03 * other.norm()


def test_a_kernel_moves_as_its_matrix():
    kernel = nn.Parameter(matrices(8, 4, 3, 3).to(memory_format=torch.channels_last))
    matrix = nn.Parameter(matrices(8, 4, 3, 3).reshape(8, 36))
    settings = {'lr': 0.1, 'weight_decay': 0.5}
    for (one,), (other,) in zip(
        moves(Muon([kernel], **settings), [kernel]),
        moves(Muon([matrix], **settings), [matrix]),
        strict=True,
    ):
        assert torch.equal(one.reshape(8, 36), other)


def test_vectors_move_as_by_adamw():
    ours, theirs = (nn.Parameter(torch.linspace(-1, 1, 7)) for _ in range(2))
    settings = {'betas': (0.8, 0.95), 'eps': 1e-6, 'weight_decay': 0.3}
    mine = moves(Muon([ours], lr=0.5, adamw_share=0.2, **settings), [ours])
    others = moves(torch.optim.AdamW([theirs], lr=0.1, **settings), [theirs])
    for (one,), (other,) in zip(mine, others, strict=True):
        torch.testing.assert_close(one, other)


def test_groups_have_settings_of_their_own():
    """As ``paramwise_cfg`` makes them, one each; their parameters are made orthogonal together."""
    rates = (0, 0.1, 0.2)
    parameters = [nn.Parameter(matrices(4, 6)) for _ in rates]
    groups = [{'params': [each], 'lr': lr} for each, lr in zip(parameters, rates, strict=True)]
    (moved,) = moves(Muon(groups), parameters, steps=1)
    longest = [float(torch.linalg.svdvals(each).max()) for each in moved]
    assert longest == pytest.approx(rates, rel=0.3)
    assert not moved[0].any()


def wrap():
    """A network with kernels, a matrix and vectors, the same at each call."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(4, 8, 3), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(72, 3))
    network.to(memory_format=torch.channels_last)
    wrapper = OptimWrapper(Muon(network.parameters(), lr=0.05, weight_decay=0.1))
    wrapper.keep_gradients()
    return network, wrapper


def train(network, wrapper, steps):
    for i in steps:
        x = torch.arange(200.0).reshape(2, 4, 5, 5).add(i).sin()
        wrapper.update_params(network(x).square().mean())


def test_a_resumed_state_continues_to_the_bit():
    whole, wrapper = wrap()
    train(whole, wrapper, range(3))
    saved = copy.deepcopy((whole.state_dict(), wrapper.state_dict()))
    train(whole, wrapper, range(3, 6))
    resumed, other = wrap()
    resumed.load_state_dict(saved[0])
    other.load_state_dict(saved[1])
    train(resumed, other, range(3, 6))
    for name, value in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], value), name
    assert torch.equal(
        other.optimizer.state[resumed[0].weight]['momentum_buffer'],
        wrapper.optimizer.state[whole[0].weight]['momentum_buffer'],
    )


@pytest.mark.parametrize('number', [0, 1], ids=['kernel', 'vector'])
def test_a_state_of_another_shape_is_refused(number):
    network, wrapper = wrap()
    train(network, wrapper, [0])
    state = copy.deepcopy(wrapper.state_dict())
    name = ('momentum_buffer', 'exp_avg')[number]
    state['state'][number][name] = torch.zeros(5)
    with pytest.raises(InputError, match=name):
        wrapper.load_state_dict(state)


def test_a_config_means_this_class():
    """Torch has one of this name, which refuses kernels."""
    assert OPTIMIZERS.get('Muon') is Muon


BAD = {'lr': -1, 'adamw_share': -1, 'eps': float('nan'), 'weight_decay': -0.1}


@pytest.mark.parametrize(
    ('setting', 'value'), [*BAD.items(), ('momentum', 1.0), ('betas', (0.9, 1.5))]
)
def test_settings_out_of_range_are_refused(setting, value):
    with pytest.raises(ValueError, match=setting):
        Muon([nn.Parameter(torch.zeros(2))], **{setting: value})
