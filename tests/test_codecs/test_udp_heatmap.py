"""UDP's heatmaps against MMPose's numbers, and against what they are for."""

import numpy as np
import pytest
import torch

from mmpose_lite.codecs import UDPHeatmap
from mmpose_lite.codecs.utils.refinement import refine_keypoints_dark_udp

KINDS = ('gaussian', 'combined')


def codec(kind, input_size=(256, 256), heatmap_size=(64, 64), **more):
    return UDPHeatmap(input_size, heatmap_size, heatmap_type=kind, **more)


# Recorded with MMPose 1.3.2: a point; what it is decoded to, with its score, after it was encoded
# as a Gaussian; and as a disc with offsets. A decoded point is larger by 256/255 (a cell is
# counted from pixel 0 to 255 on the way in, to 256 on the way out): MMPose's, and kept.
ROUND_TRIPS = [
    ((0, 0), (-2.0317, -2.0317), 1.0, (0, 0), 0.336978),
    ((3.9, 250), (6.2659, 249.1477), 0.992939, (3.9153, 250.9804), 0.554823),
    ((127.5, 127.5), (128, 128), 0.939414, (128, 128), 0.295151),
    ((8, 8), (8.9251, 8.9251), 0.999862, (8.0314, 8.0314), 0.683862),
    ((252, 4), (250.1779, 6.3172), 0.991644, (252.9883, 4.0157), 0.536182),
    ((204.6708, 137.34747), (205.4734, 137.8861), 0.976153, (205.4734, 137.8861), 0.349554),
    ((235.49263, 15.786422), (236.4121, 15.8862), 0.994694, (236.4161, 15.8483), 0.50621),
    ((-5, 40), (-2.0317, 40.1568), 0.824916, (-5.0196, 40.1569), 0.224508),
    ((18.6, 237), (18.6803, 237.9185), 0.955562, (18.6729, 237.9294), 0.442501),
]


@pytest.mark.parametrize('kind', KINDS)
def test_round_trips_are_mmpose_s(kind):
    points = np.array([[row[0] for row in ROUND_TRIPS]], dtype=np.float32)
    first = 1 if kind == 'gaussian' else 3
    one = codec(kind)
    target = one.encode(points)
    found, scores = one.decode(target['heatmaps'])
    np.testing.assert_allclose(found, [[row[first] for row in ROUND_TRIPS]], rtol=0, atol=1e-3)
    np.testing.assert_allclose(scores, [[row[first + 1] for row in ROUND_TRIPS]], atol=1e-5)
    assert target['keypoint_weights'].tolist() == [[1] * 9]


# Recorded likewise: (channel, row, column) and value, for the points above.
@pytest.mark.parametrize(
    ('kind', 'cell', 'value'),
    [
        ('gaussian', (2, 32, 32), 0.9394134879112244),
        ('gaussian', (2, 30, 33), 0.5697828531265259),
        ('gaussian', (5, 34, 50), 0.960242748260498),
        ('gaussian', (6, 4, 58), 0.9946944117546082),
        ('combined', (6, 31, 31), 1.0),
        ('combined', (7, 31, 33), -0.4285708963871002),
        ('combined', (8, 30, 31), 0.4285719692707062),
        ('combined', (15, 34, 50), 1.0),
        ('combined', (16, 33, 51), -0.12407684326171875),
    ],
)
def test_maps_are_mmpose_s(kind, cell, value):
    points = np.array([[row[0] for row in ROUND_TRIPS]], dtype=np.float32)
    heatmaps = codec(kind).encode(points)['heatmaps']
    assert heatmaps.shape == ((9, 64, 64) if kind == 'gaussian' else (27, 64, 64))
    assert heatmaps[cell] == pytest.approx(value, abs=2e-6)


@pytest.mark.parametrize(('kind', 'margin'), [('gaussian', 40), ('combined', 8)])
def test_points_come_back(kind, margin):
    ticks = np.linspace(margin, 255 - margin, 23)
    points = np.stack(np.meshgrid(ticks, ticks[::-1]), axis=-1).reshape(1, -1, 2)
    one = codec(kind)
    found, _ = one.decode(one.encode(points.astype(np.float32))['heatmaps'])
    assert np.abs(found * 255 / 256 - points).max() < 0.02


@pytest.mark.parametrize('kind', KINDS)
def test_sizes_are_counted_between_cell_centres(kind):
    one = codec(kind, input_size=(193, 257), heatmap_size=(49, 65))
    assert one.scale_factor.tolist() == [4, 4]
    heatmaps = one.encode(np.array([[[192, 256]]], dtype=np.float32))['heatmaps']
    assert np.unravel_index(heatmaps[0].argmax(), (65, 49))[0] >= 61
    assert heatmaps[0, 64, 48] == 1


def test_a_slanted_peak_is_found_where_it_is():
    y, x = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing='ij')
    u, v = x - 15.3, y - 14.8
    # The logarithm is a parabola with a mixed term, which the step solves exactly.
    heatmap = torch.exp(-(0.06 * u**2 + 0.07 * u * v + 0.08 * v**2))[None, None]
    found = refine_keypoints_dark_udp(torch.tensor([[[15.0, 15.0]]]), heatmap, 3)
    np.testing.assert_allclose(found, [[[15.3, 14.8]]], atol=1e-3)


@pytest.mark.parametrize('kind', KINDS)
def test_a_batch_is_its_faces(kind):
    random = np.random.RandomState(2)
    points = random.uniform(10, 246, (4, 6, 2)).astype(np.float32)
    visible = (random.uniform(size=(4, 6)) > 0.3).astype(np.float32)
    one = codec(kind)
    batch = one.encode_batch(torch.from_numpy(points), torch.from_numpy(visible))
    visible_maps = one.encode_batch(torch.from_numpy(points), torch.ones(4, 6))['heatmaps']
    decoded, scores = one.batch_decode(visible_maps)
    for i in range(4):
        single = one.encode(points[i : i + 1], visible[i : i + 1])
        np.testing.assert_array_equal(batch['heatmaps'][i].numpy(), single['heatmaps'])
        np.testing.assert_array_equal(
            batch['keypoint_weights'][i : i + 1].numpy(), single['keypoint_weights']
        )
        alone, alone_scores = one.decode(visible_maps[i].numpy())
        np.testing.assert_allclose(decoded[i], alone, atol=1e-3)
        np.testing.assert_allclose(scores[i], alone_scores, atol=1e-6)


@pytest.mark.parametrize('kind', KINDS)
def test_hidden_points_have_empty_maps(kind):
    points = np.array([[[100, 100], [50, 50]]], dtype=np.float32)
    target = codec(kind).encode(points, np.array([[0, 1]], dtype=np.float32))
    maps = target['heatmaps'].reshape(2, -1)
    assert np.abs(maps[0]).max() == 0
    assert np.abs(maps[1]).max() >= 0.9
    assert target['keypoint_weights'].tolist() == [[0, 1]]


def test_an_unknown_kind_is_named():
    with pytest.raises(ValueError, match='square'):
        codec('square')
