"""COFW from files of MATLAB 7.3 that hold the photographs."""

import json
import os

import cv2
import h5py
import numpy as np
import pytest

from mmpose_lite.data_tools.converters import convert_cofw
from mmpose_lite.datasets.datasets import COFWDataset
from mmpose_lite.errors import InputError, MissingFileError, MissingKeyError

KEYS = {'train': ('IsTr', 'phisTr', 'bboxesTr'), 'test': ('IsT', 'phisT', 'bboxesT')}
COUNTS = {'train': 3, 'test': 2}


def values_of(face):
    """29 x, 29 y, and 29 flags of occlusion."""
    steps = np.arange(29)
    return np.concatenate([20.5 + steps, 30.25 + steps + face, (steps + face) % 5 == 0])


def image_of(face):
    """Smooth levels, so that a JPEG is like them; red is not blue."""
    ramp = np.linspace(0, 200, 80, dtype=np.uint8)[None].repeat(60 + face, axis=0)
    return np.stack([ramp, ramp // 2, np.full_like(ramp, 30)], axis=-1)


def write(path, keys, faces):
    images, points, boxes = keys
    with h5py.File(path, 'w') as file:
        cells = [file.create_dataset(f'#refs#/{i}', data=image_of(i).T) for i in faces]
        file.create_dataset(images, data=np.array([[c.ref for c in cells]], h5py.ref_dtype))
        file[points] = np.stack([values_of(i) for i in faces], axis=1)
        file[boxes] = np.array([[10.0, 20, 40, 50 + i] for i in faces]).T


@pytest.fixture
def cofw(tmp_path):
    write(tmp_path / 'COFW_train_color.mat', KEYS['train'], range(3))
    write(tmp_path / 'COFW_test_color.mat', KEYS['test'], range(3, 5))
    return tmp_path


def read(root, name):
    return json.loads((root / 'annotations' / f'cofw_{name}.json').read_text())


def edit(root, name, change):
    with h5py.File(root / f'COFW_{name}_color.mat', 'r+') as file:
        change(file)


def test_sets_and_fields(cofw):
    report = convert_cofw(cofw, cofw, expected=COUNTS)
    assert report.is_complete
    assert not report.notes
    assert {each.name: each.faces for each in report.sets} == COUNTS
    # Ids count on from the training faces.
    content = read(cofw, 'test')
    assert content['images'] == [
        {'id': 4, 'file_name': '000004.jpg', 'height': 63, 'width': 80},
        {'id': 5, 'file_name': '000005.jpg', 'height': 64, 'width': 80},
    ]
    face = content['annotations'][1]
    points = np.array(face.pop('keypoints')).reshape(29, 3)
    values = values_of(4).reshape(3, 29)
    np.testing.assert_array_equal(points[:, :2], values[:2].T - 1)  # counted from 0
    np.testing.assert_array_equal(points[:, 2], 2 - values[2])
    assert face == {
        'image_id': 5, 'id': 5, 'num_keypoints': 29, 'bbox': [10, 20, 40, 54], 'area': 2160,
        'iscrowd': 0, 'category_id': 1,
    }  # fmt: skip


def test_photographs_are_upright_and_of_their_colours(cofw):
    convert_cofw(cofw, cofw, expected=COUNTS)
    image_rgb = cv2.imread(str(cofw / 'images' / '000002.jpg'))[..., ::-1]
    assert image_rgb.shape == (61, 80, 3)
    assert np.abs(image_rgb.astype(int) - image_of(1)).max() <= 4


def test_grey_photographs(cofw):
    def grey(file):
        del file['#refs#/1']
        file['#refs#/1'] = image_of(1)[..., 0].T
        file[KEYS['train'][0]][0, 1] = file['#refs#/1'].ref

    edit(cofw, 'train', grey)
    assert convert_cofw(cofw, cofw, expected=COUNTS).is_complete
    image = cv2.imread(str(cofw / 'images' / '000002.jpg'))
    assert np.abs(image.astype(int) - image_of(1)[..., :1]).max() <= 4


def test_points_before_the_photograph_become_0(cofw):
    def move(file):
        file[KEYS['train'][1]][0, 1] = -5
        file[KEYS['train'][2]][0, 2] = -3

    edit(cofw, 'train', move)
    report = convert_cofw(cofw, cofw, expected=COUNTS)
    assert report.is_complete
    assert report.notes == {
        'a point or the box begins before the photograph, and becomes 0': [
            'COFW_train_color.mat, face 2', 'COFW_train_color.mat, face 3'
        ]
    }  # fmt: skip
    faces = read(cofw, 'train')['annotations']
    assert faces[1]['keypoints'][:2] == [0, 30.25]
    assert faces[2]['bbox'] == [0, 20, 40, 52]


def test_faces_that_cannot_be_used(cofw):
    def damage(file):
        file[KEYS['train'][1]][3, 0] = np.nan
        file[KEYS['train'][2]][2, 1] = 0
        del file['#refs#/2']
        file['#refs#/2'] = np.zeros((4, 4, 4), np.float32)
        file[KEYS['train'][0]][0, 2] = file['#refs#/2'].ref

    edit(cofw, 'train', damage)
    report = convert_cofw(cofw, cofw, expected=COUNTS)
    assert report.unplaced == {
        'its box or points are not finite numbers, or the box has no area': [
            'COFW_train_color.mat, face 1', 'COFW_train_color.mat, face 2'
        ],
        'its photograph is not an array of levels from 0 to 255': ['COFW_train_color.mat, face 3'],
    }  # fmt: skip
    assert [each.faces for each in report.sets] == [0, 2]
    # Those of the test keep their ids.
    assert [each['id'] for each in read(cofw, 'test')['annotations']] == [4, 5]


def test_wrong_files(cofw):
    def drop(file):
        del file['bboxesT']

    def shorten(file):
        points = file['phisTr'][:86]
        del file['phisTr']
        file['phisTr'] = points

    edit(cofw, 'test', drop)
    with pytest.raises(MissingKeyError, match=r"COFW_test_color\.mat: lacks 'bboxesT'"):
        convert_cofw(cofw, cofw)
    edit(cofw, 'train', shorten)
    with pytest.raises(InputError, match=r"'phisTr' is \(86, 3\) and 'bboxesTr' \(4, 3\), not"):
        convert_cofw(cofw, cofw)
    (cofw / 'COFW_train_color.mat').write_text('hello')
    with pytest.raises(InputError, match=r'COFW_train_color\.mat: no file of MATLAB 7\.3'):
        convert_cofw(cofw, cofw)
    (cofw / 'COFW_train_color.mat').unlink()
    with pytest.raises(MissingFileError, match=r'has no COFW_train_color\.mat'):
        convert_cofw(cofw, cofw)


def test_the_files_are_read_by_the_data_set(cofw):
    convert_cofw(cofw, cofw, expected=COUNTS)
    data = COFWDataset(
        ann_file='annotations/cofw_test.json',
        data_root=str(cofw),
        data_prefix={'img': 'images/'},
        test_mode=True,
        pipeline=[{'type': 'LoadImage'}],
    )
    assert len(data) == 2
    # Whole in a photograph of 80 x 64, but for the last row.
    np.testing.assert_array_equal(data[1]['bbox'], [[10, 20, 50, 63]])
    assert data[1]['keypoints_visible'].sum() == 29  # occluded points count
    assert data[1]['img'].shape == (64, 80, 3)


def put(file, key, value=None, **kwargs):
    if key in file:
        del file[key]
    return file.create_dataset(key, data=value, **kwargs)


def external(file, key, at):
    put(file, key, shape=(87, 3), dtype='f8', external=[(str(at), 0, 87 * 3 * 8)])


def virtual(file, key, at):
    del file[key]
    layout = h5py.VirtualLayout((87, 3), 'f8')
    layout[:] = h5py.VirtualSource(str(at), 'x', (87, 3))
    file.create_virtual_dataset(key, layout)


def link(file, key, at):
    del file[key]
    file[key] = at


WRONG_FIELDS = {
    'a group': (lambda f, k, at: (f.__delitem__(k), f.create_group(k)), 'is not an array'),
    'a type': (lambda f, k, at: link(f, k, np.dtype('f8')), 'is not an array'),
    'a link to nothing': (lambda f, k, at: link(f, k, h5py.SoftLink('/none')), 'is a link'),
    'a link to another file': (lambda f, k, at: link(f, k, h5py.ExternalLink(at, 'x')), 'a link'),
    'a link to a pipe': (lambda f, k, at: link(f, k, h5py.ExternalLink(f'{at}.p', 'x')), 'a link'),
    'storage elsewhere': (external, 'in another file'),
    'parts of other files': (virtual, 'in another file'),
    'text': (lambda f, k, at: put(f, k, np.full((87, 3), b'a')), 'does not hold real numbers'),
    'texts': (lambda f, k, at: put(f, k, np.full((87, 3), 'a', object)), 'not hold real numbers'),
    'references': (lambda f, k, at: put(f, k, shape=(87, 3), dtype=h5py.ref_dtype), 'real numbers'),
    'one number': (lambda f, k, at: put(f, k, 3.0), r"'phisTr' is \(\)"),
    'nothing': (lambda f, k, at: put(f, k, h5py.Empty('f8')), "'phisTr'"),
    'no end': (lambda f, k, at: put(f, k, shape=(87, 2**40), chunks=(87, 9), dtype='f8'), 'bytes'),
    'no end, packed': (
        lambda f, k, at: put(f, k, shape=(87, 2**40), chunks=(87, 9), dtype='f8', compression=9),
        'declares',
    ),
    'another filter': (
        lambda f, k, at: put(f, k, np.ones((87, 3)), chunks=(87, 3), compression='lzf'),
        'filter',
    ),
}


@pytest.mark.parametrize('kind', WRONG_FIELDS)
def test_a_field_of_another_kind_is_named(cofw, kind):
    """None is followed into another file, and no room is made for what is not there."""
    other = cofw / 'other.h5'
    with h5py.File(other, 'w') as file:
        file['x'] = np.ones((87, 3))
    os.mkfifo(f'{other}.p')
    change, message = WRONG_FIELDS[kind]
    edit(cofw, 'train', lambda file: change(file, 'phisTr', other))
    with pytest.raises(InputError, match=rf"COFW_train_color\.mat: 'phisTr'.*{message}|{message}"):
        convert_cofw(cofw, cofw, expected=COUNTS)


def test_packed_fields_are_read(cofw):
    def pack(file):
        for key in KEYS['train'][1:]:
            put(file, key, file[key][()], compression=4, shuffle=True, fletcher32=True)

    edit(cofw, 'train', pack)
    assert convert_cofw(cofw, cofw, expected=COUNTS).is_complete


def refer(file, to):
    file[KEYS['train'][0]][0, 1] = to


LEFT_OUT = {
    'null': lambda f: refer(f, h5py.Reference()),
    'group': lambda f: refer(f, f['#refs#'].ref),
    'empty': lambda f: refer(f, put(f, '#refs#/1', np.zeros((3, 0, 0), np.uint8)).ref),
    'none': lambda f: refer(f, put(f, '#refs#/1', h5py.Empty('u1')).ref),
    'one': lambda f: refer(f, put(f, '#refs#/1', np.uint8(3)).ref),
    'long': lambda f: refer(f, put(f, '#refs#/1', np.zeros((1, 70000), np.uint8)).ref),
    'floats': lambda f: refer(f, put(f, '#refs#/1', np.zeros((3, 9, 9))).ref),
    'references': lambda f: refer(f, f[KEYS['train'][0]].ref),
}


@pytest.mark.parametrize('kind', LEFT_OUT)
def test_a_photograph_that_is_none_is_left_out(cofw, kind):
    edit(cofw, 'train', LEFT_OUT[kind])
    report = convert_cofw(cofw, cofw, expected=COUNTS)
    assert report.unplaced == {
        'its photograph is not an array of levels from 0 to 255': ['COFW_train_color.mat, face 2']
    }


def test_a_photograph_comes_from_no_other_file(cofw):
    """Nor is one made of a few bytes."""
    (cofw / 'secret').write_bytes(bytes(range(27)))
    shape = {'shape': (3, 3, 3), 'dtype': 'u1', 'external': [(str(cofw / 'secret'), 0, 27)]}
    edit(cofw, 'train', lambda file: refer(file, put(file, '#refs#/1', **shape).ref))
    with pytest.raises(InputError, match=r"color\.mat: 'IsTr', face 2: .* in another file"):
        convert_cofw(cofw, cofw, expected=COUNTS)
    assert not (cofw / 'images' / '000002.jpg').exists()
    huge = {'shape': (3, 16000, 16000), 'dtype': 'u1', 'chunks': (3, 100, 100)}
    edit(cofw, 'train', lambda file: refer(file, put(file, '#refs#/1', **huge).ref))
    with pytest.raises(InputError, match=r"'IsTr', face 2: declares 768000000 bytes, and 0 are"):
        convert_cofw(cofw, cofw, expected=COUNTS)


def test_references_must_be_some(cofw):
    edit(cofw, 'train', lambda file: put(file, 'IsTr', np.ones((1, 3))))
    with pytest.raises(InputError, match=r"'IsTr' does not hold references"):
        convert_cofw(cofw, cofw, expected=COUNTS)


def test_a_box_beyond_every_image_is_left_out(cofw):
    edit(cofw, 'train', lambda file: file[KEYS['train'][2]].__setitem__((2, 1), 1e308))
    report = convert_cofw(cofw, cofw, expected=COUNTS)
    assert [*report.unplaced.values()] == [['COFW_train_color.mat, face 2']]
