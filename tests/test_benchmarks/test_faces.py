"""The photographs that both sides work on."""

import json
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from benchmarks.faces import ANNOTATIONS, LARGE, MIXED, SMALL, make_face_set, render
from mmpose_lite.registry import DATASETS
from mmpose_lite.utils import register_all_modules

TRAIN, TEST = 11, 5


def read(root, split='train'):
    return json.loads((root / ANNOTATIONS.format(split)).read_text())


@pytest.fixture(scope='module')
def rendered(tmp_path_factory):
    return render(tmp_path_factory.mktemp('rendered') / 'faces', photographs=4)


@pytest.fixture(scope='module', params=[SMALL, LARGE], ids=lambda form: form.name)
def faces(request, rendered, tmp_path_factory):
    root = tmp_path_factory.mktemp('faces')
    described = make_face_set(rendered, root, request.param, TRAIN, TEST)
    return SimpleNamespace(root=root, form=request.param, described=described, rendered=rendered)


def test_photographs_have_their_size(faces):
    for image in read(faces.root)['images']:
        pixels = cv2.imread(str(faces.root / 'images' / image['file_name']))
        assert pixels.shape[:2] == (image['height'], image['width'])
        assert pixels.shape[0] * pixels.shape[1] / 1e6 == pytest.approx(
            faces.form.megapixels, rel=0.01
        )
    assert faces.described['megapixels'] == pytest.approx(faces.form.megapixels, rel=0.01)


def test_sizes_take_turns(rendered, tmp_path):
    make_face_set(rendered, tmp_path, MIXED, TRAIN, TEST)
    images = read(tmp_path)['images']
    sizes = [image['height'] * image['width'] / 1e6 for image in images]
    different = len(read(rendered)['images'])
    expected = [(0.2, 1.1)[i % different % 2] for i in range(len(sizes))]
    assert sizes == pytest.approx(expected, rel=0.01)
    assert MIXED.name == '0.2 and 1.1 MP'


def test_there_are_as_many_faces_as_asked_each_with_its_own_id(faces):
    for split, count in (('train', TRAIN), ('test', TEST)):
        content = read(faces.root, split)
        assert len({face['id'] for face in content['annotations']}) == count
        names = [image['file_name'] for image in content['images']]
        assert len(set(names)) == len(names)


def test_frontal_faces_are_test_faces(faces):
    frontal = read(faces.root, 'test_frontal')['annotations']
    test = read(faces.root, 'test')['annotations']
    assert frontal == [face for face in test if all(face['visibility'])]


def test_points_follow_the_pixels(faces):
    before, after = read(faces.rendered), read(faces.root)
    sizes = []
    for old, new in zip(before['annotations'], after['annotations'][:4], strict=True):
        name = next(i['file_name'] for i in before['images'] if i['id'] == old['image_id'])
        picture = patch(faces.rendered / 'images' / name, old, 1)
        zoom = new['box_size'] / old['box_size']
        name = next(i['file_name'] for i in after['images'] if i['id'] == new['image_id'])
        photograph = patch(faces.root / 'images' / name, new, zoom)
        assert np.abs(picture - photograph).mean() < 12
        sizes.append(zoom)
    assert max(sizes) <= faces.form.zoom


def patch(path, face, zoom):
    """Cut out the box of the outermost points and scale it to 32x32."""
    points = np.array(face['keypoints']).reshape(-1, 3)[:, :2] / zoom
    image = cv2.imread(str(path))
    image = cv2.resize(image, None, fx=1 / zoom, fy=1 / zoom, interpolation=cv2.INTER_AREA)
    low, high = points.min(axis=0).astype(int), points.max(axis=0).astype(int)
    low = np.maximum(low, 0)
    inside = image[low[1] : high[1], low[0] : high[0]]
    return cv2.resize(inside, (32, 32), interpolation=cv2.INTER_AREA).astype(float)


def test_the_data_set_reads_them(faces):
    register_all_modules(init_default_scope=False)
    dataset = DATASETS.build(
        {
            'type': 'AFLWDataset',
            'data_root': str(faces.root),
            'ann_file': ANNOTATIONS.format('train'),
            'data_prefix': {'img': 'images/'},
        }
    )
    assert len(dataset) == TRAIN
