"""Losses, computed by hand on maps of a few cells, and against MMPose's numbers."""

import math

import numpy as np
import pytest
import torch

from mmpose_lite import models
from mmpose_lite.models import losses
from mmpose_lite.models.losses import (
    AdaptiveWingLoss,
    CombinedLoss,
    CombinedTargetMSELoss,
    KeypointMSELoss,
    MultipleLossWrapper,
)

# Two points, maps of 1x2 cells; errors of 1, 2 and 3, 4. The second target is empty.
TARGET = torch.tensor([[[[1.0, 0.0]], [[0.0, 0.0]]]])
OUTPUT = torch.tensor([[[[2.0, 2.0]], [[3.0, -4.0]]]])
WEIGHTS = torch.tensor([[1.0, 0.5]])


@pytest.mark.parametrize(
    ('name', 'arguments', 'shape'),
    [
        ('KLDiscretLoss', {'use_target_weight': False}, (2, 3, 5, 8)),  # along x and y
        ('JSDiscretLoss', {'use_target_weight': False, 'size_average': False}, (3, 5, 4, 4)),
        ('JSDiscretLoss', {'use_target_weight': False}, (3, 5, 4, 4)),
        ('L1Loss', {'reduction': 'sum'}, (3, 5, 2)),
        *((name, {}, (3, 5, 2)) for name in ('L1Loss', 'SmoothL1Loss', 'WingLoss', 'SoftWingLoss')),
        *((name, {}, (3, 6, 4, 4)) for name in ('KeypointMSELoss', 'CombinedTargetMSELoss')),
        ('AdaptiveWingLoss', {}, (3, 5, 4, 4)),
    ],
)
def test_a_sum_over_faces_says_so(name, arguments, shape):
    """Twice the faces: twice the loss, or as much."""
    loss = getattr(losses, name)(**arguments)
    generator = torch.Generator().manual_seed(0)
    pair = [torch.rand(shape, generator=generator) for _ in range(2)]
    twice = [torch.cat([each, each], dim=int(shape[0] == 2)) for each in pair]
    times = 2 if getattr(loss, 'sums_faces', False) else 1
    assert loss(*twice).item() == pytest.approx(times * loss(*pair).item(), rel=1e-5)


# The mean is over all four cells, whatever their weights.
@pytest.mark.parametrize(
    ('arguments', 'given', 'expected'),
    [
        ({}, {}, (1 + 4 + 9 + 16) / 4),
        ({'loss_weight': 3.0}, {}, 3 * (1 + 4 + 9 + 16) / 4),
        ({}, {'target_weights': WEIGHTS}, (1 + 4 + 9 + 16) / 4),  # not asked for
        ({'use_target_weight': True}, {}, (1 + 4 + 9 + 16) / 4),
        ({'use_target_weight': True}, {'target_weights': WEIGHTS}, (1 + 4 + (9 + 16) / 2) / 4),
        (
            {'use_target_weight': True},
            {'target_weights': torch.tensor([[[[0.0, 1.0]], [[1.0, 0.0]]]])},
            (4 + 9) / 4,
        ),
        ({'skip_empty_channel': True}, {}, (1 + 4) / 4),
        ({}, {'mask': torch.tensor([[[[1.0, 0.0]]]])}, (1 + 9) / 4),
        (
            {'use_target_weight': True, 'skip_empty_channel': True},
            {'target_weights': WEIGHTS * 2, 'mask': torch.tensor([[[[0.0, 1.0]]]])},
            2 * 4 / 4,
        ),
    ],
)
def test_mse(arguments, given, expected):
    assert KeypointMSELoss(**arguments)(OUTPUT, TARGET, **given).item() == expected


@pytest.mark.parametrize(
    ('given', 'message'),
    [
        ({'target_weights': torch.ones(1, 3)}, r'target_weights of shape \(1, 3\)'),
        ({'target_weights': torch.ones(1, 2, 1)}, r'target_weights of shape \(1, 2, 1\)'),
        ({'mask': torch.ones(1, 3, 1, 2)}, r'mask of shape \(1, 3, 1, 2\)'),
        ({'mask': torch.ones(1, 2)}, r'mask of shape \(1, 2\)'),
    ],
)
def test_shapes_that_do_not_fit_are_named(given, message):
    with pytest.raises(ValueError, match=message):
        KeypointMSELoss(use_target_weight=True)(OUTPUT, TARGET, **given)


def random_maps():
    random = np.random.RandomState(1)
    drawn = [random.uniform(0, 1, shape) for shape in ((2, 3, 4, 4), (2, 3, 4, 4), (2, 3))]
    return [torch.from_numpy(values).float() for values in drawn]


def test_random_maps_have_mmpose_s_loss():
    output, target, weights = random_maps()
    mse = KeypointMSELoss(use_target_weight=True, skip_empty_channel=True)
    assert mse(output, target, weights).item() == pytest.approx(0.10948050022125244, rel=1e-6)
    wing = AdaptiveWingLoss()
    assert wing(output, target).item() == pytest.approx(2.614933729171753, rel=1e-6)
    other = AdaptiveWingLoss(
        use_target_weight=True, loss_weight=2.0, alpha=2.1, omega=10, epsilon=2, theta=0.4
    )
    assert other(output, target, weights).item() == pytest.approx(0.6696322560310364, rel=1e-6)


# One point, maps of 1x2 cells: the disc is on the first cell alone, so the second one's offsets do
# not count, and the disc's error there does.
COMBINED = torch.tensor([[[[1.0, 0.0]], [[0.5, 7.0]], [[-0.5, 9.0]]]])


@pytest.mark.parametrize(
    ('arguments', 'weight', 'expected'),
    [
        ({}, 0.5, (0.5 * 4 + 0.5 * 9 + 0.5 * 16 + 0.5 * 25) / 2),
        ({'use_target_weight': True}, 1.0, (0.5 * 4 + 0.5 * 9 + 0.5 * 16 + 0.5 * 25) / 2),
        ({'use_target_weight': True}, 0.5, (0.5 * 4 + 0.5 * 9 + 0.5 * 16 + 0.5 * 25) / 8),
        ({'loss_weight': 3.0}, 1.0, 3 * (0.5 * 4 + 0.5 * 9 + 0.5 * 16 + 0.5 * 25) / 2),
    ],
)
def test_combined_target(arguments, weight, expected):
    output = COMBINED + torch.tensor([[[[2.0, 3.0]], [[4.0, 100.0]], [[5.0, 200.0]]]])
    loss = CombinedTargetMSELoss(**arguments)(output, COMBINED, torch.tensor([[weight]]))
    assert loss.item() == expected


def test_random_combined_maps_have_mmpose_s_loss():
    output, target, weights = random_maps()
    plain, weighted = CombinedTargetMSELoss(), CombinedTargetMSELoss(use_target_weight=True)
    assert plain(output, target).item() == pytest.approx(0.14439664781093597, rel=1e-6)
    found = weighted(output, target, weights[:, :1]).item()
    assert found == pytest.approx(0.09639480710029602, rel=1e-6)
    with pytest.raises(ValueError, match=r'target_weights of shape \(2, 3\) do not fit'):
        weighted(output, target, weights)


# One cell. Below theta the loss is omega ln(1 + error^(alpha - target)); above it is the line that
# goes on from there: for a target of 0 with omega 14, epsilon 1 and theta 0.5.
SLOPE = 14 / (1 + 0.5**2.1) * 2.1 * 0.5**1.1
OFFSET = 0.5 * SLOPE - 14 * math.log(1 + 0.5**2.1)


@pytest.mark.parametrize(
    ('output', 'target', 'expected'),
    [
        (0.3, 0.0, 14 * math.log(1 + 0.3**2.1)),
        (-0.3, 0.0, 14 * math.log(1 + 0.3**2.1)),
        (0.7, 1.0, 14 * math.log(1 + 0.3**1.1)),
        (0.8, 0.0, 0.8 * SLOPE - OFFSET),
        (0.0, 0.0, 0.0),
    ],
)
def test_adaptive_wing(output, target, expected):
    cells = [torch.full((1, 1, 1, 1), value) for value in (output, target)]
    assert AdaptiveWingLoss()(*cells).item() == pytest.approx(expected, rel=1e-5, abs=1e-7)
    assert AdaptiveWingLoss(loss_weight=0.5)(*cells).item() == pytest.approx(
        expected / 2, rel=1e-5, abs=1e-7
    )


def test_adaptive_wing_is_joined_without_a_step():
    at = [torch.full((1, 1, 1, 1), 0.5 + step) for step in (-1e-4, 1e-4)]
    zero = torch.zeros(1, 1, 1, 1)
    below, above = (AdaptiveWingLoss()(output, zero).item() for output in at)
    assert above - below == pytest.approx(2e-4 * SLOPE, rel=0.05)


def test_several_losses():
    cfgs = [{'type': 'KeypointMSELoss'}, {'type': 'KeypointMSELoss', 'loss_weight': 2.0}]
    both = MultipleLossWrapper(cfgs)([OUTPUT, OUTPUT], [TARGET, TARGET], WEIGHTS)
    assert [loss.item() for loss in both] == [7.5, 15]
    named = CombinedLoss({'heat': cfgs[0]})
    assert named['heat'](OUTPUT, TARGET).item() == 7.5


def test_a_config_finds_every_loss():
    """The registry looks among the names of the package, and imports what has that name."""
    assert set(losses.__all__) <= set(models.__all__)
