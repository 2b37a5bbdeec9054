"""The option ``guarded`` of MSRAHeatmap, beside MMPose's arithmetic that it mends."""

import numpy as np
import pytest
import torch

from mmpose_lite.codecs import MSRAHeatmap
from mmpose_lite.codecs.utils import refine_keypoints_dark

SIZE = {'input_size': (64, 64), 'heatmap_size': (16, 16)}


def peaks(codec, points):
    """The highest cell of each point's map, and the points' weights."""
    encoded = codec.encode(np.array([points], dtype=np.float32))
    flat = encoded['heatmaps'].reshape(len(points), -1).argmax(axis=1)
    return np.stack([flat % 16, flat // 16], axis=1).tolist(), encoded['keypoint_weights'][0]


@pytest.mark.parametrize('sigma', [1, 1.5, 2, 2.5, 3])
@pytest.mark.parametrize('unbiased', [False, True])
def test_every_peak_is_at_the_nearest_cell(sigma, unbiased):
    cells = [(x, y) for x in range(16) for y in range(16)]
    codec = MSRAHeatmap(**SIZE, sigma=sigma, unbiased=unbiased, guarded=True)
    found, weights = peaks(codec, [(4 * x + 1, 4 * y - 1) for x, y in cells])
    assert found == [list(cell) for cell in cells]
    assert (weights == 1).all()


def test_mmpose_is_one_cell_off_near_the_border():
    points = [(4 * x, 32) for x in range(8)]
    found, _ = peaks(MSRAHeatmap(**SIZE, sigma=1.5), points)
    assert [x for x, _ in found] == [1, 2, 3, 4, 5, 5, 6, 7]
    found, _ = peaks(MSRAHeatmap(**SIZE, sigma=1.5, guarded=True), points)
    assert [x for x, _ in found] == [0, 1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize('unbiased', [False, True])
def test_points_outside_have_no_target(unbiased):
    # In cells: just inside, and half a cell or more outside on each side.
    points = [(-1, 30), (61, 30), (-3, 30), (63, 30), (30, -8), (30, 70)]
    settings = {'sigma': 2, 'unbiased': unbiased}
    plain = MSRAHeatmap(**SIZE, **settings).encode(np.array([points], dtype=np.float32))
    guarded = MSRAHeatmap(**SIZE, **settings, guarded=True).encode(
        np.array([points], dtype=np.float32)
    )
    assert plain['keypoint_weights'].tolist() == [[1, 1, 1, 1, 1, 1]]
    assert guarded['keypoint_weights'].tolist() == [[1, 1, 0, 0, 0, 0]]
    assert (guarded['heatmaps'][2:] == 0).all()
    if unbiased:
        np.testing.assert_array_equal(guarded['heatmaps'][:2], plain['heatmaps'][:2])


def test_guarded_targets_are_mmposes_where_those_are_right():
    points = np.random.default_rng(0).uniform(0, 61, (1, 40, 2)).astype(np.float32)
    plain, guarded = (
        MSRAHeatmap(**SIZE, sigma=2, guarded=guarded).encode(points)['heatmaps']
        for guarded in (False, True)
    )
    np.testing.assert_allclose(guarded, plain, atol=1e-7)


def test_a_step_on_noise_is_bounded():
    noise = torch.rand(8, 25, 32, 32, generator=torch.Generator().manual_seed(0))
    flat = noise.flatten(-2).argmax(dim=-1)
    cells = torch.stack([flat % 32, flat // 32], dim=-1).float()
    wild = (refine_keypoints_dark(cells, noise, 11) - cells).abs().amax()
    tame = (refine_keypoints_dark(cells, noise, 11, guarded=True) - cells).abs().amax()
    assert wild > 5
    assert tame <= 0.5


def test_sound_steps_are_darks_own():
    points = np.random.default_rng(1).uniform(14, 46, (1, 30, 2)).astype(np.float32)
    codec = MSRAHeatmap(**SIZE, sigma=2, unbiased=True)
    heatmaps = codec.encode(points)['heatmaps']
    plain, _ = codec.decode(heatmaps)
    guarded, _ = MSRAHeatmap(**SIZE, sigma=2, unbiased=True, guarded=True).decode(heatmaps)
    np.testing.assert_array_equal(plain, guarded)
    assert np.abs(guarded - points).max() < 0.1  # px of 64, the blur meets the border
