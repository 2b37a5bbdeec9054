"""Averaged weights, and switched pipelines, against MMPose's whole tables."""

import numpy as np
import pytest
import torch
from torch import nn

from helpers.golden import load_module, table
from mmpose_lite.engine import PoseRunner
from mmpose_lite.engine.hooks import ExpMomentumEMA

# The arguments are not in the tables, but follow from their numbers: of each setting's six steps,
# the share that new weights have.
SETTINGS = {
    'config': {'momentum': 0.0002, 'gamma': 2000, 'update_buffers': True},
    'quick': {'momentum': 0.1, 'gamma': 3},
    'every_second': {'momentum': 0.05, 'gamma': 10, 'interval': 2},
}
WEIGHTS = 12  # of a row, before four numbers of a buffer


class Source(nn.Module):
    """A weight and a buffer, whose numbers a row of the table holds."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(WEIGHTS))
        self.register_buffer('kept', torch.zeros(4))

    def numbers(self):
        return torch.cat([self.weight.detach(), self.kept])


def sources():
    """Rows that were averaged, ``(6, 16)``: the buffer as it was copied, the weight worked out.

    In the first setting nearly all of an average is the new weight, so little is lost.
    """
    recorded = table('zoo/training.npz')
    rows = recorded['ema_quick'].astype(np.float64)
    averages = recorded['ema_config'].astype(np.float64)[:, :WEIGHTS]
    momentum, gamma = SETTINGS['config']['momentum'], SETTINGS['config']['gamma']
    for step in range(1, len(rows)):
        share = momentum + (1 - momentum) * np.exp(-(1 + step) / gamma)
        before = averages[step - 1]
        rows[step, :WEIGHTS] = before + (averages[step] - before) / share
    return torch.from_numpy(rows).float()


@pytest.mark.parametrize('name', SETTINGS)
def test_averages(name):
    source = Source()
    average, found = ExpMomentumEMA(source, **SETTINGS[name]), []
    for row in sources():
        source.weight.data.copy_(row[:WEIGHTS])
        source.kept.copy_(row[WEIGHTS:])
        average.update_parameters(source)
        found.append(average.module.numbers().numpy())
    np.testing.assert_allclose(found, table('zoo/training.npz')[f'ema_{name}'], rtol=0, atol=1e-6)


SWITCH = table('zoo/settings.json')['switch']


@pytest.fixture(scope='module')
def toy():
    return load_module('zoo/switch_toy.py')


@pytest.mark.slow
@pytest.mark.parametrize('index', range(len(SWITCH['cases'])))
def test_switched_pipelines(toy, index, tmp_path, as_new_process):
    case = SWITCH['cases'][index]
    second = [{'type': 'ZooTag', 'tag': 2}]
    hook = {'type': 'PipelineSwitchHook', 'switch_pipeline': second}
    hook['switch_epoch'] = case['switch_epoch']
    seen = toy.run(case, PoseRunner, hook, str(tmp_path / 'run'))
    assert seen == SWITCH['seen'][index]
