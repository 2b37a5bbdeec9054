"""Faces of one photograph, and a model that knows them by heart."""

import json

import numpy as np
import pytest

from mmpose_lite.inference import Landmarker


@pytest.fixture(scope='session')
def landmarker(tiny_config, trained):
    return Landmarker(tiny_config, trained.checkpoint, detector=None, device='cpu', batch=4)


@pytest.fixture(scope='session')
def boxes_of(face_set):
    """Boxes xyxy of the training faces by the names of their photographs."""
    path = face_set / 'annotations' / 'face_landmarks_aflw_train.json'
    content = json.loads(path.read_text(encoding='utf-8'))
    names = {image['id']: image['file_name'] for image in content['images']}
    return {
        names[each['image_id']]: np.array(
            [[c - s for c in each['center']] + [c + s for c in each['center']]], np.float32
        )
        for each in content['annotations']
        for s in [each['scale'] * 100]
    }


@pytest.fixture(scope='session')
def photographs(face_set):
    return [str(face_set / 'images' / f'face{i}.png') for i in range(5)]


@pytest.fixture
def rng():
    return np.random.default_rng(7)
