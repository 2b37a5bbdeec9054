"""Models in other people's programs."""

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmpose_lite.apis import inference_topdown, init_model, load_config
from mmpose_lite.apis.inference import dataset_meta_from_config

BOX = [20.0, 10.0, 90.0, 80.0]


@pytest.fixture(scope='module')
def model(tiny_config, trained):
    return init_model(tiny_config, str(trained.checkpoint), device='cpu')


@pytest.fixture(scope='module')
def photo(face_set):
    return str(face_set / 'images' / 'face1.png')


def points(samples):
    return np.concatenate([sample.pred_instances.keypoints for sample in samples])


def test_model_is_ready(model):
    assert not model.training
    assert model.dataset_meta['dataset_name'] == 'aflw'
    assert model.cfg.model.head.out_channels == 19


def test_an_image_and_its_file_give_the_same(model, photo):
    by_file = inference_topdown(model, photo, [BOX])
    by_pixels = inference_topdown(model, cv2.imread(photo), [BOX])
    assert by_file[0].pred_instances.keypoints.shape == (1, 19, 2)
    np.testing.assert_array_equal(points(by_file), points(by_pixels))
    assert by_file[0].img_path == photo


def test_boxes_in_any_form(model, photo):
    one = points(inference_topdown(model, photo, [BOX]))
    xywh = [20.0, 10.0, 70.0, 70.0]
    np.testing.assert_array_equal(
        points(inference_topdown(model, photo, [xywh], bbox_format='xywh')), one
    )
    np.testing.assert_array_equal(points(inference_topdown(model, photo, np.array([BOX]))), one)
    with pytest.raises(ValueError, match='cxcywh'):
        inference_topdown(model, photo, [BOX], bbox_format='cxcywh')


def test_a_face_does_not_depend_on_the_others(model, photo):
    boxes = [[20.0 + i, 10.0, 90.0 + i, 80.0] for i in range(3)]
    together = inference_topdown(model, photo, boxes)
    alone = [inference_topdown(model, photo, [box])[0] for box in boxes]
    np.testing.assert_allclose(points(together), points(alone), atol=1e-3)
    assert [sample.gt_instances.bboxes[0].tolist() for sample in together] == boxes


def test_without_boxes_the_whole_image_is_the_face(model, photo):
    height, width = cv2.imread(photo).shape[:2]
    whole = points(inference_topdown(model, photo, [[0, 0, width, height]]))
    np.testing.assert_array_equal(points(inference_topdown(model, photo)), whole)
    np.testing.assert_array_equal(points(inference_topdown(model, photo, [])), whole)


def test_a_broken_photograph_is_named(model, tmp_path):
    (tmp_path / 'broken.jpg').write_bytes(b'no image')
    with pytest.raises(ValueError, match=r'broken\.jpg'):
        inference_topdown(model, tmp_path / 'broken.jpg')


def test_weights_without_a_run_are_taken(tiny_config, trained, tmp_path, model, photo):
    """A bare state dict, as other programs save it; the config describes the points."""
    bare = tmp_path / 'bare.pth'
    torch.save(torch.load(trained.checkpoint, weights_only=True)['state_dict'], bare)
    other = init_model(tiny_config, str(bare), device='cpu')
    assert other.dataset_meta['num_keypoints'] == 19
    wanted = points(inference_topdown(model, photo, [BOX]))
    np.testing.assert_array_equal(points(inference_topdown(other, photo, [BOX])), wanted)


def test_options_and_forms_of_a_config(tiny_config):
    options = {'model.test_cfg.flip_test': False}
    by_file = init_model(str(tiny_config), device='cpu', cfg_options=options)
    by_config = init_model(load_config(tiny_config), device='cpu', cfg_options=options)
    assert by_file.test_cfg['flip_test'] is by_config.test_cfg['flip_test'] is False
    with pytest.raises(TypeError, match='dict'):
        init_model({'model': {}})


def test_weights_that_do_not_fit_are_refused(tiny_config, trained):
    options = {'model.head.out_channels': 5}
    with pytest.raises(ValueError, match=r'head\.final_layer\.bias'):
        init_model(tiny_config, str(trained.checkpoint), device='cpu', cfg_options=options)


def test_points_of_a_config(tiny_config):
    cfg = load_config(tiny_config)
    assert dataset_meta_from_config(cfg)['num_keypoints'] == 19
    own = {'dataset_name': 'own', 'num_keypoints': 3, 'flip_indices': [0, 2, 1]}
    cfg.test_dataloader.dataset.metainfo = own
    assert dataset_meta_from_config(cfg, 'test')['dataset_name'] == 'own'
    with pytest.raises(ValueError, match='training'):
        dataset_meta_from_config(cfg, 'training')
    with pytest.raises(ValueError, match='test_dataloader'):
        dataset_meta_from_config(Config(), 'test')
