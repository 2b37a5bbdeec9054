"""LaPa from photographs with text files of points."""

import json

import cv2
import numpy as np
import pytest

from mmpose_lite.cli.convert import main
from mmpose_lite.data_tools.converters import convert_lapa
from mmpose_lite.datasets import LapaDataset
from mmpose_lite.errors import InputError, MissingFileError

COUNTS = {'train': 2, 'val': 1, 'test': 1, 'trainval': 3}
NAMES = {'train': ['10_0', '2_1'], 'val': ['a b'], 'test': ['3']}


def points_of(index):
    """106 points between (20.25, 15.5) and (125.25, 120.5)."""
    steps = np.arange(106)
    return np.stack([20.25 + steps, 15.5 + (steps * 13 + index) % 106], axis=1)


def text_of(points):
    return f'{len(points)}\n' + ''.join(f'{x:.3f} {y:.3f}\n' for x, y in points)


@pytest.fixture
def root(tmp_path):
    root = tmp_path / 'LaPa'
    for part, names in NAMES.items():
        for i, name in enumerate(names):
            for folder in ('images', 'landmarks'):
                (root / part / folder).mkdir(parents=True, exist_ok=True)
            path = root / part / 'images' / f'{name}.jpg'
            cv2.imwrite(str(path), np.zeros((130 + i, 140, 3), np.uint8))
            (root / part / 'landmarks' / f'{name}.txt').write_text(text_of(points_of(i)))
    return root


def landmarks(root, name='10_0'):
    return root / 'train' / 'landmarks' / f'{name}.txt'


def read(root, name):
    return json.loads((root / 'annotations' / f'lapa_{name}.json').read_text())


def test_sets_and_fields(root):
    report = convert_lapa(root, root, expected=COUNTS)
    assert report.is_complete
    assert (report.notes, report.remarks) == ({}, [])
    assert {each.name: each.faces for each in report.sets} == COUNTS
    files = {name: [each['file_name'] for each in read(root, name)['images']] for name in COUNTS}
    train, val = ['train/images/10_0.jpg', 'train/images/2_1.jpg'], ['val/images/a b.jpg']
    assert files == {
        'train': train,
        'val': val,
        'test': ['test/images/3.jpg'],
        'trainval': train + val,
    }
    content = read(root, 'trainval')
    assert content['images'][1] == {
        'id': 1, 'file_name': 'train/images/2_1.jpg', 'height': 131, 'width': 140
    }  # fmt: skip
    face = content['annotations'][1]
    points = np.array(face.pop('keypoints')).reshape(106, 3)
    np.testing.assert_array_equal(points[:, :2], points_of(1))
    assert (points[:, 2] == 2).all()
    assert face == {  # the points' own box, as in MMPose's files
        'image_id': 1, 'id': 1, 'num_keypoints': 106, 'iscrowd': 0, 'category_id': 1,
        'bbox': [20.25, 15.5, 105, 105], 'area': 105 * 105,
    }  # fmt: skip


def test_what_has_no_place_is_reported(root):
    landmarks(root).write_text(text_of(points_of(0)[:105]))
    (root / 'train' / 'images' / '2_1.jpg').unlink()
    (root / 'val' / 'images' / 'a b.jpg').write_bytes(b'')
    cv2.imwrite(str(root / 'test' / 'images' / 'more.jpg'), np.zeros((9, 9, 3), np.uint8))
    report = convert_lapa(root, root, expected=COUNTS)
    assert report.unplaced.keys() == {
        'its file of points cannot be used',
        'its photograph is missing',
        'its photograph cannot be read',
    }
    assert report.notes == {'the photograph has no points': [str(root / 'test/images/more.jpg')]}
    assert [each.faces for each in report.sets] == [0, 0, 1, 0]
    assert not report.is_complete


def test_a_second_photograph_of_a_name_is_noted(root):
    second = root / 'train' / 'images' / '10_0.png'
    cv2.imwrite(str(second), np.zeros((50, 60, 3), np.uint8))
    report = convert_lapa(root, root, expected=COUNTS)
    first = second.with_suffix('.jpg')
    assert report.notes == {
        'several photographs fit, the first is taken': [f'{first}, not {second}']
    }
    assert read(root, 'train')['images'][0]['file_name'] == 'train/images/10_0.jpg'


def test_points_outside_and_turned_photographs_are_noted(root):
    points = points_of(0)
    points[3] = 150, 50
    landmarks(root).write_text(text_of(points))
    turned = cv2.imencode('.jpg', np.zeros((130, 140, 3), np.uint8))[1].tobytes()
    # Orientation 6, in an EXIF block behind the first marker.
    exif = b'Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0'
    block = b'\xff\xe1' + (len(exif) + 2).to_bytes(2, 'big') + exif
    (root / 'test' / 'images' / '3.jpg').write_bytes(turned[:2] + block + turned[2:])
    report = convert_lapa(root, root, expected=COUNTS)
    assert report.notes == {
        'EXIF turns the photograph, points are taken as of its pixels': [
            str(root / 'test' / 'images' / '3.jpg')
        ],
        'a point is outside its photograph, and stays there': ['train/images/10_0 (10_0.txt)'],
    }
    assert report.is_complete


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda text: '', 'line 1 must be 106'),
        (lambda text: text.replace('106', '68', 1), 'line 1 must be 106'),
        (lambda text: text.partition('\n')[2], 'line 1 must be 106'),
        (lambda text: text[: len(text) // 2], 'must hold 106 points, it holds'),
        (lambda text: text + '1 2\n', 'must hold 106 points, it holds 107'),
        (lambda text: text.replace('20.250', 'x'), 'line 2 is not a point'),
        (lambda text: text.replace('20.250', '1 2'), 'line 2 is not a point'),
        (lambda text: text.replace('20.250', 'nan'), 'line 2 is not a finite number'),
        (lambda text: text.replace('20.250', '1e12'), 'line 2 is .* in no image'),
    ],
)
def test_wrong_files_of_points(root, change, message):
    path = landmarks(root)
    path.write_text(change(path.read_text()))
    (found,) = convert_lapa(root, root, COUNTS).unplaced['its file of points cannot be used']
    assert str(path) in found
    with pytest.raises(InputError, match=message):
        raise InputError(found)


def test_windows_lines_and_marks_are_read(root):
    path = landmarks(root)
    text = path.read_text().replace('\n', '\r\n')
    path.write_bytes(b'\xef\xbb\xbf' + text.encode())
    assert convert_lapa(root, root, expected=COUNTS).is_complete


def test_a_folder_of_something_else(tmp_path):
    with pytest.raises(MissingFileError, match='has no train/landmarks'):
        convert_lapa(tmp_path, tmp_path)


def test_the_command_and_where_configs_look(root, tmp_path, capsys):
    counts = [f'{name}={count}' for name, count in COUNTS.items()]
    main(['lapa', '--source', str(root), '--out', str(tmp_path / 'out'), '--expect', *counts])
    printed = capsys.readouterr().out
    assert 'lapa_trainval.json: 3 faces in 3 photographs: as expected' in printed
    assert f"one way to have it there: ln -s '{root}/train' '{root}/val'" in printed


def test_the_published_numbers_are_asked_for_by_default(root, capsys):
    with pytest.raises(SystemExit, match='1'):
        main(['lapa', '--source', str(root), '--out', str(root)])
    printed = capsys.readouterr().out
    for count in (18176, 2000, 20176):
        assert f'NOT the {count} expected' in printed


def test_the_files_are_read_by_the_data_set(root):
    convert_lapa(root, root, expected=COUNTS)
    data = LapaDataset(
        ann_file='annotations/lapa_test.json',
        data_root=str(root),
        data_prefix={'img': ''},
        test_mode=True,
        pipeline=[{'type': 'LoadImage'}],
    )
    (face,) = [data[0]]
    np.testing.assert_array_equal(face['bbox'], [[20.25, 15.5, 125.25, 120.5]])
    np.testing.assert_allclose(face['keypoints'][0], points_of(0))
    assert face['img_shape'] == (130, 140)
