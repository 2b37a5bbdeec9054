"""An engineer's way: a trained model in a program, and its results in what others read."""

import json

import numpy as np
import pytest
from PIL import Image

from mmpose_lite.apis import inference_topdown, init_model, to_coco_results
from mmpose_lite.datasets.coco_api import COCO


@pytest.fixture
def faces(face_set):
    """The annotations of the faces that the model has learnt, with their photographs."""
    content = json.loads((face_set / 'annotations/face_landmarks_aflw_train.json').read_text())
    return list(zip(content['images'], content['annotations'], strict=True))


def corners(face):
    (x, y), half = face['center'], face['box_size'] / 2
    return [x - half, y - half, x + half, y + half]


def test_photographs_in_and_results_out(tiny_config, trained, face_set, faces, tmp_path):
    model = init_model(tiny_config, trained.checkpoint, device='cpu')
    results, errors = [], []
    for image, face in faces:
        photo = Image.open(face_set / 'images' / image['file_name'])
        (found,) = inference_topdown(model, photo, [corners(face)])
        truth = np.reshape(face['keypoints'], (19, 3))[:, :2]
        distances = np.linalg.norm(found.pred_instances.keypoints[0] - truth, axis=1)
        errors.append(distances.mean() / face['box_size'])
        results += to_coco_results([found], image_id=image['id'])
    assert np.mean(errors) < 0.1  # of the box; a shape that is no face has several times as much

    path = tmp_path / 'results.json'
    path.write_text(json.dumps(results))
    truth = COCO(face_set / 'annotations/face_landmarks_aflw_train.json')
    again = truth.loadRes(str(path))
    assert len(again.getAnnIds()) == len(faces)
