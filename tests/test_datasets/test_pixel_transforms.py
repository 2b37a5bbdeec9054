"""Changes of pixels alone: colours, and those that albumentations has names for."""

import sys
import warnings
from collections import Counter
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from helpers.seeding import wavy_image
from mmpose_lite.datasets import Albumentation, YOLOXHSVRandomAug
from mmpose_lite.datasets.samplers import SampleIndex
from mmpose_lite.errors import InputError
from mmpose_lite.registry import TRANSFORMS

COUNT = 2000
IMAGE = wavy_image(900, 24, 24)
# Of RTMPose's configs, each with its own probabilities.
CONFIG = [
    {'type': 'Blur', 'p': 0.2},
    {'type': 'MedianBlur', 'p': 0.1},
    {
        'type': 'CoarseDropout',
        'max_holes': 1,
        'max_height': 0.4,
        'max_width': 0.4,
        'min_holes': 1,
        'min_height': 0.2,
        'min_width': 0.2,
        'p': 1.0,
    },
]


def sample(index, image=IMAGE):
    """A sample as a data set hands it out."""
    return {'img': image, 'rng': SampleIndex(index, 3, 1).rng()}


def images(step, count=COUNT, image=IMAGE):
    before = image.copy()
    found = [step(sample(i, image))['img'] for i in range(count)]
    assert np.array_equal(image, before)  # a cache may hold it
    return found


def near(share, prob, count=COUNT):
    """Return True if an observed share is within 4.5 deviations of a probability."""
    return abs(share - prob) <= 4.5 * np.sqrt(prob * (1 - prob) / count)


@pytest.fixture(params=['absent', 'installed'])
def package(request, monkeypatch):
    """A package that is absent, or whose own transforms must not be used."""

    def refuse(*args, **kwargs):
        raise AssertionError("the package's is not to be used")

    kinds = dict.fromkeys(['Blur', 'MedianBlur', 'CoarseDropout', 'Compose'], refuse)
    module = None if request.param == 'absent' else SimpleNamespace(**kinds)
    monkeypatch.setitem(sys.modules, 'albumentations', module)


class TestHsv:
    @pytest.mark.parametrize(
        ('gains', 'pixels'),
        [
            # MMPose's: three pixels beside one another, and another one.
            ((-4, 0, 0), [[134, 71, 100], [133, 68, 103], [131, 68, 106], [192, 142, 151]]),
            ((4, 0, 0), [[134, 71, 117], [133, 68, 120], [131, 68, 123], [192, 142, 164]]),
            ((0, -29, 0), [[134, 86, 115], [133, 83, 116], [131, 83, 118], [192, 164, 172]]),
            ((0, 29, 0), [[134, 56, 103], [133, 53, 106], [131, 53, 110], [192, 120, 142]]),
            ((0, 0, -29), [[105, 56, 85], [104, 53, 87], [102, 53, 89], [163, 121, 133]]),
            ((0, 0, 29), [[163, 86, 132], [162, 83, 136], [160, 83, 139], [221, 164, 181]]),
            ((0, 0, 0), [[134, 71, 109], [133, 68, 111], [131, 68, 114], [192, 142, 157]]),
        ],
    )
    def test_pixels_are_mmposes_to_the_byte(self, gains, pixels):
        """No draw is a gain alone, so that what is drawn is put in its place."""
        drawn = iter([np.array(gains) / 30 + 1e-9 * np.sign(gains)])
        rng = SimpleNamespace(
            uniform=lambda low, high, size: next(drawn), integers=lambda low, high, size: 1
        )
        step = YOLOXHSVRandomAug(hue_delta=30)
        found = step({'img': IMAGE, 'rng': rng})['img'][::3, ::3]
        assert [*found[0, :3].tolist(), found[7, 7].tolist()] == pixels

    def test_hue_goes_round_and_the_others_have_ends(self):
        """Red: hue 0, saturation and value at their ends."""
        red = np.full((2, 2, 3), (0, 0, 255), np.uint8)

        def shifted(**deltas):
            none = {'hue_delta': 0, 'saturation_delta': 0, 'value_delta': 0}
            found = images(YOLOXHSVRandomAug(**{**none, **deltas}), 400, red)
            return {tuple(image[0, 0].tolist()) for image in found}

        hues = shifted(hue_delta=31)
        assert {(0, 255, 255), (255, 0, 255)} <= hues  # a sixth of the circle to either side
        assert {min(color) for color in hues} == {0}
        assert {max(color) for color in shifted(value_delta=3)} == {253, 254, 255}
        assert {color[0] for color in shifted(saturation_delta=3)} == {0, 1, 2}

    def test_gains_are_cut_toward_0(self):
        """Of deltas 5, 30, 30: half are 0 by chance, and of the others a fifth and a thirtieth."""
        grey = np.full((1, 1, 3), 100, np.uint8)
        for name, delta in (('value_delta', 30), ('value_delta', 5)):
            step = YOLOXHSVRandomAug(**{'hue_delta': 0, 'saturation_delta': 0, name: delta})
            values = [int(image.max()) - 100 for image in images(step, image=grey)]
            assert near(np.mean(np.equal(values, 0)), 0.5 + 0.5 / delta)
            assert (min(values), max(values)) == (1 - delta, delta - 1)
            assert abs(np.mean(values)) < 4.5 * delta / np.sqrt(6 * COUNT)

    def test_it_belongs_to_the_sample(self):
        step = YOLOXHSVRandomAug()
        first = images(step, 20)
        np.random.seed(1)
        assert all(np.array_equal(*pair) for pair in zip(first, images(step, 20), strict=True))
        assert any(not np.array_equal(first[0], other) for other in first)

    def test_an_image_is_needed(self):
        with pytest.raises(KeyError, match="needs 'img'"):
            YOLOXHSVRandomAug()({})


@pytest.mark.usefixtures('package')
class TestOwn:
    def test_a_blur_has_one_of_three_sides(self):
        for kind, blur in (
            ('Blur', lambda side: cv2.blur(IMAGE, (side, side))),
            ('MedianBlur', lambda side: cv2.medianBlur(IMAGE, side)),
        ):
            sides = {blur(side).tobytes(): side for side in (1, 3, 5, 7)}
            found = images(Albumentation([{'type': kind, 'p': 0.6}]))
            counts = Counter(sides[image.tobytes()] for image in found)
            for side, prob in ((1, 0.4), (3, 0.2), (5, 0.2), (7, 0.2)):
                assert near(counts[side] / COUNT, prob)

    def test_limits_of_blurs(self):
        three, (five, seven) = {'blur_limit': 3}, ((cv2.blur(IMAGE, (k, k))) for k in (5, 7))
        for image in images(Albumentation([{'type': 'Blur', 'p': 1, **three}]), 20):
            assert np.array_equal(image, cv2.blur(IMAGE, (3, 3)))
        step = Albumentation([{'type': 'Blur', 'always_apply': True, 'blur_limit': (5, 8)}])
        for image in images(step, 20):
            assert np.array_equal(image, five) or np.array_equal(image, seven)

    def test_the_configs_dropout_is_one_hole_of_a_tenth_of_the_image(self):
        white = np.full((256, 256, 3), 255, np.uint8)
        boxes = []
        for image in images(Albumentation([CONFIG[2]]), 1000, white):
            dropped = image == 0
            assert np.array_equal(dropped, image != 255)
            rows, columns = (np.flatnonzero(dropped[..., 0].any(axis=a)) for a in (1, 0))
            box = (rows[0], rows[-1] + 1, columns[0], columns[-1] + 1)
            assert dropped.sum() == 3 * (box[1] - box[0]) * (box[3] - box[2])  # a full rectangle
            boxes.append(box)
        top, bottom, left, right = np.transpose(boxes)
        for begin, end in ((top, bottom), (left, right)):
            assert (end - begin).min() == 51  # int(0.2 * 256)
            assert (end - begin).max() == 102
            assert begin.min() == 0
            assert end.max() == 256
            # Anywhere: the middle of the range of places is the mean.
            assert abs(np.mean(begin / (256 - end + begin)) - 0.5) < 4.5 / np.sqrt(12 * 1000)
        area = np.mean((bottom - top) * (right - left)) / 256**2
        assert area == pytest.approx(0.09, abs=0.004)

    def test_holes_of_pixels(self):
        arguments = {'max_holes': 3, 'min_holes': 3, 'max_height': 2, 'max_width': 99}
        step = Albumentation([{'type': 'CoarseDropout', 'p': 1, 'fill_value': 7, **arguments}])
        for image in images(step, 50):
            rows = (image == 7).all(axis=(1, 2))
            assert 2 <= rows.sum() <= 6  # as wide as the image, whatever is asked for
            assert np.array_equal(image[~rows], IMAGE[~rows])

    def test_it_belongs_to_the_sample(self):
        step = Albumentation(CONFIG)
        first = images(step, 30)
        np.random.seed(1)
        assert all(np.array_equal(*pair) for pair in zip(first, images(step, 30), strict=True))

    def test_the_image_may_have_another_name(self):
        step = Albumentation([{'type': 'Blur', 'p': 1}], keymap={'picture': 'image'})
        found = step({'picture': IMAGE, 'rng': SampleIndex(0, 3, 1).rng()})
        assert not np.array_equal(found['picture'], IMAGE)
        with pytest.raises(InputError, match="names no 'image'"):
            Albumentation([{'type': 'Blur'}], keymap={'img': 'mask'})

    @pytest.mark.parametrize(
        ('step', 'message'),
        [
            ({'type': 'Blur', 'p': 1.5}, 'Blur: p=1.5 is not a probability'),
            ({'type': 'Blur', 'blur_limit': 2}, 'Blur: blur_limit=2 is neither'),
            ({'type': 'MedianBlur', 'blur_limit': (4, 7)}, r'MedianBlur: blur_limit=\(4, 7\)'),
            ({'type': 'Blur', 'blur_limit': 3.5}, 'blur_limit=3.5 is neither'),
            ({'type': 'CoarseDropout', 'max_holes': 0}, r'max_holes=\(0, 0\) must be above 0'),
            ({'type': 'CoarseDropout', 'max_holes': 1.5}, r'\(1.5, 1.5\) must be whole'),
            ({'type': 'CoarseDropout', 'min_height': 0.2}, r'max_height=\(0.2, 8\) must'),
            ({'type': 'CoarseDropout', 'max_width': 1.5}, r'max_width=\(1.5, 1.5\) must'),
            (
                {'type': 'CoarseDropout', 'max_width': 0.2, 'min_width': 0.4},
                r'max_width=\(0.4, 0.2\) must',
            ),
        ],
    )
    def test_a_wrong_argument_is_named(self, step, message):
        with pytest.raises(InputError, match=message):
            TRANSFORMS.build({'type': 'Albumentation', 'transforms': [step]})


@pytest.mark.parametrize(
    ('step', 'message'),
    [
        ({'type': 'RandomFog'}, "'RandomFog' needs it; Blur, MedianBlur, CoarseDropout do not"),
        (
            {'type': 'CoarseDropout', 'num_holes_range': (1, 1), 'fill': 0, 'p': 1},
            'CoarseDropout takes no num_holes_range, fill without it, it takes max_holes, max_hei',
        ),
    ],
)
def test_without_the_package_it_says_what_needs_it(monkeypatch, step, message):
    monkeypatch.setitem(sys.modules, 'albumentations', None)
    for kind in (RuntimeError, InputError):
        with pytest.raises(kind, match=f'pip install albumentations, since {message}'):
            TRANSFORMS.build({'type': 'Albumentation', 'transforms': [step]})


class Transform:
    """As those of albumentations 2: of other arguments it warns, and then goes its own way."""

    def __init__(self, p=0.5, **others):
        self.arguments = others
        if others:
            warnings.warn(
                f"Argument(s) '{', '.join(others)}' are not valid for transform X", stacklevel=2
            )
        elif p < 0.1:
            warnings.warn('p is small', stacklevel=2)

    def __call__(self, image):
        return {'image': image + 1}


class StrictTransform(Transform):
    """As those of albumentations 1."""

    def __init__(self, p=0.5):
        super().__init__(p)


class OlderTransform:
    """As those of the last releases 1."""

    def __init__(self, p=0.5, **others):
        for name in others:
            warnings.warn(f"Argument '{name}' is not valid and will be ignored.", stacklevel=2)
        if not 0 <= p <= 1:
            raise ValueError(f'1 validation error\np\n  Input should be at most 1: {p}')


class NewDropout(Transform):
    def __init__(self, num_holes_range=(1, 2), p=0.5):
        super().__init__(p)


class Composed:
    """As Compose, whose seed is the sample's."""

    seeds = ()

    def __init__(self, transforms):
        self.transforms = transforms

    def set_random_seed(self, seed):
        Composed.seeds = (*Composed.seeds, seed)

    def __call__(self, image):
        for step in self.transforms:
            image = step(image)['image']
        return {'image': image}


@pytest.fixture
def albumentations(monkeypatch):
    monkeypatch.setattr(Composed, 'seeds', ())
    package = SimpleNamespace(
        ImageOnlyTransform=Transform,
        BaseCompose=type('BaseCompose', (), {}),
        Compose=Composed,
        CoarseDropout=NewDropout,
        Mild=type('Mild', (Transform,), {}),
        Strict=StrictTransform,
        Older=type('Older', (OlderTransform, Transform), {}),
        OneOf=type('OneOf', (Transform,), {'__init__': lambda self, transforms: None}),
    )
    monkeypatch.setitem(sys.modules, 'albumentations', package)
    return package


@pytest.mark.usefixtures('albumentations')
@pytest.mark.parametrize(
    ('kind', 'message'),
    [
        ('Mild', r"'max_holes, max_size' are not valid .*; it takes p, others"),
        ('Strict', "Strict.* 'max_holes'"),
        ('Older', "Argument 'max_holes' is not valid and will be ignored"),
        ('CoarseDropout', "NewDropout.* 'max_holes'"),  # max_size is no argument of ours either
    ],
)
def test_arguments_that_albumentations_does_not_take_are_named(kind, message):
    inner = {'type': kind, 'max_holes': 1, 'max_size': 9}
    with pytest.raises(InputError, match=message):
        TRANSFORMS.build({'type': 'Albumentation', 'transforms': [inner]})
    if kind in ('Mild', 'Strict'):
        with pytest.warns(UserWarning, match='p is small'):
            TRANSFORMS.build({'type': 'Albumentation', 'transforms': [{'type': kind, 'p': 0.01}]})


@pytest.mark.usefixtures('albumentations')
def test_a_value_that_albumentations_refuses_is_one_line():
    with pytest.raises(InputError, match=r'^Older of albumentations: 1 validation error p Input'):
        TRANSFORMS.build({'type': 'Albumentation', 'transforms': [{'type': 'Older', 'p': 7}]})


@pytest.mark.usefixtures('albumentations')
def test_arguments_of_release_2_are_the_packages():
    own = Albumentation([CONFIG[2]]).aug[0]
    theirs = Albumentation([{'type': 'CoarseDropout', 'num_holes_range': (1, 1)}]).aug[0]
    assert not isinstance(own, NewDropout)
    assert isinstance(theirs, NewDropout)


@pytest.mark.usefixtures('albumentations')
def test_what_is_nested_is_the_packages():
    nested = {'type': 'OneOf', 'transforms': [{'type': 'CoarseDropout', 'max_holes': 1}]}
    with pytest.raises(InputError, match=r"NewDropout.* 'max_holes'"):
        Albumentation([nested])


@pytest.mark.usefixtures('albumentations')
def test_ours_and_the_packages_go_in_order():
    black = {'type': 'CoarseDropout', 'max_holes': 1, 'max_height': 99, 'max_width': 99, 'p': 1}
    strict = {'type': 'Strict'}
    step = Albumentation([strict, black, strict, strict])
    (image,) = images(step, 1)
    assert (image == 2).all()
    assert len(Composed.seeds) == 2
    assert images(Albumentation([strict, strict, black]), 1)[0].max() == 0
