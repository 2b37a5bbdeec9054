"""Mixed precision."""

import pytest
import torch
from torch import nn

from mmpose_lite.engine import AmpOptimWrapper, OptimWrapper
from mmpose_lite.engine.nan_guard import NanGuard
from mmpose_lite.errors import InputError
from mmpose_lite.registry import OPTIM_WRAPPERS


def wrapper(model, lr=0.1, **arguments):
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    return AmpOptimWrapper(optimizer=optimizer, **arguments)


@pytest.fixture(autouse=True)
def on_cpu(monkeypatch):
    """The same on a machine with a GPU."""
    monkeypatch.setattr('mmpose_lite.engine.optim_wrappers.get_device', lambda: 'cpu')


def test_it_is_found_by_its_name():
    assert OPTIM_WRAPPERS.get('AmpOptimWrapper') is AmpOptimWrapper


def test_forward_is_in_half_precision_and_weights_stay():
    model = nn.Linear(4, 1)
    amp = wrapper(model)
    with amp.optim_context(model):
        output = model(torch.ones(2, 4))
    assert output.dtype == torch.bfloat16
    assert model(torch.ones(2, 4)).dtype == torch.float32
    amp.update_params(output.float().mean())
    assert model.weight.dtype == torch.float32


def test_a_step_is_the_optimizer_s():
    """d mean(w x) / dw = 1: every weight loses lr * 1."""
    model = nn.Linear(4, 1, bias=False)
    before = model.weight.detach().clone()
    amp = wrapper(model)
    with amp.optim_context(model):
        loss = model(torch.ones(2, 4)).mean()
    amp.update_params(loss)
    torch.testing.assert_close(model.weight, before - 0.1, atol=1e-3, rtol=0)


def test_gradients_are_clipped():
    model = nn.Linear(4, 1, bias=False)
    before = model.weight.detach().clone()
    amp = wrapper(model, clip_grad={'max_norm': 1.0})  # of (1, 1, 1, 1), whose norm is 2
    with amp.optim_context(model):
        loss = model(torch.ones(2, 4)).mean()
    amp.update_params(loss)
    torch.testing.assert_close(model.weight, before - 0.05, atol=1e-3, rtol=0)


def test_state_goes_to_a_checkpoint_and_back():
    model = nn.Linear(4, 1)
    state = wrapper(model).state_dict()
    assert 'loss_scaler' in state
    other = wrapper(model, lr=0.7)
    other.load_state_dict(state)
    assert other.optimizer.param_groups[0]['lr'] == 0.1
    del state['loss_scaler']  # of a run without mixed precision
    other.load_state_dict(state)
    assert 'loss_scaler' not in state


@pytest.mark.parametrize(
    ('arguments', 'message'), [({'dtype': 'float8'}, 'float8'), ({'loss_scale': 'big'}, 'big')]
)
def test_wrong_settings_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        wrapper(nn.Linear(1, 1), **arguments)


@pytest.mark.parametrize(
    ('dtype', 'expected'),
    [
        (None, torch.bfloat16),
        ('float16', torch.float16),
        ('bfloat16', torch.bfloat16),
        (torch.float16, torch.float16),
    ],
)
def test_dtype(dtype, expected):
    assert wrapper(nn.Linear(1, 1), dtype=dtype).cast_dtype == expected


@pytest.mark.parametrize('loss_scale', ['dynamic', 128, 128.0, {'init_scale': 4.0}])
def test_forms_of_the_loss_scale(loss_scale):
    amp = wrapper(nn.Linear(1, 1), loss_scale=loss_scale)
    assert not amp.loss_scaler.is_enabled()  # bfloat16 needs none


def begun_step(losses, keep=True):
    """Two branches, of which one gets gradients, in the middle of a step of three batches."""
    model = nn.ModuleList([nn.Linear(2, 1), nn.Linear(2, 1)])
    optim = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1), accumulative_counts=3)
    optim.guard = NanGuard(max_skips=3)
    if keep:
        optim.keep_gradients()
    for factor in losses:
        optim.update_params(model[0](torch.ones(1, 2)).sum() * factor)
    return model, optim


@pytest.mark.parametrize('keep', [True, False])
def test_a_step_with_a_refused_loss_is_left_out_after_a_break_too(keep):
    _, optim = begun_step([1.0, float('nan')], keep)
    model, resumed = begun_step([], keep)
    partial = optim.partial_step()
    assert partial['refused'] is True
    resumed.check_partial_step(partial, 'step')
    resumed.resume_step(partial)
    resumed.initialize_count_status(model, 2, 9)
    before = model[0].weight.detach().clone()
    resumed.update_params(model[0](torch.ones(1, 2)).sum())
    assert torch.equal(model[0].weight, before)
    assert begun_step([1.0])[1].partial_step()['refused'] is False


@pytest.mark.parametrize('keep', [True, False])
def test_a_partial_step_has_the_gradients_that_came(keep):
    """Of a parameter that none has reached there is none: its step would not be left out."""
    _, optim = begun_step([1.0, 1.0], keep)
    gradients = optim.partial_step()['gradients']
    assert gradients.keys() == {0, 1}
    assert gradients[0].tolist() == [pytest.approx([2 / 3, 2 / 3])]
    assert begun_step([1.0] * 3, keep)[1].partial_step() == {}


@pytest.mark.parametrize('exact', [True, False])
def test_gradients_that_are_lost_are_warned_of_and_others_are_not(exact, monkeypatch):
    said = []
    monkeypatch.setattr(
        'mmengine.optim.optimizer.optimizer_wrapper.print_log', lambda text, **_: said.append(text)
    )
    model, optim = begun_step([])
    if exact:
        optim.resume_step(begun_step([1.0])[1].partial_step())
    optim.initialize_count_status(model, 4, 9)
    assert optim.inner_count == 4
    assert any('gradient of some iterations is lost' in line for line in said) is not exact


@pytest.mark.parametrize(
    ('key', 'value'),
    [('scale', float('nan')), ('scale', 0), ('growth_interval', 0.5), ('_growth_tracker', 'x')],
)
def test_a_wrong_state_of_the_scaler_is_named(key, value):
    model = nn.Linear(4, 1)
    amp = wrapper(model)
    amp.loss_scaler = torch.amp.GradScaler('cpu')
    state = amp.state_dict()
    amp.check_state_dict(state, 'optimizer')
    state['loss_scaler'][key] = value
    with pytest.raises(InputError, match=rf'optimizer\.loss_scaler\.{key} is'):
        amp.check_state_dict(state, 'optimizer')


def test_settings_of_a_file_that_go_together_are_looked_at_together():
    """Nesterov's momentum needs a momentum, which the config's optimizer has not."""
    parameter = nn.Parameter(torch.ones(2))
    stored = torch.optim.SGD([parameter], lr=0.1, momentum=0.9, nesterov=True).state_dict()
    own = OptimWrapper(torch.optim.SGD([parameter], lr=0.1))
    own.check_state_dict(stored, 'optimizer')
    own.load_state_dict(stored)
    assert own.param_groups[0]['nesterov']
    stored['param_groups'][0].update(momentum=0.0)
    with pytest.raises(InputError, match=r'param_groups\.0\.nesterov is True: Nesterov'):
        own.check_state_dict(stored, 'optimizer')
