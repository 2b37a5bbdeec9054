"""Adapting weights to other annotators: the map is fitted, stored, loaded and applied."""

import json

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from helpers.turned import write_turned
from mmpose_lite.apis import adapt, inference_topdown, init_model
from mmpose_lite.apis.adaptation import PredictedFaces, pixel_offset
from mmpose_lite.cli import adapt as command
from mmpose_lite.data_tools.converters import convert_labels
from mmpose_lite.data_tools.converters.own_config import known_points
from mmpose_lite.errors import InputError

BOX = [20.0, 10.0, 90.0, 80.0]


@pytest.fixture(scope='module')
def annotations(face_set):
    return face_set / 'annotations' / 'face_landmarks_aflw_train.json'


@pytest.fixture(scope='module')
def adapted(trained, tiny_config, annotations, tmp_path_factory):
    out = tmp_path_factory.mktemp('adapted') / 'mine.pth'
    return adapt(str(trained.checkpoint), annotations, out, tiny_config, device='cpu')


def test_points_come_nearer_to_the_annotations(adapted, annotations):
    assert adapted.faces == len(json.loads(annotations.read_text())['annotations'])
    assert adapted.after < adapted.before


def test_loaded_weights_map_their_points(adapted, trained, tiny_config, face_set):
    photo = str(face_set / 'images' / 'face1.png')
    before = init_model(tiny_config, str(trained.checkpoint), device='cpu')
    after = init_model(tiny_config, adapted.path, device='cpu')
    for key, tensor in before.state_dict().items():
        torch.testing.assert_close(after.state_dict()[key], tensor)
    (plain,) = inference_topdown(before, photo, [BOX])
    (mapped,) = inference_topdown(after, photo, [BOX])
    corner, side = plain.input_center - plain.input_scale / 2, plain.input_scale
    expected = after.label_map.apply((plain.pred_instances.keypoints - corner) / side)
    np.testing.assert_allclose(mapped.pred_instances.keypoints, expected * side + corner, atol=1e-3)
    assert np.abs(mapped.pred_instances.keypoints - plain.pred_instances.keypoints).max() > 0.1


def test_adapting_adapted_weights_starts_from_the_network(
    adapted, tiny_config, annotations, tmp_path
):
    again = adapt(adapted.path, annotations, tmp_path / 'again.pth', tiny_config, device='cpu')
    assert again[:3] == pytest.approx(adapted[:3])


def test_annotations_may_count_pixels_from_one(
    adapted, trained, tiny_config, annotations, tmp_path
):
    weights, out = str(trained.checkpoint), tmp_path / 'one.pth'
    one = adapt(weights, annotations, out, tiny_config, device='cpu', first_pixel=1)
    assert one.before != adapted.before
    cfg = Config.fromfile(tiny_config)
    cfg.test_dataloader.dataset.first_pixel = 1  # is of that data set, not of these annotations
    cfg.dump(tmp_path / 'config.py')
    zero = adapt(weights, annotations, out, tmp_path / 'config.py', device='cpu')
    assert zero.before == adapted.before


def test_turned_photographs_give_the_errors_of_upright_ones(
    trained, tiny_config, annotations, face_set, tmp_path
):
    content = json.loads(annotations.read_text())
    content['categories'] = [{'id': 1, 'name': 'face', 'keypoints': known_points('aflw')}]
    labels = tmp_path / 'labels.json'
    labels.write_text(json.dumps(content))
    done = []
    for orientations in ([1] * 8, range(1, 9)):
        photos = tmp_path / f'photos{orientations[-1]}'
        for orientation, image in zip(orientations, content['images'], strict=True):
            upright = cv2.imread(str(face_set / 'images' / image['file_name']))
            write_turned(photos / image['file_name'], upright, orientation)
        convert_labels('coco', labels, photos, tmp_path / 'set')
        faces, out = tmp_path / 'set' / 'faces.json', tmp_path / 'mine.pth'
        done.append(adapt(str(trained.checkpoint), faces, out, tiny_config, photos, device='cpu'))
    upright, turned = done
    assert turned[:3] == pytest.approx(upright[:3])


def shifted_faces(pixels=0.0, share=0.0):
    """Faces of 30 to 300 px, annotated beside the predictions by pixels or a share of the box."""
    rng = np.random.default_rng(0)
    sides = np.geomspace(30, 300, 40)[:, None]
    predicted = rng.uniform(0.2, 0.8, (40, 3, 2))
    off = pixels / sides + share + rng.normal(0, 0.005, (40, 2))
    annotated = predicted + off[:, None]
    crops = np.repeat(sides, 2, axis=1)
    return PredictedFaces(predicted, annotated, np.ones(40), np.ones((40, 3)), crops)


def test_one_pixel_is_told_from_shares_of_the_box_and_from_other_shifts():
    assert pixel_offset(shifted_faces(pixels=1.0)) == pytest.approx((1, 1), abs=0.3)
    assert pixel_offset(shifted_faces()) is None
    assert pixel_offset(shifted_faces(share=0.009)) is None  # of 109 px, the mean
    assert pixel_offset(shifted_faces(pixels=0.4)) is None
    assert pixel_offset(shifted_faces(pixels=-1.0)) is None
    assert pixel_offset(shifted_faces(pixels=np.array([1.0, 0.0]))) is None


def test_too_few_faces_are_refused(trained, tiny_config, annotations, tmp_path):
    content = json.loads(annotations.read_text())
    content['annotations'] = content['annotations'][:4]
    few = annotations.with_name('few.json')
    few.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r'few\.json.*4 faces have all points, and 5'):
        adapt(str(trained.checkpoint), few, tmp_path / 'x.pth', tiny_config, device='cpu')
    assert not (tmp_path / 'x.pth').exists()


def test_damaged_map_is_refused_by_name(adapted, tiny_config, tmp_path):
    content = torch.load(adapted.path, weights_only=True)
    content['meta']['label_map']['offset'] = [0.0]
    del content['meta']['mmpose_lite']
    torch.save(content, tmp_path / 'damaged.pth')
    with pytest.raises(InputError, match=r'damaged\.pth.*label_map'):
        init_model(tiny_config, str(tmp_path / 'damaged.pth'), device='cpu')


def test_command_says_what_it_gained(trained, tiny_config, annotations, tmp_path, capsys):
    out = tmp_path / 'mine.pth'
    arguments = ['--config', str(tiny_config), '--out', str(out), '--device', 'cpu']
    command.main([str(trained.checkpoint), str(annotations), *arguments])
    printed = capsys.readouterr().out
    assert 'of faces that the map was not fitted to' in printed
    assert out.is_file()


def test_missing_annotations_are_named(trained, tiny_config, tmp_path):
    with pytest.raises(InputError, match=r"annotations '.*none\.json' are not a file"):
        adapt(str(trained.checkpoint), tmp_path / 'none.json', tmp_path / 'x.pth', tiny_config)
    assert Config.fromfile(tiny_config).test_dataloader
