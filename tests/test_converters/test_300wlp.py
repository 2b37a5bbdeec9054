"""300W-LP from views of photographs and files of MATLAB."""

import json
from shutil import copyfile

import cv2
import numpy as np
import pytest
from scipy.io import savemat

from mmpose_lite.cli.convert import main
from mmpose_lite.data_tools.converters import convert_300wlp, face_300wlp
from mmpose_lite.datasets import Face300WLPDataset
from mmpose_lite.errors import InputError, MissingFileError

FOLDERS = {'train': 'train', 'valid': 'val', 'test': 'test'}
# Of names as the release has them.
VIEWS = {
    'AFW_134212_1_0': 'AFW_134212',
    'AFW_134212_2_12': 'AFW_134212',
    'HELEN_1000466985_1_17': 'HELEN_1000466985',
    'IBUG_image_003_1_0': 'IBUG_image_003',
    'LFPW_image_test_0001_0': 'LFPW_image_test_0001',
    'LFPW_image_train_0812_15': 'LFPW_image_train_0812',
    'other': 'other',
}
COUNTS = {'train': 20, 'valid': 2, 'test': 2, 'afw': 6, 'helen': 6, 'ibug': 6, 'lfpw': 6}


def points_of(index):
    """68 points between (20.25, 15.5) and (87.25, 82.5)."""
    steps = np.arange(68)
    return np.stack([20.25 + steps, 15.5 + (steps * 13 + index) % 68], axis=1)


@pytest.fixture
def root(tmp_path):
    """Three photographs of each source in two views, and a mirrored one."""
    root = tmp_path / '300W_LP'
    for source in ('AFW', 'HELEN', 'IBUG', 'LFPW'):
        for i in range(6):
            name = f'{source}_image_{i // 2 + 2:02d}_1_{i % 2}'
            for folder in (root / source, root / f'{source}_Flip', root / 'landmarks' / source):
                folder.mkdir(parents=True, exist_ok=True)
            for folder in (source, f'{source}_Flip'):
                image = np.zeros((90 + i, 100, 3), np.uint8)
                cv2.imwrite(str(root / folder / f'{name}.jpg'), image)
            points = {'pts_2d': points_of(i), 'pts_3d': points_of(i) + 5}
            savemat(root / 'landmarks' / source / f'{name}_pts.mat', points)
    return root


def file_of(root, source='AFW', number=0):
    return root / 'landmarks' / source / f'{source}_image_{number + 2:02d}_1_0_pts.mat'


def read(out, name):
    return json.loads((out / 'annotations' / f'face_landmarks_300wlp_{name}.json').read_text())


def test_sets_and_fields(root, tmp_path):
    out = tmp_path / 'out'
    report = convert_300wlp(root, out, expected=COUNTS)
    assert report.is_complete
    assert report.notes == {}
    assert {each.name: each.faces for each in report.sets} == COUNTS
    faces = {}
    for name, folder in FOLDERS.items():
        content = read(out, name)
        for image, face in zip(content['images'], content['annotations'], strict=True):
            link = out / folder / image['file_name']
            source = image['file_name'].partition('_')[0]
            assert link.samefile(root / source / image['file_name'])
            faces[image['file_name']] = (name, image, face)
    assert len(faces) == 24
    name, image, face = faces['HELEN_image_03_1_1.jpg']
    assert (image['height'], image['width']) == (93, 100)
    points = np.array(face.pop('keypoints')).reshape(68, 3)
    np.testing.assert_array_equal(points[:, :2], points_of(3))  # of the photograph, not in space
    assert (points[:, 2] == 2).all()
    assert face['bbox'] == [20.25, 15.5, 67, 67]
    assert (face['num_keypoints'], face['area']) == (68, 67 * 67)


def test_all_views_of_a_photograph_are_in_one_set_whatever_else_is_there(root, tmp_path):
    def sets(out):
        convert_300wlp(root, out, expected={})
        return {image['file_name']: name for name in FOLDERS for image in read(out, name)['images']}

    found = sets(tmp_path / 'one')
    assert set(found.values()) == set(FOLDERS)
    for name, part in found.items():
        assert found[name.replace('_1_1.', '_1_0.')] == part
    for path in (root / 'AFW').iterdir():
        path.unlink()
    fewer = sets(tmp_path / 'two')
    assert fewer == {name: part for name, part in found.items() if not name.startswith('AFW')}


def test_all_faces_of_a_photograph_are_in_one_set(root, tmp_path):
    """AFW_134212_1_0 and AFW_134212_2_0 are of two faces of a photograph."""
    for path in sorted(root.rglob('*_1_0*')):
        copyfile(path, path.with_name(path.name.replace('_1_0', '_2_0')))
    convert_300wlp(root, tmp_path / 'out', expected={})
    found = {
        image['file_name']: name
        for name in FOLDERS
        for image in read(tmp_path / 'out', name)['images']
    }
    firsts = [name for name in found if '_1_0' in name]
    assert len(firsts) == 12
    assert all(found[name] == found[name.replace('_1_0', '_2_0')] for name in firsts)


def test_a_photograph_is_known_by_its_name():
    assert {view: face_300wlp.photograph_of(view) for view in VIEWS} == VIEWS


def test_again_into_the_same_folder(root, tmp_path):
    out = tmp_path / 'out'
    convert_300wlp(root, out, expected=COUNTS)
    name = read(out, 'valid')['images'][0]['file_name']
    target = out / 'val' / name
    target.unlink()
    target.symlink_to('nowhere')
    assert convert_300wlp(root, out, expected=COUNTS).is_complete
    copy = target.read_bytes()
    target.unlink()
    target.write_bytes(copy)  # as where there are no links
    assert convert_300wlp(root, out, expected=COUNTS).is_complete


def test_a_file_of_another_s_is_left_alone(root, tmp_path):
    name = 'AFW_image_02_1_0.jpg'
    targets = [tmp_path / 'out' / folder / name for folder in FOLDERS.values()]
    for target in targets:
        target.parent.mkdir(parents=True)
        target.write_bytes(b'another')
    with pytest.raises(InputError, match=f'other files are where views .*{name}; move'):
        convert_300wlp(root, tmp_path / 'out', expected=COUNTS)
    assert [target.read_bytes() for target in targets] == [b'another'] * 3
    assert len(list((tmp_path / 'out').rglob('*.*'))) == 3


def test_a_second_photograph_of_a_name_is_noted(root, tmp_path):
    first = root / 'AFW' / 'AFW_image_02_1_0.jpg'
    second = root / 'AFW' / '0' / first.name
    second.parent.mkdir()
    copyfile(first, second)
    report = convert_300wlp(root, tmp_path / 'out', expected=COUNTS)
    assert report.is_complete
    assert report.notes == {
        'several photographs fit, the first is taken': [f'{first}, not {second}']
    }


def test_where_links_cannot_be_the_views_are_copied(root, tmp_path, monkeypatch):
    def refuse(*args):
        raise OSError('no links here')

    monkeypatch.setattr('pathlib.Path.symlink_to', refuse)
    out = tmp_path / 'out'
    convert_300wlp(root, out, expected=COUNTS)
    image = read(out, 'test')['images'][0]
    copied = out / 'test' / image['file_name']
    assert not copied.is_symlink()
    assert cv2.imread(str(copied)).shape[:2] == (image['height'], image['width'])


def test_the_folder_above_will_do(root, tmp_path):
    assert convert_300wlp(root.parent, tmp_path / 'out', expected=COUNTS).is_complete


def test_what_has_no_place_is_reported(root, tmp_path):
    file_of(root).unlink()
    (root / 'IBUG' / 'IBUG_image_02_1_0.jpg').write_bytes(b'')
    report = convert_300wlp(root, tmp_path / 'out', expected={**COUNTS, 'lfpw': 7})
    assert {reason: len(names) for reason, names in report.unplaced.items()} == {
        'its file of points cannot be used': 1,
        'its photograph cannot be read': 1,
    }
    assert not report.is_complete
    assert sum(each.faces for each in report.sets[:3]) == 22
    assert any('LFPW: 6 faces in 3 photographs: NOT the 7 expected' in x for x in report.lines())


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ({'pts_3d': points_of(0)}, "lacks 'pts_2d'"),
        ({'pts_2d': points_of(0).T}, r'must be \(68, 2\) numbers: \(2, 68\)'),
        ({'pts_2d': points_of(0)[:67]}, r'must be \(68, 2\)'),
        ({'pts_2d': np.full((68, 2), np.nan)}, 'not a finite number'),
        ({'pts_2d': np.full((68, 2), 'a')}, r'must be \(68, 2\)'),
    ],
)
def test_wrong_files_of_points(root, tmp_path, content, message):
    savemat(file_of(root), content)
    report = convert_300wlp(root, tmp_path / 'out', expected=COUNTS)
    (found,) = report.unplaced['its file of points cannot be used']
    assert str(file_of(root)) in found
    with pytest.raises(InputError, match=message):
        raise InputError(found)


def test_a_file_that_ends_early_is_named(root, tmp_path):
    path = file_of(root)
    path.write_bytes(path.read_bytes()[:300])
    report = convert_300wlp(root, tmp_path / 'out', expected=COUNTS)
    assert str(path) in report.unplaced['its file of points cannot be used'][0]


def test_a_folder_of_something_else(tmp_path):
    for folder in (tmp_path, tmp_path / 'none'):
        with pytest.raises(MissingFileError, match='has no folder of 300W-LP'):
            convert_300wlp(folder, tmp_path)


def test_the_command_asks_for_the_published_views(root, tmp_path, capsys):
    with pytest.raises(SystemExit, match='1'):
        main(['300wlp', '--source', str(root), '--out', str(tmp_path / 'out')])
    printed = capsys.readouterr().out
    for count in (5207, 37676, 1786, 16556):
        assert f'NOT the {count} expected' in printed


def test_the_files_are_read_by_the_data_set(root, tmp_path):
    out = tmp_path / 'out'
    convert_300wlp(root, out, expected=COUNTS)
    data = Face300WLPDataset(
        ann_file='annotations/face_landmarks_300wlp_valid.json',
        data_root=str(out),
        data_prefix={'img': 'val/'},
        test_mode=True,
        pipeline=[{'type': 'LoadImage'}],
    )
    assert len(data) == COUNTS['valid']
    assert data[0]['img'].shape[:2] == data[0]['img_shape']
