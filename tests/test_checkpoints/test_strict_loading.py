"""Weights that must fit their model to the last tensor."""

import logging

import pytest
import torch
from mmengine.logging import MMLogger

from mmpose_lite.checkpoints import load_strictly
from mmpose_lite.errors import InputError


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'weight': None}, 'in 1 tensors: weight is missing'),
        ({'other': torch.ones(1)}, 'in 1 tensors: other is left over'),
        ({'bias': torch.ones(5)}, r'bias is \(5,\), the model has \(2,\)'),
        ({'bias': 3}, r'bias is a int, the model has \(2,\)'),
        ({'bias': torch.ones(2).long()}, r'bias is \(2,\) of whole numbers, the model has \(2,\)$'),
        ({'module.bias': torch.ones(2)}, r'in 1 tensors: module\.bias is left over'),
        (
            {'weight': None, **{f'x{i}': torch.ones(1) for i in range(12)}},
            r'in 13 tensors: weight is missing; x0 is .*; x8 is left over; \.\.\.$',
        ),
    ],
)
def test_weights_must_fit_to_the_last_tensor(change, message):
    model = torch.nn.Linear(3, 2)
    given = {'weight': torch.ones(2, 3), 'bias': torch.zeros(2), **change}
    given = {name: value for name, value in given.items() if value is not None}
    with pytest.raises(InputError, match=rf"'some\.pth' does not fit.*{message}"):
        load_strictly(model, given, 'some.pth')


@pytest.mark.parametrize('value', [float('nan'), float('inf'), 1e300])
def test_weights_must_be_finite_in_the_model(value):
    model = torch.nn.Linear(3, 2)
    before = model.weight.clone()
    bias = torch.zeros(2).double()
    bias[1] = value
    given = {'weight': torch.ones(2, 3), 'bias': bias}
    with pytest.raises(InputError, match=r"'some\.pth' has numbers .* in 1 of 2 .* first is bias$"):
        load_strictly(model, given, 'some.pth')
    assert torch.equal(model.weight, before)


def test_a_mask_may_be_infinite():
    model = torch.nn.Linear(3, 2)
    model.register_buffer('mask', torch.tensor([0.0, -torch.inf]))
    load_strictly(model, {name: each.clone() for name, each in model.state_dict().items()}, 'x')


def test_half_precision_fits():
    model = torch.nn.Linear(3, 2)
    load_strictly(model, {'weight': torch.ones(2, 3).half(), 'bias': torch.ones(2).half()}, 'x')
    assert model.weight.dtype is torch.float32


def test_weights_of_another_kind_are_named():
    with pytest.raises(InputError, match=r"'some\.pth': state_dict is a list"):
        load_strictly(torch.nn.Linear(3, 2), {'state_dict': []}, 'some.pth')


WRAPPERS = ['module.', '_orig_mod.', 'model.', '_orig_mod.module.', 'module._orig_mod.', 'a.model.']


@pytest.fixture
def log(as_new_process, caplog):
    """The log, in its ``messages``."""
    logger = MMLogger.get_instance('wrapped', logger_name='wrapped')
    logger.addHandler(caplog.handler)
    caplog.set_level(logging.INFO)
    return caplog


@pytest.mark.parametrize('wrapper', WRAPPERS)
def test_what_wraps_all_names_is_taken_off_and_said(wrapper, log):
    model = torch.nn.Linear(3, 2)
    given = {f'{wrapper}weight': torch.full((2, 3), 4.0), f'{wrapper}bias': torch.zeros(2)}
    load_strictly(model, {'state_dict': given, 'meta': {}}, 'some.pth')
    assert model.weight.unique().tolist() == [4]
    assert log.messages == [f"'some.pth': '{wrapper}' is taken off the names of its tensors"]


def test_a_part_that_was_compiled_fits(log):
    model = torch.nn.ModuleDict({'backbone': torch.nn.Linear(3, 2), 'head': torch.nn.Linear(2, 1)})
    wanted = {name: torch.full_like(each, 4) for name, each in model.state_dict().items()}
    given = {name.replace('backbone.', 'backbone._orig_mod.'): wanted[name] for name in wanted}
    load_strictly(model, given, 'some.pth')
    assert all((each == 4).all() for each in model.state_dict().values())
    assert log.messages == ["'some.pth': '_orig_mod.' is taken off the names of its tensors"]


@pytest.mark.parametrize('name', ['model', 'module', '_orig_mod', 'backbone'])
def test_a_model_s_own_names_stay(name, log):
    model = torch.nn.ModuleDict({name: torch.nn.Linear(3, 2)})
    given = {key: torch.full_like(each, 4) for key, each in model.state_dict().items()}
    load_strictly(model, given, 'some.pth')
    assert model[name].weight.unique().tolist() == [4]
    assert not log.messages


def test_names_that_would_become_one_stay():
    given = {'_orig_mod.weight': torch.ones(2, 3), 'weight': torch.ones(2, 3)}
    with pytest.raises(InputError, match=r'_orig_mod\.weight is left over'):
        load_strictly(torch.nn.Linear(3, 2, bias=False), given, 'some.pth')
