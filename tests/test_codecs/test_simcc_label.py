"""Vectors along the axes, worked out by hand; some numbers are recorded from MMPose 1.3.2."""

import math

import numpy as np
import pytest
import torch

from mmpose_lite.codecs import SimCCLabel
from mmpose_lite.codecs.utils import (
    gaussian_blur1d,
    get_simcc_maximum,
    get_simcc_normalized,
    refine_simcc_dark,
)
from mmpose_lite.registry import KEYPOINT_CODECS

# 16 and 12 bins.
SMALL = {'input_size': (8, 6), 'sigma': 1, 'normalize': False}
RTMPOSE = {'input_size': (256, 256), 'sigma': (5.66, 5.66), 'normalize': False}


def encode(codec, points, visible=None):
    """The labels along x and y and the weights of one face."""
    given = None if visible is None else np.array([visible], np.float32)
    encoded = codec.encode(np.array([points], np.float32), given)
    return [encoded[f'keypoint_{name}'][0] for name in ('x_labels', 'y_labels', 'weights')]


def bell(size, center, sigma):
    return [math.exp(-((i - center) ** 2) / (2 * sigma**2)) for i in range(size)]


def test_gaussians_are_about_the_nearest_bin_half_to_even():
    x, y, weights = encode(SimCCLabel(**SMALL), [[2.25, 1.25], [2.75, 1.75], [2.3, 1.2]])
    for row, center in zip(x, (4, 6, 5), strict=True):  # 4.5, 5.5 and 4.6
        np.testing.assert_allclose(row, bell(16, center, 1), rtol=1e-6, atol=1e-12)
    for row, center in zip(y, (2, 4, 2), strict=True):
        np.testing.assert_allclose(row, bell(12, center, 1), rtol=1e-6, atol=1e-12)
    assert x.dtype == y.dtype == weights.dtype == np.float32


def test_each_axis_has_its_sigma_and_may_be_normalised():
    codec = SimCCLabel((32, 32), sigma=(2, 4), simcc_split_ratio=3)
    x, y, _ = encode(codec, [[16, 16]])
    assert (x.shape, y.shape) == ((1, 96), (1, 96))
    area = 2 * math.sqrt(2 * math.pi)
    np.testing.assert_allclose(x[0], np.array(bell(96, 48, 2)) / area, rtol=1e-5, atol=1e-12)
    assert y[0].max() == pytest.approx(1 / (2 * area))
    assert [x.sum(), y.sum()] == pytest.approx([1, 1], abs=1e-5)


def test_sums_and_maxima_are_mmpose_s():
    x, y, _ = encode(SimCCLabel(**RTMPOSE), [[0, 0.26], [3.9, 250], [127.5, 127.5]])
    assert x.sum(axis=1) == pytest.approx([7.5937586, 13.246512, 14.187515], rel=1e-6)
    assert y.sum(axis=1) == pytest.approx([8.578272, 13.890243, 14.187515], rel=1e-6)
    x, _, _ = encode(SimCCLabel((128, 96), sigma=3, simcc_split_ratio=3.0), [[0, 0], [0.24, 0]])
    assert x.sum(axis=1) == pytest.approx([0.5664904, 0.6922848], rel=1e-6)
    assert x.max(axis=1) == pytest.approx([0.13298076, 0.13298076], rel=1e-6)


def test_beyond_three_sigma_there_is_no_label():
    """Bins from -4 to 18 along x have one: half a sigma of bins more on the left."""
    points = [[-2, 3], [-2.5, 3], [9, 3], [9.5, 3], [4, -2], [4, 8], [np.nan, 3], [1e30, 3]]
    x, y, weights = encode(SimCCLabel(**SMALL), points)
    assert weights.tolist() == [1, 0, 1, 0, 1, 0, 0, 0]
    np.testing.assert_allclose(x[0], bell(16, -4, 1), rtol=1e-5, atol=1e-12)
    np.testing.assert_allclose(x[2], bell(16, 18, 1), rtol=1e-5, atol=1e-12)
    for row in (1, 3, 5, 6, 7):
        assert not x[row].any()
        assert not y[row].any()


def test_hidden_points_have_no_label_and_keep_their_weight():
    x, y, weights = encode(SimCCLabel(**SMALL), [[4, 3]] * 4, [0, 0.4, 0.5, 1])
    np.testing.assert_array_equal(weights, np.float32([0, 0.4, 0.5, 1]))
    assert x.any(axis=1).tolist() == y.any(axis=1).tolist() == [False, False, True, True]


def test_standard_labels():
    codec = SimCCLabel((8, 6), smoothing_type='standard')
    points = [[2.25, 1.25], [7.74, 3], [7.75, 3], [-0.25, 3], [-0.26, 3], [3, 5.75]]
    x, y, weights = encode(codec, points)
    assert weights.tolist() == [1, 1, 0, 1, 0, 0]  # 15.5 is bin 16, and -0.5 is bin 0
    assert np.argwhere(x).tolist() == [[0, 4], [1, 15], [3, 0]]
    assert np.argwhere(y).tolist() == [[0, 2], [1, 6], [3, 6]]
    assert set(np.unique(x)) == set(np.unique(y)) == {0, 1}
    codec = SimCCLabel((8, 6), smoothing_type='standard', label_smooth_weight=0.3)
    x, y, _ = encode(codec, points[:1])
    np.testing.assert_allclose(x[0], [0.7 if i == 4 else 0.02 for i in range(16)], rtol=1e-6)
    np.testing.assert_allclose(y[0], [0.7 if i == 2 else 0.3 / 11 for i in range(12)], rtol=1e-6)


def test_a_batch_is_encoded_and_decoded_as_its_faces_are():
    random = np.random.default_rng(0)
    points = torch.from_numpy(random.uniform(-20, 276, (5, 7, 2))).float()
    visible = torch.from_numpy(random.uniform(0, 1, (5, 7))).float()
    codec = SimCCLabel(**RTMPOSE)
    batch = codec.encode_batch(points, visible)
    assert batch['keypoint_x_labels'].shape == (5, 7, 512)
    together = codec.encode(points.numpy(), visible.numpy())
    found, scores = codec.decode_batch(batch['keypoint_x_labels'], batch['keypoint_y_labels'])
    for i in range(5):
        face = codec.encode(points[i : i + 1].numpy(), visible[i : i + 1].numpy())
        for name, value in face.items():
            np.testing.assert_array_equal(value[0], batch[name][i].numpy())
            np.testing.assert_array_equal(value[0], together[name][i])
        one, score = codec.decode(face['keypoint_x_labels'][0], face['keypoint_y_labels'][0])
        np.testing.assert_array_equal(one[0], found[i].numpy())
        np.testing.assert_array_equal(score[0], scores[i].numpy())
    drawn = (batch['keypoint_weights'] >= 0.5) & ((points > 0) & (points < 255)).all(dim=-1)
    assert (found - points)[drawn].abs().max() <= 0.25
    assert drawn.sum() > 10


def test_peaks():
    x = torch.tensor([[0.0, 3, 1, 3], [0, 0, 0, 2], [-3, -1, -2, -4], [0, 5, 0, 0]])
    y = torch.tensor([[4.0, 0, 1], [0, 0, 1], [0, 0, 1], [0, 0, 0]])
    bins, scores = get_simcc_maximum(x, y)
    # The first of two; the lower value; nothing above 0 in one of the two.
    assert bins.tolist() == [[1, 0], [3, 2], [-1, -1], [-1, -1]]
    assert scores.tolist() == [3, 1, -1, 0]
    codec = SimCCLabel((2, 2), sigma=1)
    points, scores = codec.decode(x.numpy(), y.numpy())
    assert points.tolist() == [[[0.5, 0], [1.5, 1], [-0.5, -0.5], [-0.5, -0.5]]]
    assert scores.tolist() == [[3, 1, -1, 0]]


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_bins_are_exact_in_half_precision(dtype):
    x = torch.zeros(1, 1, 4096, dtype=dtype)
    x[..., 4091] = 1
    bins, scores = get_simcc_maximum(x, x)
    assert bins.tolist() == [[[4091, 4091]]]
    assert scores.dtype == dtype


def test_visibility_is_how_much_of_all_lies_in_the_peak():
    codec = SimCCLabel((1, 1), sigma=(2, 1), decode_visibility=True, decode_beta=0.5)
    log = math.log
    x, y = np.array([[[0, log(3)]]]), np.array([[[2 * log(4), 0.0]]])
    points, (scores, visibility) = codec.decode(x, y)
    assert points.tolist() == [[[0.5, 0]]]
    assert scores[0, 0] == pytest.approx(log(3))
    # Along x 3 of 4 (its factor is 1), along y 4 of 5 (its factor is a half).
    assert visibility[0, 0] == pytest.approx(0.75)
    assert SimCCLabel((1, 1)).decode_beta == 150


def test_visibility_is_of_the_vectors_with_dark_too():
    x = torch.rand(2, 3, 64, generator=torch.Generator().manual_seed(0))
    y = x.flip(-1)
    read = []
    for use_dark in (False, True):
        codec = SimCCLabel((32, 32), sigma=2, decode_visibility=True, use_dark=use_dark)
        read.append(codec.decode_batch(x, y)[1:])
    (scores, visibility), others = read
    assert torch.equal(scores, others[0])
    assert torch.equal(visibility, others[1])
    assert 0 < visibility.min() < visibility.max() < 1


def test_vectors_between_0_and_1():
    vectors = torch.tensor([[-1.0, 0.5, 4], [-1, 0.5, 0.25]])
    assert get_simcc_normalized(vectors).tolist() == [[0, 0.125, 1], [0, 0.5, 0.25]]
    area = math.sqrt(2 * math.pi)
    halved = get_simcc_normalized(vectors * area, sigma=2.0)
    torch.testing.assert_close(halved, torch.tensor([[0, 0.125, 1], [0, 0.25, 0.125]]))


def test_blurred_vectors():
    """Widths of 3 have OpenCV's weights of a quarter, a half and a quarter."""
    vectors = torch.tensor([[[0.0, 4, 0, 0], [0, 0, 0, 0], [2, 2, 2, 2]]])
    blurred = gaussian_blur1d(vectors, 3)
    wanted = [[2, 4, 2, 0], [0, 0, 0, 0], [1.5, 2, 2, 1.5]]
    torch.testing.assert_close(blurred, torch.tensor([wanted]), atol=0.1, rtol=0)
    assert blurred.amax(dim=-1).tolist() == [[4, 0, 2]]
    with pytest.raises(ValueError, match='must be odd, got 4'):
        gaussian_blur1d(vectors, 4)


def test_dark_is_mmpose_s():
    codec = SimCCLabel(**RTMPOSE, use_dark=True)
    x, y, _ = encode(codec, [[0, 0.26], [3.9, 250], [100.26, 200.74]])
    found, scores = codec.decode(x, y)
    wanted = [[-0.59480315, -11.557291], [4.1529779, 249.97556], [100.5, 200.5]]
    np.testing.assert_allclose(found[0], wanted, rtol=0, atol=2e-3)
    assert scores.tolist() == [[1, 1, 1]]


def test_dark_finds_the_top_between_bins():
    centers = torch.tensor([[30.0, 40.3, 49.6]])
    vectors = torch.exp(-((torch.arange(96) - centers[..., None]) ** 2) / (2 * 4.0**2))
    found = refine_simcc_dark(centers.round(), vectors, 23)
    torch.testing.assert_close(found, centers, atol=0.02, rtol=0)


def test_guarded_steps_are_bounded():
    noise = torch.rand(8, 25, 64, generator=torch.Generator().manual_seed(0))
    bins = noise.argmax(dim=-1).float()
    wild = (refine_simcc_dark(bins, noise, 11) - bins).abs()
    tame = (refine_simcc_dark(bins, noise, 11, guarded=True) - bins).abs()
    assert wild.amax() > 5
    assert tame.amax() <= 0.5
    points = [[0, 0.26], [3.9, 250], [100.26, 200.74]]
    codec = SimCCLabel(**RTMPOSE, use_dark=True, guarded=True)
    found, _ = codec.decode(*encode(codec, points)[:2])
    assert np.abs(found[0] - points).max() <= 0.5


@pytest.mark.parametrize('guarded', [False, True])
def test_dark_leaves_what_has_no_peak(guarded):
    """Vectors of zeros, of one value, of negative ones: none becomes NaN or goes anywhere."""
    codec = SimCCLabel((32, 32), sigma=2, use_dark=True, guarded=guarded)
    rows = [0, 0.5, -1]
    vectors = torch.tensor(rows)[None, :, None].expand(1, 3, 64)
    points, scores = codec.decode_batch(vectors, vectors)
    assert points.isfinite().all()
    assert points[0, 0].tolist() == points[0, 2].tolist() == [-0.5, -0.5]
    assert scores.tolist() == [rows]


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'smoothing_type': 'uniform'}, "'uniform' is not one of gaussian, standard"),
        ({'label_smooth_weight': 0.1}, 'label_smooth_weight=0.1 is only used for `standard` mode'),
        ({'smoothing_type': 'standard', 'label_smooth_weight': 1.1}, 'should be 0 to 1, got 1.1'),
        ({'smoothing_type': 'standard', 'label_smooth_weight': -0.1}, 'should be 0 to 1, got -0.1'),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        SimCCLabel((8, 6), **arguments)


def test_config():
    codec = KEYPOINT_CODECS.build({'type': 'SimCCLabel', 'input_size': (192, 256)})
    assert (codec.sigma, codec.simcc_size) == ((6, 6), (384, 512))
    assert (codec.smoothing_type, codec.normalize, codec.use_dark) == ('gaussian', True, False)
    assert codec.support_batch_decoding
    names = {'keypoint_x_labels', 'keypoint_y_labels', 'keypoint_weights'}
    assert set(codec.label_mapping_table) == names
