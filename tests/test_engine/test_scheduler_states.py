"""Schedulers: states that are saved, read and gone on from, and schedules walked through anew."""

import pytest
import torch
from mmengine.registry import PARAM_SCHEDULERS as MMENGINE_SCHEDULERS
from torch import nn

from mmpose_lite.checkpoints import read_checkpoint
from mmpose_lite.checkpoints.writing import write_checkpoint
from mmpose_lite.engine import OptimWrapper
from mmpose_lite.engine.scheduler_states import (
    changed_schedules,
    check_scheduler_states,
    in_iterations,
    load_scheduler_states,
    replay_schedules,
    scheduler_states,
    scheduler_types,
)
from mmpose_lite.errors import InputError
from mmpose_lite.registry import PARAM_SCHEDULERS

MMENGINE_SCHEDULERS.import_from_location()
REGISTERED = {**MMENGINE_SCHEDULERS.module_dict, **PARAM_SCHEDULERS.module_dict}
SETTINGS = {
    'Constant': {'factor': 0.5, 'end': 4},
    'CosineAnnealing': {'T_max': 6, 'eta_min': 1e-4},
    'CosineRestart': {'periods': [3, 4], 'restart_weights': [1, 0.5], 'eta_min': 0},
    'Exponential': {'gamma': 0.9},
    'Linear': {'start_factor': 0.1, 'end': 6},
    'MultiStep': {'milestones': [2, 2, 5], 'gamma': 0.5},
    'OneCycle': {'eta_max': 0.5, 'total_steps': 9},
    'Poly': {'power': 0.9, 'end': 8},
    'ReduceOnPlateau': {'monitor': 'NME', 'rule': 'less', 'patience': 0},
    'Step': {'step_size': 2, 'gamma': 0.7},
}
# The others are what these are made of.
KINDS = sorted(name for name in REGISTERED if name.endswith(('LR', 'Momentum')))


def settings_of(name):
    return SETTINGS[name.removesuffix('LR').removesuffix('Momentum')]


def build(name, optimizer=torch.optim.SGD, **settings):
    """A scheduler beside a warm-up by iterations, of an optimizer with two groups."""
    torch.manual_seed(0)
    parameters = [{'params': [nn.Parameter(torch.ones(2))]} for _ in range(2)]
    arguments = {'momentum': 0.9} if optimizer is torch.optim.SGD else {}
    wrapper = OptimWrapper(optimizer(parameters, lr=0.1, **arguments))
    configs = [
        {'type': 'LinearLR', 'start_factor': 0.5, 'end': 5, 'by_epoch': False},
        {'type': name, **settings_of(name), **settings},
    ]
    return wrapper, [
        PARAM_SCHEDULERS.build(config, default_args={'optimizer': wrapper}) for config in configs
    ]


def walk(wrapper, schedulers, epochs):
    """Return the groups' values after each iteration of epochs of two, each with its validation."""
    seen = []
    for epoch in epochs:
        for scheduler in (schedulers[0], schedulers[0], schedulers[1]):
            wrapper.optimizer._global_step = 0
            scheduler.optimizer._global_step = 0
            scheduler.step()
            seen.append([(each['lr'], each['momentum']) for each in wrapper.param_groups])
        if getattr(schedulers[1], 'need_val_args', False):
            schedulers[1].step({'NME': [0.5, 0.6, 0.4, 0.4, 0.3, 0.3][epoch]})
    return seen


def saved(schedulers, wrapper, path):
    """States, from a file; beside that of the optimizer."""
    content = {'schedulers': scheduler_states(schedulers), 'optimizer': wrapper.state_dict()}
    write_checkpoint(content, str(path), resumable=True)
    return read_checkpoint(str(path))


@pytest.mark.parametrize('name', KINDS)
def test_every_scheduler_is_saved_read_and_resumes(name, tmp_path):
    assert len(KINDS) == 19
    whole, schedulers = build(name)
    first = walk(whole, schedulers, range(3))
    content = saved(schedulers, whole, tmp_path / 'epoch_3.pth')
    rest = walk(whole, schedulers, range(3, 6))
    assert len({str(each) for each in first + rest}) > 2

    resumed, fresh = build(name)
    types = ['LinearLR', name]
    assert scheduler_types(fresh) == types
    check_scheduler_states(fresh, content['schedulers'], types, (6, 3), 'states')
    assert list(changed_schedules(fresh, content['schedulers'])) == []
    resumed.load_state_dict(content['optimizer'])
    load_scheduler_states(fresh, content['schedulers'])
    assert walk(resumed, fresh, range(3, 6)) == rest


@pytest.mark.parametrize('name', [name for name in KINDS if 'Plateau' not in name])
def test_a_schedule_that_is_walked_through_anew_is_the_same(name):
    whole, schedulers = build(name)
    walk(whole, schedulers, range(3))
    states = scheduler_states(schedulers)
    rest = walk(whole, schedulers, range(3, 6))
    resumed, fresh = build(name)
    replay_schedules(fresh, states, epoch_length=2)
    assert walk(resumed, fresh, range(3, 6)) == rest


def test_a_schedule_of_validations_cannot_be_walked_through_anew():
    _, fresh = build('ReduceOnPlateauLR')
    with pytest.raises(InputError, match=r'scheduler 1 \(ReduceOnPlateauLR\) follows the valid'):
        replay_schedules(fresh, scheduler_states(fresh), epoch_length=2)


def test_a_cycle_that_is_too_short_is_said():
    whole, schedulers = build('OneCycleLR')
    walk(whole, schedulers, range(6))
    _, fresh = build('OneCycleLR', total_steps=3)
    with pytest.raises(InputError, match=r'scheduler 1 \(OneCycleLR\): Tried to step'):
        replay_schedules(fresh, scheduler_states(schedulers), epoch_length=2)


def test_what_a_config_changed_is_named():
    _, schedulers = build('CosineAnnealingLR')
    _, fresh = build('CosineAnnealingLR', T_max=12)
    changed = list(changed_schedules(fresh, scheduler_states(schedulers)))
    assert changed == [('scheduler 1 (CosineAnnealingLR) T_max', 6, 12)]


@pytest.mark.parametrize(
    ('name', 'types', 'message'),
    [
        ('StepLR', None, r'states\.1 has .*, which no StepLR has'),
        (
            'StepLR',
            ['LinearLR', 'MultiStepLR'],
            'of LinearLR, MultiStepLR, the config has LinearLR',
        ),
    ],
)
def test_states_of_another_class_are_refused(name, types, message):
    _, schedulers = build('MultiStepLR')
    _, fresh = build(name)
    with pytest.raises(InputError, match=message):
        check_scheduler_states(fresh, scheduler_states(schedulers), types, (0, 0), 'states')


def test_momentum_of_adam_is_scheduled_as_before(tmp_path):
    """Its scheduler writes into betas."""
    whole, schedulers = build('LinearMomentum', torch.optim.Adam)
    walk(whole, schedulers, range(2))
    content = saved(schedulers, whole, tmp_path / 'epoch_2.pth')
    rest = walk(whole, schedulers, range(2, 4))
    resumed, fresh = build('LinearMomentum', torch.optim.Adam)
    check_scheduler_states(fresh, content['schedulers'], None, (4, 2), 'states')
    resumed.load_state_dict(content['optimizer'])
    load_scheduler_states(fresh, content['schedulers'])
    assert walk(resumed, fresh, range(2, 4)) == rest


@pytest.mark.parametrize(
    ('shares', 'length', 'steps'),
    [
        ({'begin': 0, 'end': 0.05}, 240, {'begin': 0, 'end': 12}),
        ({'begin': 0.05, 'T_max': 0.5}, 240, {'begin': 12, 'T_max': 120}),
        ({'end': 0.05}, 20, {'end': 2}),  # one would never end
        ({'end': 0.05}, 2, {'end': 1}),
        ({'begin': 0.05}, 1, {'begin': 0}),
        ({'end': 0.05}, 1, {'end': 1}),
        ({'begin': 0, 'end': 500}, 42, {'begin': 0, 'end': 500}),
        ({'start_factor': 0.5}, 42, {'start_factor': 0.5}),
    ],
)
def test_shares_of_a_run_are_iterations(shares, length, steps):
    told = []
    settings = {'type': 'LinearLR', 'by_epoch': False}
    found = in_iterations({**settings, **shares}, length, 'param_scheduler.0', told.append)
    assert found == {**settings, **steps}
    assert bool(told) == (steps != shares)


def test_a_share_of_a_run_is_told():
    told = []
    settings = {'type': 'LinearLR', 'end': 0.05, 'by_epoch': False}
    in_iterations(settings, 24_000, 'param_scheduler.0', told.append)
    assert told == ['param_scheduler.0: end=0.05 of 24,000 iterations is end=1,200']
    assert in_iterations(None, 10, 'x', told.append) is None


@pytest.mark.parametrize('settings', [{'end': 0.05}, {'end': 0.05, 'by_epoch': True}])
def test_a_share_of_epochs_is_refused(settings):
    with pytest.raises(InputError, match=r'^x: end=0.05 is a share .* needs by_epoch=False$'):
        in_iterations({'type': 'LinearLR', **settings}, 240, 'x', print)
