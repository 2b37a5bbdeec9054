"""Changes of pixels: those of a batch by torch are those of each image by OpenCV."""

from itertools import product

import cv2
import numpy as np
import pytest
import torch

from helpers.seeding import wavy_image
from mmpose_lite.datasets import Albumentation, PhotometricDistortion, YOLOXHSVRandomAug
from mmpose_lite.datasets.samplers import SampleIndex
from mmpose_lite.structures.pixel_changes import (
    BoxBlur,
    ChannelOrder,
    Holes,
    HsvChange,
    LevelChange,
    MedianBlur,
    PixelChange,
    _to_hsv,
    change_batch,
)

# OpenCV cuts off fractions of colours in vectors of 32 pixels, and rounds those of the others.
SHAPE_HW = (24, 64)
HOLE = {'min_holes': 1, 'max_holes': 3, 'max_height': 0.4, 'max_width': 0.4}
HOLE |= {'min_height': 0.2, 'min_width': 0.2, 'fill_value': 7}
STEPS = [
    YOLOXHSVRandomAug(),
    PhotometricDistortion(),
    Albumentation(
        [
            {'type': 'Blur', 'p': 0.6},
            {'type': 'MedianBlur', 'p': 0.6},
            {'type': 'CoarseDropout', 'p': 0.8, **HOLE},
        ]
    ),
]


def noise(count, seed=0, shape_hw=SHAPE_HW):
    """Images of noise, some of whose pixels are grey, black or white."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, *shape_hw, 3), dtype=np.uint8)
    images[:, :6] = images[:, :6, :, :1]
    images[:, :2] = 0
    images[:, 2:4, :9] = 255
    return list(images)


def stacked(images):
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float()


def both(images, changes):
    """A batch with its changes, and its images changed one by one, likewise stacked."""
    batch = change_batch(stacked(images), changes)
    singly = []
    for image, drawn in zip(images, changes, strict=True):
        for change in drawn:
            image = image if change is None else change.of_image(image)
        singly.append(image)
    assert batch.dtype == torch.float32
    return batch, stacked(singly)


@pytest.mark.parametrize(
    'change',
    [
        *(kind(side) for kind, side in product((BoxBlur, MedianBlur), (1, 3, 5, 7, 9))),
        ChannelOrder((2, 0, 1)),
        Holes(((0, 5, 3, 4), (2, 24, 60, 64))),
        Holes(((0, 24, 0, 64),), (1, 2, 3)),
        Holes(((4, 4, 3, 9),), 1),  # of no rows
        Holes(((4, 9, 3, 9),), 1.7),
        *(LevelChange(shift=shift) for shift in (-31.4, 0.01, 29.99)),
        *(LevelChange(gain) for gain in (0.5, 0.731, 1.0, 1.499)),
        LevelChange(1.3, -20.5),
    ],
    ids=repr,
)
def test_bytes_of_a_batch_are_those_of_its_images(change):
    images = [*noise(2), wavy_image(5, *SHAPE_HW)]
    found, expected = both(images, [[change]] * 3)
    assert torch.equal(found, expected)


@pytest.mark.parametrize(
    'change',
    [
        HsvChange(),
        HsvChange(5, 30, 30),
        HsvChange(-5, -30, -30),
        HsvChange(179, 0, 255),
        HsvChange(0, 255, 0),
        HsvChange(18, saturation_gain=1.437),
        HsvChange(-18, saturation_gain=0.52),
    ],
    ids=repr,
)
def test_colours_are_off_by_a_level_at_most(change):
    for images, share in ((noise(6), 0.01), ([wavy_image(5, *SHAPE_HW)], 0.005)):
        found, expected = both(images, [[change]] * len(images))
        assert (found - expected).abs().max() <= 1
        assert (found != expected).float().mean() < share
        assert torch.equal(found, found.round())


def test_hsv_is_that_of_opencv_to_the_byte():
    levels = np.r_[0:256:5, 1, 128, 254]
    colors = np.stack(np.meshgrid(levels, levels, levels), axis=-1).astype(np.uint8)
    colors = colors.reshape(len(levels), -1, 3)
    found = _to_hsv(*torch.from_numpy(colors).float().unbind(-1))
    expected = cv2.cvtColor(colors, cv2.COLOR_BGR2HSV)
    assert np.array_equal(torch.stack(found, dim=-1).numpy(), expected)


def drawn_of(step, index, waits, image):
    """A sample behind a transform; its crop waits for the device, and is not even there."""
    sample = {'img': image, 'rng': SampleIndex(index, 3, 1).rng()}
    if waits:
        sample['img'] = np.zeros((1, 1, 3), np.uint8)
        sample |= {'warp_mat': np.eye(2, 3), 'input_size': image.shape[1::-1]}
    for each in step if isinstance(step, list) else [step]:
        sample = each(sample)
    return sample


@pytest.mark.parametrize('step', [*STEPS, STEPS[::-1]], ids=['hsv', 'photometric', 'albu', 'all'])
def test_the_device_makes_what_the_worker_would(step):
    """Of the same draws, which leave the sample's generator where it would be."""
    images = noise(24, 1)
    here = [drawn_of(step, i, False, image) for i, image in enumerate(images)]
    there = [drawn_of(step, i, True, image) for i, image in enumerate(images)]
    for one, other in zip(here, there, strict=True):
        assert one['rng'].random() == other['rng'].random()
        assert 'pixel_changes' not in one
        assert other['img'].shape == (1, 1, 3)
    changes = [each['pixel_changes'] for each in there]
    assert len(set(map(len, changes))) == 1  # each has its place
    found = change_batch(stacked(images), changes)
    expected = stacked([each['img'] for each in here])
    apart = (found - expected).abs()
    # A level of one colour may become several of the next change.
    assert (apart > 0).float().mean() < 0.01
    assert apart.max() <= (0 if step is STEPS[2] else 1 if step is STEPS[0] else 12)
    assert (expected != stacked(images)).any(dim=(1, 2, 3)).float().mean() > 0.7


def mixed():
    """Changes as they are drawn: some of none, in groups of several sizes, in several orders."""
    hole = Holes(((2, 9, 2, 30),))
    return [
        [HsvChange(3, 4, 5), BoxBlur(3), None, hole],
        [HsvChange(-3, 14, 0), None, MedianBlur(5), Holes(((1, 3, 2, 4), (5, 9, 0, 9)))],
        [HsvChange(), BoxBlur(3), MedianBlur(3), None],
        [None, BoxBlur(7), MedianBlur(5), hole],
        [hole, HsvChange(2, 2, 2)],
        [],
    ]


def test_a_change_does_not_depend_on_the_batch():
    images = stacked(noise(6))
    found = change_batch(images.clone(), mixed())
    for i, changes in enumerate(mixed()):
        assert torch.equal(found[i, None], change_batch(images[i, None].clone(), [changes]))
    assert torch.equal(found[5], images[5])


def test_images_of_one_portion_are_those_of_several(monkeypatch):
    images = stacked(noise(5))
    expected = MedianBlur.of_batch(images, [MedianBlur(3)] * 5)
    monkeypatch.setattr('mmpose_lite.structures.pixel_changes._PORTION', 2)
    assert torch.equal(MedianBlur.of_batch(images, [MedianBlur(3)] * 5), expected)


def test_memory_is_kept_as_it_lies():
    images = stacked(noise(6)).contiguous(memory_format=torch.channels_last)
    for changes in (mixed(), [[change] for change in mixed()[0]][:3] * 2):
        found = change_batch(images.clone(), changes)
        assert found.is_contiguous(memory_format=torch.channels_last)


def test_a_change_of_ones_own():
    class Negative(PixelChange):
        def of_image(self, image):
            return 255 - image

        @classmethod
        def of_batch(cls, images, changes):
            assert len(images) == len(changes) == 2
            return 255 - images

    images = noise(3)
    found, expected = both(images, [[Negative()], [None], [Negative()]])
    assert torch.equal(found, expected)
    assert not torch.equal(found, stacked(images))
