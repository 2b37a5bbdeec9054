"""Photographs as people have them: kinds, wrong names, damage."""

import io
import os
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from helpers.seeding import wavy_image
from mmpose_lite.datasets import LoadImage

PIXELS = wavy_image(3, 40, 60)  # BGR


def png(pixels=PIXELS):
    return cv2.imencode('.png', pixels)[1].tobytes()


def jpeg(mode='RGB', **options):
    file = io.BytesIO()
    Image.fromarray(PIXELS[..., ::-1]).convert(mode).save(file, 'JPEG', quality=95, **options)
    return file.getvalue()


def rotated_by_exif():
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees to show
    return jpeg(exif=exif)


def with_thumbnail():
    """A JPEG whose header holds a whole JPEG of its own, as cameras write it."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x927C] = jpeg()
    return jpeg(exif=exif)


def lying_png():
    """A small PNG whose header promises 16,000 pixels in a square."""
    header = b'IHDR' + struct.pack('>II', 16000, 16000) + png()[24:29]
    return png()[:12] + header + struct.pack('>I', zlib.crc32(header)) + png()[33:]


def load(path, **arguments):
    return LoadImage(**arguments)({'img_path': str(path)})


@pytest.mark.parametrize(
    ('name', 'content', 'levels'),
    [
        ('plain.png', png(), 0),
        ('plain.jpg', jpeg(), 12),
        ('png data under another.jpg', png(), 0),
        ('alpha.png', png(np.dstack([PIXELS, np.full((40, 60), 9, np.uint8)])), 0),
        ('exif.jpg', rotated_by_exif(), 12),
        ('thumbnail.jpg', with_thumbnail(), 12),
        ('cmyk.jpg', jpeg('CMYK'), 12),
    ],
)
def test_pixels_are_bgr_as_stored(tmp_path, name, content, levels):
    path = tmp_path / name
    path.write_bytes(content)
    sample = load(path)
    assert sample['img'].dtype == np.uint8
    assert sample['img_shape'] == sample['ori_shape'] == sample['img'].shape[:2] == (40, 60)
    assert np.abs(sample['img'].astype(int) - PIXELS).max() <= levels


def test_grey_becomes_bgr(tmp_path):
    path = tmp_path / 'grey.png'
    path.write_bytes(png(PIXELS[..., 0]))
    image = load(path)['img']
    np.testing.assert_array_equal(image, np.repeat(PIXELS[..., :1], 3, axis=2))
    assert load(path, color_type='grayscale')['img'].shape == (40, 60)


@pytest.mark.parametrize(
    ('name', 'content', 'message'),
    [
        ('empty.jpg', b'', 'is not an image that can be decoded .0 bytes'),
        ('text.png', b'not an image', 'is not an image that can be decoded'),
        ('cut.jpg', jpeg()[:-300], 'ends early'),
        ('thumbnail.jpg', with_thumbnail()[:-300], 'ends early'),
        ('cut.png', png()[:60], 'is not an image that can be decoded'),
        ('lying.png', lying_png(), 'has 16000x16000 pixels by its header, which it is too short'),
    ],
)
def test_what_cannot_be_decoded_is_named(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f'{name}.*{message}'):
        load(path)
    assert load(path, ignore_empty=True) is None


def test_a_device_is_not_read():
    with pytest.raises(ValueError, match=f'{os.devnull}. is a pipe, socket or device'):
        load(os.devnull)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'gone\.jpg'):
        load(tmp_path / 'gone.jpg')
    assert load(tmp_path / 'gone.jpg', ignore_empty=True) is None


def test_a_sample_may_bring_its_image():
    sample = LoadImage()({'img': PIXELS})
    assert sample['img'] is PIXELS
    assert (sample['img_shape'], sample['img_path']) == ((40, 60), None)
    with pytest.raises(TypeError, match='list'):
        LoadImage()({'img': [[0, 0]]})


def test_float_pixels_and_other_backends(tmp_path):
    path = tmp_path / 'plain.png'
    path.write_bytes(png())
    assert load(path, to_float32=True)['img'].dtype == np.float32
    np.testing.assert_array_equal(load(path, imdecode_backend='pillow')['img'], PIXELS)
