"""A face at rest becomes calm, and a fast one does not lag."""

import numpy as np
import pytest

from mmpose_lite.inference.smoothing import OneEuro, smooth_track

RATE, SIDE = 25.0, 250.0
TIMES = np.arange(400) / RATE


def track(rng, amplitude, hertz=1.0, scale=1.0):
    """The true points of a face, and those that a heatmap of 64 cells gives."""
    truth = np.tile(rng.uniform(0, 200, (1, 5, 2)), (len(TIMES), 1, 1))
    truth[..., 0] += amplitude * np.sin(2 * np.pi * hertz * TIMES)[:, None]
    cell = SIDE * 1.25 / 64 / 4
    noisy = np.round((truth + rng.normal(0, 1.2, truth.shape)) / cell) * cell
    return truth * scale, noisy * scale


def smooth(points, side=SIDE):
    one_euro = OneEuro()
    return np.array([one_euro(each, t, side) for each, t in zip(points, TIMES, strict=True)])


def both_ways(points):
    return smooth_track(points, TIMES, np.full(len(TIMES), SIDE))


def error(points, truth):
    return np.linalg.norm(points - truth, axis=2).mean()


def jitter(points, truth):
    return error(np.diff(points - truth, axis=0), 0)


@pytest.mark.parametrize('method', [smooth, both_ways])
def test_a_still_face_is_three_times_calmer_with_half_the_error(rng, method):
    truth, noisy = track(rng, 0)
    assert jitter(noisy, truth) > 3 * jitter(method(noisy), truth)
    assert error(noisy, truth) > 1.7 * error(method(noisy), truth)


@pytest.mark.parametrize(('method', 'ratio'), [(smooth, 1.7), (both_ways, 1.2)])
def test_a_fast_face_does_not_lag(rng, method, ratio):
    truth, noisy = track(rng, 60)
    assert error(method(noisy), truth) < ratio * error(noisy, truth)


def test_size_in_the_picture_does_not_matter(rng):
    _, noisy = track(rng, 20)
    assert np.allclose(smooth(noisy * 4, SIDE * 4), smooth(noisy) * 4)


def test_frames_of_one_time_are_taken_as_they_are():
    one_euro = OneEuro()
    one_euro(np.zeros((1, 2)), 1.0, 100)
    assert one_euro(np.ones((1, 2)), 1.0, 100).tolist() == [[1, 1]]


def test_a_track_of_one_frame_or_none_stays():
    assert smooth_track(np.ones((1, 3, 2)), np.zeros(1), np.ones(1)).tolist() == [[[1, 1]] * 3]
    assert smooth_track(np.ones((0, 3, 2)), np.zeros(0), np.ones(0)).shape == (0, 3, 2)
