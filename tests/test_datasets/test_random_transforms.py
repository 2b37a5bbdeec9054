"""Random transforms: distributions, bounds, and randomness that belongs to the sample."""

from statistics import NormalDist

import numpy as np
import pytest

from mmpose_lite.datasets import (
    PhotometricDistortion,
    RandomBBoxTransform,
    RandomFlip,
    RandomHalfBody,
)
from mmpose_lite.datasets.samplers import SampleIndex

COUNT = 20000


def generators(seed=3, epoch=1):
    """The generators of samples 0, 1, ..., as a data set hands them out."""
    return [SampleIndex(i, seed, epoch).rng() for i in range(COUNT)]


def distance_from_law(values):
    """Kolmogorov's distance from the standard normal distribution truncated to [-1, 1]."""
    normal = NormalDist()
    low, high = normal.cdf(-1), normal.cdf(1)
    law = np.array([(normal.cdf(value) - low) / (high - low) for value in np.sort(values)])
    steps = np.arange(len(values) + 1) / len(values)
    return max(np.abs(law - steps[:-1]).max(), np.abs(law - steps[1:]).max())


# A true sample is farther than this from its law once in 10,000 times (Dvoretzky, Kiefer,
# Wolfowitz and Massart). The uniform distribution on [-1, 1] is 0.03 away.
BOUND = np.sqrt(np.log(2 / 1e-4) / (2 * COUNT))


@pytest.fixture(scope='module')
def amounts():
    """Columns: shift in x and y, scale, rotation; each taken back to [-1, 1]."""
    step = RandomBBoxTransform(
        shift_factor=0.2,
        shift_prob=1,
        scale_factor=(0.7, 1.1),
        scale_prob=1,
        rotate_factor=50,
        rotate_prob=1,
    )
    rows = []
    for rng in generators():
        shift, scale, rotation = step.draw(rng, 1)
        rows.append([*(shift[0] / 0.2), (scale[0, 0] - 0.9) / 0.2, rotation[0] / 50])
    return np.array(rows)


@pytest.mark.parametrize('column', range(4), ids=['shift x', 'shift y', 'scale', 'rotation'])
def test_amounts_follow_the_truncated_normal_law(amounts, column):
    values = amounts[:, column]
    assert np.abs(values).max() <= 1 + 1e-6
    assert distance_from_law(values) < BOUND


def test_the_bound_would_notice_another_law():
    values = np.random.default_rng(0).uniform(-1, 1, COUNT)
    assert distance_from_law(values) > BOUND
    assert distance_from_law(np.random.default_rng(0).standard_normal(COUNT)) > BOUND


def test_amounts_do_not_depend_on_each_other(amounts):
    correlation = np.corrcoef(amounts.T) - np.eye(4)
    assert np.abs(correlation).max() < 4.5 / np.sqrt(COUNT)  # four and a half deviations


def near(share, prob):
    """Return True if an observed share is within 4.5 deviations of a probability."""
    return abs(share - prob) <= 4.5 * np.sqrt(prob * (1 - prob) / COUNT)


@pytest.mark.parametrize(
    ('shift', 'scale', 'rotate'), [(0.3, 1.0, 0.6), (0.0, 0.5, 0.25), (1.0, 0.0, 0.0)]
)
def test_probabilities(shift, scale, rotate):
    step = RandomBBoxTransform(shift_prob=shift, scale_prob=scale, rotate_prob=rotate)
    drawn = [step.draw(rng, 1) for rng in generators()]
    assert near(np.mean([np.any(shifts != 0) for shifts, _, _ in drawn]), shift)
    assert near(np.mean([factors[0, 0] != 1 for _, factors, _ in drawn]), scale)
    assert near(np.mean([angles[0] != 0 for _, _, angles in drawn]), rotate)


def box_sample(index=0, epoch=0):
    return {
        'rng': SampleIndex(index, seed=0, epoch=epoch).rng(),
        'bbox_center': np.array([[50, 60]], dtype=np.float32),
        'bbox_scale': np.array([[40, 80]], dtype=np.float32),
    }


def test_amounts_are_shares_of_the_box():
    step = RandomBBoxTransform(shift_prob=1, scale_prob=1, rotate_prob=1)
    shift, factor, rotation = step.draw(box_sample()['rng'], 1)
    after = step(box_sample())
    np.testing.assert_allclose(after['bbox_center'], [[50, 60]] + shift * [40, 80], rtol=1e-6)
    np.testing.assert_allclose(after['bbox_scale'], factor * [40, 80], rtol=1e-6)
    np.testing.assert_allclose(after['bbox_rotation'], rotation)
    for key in ('bbox_center', 'bbox_scale', 'bbox_rotation'):
        assert after[key].dtype == np.float32


def test_the_aflw_recipe_does_not_shift():
    step = RandomBBoxTransform(shift_prob=0, rotate_factor=60, scale_factor=(0.75, 1.25))
    for index in range(50):
        after = step(box_sample(index))
        assert after['bbox_center'].tolist() == [[50, 60]]
        assert 30 <= after['bbox_scale'][0, 0] <= 50
        assert abs(after['bbox_rotation'][0]) <= 60


@pytest.mark.parametrize(
    ('prob', 'direction', 'shares'),
    [
        (0.5, 'horizontal', {'horizontal': 0.5, None: 0.5}),
        (0.3, ['horizontal', 'vertical'], {'horizontal': 0.15, 'vertical': 0.15, None: 0.7}),
        ([0.2, 0.5], ['horizontal', 'diagonal'], {'horizontal': 0.2, 'diagonal': 0.5, None: 0.3}),
        (1, 'vertical', {'vertical': 1}),
    ],
)
def test_directions_of_flip(prob, direction, shares):
    drawn = [RandomFlip(prob, direction).draw(rng) for rng in generators()]
    assert set(drawn) == set(shares)
    for name, share in shares.items():
        assert near(drawn.count(name) / COUNT, share)


def colors(index, **arguments):
    ramp = np.arange(3 * 16 * 16, dtype=np.uint8).reshape(16, 16, 3)
    sample = {'img': ramp, 'rng': SampleIndex(index, seed=0, epoch=0).rng()}
    return ramp, PhotometricDistortion(**arguments)(sample)['img']


def test_colors_are_a_function_of_the_sample():
    results = [colors(i)[1] for i in range(20)]
    for i, image in enumerate(results):
        assert image.dtype == np.uint8
        np.testing.assert_array_equal(image, colors(i)[1])
    assert len({image.tobytes() for image in results}) > 15


def test_brightness_stays_in_its_bounds():
    still = {'contrast_range': (1, 1), 'saturation_range': (1, 1), 'hue_delta': 0}
    changes = set()
    for i in range(40):
        before, after = colors(i, brightness_delta=20, **still)
        # Whatever the order of the channels, and but for the rounding of a turn through HSV.
        change = np.sort(after.astype(int), axis=-1) - np.sort(before.astype(int), axis=-1)
        assert np.abs(change).max() <= 20 + 3
        changes.add(int(np.median(change)))
    assert min(changes) < -10
    assert max(changes) > 10


def test_colors_need_an_image():
    with pytest.raises(KeyError, match='img'):
        PhotometricDistortion()({})


def half_body(visible, **arguments):
    points = np.array([[[0, 0], [10, 4], [4, 20], [20, 60], [8, 80], [12, 70]]], dtype=np.float32)
    sample = {
        'keypoints': points,
        'keypoints_visible': np.array([visible], dtype=np.float32),
        'bbox': np.array([[-5, -5, 30, 90]], dtype=np.float32),
        'bbox_center': np.array([[12, 42]], dtype=np.float32),
        'bbox_scale': np.array([[35, 95]], dtype=np.float32),
        'upper_body_ids': [0, 1, 2],
        'lower_body_ids': [3, 4, 5],
        'rng': SampleIndex(0, seed=0, epoch=0).rng(),
    }
    arguments = {'min_total_keypoints': 4, 'prob': 1, 'padding': 2, **arguments}
    return RandomHalfBody(**arguments)(sample)


# The box of the chosen points, twice as wide and high, about their mean.
@pytest.mark.parametrize(
    ('visible', 'upper_prob', 'center', 'scale'),
    [
        ([1] * 6, 1, [14 / 3, 8], [20, 40]),
        ([1] * 6, 0, [40 / 3, 70], [24, 40]),
        ([1, 0, 0, 1, 1, 1], 1, [40 / 3, 70], [24, 40]),  # one upper point is too few
        ([1, 1, 1, 0, 0, 0], 1, [12, 42], [35, 95]),  # three points are too few
    ],
)
def test_half_body(visible, upper_prob, center, scale):
    after = half_body(visible, upper_prioritized_prob=upper_prob)
    np.testing.assert_allclose(after['bbox_center'], [center], rtol=1e-6)
    assert after['bbox_scale'].tolist() == [scale]


def test_half_body_without_chance_changes_nothing():
    assert half_body([1] * 6, prob=0)['bbox_scale'].tolist() == [[35, 95]]
