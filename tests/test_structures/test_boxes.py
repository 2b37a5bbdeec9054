"""Boxes: forms, mirrors, overlaps, and the affine maps to a network's input."""

import cv2
import numpy as np
import pytest
import torch

from helpers.seeding import wavy_image
from mmpose_lite.structures.bbox import (
    bbox_clip_border,
    bbox_corner2xyxy,
    bbox_cs2xywh,
    bbox_cs2xyxy,
    bbox_overlaps,
    bbox_xywh2cs,
    bbox_xywh2xyxy,
    bbox_xyxy2corner,
    bbox_xyxy2cs,
    bbox_xyxy2xywh,
    fix_aspect_ratio,
    flip_bbox,
    flip_matrix,
    get_udp_warp_matrix,
    get_warp_matrix,
)

XYXY = np.array([[10.0, 20.0, 40.0, 80.0], [-5.0, 0.0, 5.0, 3.0]])
XYWH = np.array([[10.0, 20.0, 30.0, 60.0], [-5.0, 0.0, 10.0, 3.0]])
CENTER, SCALE = np.array([[25.0, 50.0], [0.0, 1.5]]), np.array([[30.0, 60.0], [10.0, 3.0]])


@pytest.mark.parametrize('row', [slice(None), 0, 1], ids=['many', 'first', 'second'])
def test_forms(row):
    np.testing.assert_array_equal(bbox_xyxy2xywh(XYXY[row]), XYWH[row])
    np.testing.assert_array_equal(bbox_xywh2xyxy(XYWH[row]), XYXY[row])
    for padding in (1.0, 1.25):
        for to_cs, boxes in ((bbox_xyxy2cs, XYXY), (bbox_xywh2cs, XYWH)):
            center, scale = to_cs(boxes[row], padding)
            np.testing.assert_array_equal(center, CENTER[row])
            np.testing.assert_array_equal(scale, SCALE[row] * padding)
        np.testing.assert_allclose(bbox_cs2xyxy(center, scale, padding), XYXY[row])
        np.testing.assert_allclose(bbox_cs2xywh(center, scale, padding), XYWH[row])


def test_corners():
    corners = bbox_xyxy2corner(XYXY)
    assert corners[0].tolist() == [[10, 20], [10, 80], [40, 20], [40, 80]]
    np.testing.assert_array_equal(bbox_corner2xyxy(corners), XYXY)
    turned = np.array([[5.0, 0.0], [10.0, 5.0], [5.0, 10.0], [0.0, 5.0]])
    assert bbox_corner2xyxy(turned).tolist() == [0, 0, 10, 10]


def test_clipping():
    assert bbox_clip_border(XYXY, (30, 60)).tolist() == [[10, 20, 30, 60], [0, 0, 5, 3]]
    corners = bbox_clip_border(bbox_xyxy2corner(XYXY[0]), (30, 60))
    assert corners.tolist() == [[10, 20], [10, 60], [30, 20], [30, 60]]
    assert XYXY[0].tolist() == [10, 20, 40, 80]  # the argument is left alone


# In an image of 100x90: x becomes 99 - x, y becomes 89 - y.
@pytest.mark.parametrize(
    ('direction', 'xyxy', 'center'),
    [
        ('horizontal', [59, 20, 89, 80], [74, 50]),
        ('vertical', [10, 9, 40, 69], [25, 39]),
        ('diagonal', [59, 9, 89, 69], [74, 39]),
    ],
)
def test_flip(direction, xyxy, center):
    flip = {'image_size': (100, 90), 'direction': direction}
    for bbox_format, box, wanted in (
        ('xyxy', XYXY[:1], np.array([xyxy])),
        ('xywh', XYWH[:1], bbox_xyxy2xywh(np.array([xyxy]))),
        ('center', CENTER[:1], np.array([center])),
    ):
        flipped = flip_bbox(box, bbox_format=bbox_format, **flip)
        np.testing.assert_array_equal(flipped, wanted)
        np.testing.assert_array_equal(flip_bbox(flipped, bbox_format=bbox_format, **flip), box)


def test_flip_refuses():
    with pytest.raises(ValueError, match='cxcywh'):
        flip_bbox(XYXY, (100, 90), bbox_format='cxcywh')
    with pytest.raises(ValueError, match='sideways'):
        flip_bbox(XYXY, (100, 90), direction='sideways')


# Boxes of 4x4, of which a quarter is shared: 4 of 28; of 4 in 16; side by side.
FIRST = torch.tensor([[0.0, 0, 4, 4], [0, 0, 4, 4], [0, 0, 4, 4]])
SECOND = torch.tensor([[2.0, 2, 6, 6], [1, 1, 3, 3], [4, 0, 8, 4]])


@pytest.mark.parametrize(
    ('mode', 'expected'),
    [
        ('iou', [4 / 28, 4 / 16, 0]),
        ('iof', [4 / 16, 4 / 16, 0]),
        ('giou', [4 / 28 - (36 - 28) / 36, 4 / 16, 0]),
    ],
)
def test_overlaps(mode, expected):
    aligned = bbox_overlaps(FIRST, SECOND, mode, is_aligned=True)
    torch.testing.assert_close(aligned, torch.tensor(expected))
    torch.testing.assert_close(bbox_overlaps(FIRST, SECOND, mode)[0], torch.tensor(expected))
    assert bbox_overlaps(FIRST[:2], SECOND, mode).shape == (2, 3)


def test_overlaps_of_nothing_and_refusals():
    empty = torch.zeros(1, 4)
    assert bbox_overlaps(empty, empty).item() == 0
    assert bbox_overlaps(FIRST[:0], SECOND).shape == (0, 3)
    with pytest.raises(ValueError, match='dice'):
        bbox_overlaps(FIRST, SECOND, 'dice')
    with pytest.raises(ValueError, match='3 and 2'):
        bbox_overlaps(FIRST, SECOND[:2], is_aligned=True)


@pytest.mark.parametrize(
    ('scale', 'ratio', 'expected'),
    [
        ([40, 30], 1, [40, 40]),
        ([40, 30], 0.5, [40, 80]),
        ([40, 30], 2, [60, 30]),
        ([4, 2], 2, [4, 2]),
    ],
)
def test_aspect_ratio_grows_the_shorter_side(scale, ratio, expected):
    assert fix_aspect_ratio(np.array([scale]), ratio).tolist() == [expected]


def corners_of(center, scale, rotation):
    """Centre and corners (top left, top right, bottom right) of a box turned in the image."""
    angle = np.deg2rad(rotation)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    offsets = np.array([[0, 0], [-0.5, -0.5], [0.5, -0.5], [0.5, 0.5]]) * scale
    return offsets @ turn.T + center


@pytest.mark.parametrize('rotation', [0, 30, -75, 180])
def test_warp_takes_the_turned_box_to_the_output(rotation):
    center, scale = np.array([50.0, 60.0]), np.array([40.0, 40.0])
    matrix = get_warp_matrix(center, scale, rotation, output_size=(64, 64))
    points = corners_of(center, scale, rotation)
    found = cv2.transform(points[None], matrix)[0]
    np.testing.assert_allclose(found, [[32, 32], [0, 0], [64, 0], [64, 64]], atol=1e-4)
    back = get_warp_matrix(center, scale, rotation, output_size=(64, 64), inv=True)
    np.testing.assert_allclose(cv2.transform(found[None], back)[0], points, atol=1e-4)


@pytest.mark.parametrize('rotation', [0, 30, -75, 180])
def test_udp_warp_counts_between_pixel_centres(rotation):
    """And it turns the other way round: the box's corners are those of the opposite angle."""
    center, scale = np.array([50.0, 60.0]), np.array([40.0, 40.0])
    matrix = get_udp_warp_matrix(center, scale, rotation, output_size=(64, 64))
    points = corners_of(center, scale, -rotation)
    found = cv2.transform(points[None], matrix)[0]
    np.testing.assert_allclose(found, [[31.5, 31.5], [0, 0], [63, 0], [63, 63]], atol=1e-4)


def test_warp_with_its_options():
    center, scale = np.array([50.0, 60.0]), np.array([40.0, 20.0])
    moved = get_warp_matrix(center, scale, 0, (80, 80), shift=(0.5, 0.25))
    np.testing.assert_allclose(moved @ [70, 65, 1], [40, 40], atol=1e-4)
    fixed = get_warp_matrix(center, scale, 0, (80, 80))
    np.testing.assert_allclose(fixed @ [70, 70, 1], [80, 60], atol=1e-4)  # both axes by 2
    free = get_warp_matrix(center, scale, 0, (80, 80), fix_aspect_ratio=False)
    np.testing.assert_allclose(free @ [70, 70, 1], [80, 80], atol=1e-4)  # by 2 and by 4
    for get_matrix in (get_warp_matrix, get_udp_warp_matrix):
        with pytest.raises(ValueError, match='scale needs two'):
            get_matrix(center, np.array([40.0]), 0, (80, 80))


# Recorded with MMPose 1.3.2 for outputs of 256x256: centre, side, angle; plain; UDP.
WARPS = [
    (
        ([355.0111999511719, 249.31556701660156], 114.51309967041016, 0.0),
        [[2.2355516492794143, 0, -665.6458735635063], [0, 2.2355510535083587, -429.3576784999975]],
        [[2.2268195152282715, 0, -663.0458374023438], [0, 2.2268195152282715, -427.6807861328125]],
    ),
    (
        ([398.83343505859375, 392.03070068359375], 360.76605224609375, -69.98101043701172),
        [
            [0.2429188642919426, -0.6667265354657309, 292.4931057768876],
            [0.6667265354657308, 0.2429188642919426, -233.1444869621458],
        ],
        [
            [0.24196995794773102, 0.6641221046447754, -229.36195373535156],
            [-0.6641221046447754, 0.24196995794773102, 297.51446533203125],
        ],
    ),
    (
        ([328.943115234375, 81.40966033935547], 397.9552001953125, 77.50784301757812),
        [
            [0.13914721457947596, 0.6280590033374565, 31.098411625264685],
            [-0.6280589786718596, 0.1391472145794758, 323.2677495191588],
        ],
        [
            [0.13860362768173218, -0.6256056427955627, 132.83763122558594],
            [0.6256056427955627, 0.13860362768173218, -89.5723648071289],
        ],
    ),
]


@pytest.mark.parametrize(('box', 'plain', 'udp'), WARPS)
def test_warps_are_mmpose_s(box, plain, udp):
    center, side, angle = box
    center, scale = np.array(center, np.float32), np.array([side, side], np.float32)
    # In single precision, so to a millionth of the largest entry.
    close = {'rtol': 0, 'atol': 1e-6 * np.abs(plain).max()}
    np.testing.assert_allclose(get_warp_matrix(center, scale, angle, (256, 256)), plain, **close)
    np.testing.assert_allclose(get_udp_warp_matrix(center, scale, angle, (256, 256)), udp, **close)


@pytest.mark.parametrize('direction', ['horizontal', 'vertical', 'diagonal'])
def test_flip_matrix_is_what_a_mirrored_image_does(direction):
    image = wavy_image(1, 20, 30)
    matrix = flip_matrix((30, 20), direction)
    axes = {'horizontal': 1, 'vertical': 0, 'diagonal': (0, 1)}[direction]
    warped = cv2.warpAffine(image, matrix[:2], (30, 20), flags=cv2.INTER_NEAREST)
    np.testing.assert_array_equal(warped, np.flip(image, axes))
    np.testing.assert_array_equal(matrix @ matrix, np.eye(3))
