"""Scalars that wait: the same histories as mmengine's, read in fewer transfers."""

import numpy as np
import pytest
import torch
from mmengine.logging import MessageHub

from mmpose_lite.engine.run_log import DeferredMessageHub

pytestmark = pytest.mark.usefixtures('as_new_process')

UPDATES = [
    ('train/lr', 0.1, 1),
    ('train/loss', torch.tensor(0.3), 1),
    ('train/half', torch.tensor(0.3, dtype=torch.bfloat16), 1),
    ('train/count', 3, 1),
    ('train/loss', torch.tensor([0.25], dtype=torch.float64), 2),
    ('train/whole', torch.tensor(2**40 + 1), 1),
    ('train/lr', np.float32(0.05), 1),
    ('train/count', torch.tensor(0.5), 1),
    ('train/loss', 0.1, 1),
]


def histories(hub):
    """Names in their order, values, counts and types of everything a hub holds."""
    return [
        (key, *((array.tolist(), array.dtype) for array in buffer.data))
        for key, buffer in hub.log_scalars.items()
    ]


@pytest.fixture
def hubs():
    return DeferredMessageHub.get_instance('ours'), MessageHub('theirs')


@pytest.mark.parametrize('read_after', [(), (1, 2), (4,), range(9)])
def test_histories_are_mmengine_s_whenever_they_are_read(hubs, read_after):
    for i, (key, value, count) in enumerate(UPDATES):
        for hub in hubs:
            hub.update_scalar(key, value, count)
        if i in read_after:
            assert (
                hubs[0].get_scalar(key).data[0].tolist() == hubs[1].get_scalar(key).data[0].tolist()
            )
    assert histories(hubs[0]) == histories(hubs[1])


def test_order_is_that_of_the_first_update_even_if_another_is_read_first(hubs):
    hub, _ = hubs
    hub.update_scalar('train/first', torch.tensor(1.0))
    hub.update_scalar('train/second', 2.0)
    hub.get_scalar('train/second')
    assert list(hub.log_scalars) == ['train/first', 'train/second']


def test_a_value_is_that_of_its_moment(hubs):
    hub, _ = hubs
    loss = torch.tensor(1.0)
    hub.update_scalar('train/loss', loss)
    loss += 1
    assert hub.get_scalar('train/loss').current() == 1.0


def test_state_is_complete_and_comes_back(hubs):
    for key, value, count in UPDATES:
        for hub in hubs:
            hub.update_scalar(key, value, count, resumed=key != 'train/half')
    state = hubs[0].state_dict()
    assert 'train/half' not in state['log_scalars']
    assert state['log_scalars'].keys() == hubs[1].state_dict()['log_scalars'].keys()
    other = DeferredMessageHub.get_instance('resumed')
    other.update_scalar('train/lr', 7.0)  # of before it was resumed
    other.load_state_dict(state)
    other.update_scalar('train/lr', 0.01)
    assert other.get_scalar('train/lr').data[0].tolist() == [0.1, np.float32(0.05), 0.01]


def test_old_values_of_a_full_history_fall_away(hubs):
    hub, _ = hubs
    hub.update_scalar('train/lr', 0)
    hub.get_scalar('train/lr').max_length = 3
    for value in range(1, 6):
        hub.update_scalar('train/lr', value)
    assert hub.get_scalar('train/lr').data[0].tolist() == [3, 4, 5]


def test_it_is_the_current_hub_of_mmengine_too(hubs):
    again = DeferredMessageHub.get_instance('ours')
    assert again is hubs[0]
    assert MessageHub.get_current_instance() is again


def test_what_is_not_one_number_is_named(hubs):
    with pytest.raises(ValueError, match=r'train/map.*\(2, 2\)'):
        hubs[0].update_scalar('train/map', torch.zeros(2, 2))
    with pytest.raises(KeyError, match='train/none'):
        hubs[0].get_scalar('train/none')


def test_a_state_with_keys_that_it_has_not_is_taken_over_in_silence(hubs, capsys):
    hub, other = hubs
    hub.update_scalar('train/loss', 2.0)
    state = hub.state_dict()
    state['resumed_keys'] = {**state['resumed_keys'], 'train/images_per_s': True}
    hub.load_state_dict(state)
    assert hub.get_scalar('train/loss').current() == 2
    assert not capsys.readouterr().out
    other.load_state_dict(state)
    assert 'train/images_per_s is not defined' in ''.join(capsys.readouterr())
