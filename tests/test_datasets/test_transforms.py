"""Transforms without chance, and with it taken away: mirror, crop, targets, packing."""

import cv2
import numpy as np
import pytest
import torch
from mmengine.dataset import Compose
from mmengine.structures import PixelData

from helpers.seeding import wavy_image
from mmpose_lite.datasets import (
    GenerateTarget,
    GetBBoxCenterScale,
    PackPoseInputs,
    RandomFlip,
    TopdownAffine,
)
from mmpose_lite.structures import MultilevelPixelData
from mmpose_lite.structures.bbox import get_warp_matrix

AXES = {'horizontal': 1, 'vertical': 0, 'diagonal': (0, 1)}


def sample(**more):
    """A 90x70 image, a 40x30 box and three points, of which the first two are a pair."""
    return {
        'img': wavy_image(4, 70, 90),
        'img_shape': (70, 90),
        'bbox': np.array([[10, 20, 50, 50]], dtype=np.float32),
        'bbox_center': np.array([[30, 35]], dtype=np.float32),
        'bbox_scale': np.array([[40, 30]], dtype=np.float32),
        'keypoints': np.array([[[12, 22], [48, 25], [30, 49]]], dtype=np.float32),
        'keypoints_visible': np.array([[1, 0, 1]], dtype=np.float32),
        'flip_indices': [1, 0, 2],
        **more,
    }


# x becomes 89 - x, y becomes 69 - y; a diagonal mirroring is half a turn and swaps no names.
@pytest.mark.parametrize(
    ('direction', 'bbox', 'center', 'points', 'visible'),
    [
        ('horizontal', [39, 20, 79, 50], [59, 35], [[41, 25], [77, 22], [59, 49]], [0, 1, 1]),
        ('vertical', [10, 19, 50, 49], [30, 34], [[48, 44], [12, 47], [30, 20]], [0, 1, 1]),
        ('diagonal', [39, 19, 79, 49], [59, 34], [[77, 47], [41, 44], [59, 20]], [1, 0, 1]),
    ],
)
def test_flip(direction, bbox, center, points, visible):
    before = sample()
    after = RandomFlip(prob=1, direction=direction)(sample())
    np.testing.assert_array_equal(after['img'], np.flip(before['img'], AXES[direction]))
    assert after['bbox'].tolist() == [bbox]
    assert after['bbox_center'].tolist() == [center]
    assert after['keypoints'].tolist() == [points]
    assert after['keypoints_visible'].tolist() == [visible]
    assert (after['flip'], after['flip_direction']) == (True, direction)


def test_flip_moves_no_pixel():
    given = sample()
    image = given['img']
    flipped = RandomFlip(prob=1)(given)['img']
    assert flipped is not image
    assert np.shares_memory(flipped, image)


def test_flip_without_chance_changes_nothing():
    after = RandomFlip(prob=0)(sample())
    for key, value in sample().items():
        np.testing.assert_array_equal(after[key], value)
    assert (after['flip'], after['flip_direction']) == (False, None)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'prob': 1.5}, '1.5'),
        ({'prob': [0.6, 0.6], 'direction': ['horizontal', 'vertical']}, 'sum'),
        ({'prob': [0.5], 'direction': ['horizontal', 'vertical']}, 'length'),
        ({'direction': 'upwards'}, 'upwards'),
        ({'prob': 'often'}, 'often'),
    ],
)
def test_flip_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        RandomFlip(**arguments)


def test_flip_needs_an_index_for_each_point():
    with pytest.raises(ValueError, match='2 points, there are 3'):
        RandomFlip(prob=1)(sample(flip_indices=[1, 0]))


@pytest.mark.parametrize('use_udp', [False, True])
@pytest.mark.parametrize('direction', ['horizontal', 'vertical', 'diagonal'])
def test_crop_of_a_mirrored_view_is_the_crop_of_mirrored_pixels(direction, use_udp):
    turn = {'bbox_rotation': np.array([25], dtype=np.float32)}
    view = RandomFlip(prob=1, direction=direction)(sample(**turn))
    copied = {**view, 'img': np.ascontiguousarray(view['img'])}
    crop = TopdownAffine(input_size=(32, 48), use_udp=use_udp)
    one, other = crop(view), crop(copied)
    # Rounding of sub-pixel places differs by a level; the wavy image has slopes of up to 40.
    assert np.abs(one['img'].astype(int) - other['img']).max() <= 3
    assert one['img'].shape == (48, 32, 3)
    np.testing.assert_array_equal(one['transformed_keypoints'], other['transformed_keypoints'])


def test_crop_of_the_validation_pipeline():
    """By hand: a padded side of 455 px about (437, 305) becomes 256 px."""
    photo = wavy_image(5, 640, 853)
    given = {
        'img': photo,
        'bbox': np.array([[255, 123, 619, 487]], dtype=np.float32),
        'bbox_center': np.array([[437, 305]], dtype=np.float32),
        'bbox_scale': np.array([[364, 364]], dtype=np.float32),
        'keypoints': np.array([[[437, 305], [255, 123], [619, 305]]], dtype=np.float32),
    }
    after = TopdownAffine(input_size=(256, 256))(GetBBoxCenterScale()(given))
    assert after['input_size'] == (256, 256)
    assert after['input_center'].tolist() == [437, 305]
    assert after['input_scale'].tolist() == [455.0, 455.0]
    # The unpadded box is 80 % of the crop: it lies from 10 % to 90 %.
    wanted = [[[128, 128], [25.6, 25.6], [230.4, 128]]]
    np.testing.assert_allclose(after['transformed_keypoints'], wanted, atol=1e-3)
    # Pixel (u, v) of the crop is the photograph at its centre + (u - 128, v - 128) * 455 / 256.
    for u, v in ((128, 128), (64, 160), (200, 96)):
        place = (437 + (u - 128) * 455 / 256, 305 + (v - 128) * 455 / 256)
        pixel = cv2.getRectSubPix(photo, (1, 1), place)[0, 0]
        assert np.abs(after['img'][v, u].astype(int) - pixel).max() <= 2


def test_crop_grows_the_box_to_the_input_s_shape():
    after = TopdownAffine(input_size=(32, 64))(sample())
    assert after['input_scale'].tolist() == [40, 80]  # 40x30 becomes 1 : 2
    assert after['img'].shape == (64, 32, 3)


def test_crop_refuses():
    with pytest.raises(ValueError, match=r'64\.0'):
        TopdownAffine(input_size=(64.0, 64))
    with pytest.raises(ValueError, match='two integers'):
        TopdownAffine(input_size=(64,))
    two = {key: np.repeat(sample()[key], 2, axis=0) for key in ('bbox_center', 'bbox_scale')}
    with pytest.raises(ValueError, match='one box, got 2'):
        TopdownAffine(input_size=(64, 64))(sample(**two))


def test_center_and_scale():
    given = sample()
    del given['bbox_center'], given['bbox_scale']
    made = GetBBoxCenterScale(padding=1.5)(given)
    assert made['bbox_center'].tolist() == [[30, 35]]
    assert made['bbox_scale'].tolist() == [[60, 45]]
    assert made['bbox'].tolist() == [[10, 20, 50, 50]]  # the normaliser's box is not padded
    kept = GetBBoxCenterScale()(sample(bbox_center=np.array([[1.0, 2.0]])))
    assert kept['bbox_center'].tolist() == [[1, 2]]
    assert kept['bbox_scale'].tolist() == [[50, 37.5]]


CODEC = {'type': 'MSRAHeatmap', 'input_size': (64, 64), 'heatmap_size': (16, 16), 'sigma': 2}
SMALL = {**CODEC, 'heatmap_size': (8, 8), 'sigma': 1}
COMBINED = {
    'type': 'UDPHeatmap',
    'input_size': (64, 64),
    'heatmap_size': (16, 16),
    'heatmap_type': 'combined',
}


def points_sample(**more):
    points = np.array([[[8, 20], [30, 40], [200, 8]]], dtype=np.float32)
    return {'keypoints': points, 'keypoints_visible': np.array([[1.0, 0.0, 1.0]]), **more}


def test_target_of_one_codec():
    after = GenerateTarget(encoder=CODEC)(points_sample())
    assert after['heatmaps'].shape == (3, 16, 16)
    assert after['heatmaps'][0, 5, 2] == 1  # (8, 20) / 4
    assert after['heatmaps'][1:].max() == 0  # not labelled, and outside
    assert after['keypoint_weights'].tolist() == [[1, 0, 0]]
    assert after['field_mapping_table'] == {'heatmaps': 'heatmaps'}


def test_target_takes_the_points_of_the_crop():
    cropped = np.array([[[40, 4], [30, 40], [200, 8]]], dtype=np.float32)
    after = GenerateTarget(encoder=CODEC)(points_sample(transformed_keypoints=cropped))
    assert after['heatmaps'][0, 1, 10] == 1


def test_target_weighs_points_by_the_metainfo():
    step = GenerateTarget(encoder=CODEC, use_dataset_keypoint_weights=True)
    after = step(points_sample(dataset_keypoint_weights=np.array([0.5, 2.0, 1.0])))
    assert after['keypoint_weights'].tolist() == [[0.5, 0, 0]]


def test_target_in_several_resolutions():
    after = GenerateTarget(encoder=[CODEC, SMALL], multilevel=True)(points_sample())
    assert [maps.shape for maps in after['heatmaps']] == [(3, 16, 16), (3, 8, 8)]
    assert len(after['keypoint_weights']) == 2
    packed = PackPoseInputs()({'img': np.zeros((64, 64, 3), np.uint8), **after})['data_samples']
    assert isinstance(packed.gt_fields, MultilevelPixelData)
    assert packed.gt_instance_labels.keypoint_weights.shape == (2, 1, 3)


def test_target_refuses():
    with pytest.raises(ValueError, match='list'):
        GenerateTarget(encoder=CODEC, multilevel=True)
    with pytest.raises(ValueError, match='"heatmaps" from two'):
        GenerateTarget(encoder=[CODEC, COMBINED])(points_sample())
    with pytest.raises(ValueError, match='keypoints'):
        GenerateTarget(encoder=CODEC)({'keypoints_visible': np.ones((1, 3))})


def packed(**arguments):
    steps = [GetBBoxCenterScale(), TopdownAffine((64, 64)), GenerateTarget(encoder=CODEC)]
    given = sample(id=5, img_id=3, img_path='a.png', subsets=('frontal',), ori_shape=(70, 90))
    given |= {'bbox_score': np.ones(1), 'box_size': 40.0, 'not_listed': 1}
    return Compose([*steps, PackPoseInputs(**arguments)])(given)


def test_packing():
    result = packed()
    assert set(result) == {'inputs', 'data_samples'}
    assert result['inputs'].shape == (3, 64, 64)
    assert result['inputs'].dtype == torch.uint8
    one = result['data_samples']
    assert one.gt_instances.bboxes.tolist() == [[10, 20, 50, 50]]
    assert one.gt_instances.keypoints.tolist() == sample()['keypoints'].tolist()  # image pixels
    assert one.gt_instances.box_size.tolist() == [40]  # so that NME can divide by it
    assert 'transformed_keypoints' not in one.gt_instances
    assert one.gt_instance_labels.keypoint_weights.shape == (1, 3)
    assert isinstance(one.gt_fields, PixelData)
    assert one.gt_fields.heatmaps.shape == (3, 16, 16)
    wanted = {'id': 5, 'img_id': 3, 'img_path': 'a.png', 'subsets': ('frontal',)}
    wanted |= {'ori_shape': (70, 90), 'img_shape': (70, 90), 'input_size': (64, 64)}
    assert {key: one.metainfo[key] for key in wanted} == wanted
    assert one.metainfo['input_scale'].tolist() == [50, 50]
    assert 'not_listed' not in one.metainfo


def test_what_the_device_needs_is_packed_whatever_the_wish():
    waiting = {'warp_mat': np.eye(2, 3), 'pixel_changes': [None], 'input_size': (8, 6), 'id': 5}
    one = PackPoseInputs(meta_keys=())({**waiting, 'img': np.zeros((2, 2, 3), np.uint8)})
    kept = one['data_samples'].metainfo
    assert kept.keys() == waiting.keys() - {'id'}


def test_packing_on_wish():
    one = packed(meta_keys=('id',), pack_transformed=True)['data_samples']
    assert one.metainfo == {'id': 5}
    assert one.gt_instances.transformed_keypoints.shape == (1, 3, 2)
    mixed = {'heatmaps': np.zeros((3, 8, 8)), 'heatmap_mask': [np.zeros((1, 8, 8))]}
    table = {'heatmap_mask': 'heatmap_mask'}
    with pytest.raises(ValueError, match='heatmap_mask'):
        PackPoseInputs()({**mixed, 'field_mapping_table': table})


@pytest.mark.parametrize('size_wh', [(90, 70), (900, 700)], ids=str)
@pytest.mark.parametrize('channels', [(), (1,), (3,), (4,)], ids=str)
def test_crops_are_those_of_opencv_to_the_bit(size_wh, channels):
    image = np.random.default_rng(4).integers(0, 256, (*size_wh[::-1], *channels), dtype=np.uint8)
    results = {
        'img': image,
        'bbox_center': np.array([[40.0, 30.0]], dtype=np.float32),
        'bbox_scale': np.array([[61.0, 61.0]], dtype=np.float32),
        'bbox_rotation': np.array([23.0], dtype=np.float32),
    }
    found = TopdownAffine(input_size=(64, 48)).transform(results)
    matrix = get_warp_matrix(
        found['input_center'], found['input_scale'], np.float32(23), output_size=(64, 48)
    )
    expected = cv2.warpAffine(image, matrix, (64, 48), flags=cv2.INTER_LINEAR)
    assert np.array_equal(found['img'], expected)
