"""Boxes, warp matrices and metainfo against MMPose's whole tables."""

import cv2
import numpy as np
import pytest

from helpers.golden import table
from helpers.seeding import wavy_image
from mmpose_lite.structures import parse_pose_metainfo
from mmpose_lite.structures.bbox import bbox_xyxy2cs, get_udp_warp_matrix, get_warp_matrix


@pytest.fixture(scope='module')
def recorded():
    return table('geometry.npz')


@pytest.mark.parametrize('index', range(12))
def test_warp(recorded, index):
    box = [recorded[name][index] for name in ('center', 'scale', 'rot')]
    plain, udp = recorded['warp'][index], recorded['warp_udp'][index]
    matrix = get_warp_matrix(*box, output_size=(256, 256))
    np.testing.assert_allclose(matrix, plain, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(get_udp_warp_matrix(*box, (256, 256)), udp, rtol=1e-6, atol=1e-6)
    image = wavy_image(int(recorded['image_seed']), 480, 520)
    warped = cv2.warpAffine(image, matrix, (256, 256), flags=cv2.INTER_LINEAR)[::8, ::8]
    assert np.abs(warped.astype(int) - recorded['warped'][index]).max() <= 1


def test_center_and_scale(recorded):
    center, scale = bbox_xyxy2cs(recorded['xyxy'], padding=1.25)
    np.testing.assert_allclose(center, recorded['cs_center_pad125'], rtol=1e-6)
    np.testing.assert_allclose(scale, recorded['cs_scale_pad125'], rtol=1e-6)


def test_metainfo():
    wanted = table('metainfo_aflw.json')
    meta = parse_pose_metainfo({'from_file': 'configs/_base_/datasets/aflw.py'})
    assert meta['num_keypoints'] == wanted['num_keypoints']
    assert meta['flip_indices'] == wanted['flip_indices']
    assert sorted(meta['flip_pairs']) == sorted(map(tuple, wanted['flip_pairs']))
    for key in ('dataset_keypoint_weights', 'sigmas'):
        assert meta[key].tolist() == wanted[key]
