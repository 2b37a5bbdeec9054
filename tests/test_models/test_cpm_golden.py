"""The head of several stages against MMPose's whole table.

Of features and outputs it holds every second cell: those of a convolution of one cell can be
made again.
"""

import numpy as np
import pytest
import torch

from helpers.golden import table
from helpers.seeding import seed_weights
from mmpose_lite.registry import MODELS

SETTINGS = table('zoo/settings.json')['cpm']


@pytest.mark.parametrize('name', SETTINGS['cases'])
def test_weights(name):
    head = MODELS.build(SETTINGS['cases'][name])
    found = [[key, list(value.shape)] for key, value in head.state_dict().items()]
    assert found == SETTINGS['state'][name]


def test_outputs():
    recorded = table('zoo/cpm_head.npz')
    head = MODELS.build(SETTINGS['cases']['two'])
    seed_weights(head)
    outputs = head(list(torch.from_numpy(recorded['two_feats'])))
    for maps, expected in zip(outputs, recorded['two_out'], strict=True):
        np.testing.assert_allclose(maps.detach()[..., ::2, ::2], expected, atol=1e-4)
