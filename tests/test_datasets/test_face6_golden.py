"""The data of MMPose's other face configs, number by number."""

import json

import numpy as np
import pytest

from helpers.golden import table
from helpers.seeding import wavy_image
from mmpose_lite.datasets import GenerateTarget, HalpeDataset, KeypointConverter, YOLOXHSVRandomAug
from mmpose_lite.datasets.samplers import SampleIndex
from mmpose_lite.evaluation import NME
from mmpose_lite.structures import parse_pose_metainfo

SETTINGS = table('zoo/settings.json')
METAINFO = table('zoo/metainfo.json.gz')


def describe(name):
    return parse_pose_metainfo({'from_file': f'configs/_base_/datasets/{name}.py'})


@pytest.mark.parametrize('name', METAINFO)
def test_descriptions(name):
    ours = describe(name)
    for key, theirs in METAINFO[name].items():
        if key == 'flip_pairs':
            assert sorted(ours[key]) == sorted(map(tuple, theirs))
        else:
            np.testing.assert_array_equal(ours[key], theirs, err_msg=key)


@pytest.mark.parametrize('kind', SETTINGS['converters'])
def test_converted_points_labels_and_weights(kind):
    recorded = {
        key.removeprefix(f'{kind}_'): value
        for key, value in table('zoo/converters.npz').items()
        if key.startswith(f'{kind}_')
    }
    arguments = {**SETTINGS['converters'][kind]}
    arguments.pop('type')
    sample = {
        'keypoints': recorded['keypoints'],
        'keypoints_visible': recorded['visible'],
        'dataset_name': kind,
        'dataset_keypoint_weights': describe('lapa')['dataset_keypoint_weights'],
    }
    sample = KeypointConverter(**arguments)(sample)
    np.testing.assert_allclose(sample['keypoints'], recorded['out'], atol=1e-4)
    np.testing.assert_array_equal(sample['keypoints_visible'], recorded['out_visible'])
    codec = {'type': 'SimCCLabel', **SETTINGS['simcc']['config']}
    sample = GenerateTarget(codec, use_dataset_keypoint_weights=True)(sample)
    np.testing.assert_array_equal(
        sample['keypoint_weights'], np.float32(recorded['target_weights'])
    )
    np.testing.assert_allclose(
        sample['keypoint_x_labels'][:, ::8, ::8], recorded['target_x'], atol=1e-4
    )


def test_annotations_of_halpe(tmp_path):
    faces = table('zoo/halpe.json.gz')
    images = {face['image']['id']: face['image'] for face in faces}
    content = {
        'images': list(images.values()),
        'annotations': [face['annotation'] for face in faces],
        'categories': [{'id': 1, 'name': 'person'}],
    }
    (tmp_path / 'three.json').write_text(json.dumps(content))
    data = HalpeDataset(ann_file='three.json', data_root=str(tmp_path), data_prefix={'img': ''})
    assert len(data) == len(faces)
    for sample, face in zip(data, faces, strict=True):
        for key, value in face['parsed'].items():
            np.testing.assert_allclose(sample[key], value, atol=1e-4, err_msg=key)


@pytest.mark.parametrize('name', ['hue', 'saturation', 'value'])
def test_images_after_every_gain(name):
    recorded, image = table('zoo/transform_hsv.npz'), wavy_image(900, 24, 24)
    assert recorded['image_seed'] == 900
    after = {each.tobytes() for each in recorded[f'{name}_images']}
    none = dict.fromkeys(('hue_delta', 'saturation_delta', 'value_delta'), 0)
    step = YOLOXHSVRandomAug(**{**none, f'{name}_delta': SETTINGS['hsv'][name]})
    unchanged = recorded[f'{name}_images'][recorded[f'{name}_gains'] == 0].tobytes()
    zeros = 0
    for i in range(400):
        drawn = step({'img': image, 'rng': SampleIndex(i, 0, 0).rng()})['img'][::3, ::3].tobytes()
        assert drawn in after
        zeros += drawn == unchanged
    share = recorded['zero_share'][['hue', 'saturation', 'value'].index(name)]
    assert abs(zeros / 400 - share) < 0.1


def test_nme_by_lapas_eye_corners():
    recorded = table('zoo/training.npz')
    metric = NME('keypoint_distance')
    metric.dataset_meta = describe('lapa')
    faces = zip(*(recorded[f'nme_{key}'] for key in ('gt', 'pred', 'mask')), strict=True)
    samples = [
        {
            'id': i,
            'gt_instances': {'keypoints': gt[None], 'keypoints_visible': mask[None]},
            'pred_instances': {'keypoints': pred[None]},
        }
        for i, (gt, pred, mask) in enumerate(faces)
    ]
    metric.process(None, samples)
    assert metric.evaluate(len(samples))['NME'] == pytest.approx(recorded['nme_lapa'], abs=1e-6)
