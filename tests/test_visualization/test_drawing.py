"""Drawing functions and the reading of images."""

import cv2
import numpy as np
import pytest

from mmpose_lite.visualization import drawing
from mmpose_lite.visualization.drawing import read_image_rgb, write_image_rgb

RED = (255, 0, 0)


@pytest.fixture
def black():
    return np.zeros((40, 60, 3), np.uint8)


@pytest.mark.parametrize(
    ('color', 'rgb'),
    [
        ('green', (0, 255, 0)),
        ('orange', (255, 165, 0)),
        ('#0102ff', (1, 2, 255)),
        (np.array([3, 4, 5], np.uint8), (3, 4, 5)),
    ],
)
def test_to_rgb(color, rgb):
    assert drawing.to_rgb(color) == rgb


@pytest.mark.parametrize('color', ['no-such-colour', (1, 2), (1, 2, 3, 4)])
def test_to_rgb_refuses(color):
    with pytest.raises(ValueError, match=r'no-such-colour|red, green and blue'):
        drawing.to_rgb(color)


@pytest.mark.parametrize(
    ('colors', 'expected'),
    [
        (None, [None] * 3),
        ('red', ['red'] * 3),
        ((1, 2, 3), [(1, 2, 3)] * 3),
        (['red', None, RED], ['red', None, RED]),
    ],
)
def test_each_color(colors, expected):
    assert drawing.each_color(colors, 3) == expected


def test_each_color_names_what_does_not_fit():
    with pytest.raises(ValueError, match=r'kpt_color \(2\) is not that of keypoints \(3\)'):
        drawing.each_color([RED, RED], 3, 'kpt_color', 'keypoints')


def test_disc_is_where_it_should_be(black):
    drawing.draw_disc(black, np.array([20.0, 10.0]), 3, RED)
    assert tuple(black[10, 20]) == RED
    assert tuple(black[10, 22]) == RED
    ys, xs = np.nonzero(black[..., 0])
    assert (xs.mean(), ys.mean()) == (20, 10)
    assert 3 <= xs.max() - 20 <= 4


def test_disc_moves_by_fractions_of_a_pixel(black):
    drawing.draw_disc(black, np.array([20.5, 10.0]), 3, RED)
    weights = black[..., 0] / black[..., 0].sum()
    assert (weights.sum(axis=0) * np.arange(60)).sum() == pytest.approx(20.5, abs=0.05)


def test_disc_blends(black):
    drawing.draw_disc(black, np.array([20, 10]), 3, (200, 100, 0), alpha=0.5)
    assert tuple(black[10, 20]) == (100, 50, 0)


@pytest.mark.parametrize('xy', [(np.nan, 3), (np.inf, 3), (3, -1e9)])
def test_what_is_no_place_is_not_drawn(black, xy):
    xy = np.array(xy)
    drawing.draw_disc(black, xy, 3, RED)
    drawing.draw_ring(black, xy, 3, RED)
    drawing.draw_segment(black, xy, np.array([1, 1]), RED)
    drawing.draw_box(black, np.array([*xy, 5, 5]), RED)
    drawing.draw_polygon(black, np.array([xy, [1, 1], [9, 1]]), RED)
    drawing.draw_text(black, 'text', xy, 12, RED)
    assert not black.any()


def test_ring_is_hollow(black):
    drawing.draw_ring(black, np.array([20, 20]), 8, RED)
    assert not black[20, 20].any()
    assert black[20, 28, 0] > 100


def test_segment_and_box(black):
    drawing.draw_segment(black, np.array([5, 5]), np.array([25, 5]), RED)
    drawing.draw_box(black, np.array([30, 10, 50, 30]), 'blue')
    assert black[5, 15, 0] > 220
    assert not black[8, 15].any()
    assert tuple(black[20, 30]) == tuple(black[30, 40]) == (0, 0, 255)
    assert not black[20, 40].any()


def test_limb_outline_runs_from_end_to_end():
    outline = drawing.limb_outline(np.array([10.0, 10.0]), np.array([30.0, 10.0]), width=4)
    np.testing.assert_allclose(outline.min(axis=0), [10, 6], atol=1e-6)
    np.testing.assert_allclose(outline.max(axis=0), [30, 14], atol=1e-6)


@pytest.mark.parametrize(
    ('horizontal', 'vertical', 'x_range', 'y_range'),
    [
        ('left', 'bottom', (28, 60), (0, 22)),
        ('right', 'bottom', (0, 32), (0, 22)),
        ('left', 'top', (28, 60), (18, 40)),
    ],
)
def test_text_is_aligned(black, horizontal, vertical, x_range, y_range):
    drawing.draw_text(black, 'ok', np.array([30, 20]), 15, RED, horizontal, vertical)
    ys, xs = np.nonzero(black[..., 0])
    assert len(xs) > 10
    assert x_range[0] <= xs.min() < xs.max() <= x_range[1]
    assert y_range[0] <= ys.min() < ys.max() <= y_range[1]


def test_text_background_and_foreign_letters(black):
    drawing.draw_text(black, 'ü', np.array([20, 30]), 15, RED, background=(0, 0, 9))
    assert (black[..., 2] == 9).any()


def test_heatmap_colours_only_where_it_is_high():
    gray = np.full((40, 40, 3), 90, np.uint8)
    heat = np.zeros((10, 10), np.float32)
    heat[7, 2] = 5.0
    drawn = drawing.overlay_heatmap(gray, heat)
    assert tuple(drawn[5, 35]) == (90, 90, 90)
    red, _, blue = drawn[30, 10].astype(int)
    assert red > blue + 30
    assert (gray == 90).all()


def test_flat_heatmap_changes_nothing():
    gray = np.full((8, 8, 3), 90, np.uint8)
    np.testing.assert_array_equal(drawing.overlay_heatmap(gray, np.ones((4, 4))), gray)


@pytest.mark.parametrize('name', ['a.png', 'new/folder/a.jpg'])
def test_image_comes_back(tmp_path, name):
    image_rgb = np.full((20, 30, 3), (200, 100, 50), np.uint8)
    write_image_rgb(image_rgb, tmp_path / name)
    back = read_image_rgb(tmp_path / name)
    assert back.shape == (20, 30, 3)
    np.testing.assert_allclose(back.mean(axis=(0, 1)), (200, 100, 50), atol=3)


def test_exif_rotation_is_ignored(tmp_path):
    _, content = cv2.imencode('.jpg', np.zeros((20, 30, 3), np.uint8))
    orientation = b'\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00'
    tiff = b'MM\x00\x2a\x00\x00\x00\x08\x00\x01' + orientation + b'\x00\x00\x00\x00'
    exif = b'Exif\x00\x00' + tiff
    segment = b'\xff\xe1' + (len(exif) + 2).to_bytes(2, 'big') + exif
    path = tmp_path / 'rotated.jpg'
    path.write_bytes(content.tobytes()[:2] + segment + content.tobytes()[2:])
    assert cv2.imread(str(path)).shape == (30, 20, 3)  # OpenCV turns it by default
    assert read_image_rgb(path).shape == (20, 30, 3)


@pytest.mark.parametrize('content', [b'', b'no image'])
def test_a_bad_file_is_named(tmp_path, content):
    path = tmp_path / 'broken.jpg'
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r'broken\.jpg'):
        read_image_rgb(path)
    with pytest.raises(FileNotFoundError, match=r'missing\.jpg'):
        read_image_rgb(tmp_path / 'missing.jpg')


@pytest.mark.parametrize('name', ['a.xyz', 'no_ending'])
def test_an_unknown_format_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match=name):
        write_image_rgb(np.zeros((4, 4, 3), np.uint8), tmp_path / name)
