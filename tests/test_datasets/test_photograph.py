"""Changes that cameras, files and objects make to a crop."""

import numpy as np
import pytest

from mmpose_lite.datasets.transforms import RandomPhotograph
from mmpose_lite.errors import InputError

NEVER = {f'{name}_prob': 0.0 for name in ('occlude', 'grey', 'resample', 'noise', 'jpeg')}


def crop():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)


def changed(seed=0, **settings):
    step = RandomPhotograph(**{**NEVER, **settings})
    return step.transform({'img': crop(), 'rng': np.random.default_rng(seed)})['img']


def test_nothing_happens_at_probability_zero():
    np.testing.assert_array_equal(changed(), crop())


@pytest.mark.parametrize('name', NEVER)
def test_each_change_changes_pixels_and_nothing_of_their_form(name):
    image = changed(**{name: 1.0})
    assert image.shape == (64, 64, 3)
    assert image.dtype == np.uint8
    assert (image != crop()).any()


@pytest.mark.parametrize('name', NEVER)
def test_same_generator_same_change(name):
    np.testing.assert_array_equal(changed(3, **{name: 1.0}), changed(3, **{name: 1.0}))


def test_grey_has_one_value_a_pixel():
    image = changed(grey_prob=1.0)
    assert (image == image[..., :1]).all()


def test_resampling_blurs():
    image = changed(resample_prob=1.0, resample_scale=(0.3, 0.3))
    assert (
        np.abs(np.diff(image.astype(int), axis=0)).mean()
        < 0.5 * np.abs(np.diff(crop().astype(int), axis=0)).mean()
    )


def test_object_covers_a_part():
    for seed in range(5):
        image = changed(seed, occlude_prob=1.0, occlude_size=(0.2, 0.3))
        assert (image != crop()).any(2).mean() < 0.3


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'grey_prob': 1.5}, r'grey_prob=1\.5 is not a probability'),
        ({'resample_scale': (0.0, 1.0)}, r'resample_scale=\(0\.0, 1\.0\) is not a range'),
        ({'jpeg_quality': (50, 20)}, r'jpeg_quality=\(50, 20\) is not a range'),
    ],
)
def test_settings_that_make_no_sense_are_named(settings, message):
    with pytest.raises(InputError, match=message):
        RandomPhotograph(**settings)
