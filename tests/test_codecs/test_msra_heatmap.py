"""Gaussian heatmaps against MMPose's numbers, and against what they are for."""

import numpy as np
import pytest
import torch

from mmpose_lite.codecs import MSRAHeatmap
from mmpose_lite.codecs.utils import get_heatmap_maximum
from mmpose_lite.registry import KEYPOINT_CODECS

SETTINGS = {
    'sigma 2': {'sigma': 2},
    'sigma 2 DARK': {'sigma': 2, 'unbiased': True},
    'sigma 1.5': {'sigma': 1.5},
    'sigma 3 DARK': {'sigma': 3, 'unbiased': True, 'blur_kernel_size': 17},
}


def codec(name='sigma 2', input_size=(256, 256), heatmap_size=(64, 64)):
    return MSRAHeatmap(input_size=input_size, heatmap_size=heatmap_size, **SETTINGS[name])


# Recorded with MMPose 1.3.2: a point, and what it is decoded to after it was encoded with each of
# the settings above. The first seven are on, near and beyond the border; sigma 1.5 moves points
# near the left and top border by a cell, and DARK is off there: both are MMPose's.
ROUND_TRIPS = [
    ((0, 0), (0, 0), (0, 0), (4, 4), (0, 0)),
    ((3.9, 250), (4, 252), (4, 248), (8, 252), (4, 248)),
    ((-5, 40), (0, 40), (0, 40), (4, 40), (0, 40)),
    ((262, 30), (252, 32), (252, 28), (252, 32), (252, 28)),
    ((8, 8), (8, 8), (8.850241, 8.850242), (12, 12), (10.85632, 10.85633)),
    ((252, 4), (252, 4), (252, 4), (252, 8), (252, 4)),
    ((15.800312, 244.87556), (16, 244), (15.834713, 243.7741), (20, 244), (16.458937, 241.61559)),
    ((127.5, 127.5), (128, 128), (127.50022, 127.50022), (128, 128), (127.500046, 127.500046)),
    ((100.49, 200.51), (100, 200), (100.489784, 200.50977), (100, 200), (100.48995, 200.50995)),
    ((204.6708, 137.34747), (204, 136), (204.6705, 137.34674), (204, 136), (204.67075, 137.34732)),
    ((178.2715, 227.19878), (180, 228), (178.27257, 227.19919), (180, 228), (178.27173, 227.15903)),
    ((192.52238, 36.125828), (192, 36), (192.52216, 36.125774), (192, 36), (192.52234, 36.12581)),
]


@pytest.mark.parametrize('name', SETTINGS)
def test_round_trips_are_mmpose_s(name):
    points = np.array([[row[0] for row in ROUND_TRIPS]], dtype=np.float32)
    wanted = [row[1 + list(SETTINGS).index(name)] for row in ROUND_TRIPS]
    one = codec(name)
    found, _ = one.decode(one.encode(points)['heatmaps'])
    np.testing.assert_allclose(found, [wanted], rtol=0, atol=1e-3)


# Recorded likewise: the place of the highest cell, its value, and the sum of the map.
@pytest.mark.parametrize(
    ('name', 'point', 'cell', 'value', 'total'),
    [
        ('sigma 2', (127.5, 127.5), (32, 32), 1, 25.08128738),
        ('sigma 2', (262, 30), (63, 8), 0.32465243, 2.57935143),
        ('sigma 2', (0, 0), (0, 0), 1, 9.02438354),
        ('sigma 2 DARK', (127.5, 127.5), (32, 32), 0.99610132, 25.13274002),
        ('sigma 2 DARK', (262, 30), (63, 7), 0.44374731, 3.92304707),
        ('sigma 1.5', (127.5, 127.5), (32, 32), 1, 14.10278034),
        ('sigma 1.5', (-5, 40), (1, 10), 1, 11.82160282),
        ('sigma 3 DARK', (252, 4), (63, 1), 1, 22.17684174),
    ],
)
def test_maps_are_mmpose_s(name, point, cell, value, total):
    (heatmap,) = codec(name).encode(np.array([[point]], dtype=np.float32))['heatmaps']
    y, x = np.unravel_index(heatmap.argmax(), heatmap.shape)
    assert (x, y) == cell
    assert heatmap.max() == pytest.approx(value, abs=1e-6)
    assert heatmap.sum() == pytest.approx(total, abs=1e-4)


# Far enough from the border, an encoded point comes back: rounded to a cell of 4 px, or, with
# DARK, to a hundredth of a pixel.
@pytest.mark.parametrize(
    ('name', 'margin', 'bound'),
    [
        ('sigma 2', 2, 2.001),
        ('sigma 2 DARK', 36, 0.01),
        ('sigma 1.5', 18, 2.001),
        ('sigma 3 DARK', 72, 0.01),
    ],
)
def test_points_come_back(name, margin, bound):
    ticks = np.linspace(margin, 253 - margin, 23)
    points = np.stack(np.meshgrid(ticks, ticks + 0.3), axis=-1).reshape(1, -1, 2)
    points = np.clip(points, margin, 253 - margin).astype(np.float32)
    one = codec(name)
    found, scores = one.decode(one.encode(points)['heatmaps'])
    assert np.abs(found - points).max() < bound
    assert scores.min() > 0.9


def test_peaks_are_the_nearest_cells():
    """For sigma 2, whose triple is whole; a half goes up."""
    ticks = np.arange(-2, 254, 1.7)
    points = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(1, -1, 2).astype(np.float32)
    heatmaps = torch.from_numpy(codec().encode(points)['heatmaps'])
    peaks, values = get_heatmap_maximum(heatmaps)
    np.testing.assert_array_equal(peaks.numpy(), np.floor(points[0] / 4 + 0.5))
    assert values.min() == 1


@pytest.mark.parametrize('name', SETTINGS)
def test_maps_are_placed_by_the_ratio_of_the_sizes(name):
    one = codec(name, input_size=(192, 256), heatmap_size=(48, 32))
    assert one.scale_factor.tolist() == [4, 8]
    heatmaps = one.encode(np.array([[[100, 120]]], dtype=np.float32))['heatmaps']
    assert heatmaps.shape == (1, 32, 48)
    assert np.unravel_index(heatmaps[0].argmax(), (32, 48)) == (15, 25)
    np.testing.assert_allclose(one.decode(heatmaps)[0], [[[100, 120]]], atol=0.02)


@pytest.mark.parametrize('name', SETTINGS)
@pytest.mark.parametrize(
    ('point', 'visible', 'weight'),
    [
        ((100, 100), 1, 1),
        ((100, 100), 0, 0),
        ((100, 100), 0.4, 0.4),  # below a half there is no target; the weight is the visibility
        ((-5, 40), 1, 1),  # outside, but its Gaussian reaches in: MMPose's weight is 1
        ((-60, 40), 1, 0),
        ((40, 330), 1, 0),
        ((-5, 40), 0, 0),
    ],
)
def test_weights(name, point, visible, weight):
    points, visibility = np.array([[point]], np.float32), np.array([[visible]], np.float32)
    target = codec(name).encode(points, visibility)
    assert target['keypoint_weights'].shape == (1, 1)
    assert target['keypoint_weights'][0, 0] == np.float32(weight)
    assert (target['heatmaps'].max() > 0) == (visible > 0.5 and weight > 0)


@pytest.mark.parametrize('name', SETTINGS)
def test_a_batch_is_its_faces(name):
    random = np.random.RandomState(2)
    points = random.uniform(-10, 266, (5, 7, 2)).astype(np.float32)
    visible = (random.uniform(size=(5, 7)) > 0.3).astype(np.float32)
    one = codec(name)
    batch = one.encode_batch(torch.from_numpy(points), torch.from_numpy(visible))
    noisy = batch['heatmaps'] + 0.05 * torch.rand(batch['heatmaps'].shape)
    decoded, scores = one.batch_decode(noisy)
    for i in range(5):
        single = one.encode(points[i : i + 1], visible[i : i + 1])
        np.testing.assert_array_equal(batch['heatmaps'][i].numpy(), single['heatmaps'])
        np.testing.assert_array_equal(
            batch['keypoint_weights'][i : i + 1].numpy(), single['keypoint_weights']
        )
        alone, alone_scores = one.decode(noisy[i].numpy())
        assert decoded[i].shape == alone.shape == (1, 7, 2)
        np.testing.assert_allclose(decoded[i], alone, atol=1e-4)
        np.testing.assert_array_equal(scores[i], alone_scores)


@pytest.mark.parametrize('name', SETTINGS)
def test_an_empty_map_is_a_point_outside(name):
    found, scores = codec(name).decode(np.zeros((2, 64, 64), dtype=np.float32))
    assert found.tolist() == [[[-4, -4], [-4, -4]]]
    assert scores.tolist() == [[0, 0]]


# A peak of 1 with neighbours of 0.5 on one side moves by a quarter cell of 4 px towards it.
@pytest.mark.parametrize(
    ('peak', 'higher', 'expected'),
    [
        ((10, 20), (11, 20), (41, 80)),
        ((10, 20), (9, 20), (39, 80)),
        ((10, 20), (10, 21), (40, 81)),
        ((10, 20), (10, 19), (40, 79)),
        ((63, 20), (62, 20), (252, 80)),  # on the border it stays along the axis
        ((1, 20), (2, 20), (4, 80)),  # MMPose's: column 1 counts as border, column 62 does not
        ((62, 20), (61, 20), (247, 80)),
    ],
)
def test_quarter_step(peak, higher, expected):
    heatmap = np.zeros((1, 64, 64), dtype=np.float32)
    heatmap[0, peak[1], peak[0]], heatmap[0, higher[1], higher[0]] = 1, 0.5
    found, scores = codec().decode(heatmap)
    assert found.tolist() == [[list(expected)]]
    assert scores.tolist() == [[1]]


def test_one_face_at_a_time_and_no_misspelt_setting():
    with pytest.raises(ValueError, match='got 2'):
        codec().encode(np.zeros((2, 3, 2), dtype=np.float32))
    with pytest.raises(TypeError, match='sgima'):
        KEYPOINT_CODECS.build(
            {'type': 'MSRAHeatmap', 'input_size': (8, 8), 'heatmap_size': (2, 2), 'sgima': 2}
        )


def test_an_even_blur_is_refused():
    one = MSRAHeatmap((64, 64), (16, 16), sigma=2, unbiased=True, blur_kernel_size=10)
    with pytest.raises(ValueError, match='odd, got 10'):
        one.decode(np.ones((1, 16, 16), dtype=np.float32))
