"""Randomised rounding: no place is lost, on the mean of draws and by the two decodings."""

import pytest
import torch

from mmpose_lite.codecs import RandomRoundingHeatmap
from mmpose_lite.models.losses import BinaryHeatmapLoss

# Pixels of a crop of 64x48 with maps of 16x12.
POINTS = torch.tensor([[[0.0, 0], [3.9, 45], [30.7, 20.2], [60, 44], [61.5, 45.9], [17, 33]]])
VISIBLE = torch.ones(1, 6)


def codec(**settings):
    return RandomRoundingHeatmap((64, 48), (16, 12), **settings)


@pytest.mark.parametrize('settings', [{}, {'decoding': 'local'}, {'topk': 4}, {'radius': 1}])
def test_points_come_back_from_their_probabilities(settings):
    coder = codec(**settings)
    targets = coder.encode_batch(POINTS, VISIBLE)
    assert targets['heatmaps'].shape == (1, 6, 12, 16)
    torch.testing.assert_close(targets['heatmaps'].sum(dim=(2, 3)), VISIBLE)
    points, scores = coder.decode_batch(targets['heatmaps'].logit())
    # Beyond the centre of the last cell there is none to share with.
    torch.testing.assert_close(points, POINTS.minimum(torch.tensor([60.0, 44])), atol=1e-3, rtol=0)
    torch.testing.assert_close(scores, VISIBLE)


def test_the_mean_of_draws_is_the_default_target():
    torch.manual_seed(0)
    coder = codec(rounding='random')
    many = coder.encode_batch(POINTS.repeat(4000, 1, 1), VISIBLE.repeat(4000, 1))['heatmaps']
    assert set(many.unique().tolist()) == {0, 1}
    assert many.sum(dim=(2, 3)).eq(1).all()
    mean = codec().encode_batch(POINTS, VISIBLE)['heatmaps'][0]
    torch.testing.assert_close(many.mean(dim=0), mean, atol=0.04, rtol=0)


def test_the_loss_of_the_mean_is_the_mean_loss():
    torch.manual_seed(0)
    logits, loss = torch.randn(1, 6, 12, 16), BinaryHeatmapLoss()
    drawn = [
        loss(logits, codec(rounding='random').encode_batch(POINTS, VISIBLE)['heatmaps'])
        for _ in range(500)
    ]
    mean = loss(logits, codec().encode_batch(POINTS, VISIBLE)['heatmaps'])
    assert float(torch.stack(drawn).mean()) == pytest.approx(float(mean), rel=1e-3)


def test_points_outside_have_no_weight():
    points = torch.tensor([[[-3.0, 10], [20, 60], [20, 20]]])
    targets = codec().encode_batch(points, torch.tensor([[1.0, 1, 0]]))
    assert targets['keypoint_weights'].tolist() == [[0, 0, 0]]
    assert not targets['heatmaps'].any()


def test_a_second_peak_pulls_the_top_cells_and_not_those_beside():
    maps = torch.full((1, 1, 12, 16), -12.0)
    maps[0, 0, 3, 4], maps[0, 0, 9, 13] = 2.0, 1.0
    near = codec(decoding='local').decode_batch(maps)[0][0, 0]
    far = codec().decode_batch(maps)[0][0, 0]
    torch.testing.assert_close(near, torch.tensor([16.0, 12.0]), atol=0.01, rtol=0)
    assert (far - near).norm() > 10


def test_maps_of_no_probability_have_finite_points():
    points, scores = codec().decode_batch(torch.full((1, 2, 12, 16), -200.0))
    assert points.isfinite().all()
    assert scores.eq(0).all()


def test_a_map_without_weight_does_not_count():
    loss = BinaryHeatmapLoss(use_target_weight=True, loss_weight=2.0)
    output, target = torch.zeros(1, 2, 3, 3), torch.zeros(1, 2, 3, 3)
    found = loss(output, target, torch.tensor([[1.0, 0.0]]))
    assert float(found) == pytest.approx(2 * 0.5 * torch.tensor(2.0).log().item())


@pytest.mark.parametrize(
    ('settings', 'said'),
    [
        ({'rounding': 'up'}, "rounding='up' is not one of mean, random"),
        ({'decoding': 'dark'}, "decoding='dark' is not one of topk, local"),
        ({'topk': 0}, 'topk=0 and radius=2 must be from 1 on'),
        ({'radius': 0}, 'topk=9 and radius=0'),
    ],
)
def test_wrong_settings_are_named(settings, said):
    with pytest.raises(ValueError, match=said):
        codec(**settings)
