"""Losses between points and between distributions, by hand and against MMPose 1.3.2's numbers."""

import math

import numpy as np
import pytest
import torch

from mmpose_lite.models.losses import (
    JSDiscretLoss,
    L1Loss,
    SmoothL1Loss,
    SoftWingLoss,
    WingLoss,
)

LOSSES = (SmoothL1Loss, L1Loss, WingLoss, SoftWingLoss)
RANDOM = np.random.RandomState(1)
OUTPUT, TARGET = (torch.from_numpy(RANDOM.uniform(-1, 2, (2, 3, 2))).float() for _ in range(2))
WEIGHTS = torch.from_numpy(RANDOM.uniform(0, 1, (2, 3, 1))).float()
MAPS = [
    torch.from_numpy(RANDOM.uniform(0, 1, (2, 3, 4, 4))).float().flatten(2).softmax(-1)
    for _ in range(2)
]
PREDICTED, WANTED = (maps.view(2, 3, 4, 4) for maps in MAPS)
WEIGHED = {'use_target_weight': True}


# Recorded with the arguments, on these points, and on points twenty times as far apart.
@pytest.mark.parametrize(
    ('loss', 'near', 'far'),
    [
        (SmoothL1Loss(loss_weight=2.0, **WEIGHED), 0.13778792321681976, 9.026659965515137),
        (L1Loss(**WEIGHED), 0.24729889631271362, 4.945977687835693),
        (L1Loss(reduction='sum'), 7.926896572113037, 158.5379180908203),
        (WingLoss(**WEIGHED), 6.584226608276367, 60.82946014404297),
        (WingLoss(omega=3.0, epsilon=0.5, loss_weight=0.5), 6.7649970054626465, 47.77158737182617),
        (SoftWingLoss(**WEIGHED), 1.4837934970855713, 80.857666015625),
        (SoftWingLoss(omega1=1.0, omega2=5.0, epsilon=1.0), 4.632107734680176, 55.17943572998047),
    ],
)
def test_random_points_have_mmpose_s_loss(loss, near, far):
    weights = WEIGHTS if loss.use_target_weight else None
    assert loss(OUTPUT, TARGET, weights).item() == pytest.approx(near, rel=1e-6)
    assert loss(OUTPUT * 20, TARGET * 20, weights).item() == pytest.approx(far, rel=1e-6)


# One face of one point, off by (x, 0). A quarter of the mean over two numbers, and so on.
@pytest.mark.parametrize(
    ('loss', 'error', 'expected'),
    [
        (SmoothL1Loss(), 0.5, 0.5 * 0.25 / 2),
        (SmoothL1Loss(), -3.0, (3 - 0.5) / 2),
        (L1Loss(), -3.0, 3 / 2),
        (WingLoss(), -4.0, 10 * math.log(3)),
        (WingLoss(), 30.0, 30 - 10 + 10 * math.log(6)),
        (SoftWingLoss(), -1.5, 1.5),
        (SoftWingLoss(), 7.0, 20 * math.log(15) + 2 - 20 * math.log(5)),
    ],
)
def test_one_error(loss, error, expected):
    target = torch.tensor([[[3.0, 1.0]]])
    found = loss(target + torch.tensor([error, 0]), target)
    assert found.item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(('loss', 'joint'), [(WingLoss(), 10.0), (SoftWingLoss(), 2.0)])
def test_parts_are_joined_without_a_step(loss, joint):
    zero = torch.zeros(1, 1, 2)
    below, above = (
        loss(torch.tensor([[[joint + step, 0.0]]]), zero).item() for step in (-1e-3, 1e-3)
    )
    assert 0 < above - below < 0.02


@pytest.mark.parametrize('kind', LOSSES)
def test_weights_of_any_form_mean_the_same(kind):
    loss = kind(**WEIGHED)
    expected = loss(OUTPUT, TARGET, WEIGHTS).item()
    assert loss(OUTPUT, TARGET, WEIGHTS[..., 0]).item() == expected
    assert loss(OUTPUT, TARGET, WEIGHTS.expand(-1, -1, 2)).item() == expected
    assert kind()(OUTPUT, TARGET, WEIGHTS).item() == kind()(OUTPUT, TARGET).item() != expected


@pytest.mark.parametrize('kind', LOSSES)
def test_what_has_no_weight_has_no_part(kind):
    weights = torch.ones(2, 3)
    weights[1, 2] = 0
    other, points = OUTPUT.clone(), OUTPUT.clone().requires_grad_()
    other[1, 2] += 100
    loss = kind(**WEIGHED)
    assert loss(other, TARGET, weights).item() == loss(OUTPUT, TARGET, weights).item()
    loss(points, TARGET, weights).backward()
    assert points.grad[1, 2].tolist() == [0, 0]
    assert (points.grad != 0).any(dim=-1).sum() == 5


@pytest.mark.parametrize('kind', [*LOSSES, JSDiscretLoss])
def test_weights_that_are_missing_or_do_not_fit_are_named(kind):
    loss = kind(**WEIGHED)
    with pytest.raises(ValueError, match=f'{kind.__name__}: use_target_weight=True needs weights'):
        loss(OUTPUT, TARGET)
    for shape in ((2, 4), (2, 3, 3), (3,), (2, 3, 2, 1)):
        with pytest.raises(ValueError, match=f'{kind.__name__}: weights of shape'):
            loss(OUTPUT, TARGET, torch.ones(shape))


def test_reductions():
    none = L1Loss(reduction='none', **WEIGHED)(OUTPUT, TARGET, WEIGHTS)
    torch.testing.assert_close(none, (OUTPUT - TARGET).abs() * WEIGHTS)
    with pytest.raises(ValueError, match="reduction='max' is not one of"):
        L1Loss(reduction='max')


def test_random_maps_have_mmpose_s_divergence():
    points = torch.tensor([[1.0, 0.5, 0], [1, 1, 0.25]])
    faces = torch.tensor([1.0, 0.5])
    whole = JSDiscretLoss(use_target_weight=False, size_average=False)
    for loss, weights, expected in [
        (JSDiscretLoss(), points, 0.04137951135635376),
        (JSDiscretLoss(), faces, 0.052498310804367065),
        (whole, None, 0.1388590782880783),
    ]:
        assert loss(PREDICTED, WANTED, weights).item() == pytest.approx(expected, rel=1e-5)


def test_maps_that_share_nothing():
    """Two cells apart: ln 2 for each map; none where the maps are equal."""
    maps = torch.tensor([[[[1.0, 0.0]]], [[[0.0, 1.0]]]])
    loss = JSDiscretLoss(use_target_weight=False)
    assert loss(maps, maps.flip(0)).item() == pytest.approx(math.log(2))
    assert loss(maps, maps).item() == pytest.approx(0, abs=1e-7)


def test_gradients_are_numbers_where_a_map_or_its_weight_is_0():
    """MMPose 1.3.2 gives NaN here."""
    predicted = torch.tensor([[[[1.0, 0.0]], [[0.5, 0.5]]]], requires_grad=True)
    wanted = torch.tensor([[[[0.0, 1.0]], [[0.0, 1.0]]]])
    JSDiscretLoss()(predicted, wanted, torch.tensor([[1.0, 0.0]])).backward()
    assert predicted.grad.isfinite().all()
    assert predicted.grad[0, 0].any()
    assert not predicted.grad[0, 1].any()
