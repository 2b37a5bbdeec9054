"""Reading and the validation pipeline on two faces, against MMPose's record."""

import json

import numpy as np
import pytest
from mmengine.dataset import Compose

from helpers.golden import table
from helpers.seeding import wavy_image
from mmpose_lite.apis import load_config
from mmpose_lite.datasets import AFLWDataset
from mmpose_lite.registry import TRANSFORMS

CONFIG = 'configs/face_2d_keypoint/topdown_heatmap/aflw/td-hm_hrnetv2-w18_8xb64-60e_aflw-256x256.py'


@pytest.fixture(scope='module')
def recorded():
    return table('pipeline_val.json')


@pytest.fixture
def dataset(recorded, tmp_path):
    path = tmp_path / 'test.json'
    path.write_text(json.dumps(recorded['annotation']))
    return AFLWDataset(ann_file=str(path), test_mode=True)


@pytest.mark.parametrize('index', [0, 1])
def test_face(recorded, dataset, index):
    wanted, given = recorded['results'][index], dataset.get_data_info(index)
    for key, value in wanted['parsed'].items():
        np.testing.assert_allclose(given[key], value, rtol=1e-6)
    image = recorded['annotation']['images'][index]
    given['img'] = wavy_image(recorded['image_seed'], image['height'], image['width'])
    steps = load_config(CONFIG).val_dataloader.dataset.pipeline[:-1]
    after = Compose([TRANSFORMS.build(step) for step in steps])(given)
    for key in ('input_center', 'input_scale', 'transformed_keypoints'):
        np.testing.assert_allclose(after[key], wanted[key], atol=1e-3)
    pixels = after['img'][::16, ::16].astype(int)
    assert np.abs(pixels - np.array(wanted['img_16'])).max() <= 1
