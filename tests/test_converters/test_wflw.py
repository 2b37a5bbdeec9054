"""WFLW from its lists with attributes."""

import json

import cv2
import numpy as np
import pytest

from mmpose_lite.data_tools.converters import convert_wflw
from mmpose_lite.datasets.datasets import WFLWDataset
from mmpose_lite.errors import InputError, MissingFileError

# pose, expression, illumination, make-up, occlusion, blur
TEST = {'2--X/a.jpg': '100001', '2--X/b.jpg': '010000', '3--Y/c.jpg': '101110'}
TRAIN = {'0--Z/one.jpg': '000000', '0--Z/two.jpg': '111111'}
COUNTS = {
    'train': 2, 'test': 3, 'test_largepose': 2, 'test_expression': 1, 'test_illumination': 1,
    'test_makeup': 1, 'test_occlusion': 1, 'test_blur': 1,
}  # fmt: skip


def points_of(index):
    steps = np.arange(98)
    return np.stack([10.5 + steps, 20.25 + (steps * 11 + index) % 98 * 2], axis=1)


def line(index, name, flags):
    values = ' '.join(f'{value:.6f}' for value in points_of(index).ravel())
    return f'{values} 1 2 103 204 {" ".join(flags)} {name}\n'


@pytest.fixture
def wflw(tmp_path):
    root = tmp_path / 'wflw'
    lists = root / 'WFLW_annotations' / 'list_98pt_rect_attr_train_test'
    lists.mkdir(parents=True)
    for split, faces in (('train', TRAIN), ('test', TEST)):
        text = ''.join(line(i, name, flags) for i, (name, flags) in enumerate(faces.items()))
        (lists / f'list_98pt_rect_attr_{split}.txt').write_text(text)
        for name in faces:
            path = root / 'images' / name
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), np.zeros((240, 120, 3), np.uint8))
    return root


def convert(root, **options):
    return convert_wflw(root / 'images', root, root, **{'expected': COUNTS, **options})


def read(root, name):
    return json.loads((root / 'annotations' / f'face_landmarks_wflw_{name}.json').read_text())


def test_sets_and_fields(wflw):
    report = convert(wflw)
    assert report.is_complete
    assert {each.name: each.faces for each in report.sets} == COUNTS
    assert [each['file_name'] for each in read(wflw, 'test_largepose')['images']] == [
        '2--X/a.jpg', '3--Y/c.jpg'
    ]  # fmt: skip
    content = read(wflw, 'test_makeup')
    assert content['images'] == [{'id': 0, 'file_name': '3--Y/c.jpg', 'height': 240, 'width': 120}]
    face = content['annotations'][0]
    points = np.array(face.pop('keypoints')).reshape(98, 3)
    np.testing.assert_array_equal(points[:, :2], points_of(2))
    # floor and ceil: 10 to 108 and 20 to 215; a tenth beside, clipped to 120 x 240
    np.testing.assert_allclose(face.pop('bbox'), [0.8, 0.85, 116.4, 232.8])
    assert face.pop('area') == pytest.approx(116.4 * 232.8)
    assert face == {
        'image_id': 0, 'id': 0, 'num_keypoints': 98, 'iscrowd': 0, 'category_id': 1,
        'center': [59.0, 117.5], 'scale': 0.975, 'rect': [1, 2, 103, 204], 'largepose': 1,
        'expression': 0, 'illumination': 1, 'makeup': 1, 'occlusion': 1, 'blur': 0,
    }  # fmt: skip


def test_several_faces_of_a_photograph(wflw):
    path = next(wflw.rglob('*_attr_train.txt'))
    path.write_text(path.read_text() + line(5, '0--Z/one.jpg', '000000'))
    assert convert(wflw, expected={**COUNTS, 'train': 3}).is_complete
    content = read(wflw, 'train')
    assert [(each['id'], each['image_id']) for each in content['annotations']] == [
        (0, 0), (1, 1), (2, 0)
    ]  # fmt: skip
    assert len(content['images']) == 2


@pytest.mark.parametrize(
    ('split', 'kind', 'number'),
    [('train', 'the face is listed twice', 3), ('test', 'the face is in train and in test', 4)],
)
def test_faces_that_are_there_again_are_counted(wflw, split, kind, number):
    path = next(wflw.rglob(f'*_attr_{split}.txt'))
    path.write_text(path.read_text() + line(0, '0--Z/one.jpg', '000000'))
    before = 'list_98pt_rect_attr_train.txt, line 1'
    assert convert(wflw).notes[kind] == [f'0--Z/one.jpg ({before}; {path.name}, line {number})']


def test_missing_photographs_and_other_extensions(wflw):
    (wflw / 'images' / '2--X' / 'a.jpg').unlink()
    path = wflw / 'images' / '2--X' / 'b.jpg'
    path.rename(path.with_suffix('.png'))
    report = convert(wflw)
    assert report.unplaced == {
        'its photograph is missing': ['2--X/a.jpg (list_98pt_rect_attr_test.txt, line 1)']
    }
    assert report.notes['the photograph has another extension'] == ['2--X/b.jpg: b.png']
    assert not report.is_complete


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda text: text.replace(' 1 2 103 204 ', ' 1 2 103 '), 'line 1 must have 206 numbers'),
        (lambda text: text.replace('10.500000', 'ten', 1), "line 1: could not convert .* 'ten'"),
        (lambda text: text.replace('10.500000', 'inf', 1), 'line 1: numbers must be finite'),
        (lambda text: text.replace('1 1 1 1 1 1', '1 1 3 1 1 1'), 'line 2: .* attributes 0 or 1'),
    ],
)
def test_wrong_lines(wflw, change, message):
    path = next(wflw.rglob('*_attr_train.txt'))
    path.write_text(change(path.read_text()))
    with pytest.raises(InputError, match=rf'list_98pt_rect_attr_train\.txt: {message}'):
        convert(wflw)


def test_lists_that_are_not_there(wflw):
    next(wflw.rglob('*_attr_test.txt')).unlink()
    with pytest.raises(MissingFileError, match=r'one list_98pt_rect_attr_test\.txt, it holds 0'):
        convert(wflw)


def test_the_files_are_read_by_the_data_set(wflw):
    convert(wflw)
    data = WFLWDataset(
        ann_file='annotations/face_landmarks_wflw_test.json',
        data_root=str(wflw),
        data_prefix={'img': 'images/'},
        test_mode=True,
        subsets={'blur': 'annotations/face_landmarks_wflw_test_blur.json'},
        pipeline=[{'type': 'LoadImage'}],
    )
    assert [data[i]['subsets'] for i in range(3)] == [('blur',), (), ()]
    np.testing.assert_array_equal(data[2]['bbox'], [[-38.5, 20, 156.5, 215]])
    np.testing.assert_allclose(data[2]['keypoints'][0], points_of(2))
