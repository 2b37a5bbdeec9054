"""300W from photographs with .pts files beside them."""

import json

import cv2
import numpy as np
import pytest

from mmpose_lite.data_tools.converters import convert_300w
from mmpose_lite.datasets.datasets import Face300WDataset
from mmpose_lite.errors import InputError

COUNTS = {'train': 4, 'valid': 3, 'valid_common': 2, 'valid_challenge': 1, 'test': 2}
# In the order of the sets; one of iBUG's names has a space.
FILES = [
    'afw/b_1.jpg', 'helen/trainset/a_1.jpg', 'helen/trainset/b_1.jpg', 'lfpw/trainset/image_1.png',
    'helen/testset/c_1.jpg', 'lfpw/testset/image_1.png', 'ibug/image_092 _01.jpg',
    'Test/01_Indoor/indoor_001.png', 'Test/02_Outdoor/outdoor_001.png',
]  # fmt: skip
HEAD = 'version: 1\nn_points:  68\n{\n'


def points_of(index):
    """68 points between (20.25, 30.5) and (87.25, 97.5)."""
    steps = np.arange(68)
    return np.stack([20.25 + steps, 30.5 + (steps * 13 + index) % 68], axis=1)


def pts(points):
    return HEAD + ''.join(f'{x:.3f} {y:.3f}\n' for x, y in points) + '}\n'


@pytest.fixture
def images(tmp_path):
    root = tmp_path / '300w' / 'images'
    for i, name in enumerate(FILES):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.zeros((90 + i, 200, 3), np.uint8))
        path.with_suffix('.pts').write_text(pts(points_of(i)))
    return root


def read(images, name):
    path = images.parent / 'annotations' / f'face_landmarks_300w_{name}.json'
    return json.loads(path.read_text())


def test_sets_and_fields(images):
    report = convert_300w(images, images.parent, expected=COUNTS)
    assert report.is_complete
    assert set(report.notes) == {'the box leaves its photograph, and stays as it is'}
    assert not report.remarks
    assert {each.name: each.faces for each in report.sets} == COUNTS
    listed = {name: [each['file_name'] for each in read(images, name)['images']] for name in COUNTS}
    assert listed == {
        'train': FILES[:4],
        'valid': FILES[4:7],
        'valid_common': FILES[4:6],
        'valid_challenge': FILES[6:7],
        'test': FILES[7:],
    }
    content = read(images, 'valid')
    assert content['images'][1] == {
        'id': 1, 'file_name': FILES[5], 'height': 95, 'width': 200
    }  # fmt: skip
    face = content['annotations'][1]
    points = np.array(face.pop('keypoints')).reshape(68, 3)
    np.testing.assert_array_equal(points[:, :2], points_of(5))  # not moved
    assert (points[:, 2] == 1).all()
    # floor and ceil: 20 to 88 and 30 to 98; a tenth of 67 beside, the image is 95 high
    bbox = face.pop('bbox')
    np.testing.assert_allclose(bbox, [13.55, 23.8, 80.4, 71.2])
    assert face == {
        'image_id': 1, 'id': 1, 'num_keypoints': 68, 'iscrowd': 0, 'category_id': 1,
        'area': bbox[2] * bbox[3], 'center': [54.0, 64.0], 'scale': 0.34,
    }  # fmt: skip


def test_what_has_no_place_is_reported(images):
    broken = images / FILES[0]
    broken.with_suffix('.pts').write_text(pts(points_of(0)[:67]))
    (images / FILES[4]).unlink()
    (images / FILES[6]).write_bytes(b'')
    (images / FILES[1]).with_suffix('.pts').unlink()
    (images / 'other').mkdir()
    (images / 'other' / 'x.pts').write_text(pts(points_of(0)))
    report = convert_300w(images, images.parent, expected=COUNTS)
    assert {reason: len(names) for reason, names in report.unplaced.items()} == {
        'its file of points cannot be used': 1,
        'its photograph is missing': 1,
        'its photograph cannot be read': 1,
    }
    assert 'must hold 68 points' in report.unplaced['its file of points cannot be used'][0]
    assert report.notes['the file of points is in none of the folders of 300W'] == [
        str(images / 'other' / 'x.pts')
    ]
    # Those of the broken file and of the missing one.
    assert len(report.notes['the photograph has no points']) == 2
    assert [each.faces for each in report.sets] == [2, 1, 1, 0, 2]
    assert not report.is_complete


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', 'has no points between braces'),
        (HEAD + '1 2\n', 'has no points between braces'),
        (HEAD.replace('68', '67') + pts(points_of(0)).partition('{')[2], r'\[67, 68\]'),
        (HEAD + '1 2\n3 x\n}', 'a line is not a point'),
        (HEAD + '1 2\n3\n}', 'a line is not a point'),
        (HEAD + '1 2 3\n' * 68 + '}', 'must hold 68 points'),
        (HEAD + 'nan 2\n' * 68 + '}', 'not a finite number'),
    ],
)
def test_wrong_files_of_points(images, text, message):
    (images / FILES[2]).with_suffix('.pts').write_text(text)
    report = convert_300w(images, images.parent, expected=COUNTS)
    (found,) = report.unplaced['its file of points cannot be used']
    assert FILES[2].removesuffix('.jpg') in found
    with pytest.raises(InputError, match=message):
        raise InputError(found)


def test_windows_lines_and_marks_are_read(images):
    text = pts(points_of(2)).replace('\n', '\r\n')
    (images / FILES[2]).with_suffix('.pts').write_bytes(b'\xef\xbb\xbf' + text.encode())
    assert convert_300w(images, images.parent, expected=COUNTS).is_complete


def test_a_folder_without_points(tmp_path):
    with pytest.raises(InputError, match=r'there are no \.pts files'):
        convert_300w(tmp_path, tmp_path)


def test_the_files_are_read_by_the_data_set(images):
    convert_300w(images, images.parent, expected=COUNTS)
    data = Face300WDataset(
        ann_file='annotations/face_landmarks_300w_valid.json',
        data_root=str(images.parent),
        data_prefix={'img': 'images/'},
        test_mode=True,
        pipeline=[{'type': 'LoadImage'}],
    )
    assert len(data) == 3
    face = data[1]
    np.testing.assert_array_equal(face['bbox'], [[20, 30, 88, 98]])
    np.testing.assert_allclose(face['keypoints'][0], points_of(5))
    assert face['img_shape'] == (95, 200)
