"""AFLW from each form in which it is passed on, and each fault that such a source can have."""

import json

import numpy as np
import pytest

from mmpose_lite.data_tools.converters import convert_aflw
from mmpose_lite.datasets import AFLWDataset
from mmpose_lite.errors import InputError, MissingFileError

COUNTS = {'train': 7, 'test': 3, 'test_frontal': 2}
# MMPose's fields, and the two that its files have beside COCO's.
FIELDS = {
    'image_id', 'id', 'keypoints', 'num_keypoints', 'bbox', 'iscrowd', 'area', 'category_id',
    'center', 'scale', 'box_size',
}  # fmt: skip


def convert(aflw, expected=COUNTS, **sources):
    return convert_aflw(aflw.images, aflw.out, expected=expected, **sources)


def read(aflw, name, prefix='aflw'):
    path = aflw.out / 'annotations' / f'face_landmarks_{prefix}_{name}.json'
    return json.loads(path.read_text())


def by_place(content):
    images = {image['id']: image['file_name'] for image in content['images']}
    return {(images[each['image_id']], *each['center']): each for each in content['annotations']}


def test_mat_gives_mmposes_fields(aflw):
    report = convert(aflw, mat=aflw.mat())
    assert report.is_complete
    assert [(each.name, each.faces, each.images) for each in report.sets] == [
        ('train', 7, 6), ('test', 3, 3), ('test_frontal', 2, 2)
    ]  # fmt: skip
    content = read(aflw, 'train')
    category = {'supercategory': 'person', 'id': 1, 'name': 'face', 'keypoints': [], 'skeleton': []}
    assert content['categories'] == [category]
    # The second face of a photograph keeps its row as id, the photograph has the first one's.
    images = {image['file_name']: image for image in content['images']}
    assert images['flickr/0/image00011.jpg'] == {
        'id': 1, 'file_name': 'flickr/0/image00011.jpg', 'height': 300, 'width': 400
    }  # fmt: skip
    assert [(each['id'], each['image_id']) for each in content['annotations']] == [
        (0, 0), (1, 1), (2, 1), (3, 3), (4, 4), (5, 5), (6, 6)
    ]  # fmt: skip
    for name in COUNTS:
        assert all(set(each) == {*FIELDS, 'visibility'} for each in read(aflw, name)['annotations'])
    first = content['annotations'][0]
    assert first['iscrowd'] == 0
    assert first['category_id'] == 1
    assert first['num_keypoints'] == 19
    points = np.array(first['keypoints']).reshape(19, 3)
    np.testing.assert_array_equal(points[:, :2], aflw.faces[9].points)
    assert (points[:, 2] == 1).all()


def test_the_two_faces_of_mmposes_tests(aflw):
    convert(aflw, mat=aflw.mat())
    faces = by_place(read(aflw, 'test'))
    large = faces['flickr/2/image22568.jpg', 449.0, 321.0]
    small = faces['flickr/2/image04476.jpg', 166.0, 185.0]
    assert (large['scale'], large['box_size']) == (1.81, 362.0)
    assert (small['scale'], small['box_size']) == (0.64, 128.0)
    sizes = {
        each['file_name']: (each['width'], each['height']) for each in read(aflw, 'test')['images']
    }
    assert sizes['flickr/2/image22568.jpg'] == (853, 1280)
    assert sizes['flickr/2/image04476.jpg'] == (439, 500)
    assert small['visibility'] == [0, 1, 1, 1, 1, 0, *[1] * 13]


def test_bbox_is_the_points_box_and_a_tenth_clipped(aflw):
    data = np.array([face.points.T.ravel() for face in aflw.faces])
    corners = np.array([[100, 50], *[[200, 100]] * 17, [300, 250]], float)  # 200 x 200
    data[9] = corners.T.ravel()
    data[7] = (corners - (90, 45)).T.ravel()  # from (10, 5): a tenth does not fit
    convert(aflw, mat=aflw.mat(data=data))
    face = read(aflw, 'train')['annotations'][0]
    assert face['bbox'] == [80, 30, 240, 240]
    assert face['area'] == 240 * 240
    assert read(aflw, 'test')['annotations'][2]['bbox'] == [0, 0, 230, 225]


def test_csv_and_mat_give_the_same(aflw):
    convert(aflw, mat=aflw.mat())
    from_mat = {name: read(aflw, name) for name in COUNTS}
    report = convert(aflw, csv=aflw.csv())
    assert report.is_complete
    for name in COUNTS:
        content = read(aflw, name)
        assert content['images'] == from_mat[name]['images']
        for one, other in zip(content['annotations'], from_mat[name]['annotations'], strict=True):
            assert other.pop('visibility')
            assert one == other
            assert set(one) == FIELDS


def test_boxes_stay_unclipped_and_are_counted(aflw):
    report = convert(aflw, mat=aflw.mat())
    leaving = report.notes['the box leaves its photograph, and stays as it is']
    assert [each.split()[0] for each in leaving] == ['0/image00010.jpg', '3/image00013.png']
    face = by_place(read(aflw, 'train'))['flickr/0/image00010.jpg', 47.5, 70.5]
    assert (face['box_size'], face['scale']) == (101, 0.505)


def test_the_files_are_read_by_the_data_set(aflw):
    convert(aflw, mat=aflw.mat(), sqlite=aflw.sqlite())
    data = AFLWDataset(
        ann_file='annotations/face_landmarks_aflw_test.json',
        data_root=str(aflw.out),
        data_prefix={'img': 'images/'},
        test_mode=True,
        subsets={'frontal': 'annotations/face_landmarks_aflw_test_frontal.json'},
    )
    assert [data.get_data_info(i)['subsets'] for i in range(3)] == [(), ('frontal',), ('frontal',)]
    np.testing.assert_array_equal(data.get_data_info(1)['bbox'], [[268, 140, 630, 502]])


def test_wrong_extensions_are_found_and_counted(aflw):
    for name, other in (('0/image00015.jpg', '.png'), ('3/image00013.png', '.JPG')):
        aflw.photo(name).rename(aflw.photo(name).with_suffix(other))
    report = convert(aflw, mat=aflw.mat())
    assert report.is_complete
    found = report.notes['the photograph has another extension']
    assert found == ['0/image00015.jpg: image00015.png', '3/image00013.png: image00013.JPG']
    names = {each['file_name'] for each in read(aflw, 'train')['images']}
    assert {'flickr/0/image00015.png', 'flickr/3/image00013.JPG'} <= names


def test_of_two_extensions_that_of_the_list_is_taken(aflw):
    aflw.photo('3/image00013.jpg').write_bytes(aflw.photo('3/image00014.jpg').read_bytes())
    report = convert(aflw, mat=aflw.mat())
    assert set(report.notes) == {'the box leaves its photograph, and stays as it is'}
    names = {each['file_name'] for each in read(aflw, 'train')['images']}
    assert 'flickr/3/image00013.png' in names


def test_missing_and_broken_photographs(aflw):
    aflw.photo('0/image00011.jpg').unlink()
    aflw.photo('2/image04476.jpg').write_bytes(b'no image')
    report = convert(aflw, mat=aflw.mat())
    assert not report.is_complete
    assert report.unplaced == {
        'its photograph is missing': [
            '0/image00011.jpg (AFLWinfo_release.mat, row 4)',
            '0/image00011.jpg (AFLWinfo_release.mat, row 5)',
        ],
        'its photograph cannot be read': ['2/image04476.jpg (AFLWinfo_release.mat, row 2)'],
    }
    assert [(each.faces, each.is_complete) for each in report.sets] == [
        (5, False), (2, False), (2, True)
    ]  # fmt: skip
    # The others keep the ids of their rows.
    assert [each['id'] for each in read(aflw, 'train')['annotations']] == [0, 3, 4, 5, 6]
    text = '\n'.join(report.lines(max_names=1))
    assert 'face_landmarks_aflw_train.json: 5 faces in 5 photographs: NOT the 7 expected' in text
    assert 'NOT placed: 2 times: its photograph is missing' in text
    assert 'and 1 more' in text


def test_a_photograph_in_two_places(aflw):
    copy = aflw.images / 'more' / 'flickr' / '3' / 'image00014.jpg'
    copy.parent.mkdir(parents=True)
    copy.write_bytes(b'not this')
    report = convert(aflw, mat=aflw.mat())
    assert report.is_complete
    assert report.notes['several photographs fit, the first is taken'] == ['3/image00014.jpg']


def test_a_header_longer_than_the_first_read(aflw):
    path = aflw.photo('3/image00014.jpg')
    content = path.read_bytes()
    comment = b'\xff\xfe\xff\xff' + bytes(65533)
    path.write_bytes(content[:2] + 2 * comment + content[2:])
    assert convert(aflw, mat=aflw.mat()).is_complete
    size = [each for each in read(aflw, 'test')['images'] if each['file_name'].endswith('14.jpg')]
    assert (size[0]['width'], size[0]['height']) == (400, 300)


def test_photographs_elsewhere_are_told_how_to_get_in_place(aflw):
    assert convert(aflw, mat=aflw.mat()).remarks == []
    other = aflw.root / 'release' / 'photos'
    other.parent.mkdir()
    (aflw.images / 'flickr').rename(other)
    report = convert_aflw(other.parent, aflw.out, mat=aflw.mat(), expected=COUNTS)
    target = aflw.out / 'images' / 'flickr'
    assert report.remarks[0].endswith(f"mkdir -p '{target.parent}' && ln -s '{other}' '{target}'")
    assert report.is_complete


def test_other_numbers_are_told(aflw):
    report = convert(aflw, mat=aflw.mat(), expected={**COUNTS, 'test': 4})
    assert not report.is_complete
    assert [each.is_complete for each in report.sets] == [True, False, True]
    # The number of training faces also splits.
    report = convert(aflw, mat=aflw.mat(), expected={'train': 6, 'test': 4, 'test_frontal': 2})
    assert [each.faces for each in report.sets] == [6, 4, 3]
    assert [each.is_complete for each in report.sets] == [True, True, False]


def test_faces_without_numbers_and_boxes_that_are_no_squares(aflw):
    bbox = np.array([[x, x + s, y, y + s] for x, y, s in aflw.rects], float)
    bbox[7, 3] += 10
    data = np.array([face.points.T.ravel() for face in aflw.faces])
    data[3, 5] = np.nan
    report = convert(aflw, mat=aflw.mat(bbox=bbox, data=data), sqlite=aflw.sqlite())
    assert [each.faces for each in report.sets] == [6, 3, 2]
    (lost,) = report.unplaced['its box or points are not finite numbers, or in no image']
    assert lost.startswith('row 4 of ')
    (note,) = report.notes['the box is not a square, the longer side counts']
    assert note == '3/image00014.jpg (AFLWinfo_release.mat, row 8)'
    face = by_place(read(aflw, 'test'))['flickr/3/image00014.jpg', 50.0, 55.0]
    assert face['box_size'] == 90
    assert face['face_id'] == 107  # joined by the corner that the mat names


@pytest.mark.parametrize(
    'sources', [(), ('mat', 'csv'), ('csv', 'sqlite'), ('mat', 'csv', 'sqlite')]
)
def test_sources_that_do_not_go_together(aflw, sources):
    with pytest.raises(InputError, match='name one source'):
        convert(aflw, **dict.fromkeys(sources, 'x'))


def test_photographs_that_are_nowhere(aflw, tmp_path):
    with pytest.raises(MissingFileError, match=r"images='.*no' is not a folder"):
        convert_aflw(tmp_path / 'no', aflw.out, mat=aflw.mat(), expected=COUNTS)
    (tmp_path / 'empty').mkdir()
    with pytest.raises(MissingFileError, match=r"none of 9 photographs .* '0/image00016\.jpg'"):
        convert_aflw(tmp_path / 'empty', aflw.out, mat=aflw.mat(), expected=COUNTS)
