"""AFLW's own release: alone, and as the source of pose and attributes."""

import json
import sqlite3
from contextlib import closing

import numpy as np
import pytest

from mmpose_lite.data_tools.converters import convert_aflw
from mmpose_lite.datasets import AFLWDataset
from mmpose_lite.errors import InputError, MissingFileError

COUNTS = {'train': 7, 'test': 3, 'test_frontal': 2}


def read(aflw, name):
    return json.loads((aflw.out / 'annotations' / f'face_landmarks_{name}.json').read_text())


def convert(aflw, **sources):
    return convert_aflw(aflw.images, aflw.out, expected=COUNTS, **sources)


def by_id(content):
    return {each['face_id']: each for each in content['annotations']}


def test_alone_it_gives_visible_points_under_a_name_of_their_own(aflw):
    report = convert(aflw, sqlite=aflw.sqlite())
    assert [(each.name, each.faces, each.expected) for each in report.sets] == [('all', 10, None)]
    assert report.name == 'aflw-visible'
    assert any('NOT comparable with published' in remark for remark in report.remarks)
    assert not list((aflw.out / 'annotations').glob('*aflw_*'))
    content = read(aflw, 'aflw-visible_all')
    assert content['info']['set'] == 'aflw-visible'
    assert 'NOT comparable' in content['info']['warning']
    face = by_id(content)[101]
    points = np.array(face['keypoints']).reshape(19, 3)
    seen = [k for k in range(19) if k not in (0, 5)]
    np.testing.assert_array_equal(points[seen, :2], aflw.faces[1].points[seen])
    assert (points[seen, 2] == 1).all()
    np.testing.assert_array_equal(points[[0, 5]], 0)
    assert face['num_keypoints'] == 17
    assert face['visibility'] == points[:, 2].tolist()
    assert (face['center'], face['scale'], face['box_size']) == ([166, 185], 0.64, 128)
    # The box is about the points that can be seen.
    low = aflw.faces[1].points[seen].min(axis=0)
    assert face['bbox'][0] > low[0] - 20
    assert {key: face[key] for key in ('sex', 'glasses', 'occluded', 'yaw', 'pitch', 'roll')} == {
        'sex': 'm', 'glasses': 1, 'occluded': 0, 'yaw': 1.01, 'pitch': -0.5, 'roll': 0.25
    }  # fmt: skip


def test_the_data_set_reads_what_can_be_seen(aflw):
    convert(aflw, sqlite=aflw.sqlite())
    data = AFLWDataset(
        ann_file='annotations/face_landmarks_aflw-visible_all.json',
        data_root=str(aflw.out),
        data_prefix={'img': 'images/'},
        test_mode=True,
    )
    assert len(data) == 10
    assert data.get_data_info(1)['keypoints_visible'].sum() == 17
    # A lone point has no box of its own.
    lone = by_id(read(aflw, 'aflw-visible_all'))[105]
    assert lone['num_keypoints'] == 1
    assert lone['bbox'] == [90, 90, 120, 120]


def test_a_list_names_the_test_faces(aflw, tmp_path):
    names = tmp_path / 'test.txt'
    names.write_text('100\n0/image00011.png,200,40\n\n 0/image00010.jpg, -3, 20\n')
    report = convert(aflw, sqlite=aflw.sqlite(), test_list=names)
    assert [(each.name, each.faces) for each in report.sets] == [
        ('train', 7), ('test', 3), ('test_frontal', 3)
    ]  # fmt: skip
    assert set(by_id(read(aflw, 'aflw-visible_test'))) == {100, 104, 102}
    for text, message in (
        ('7', "line 1: the sqlite has no face '7'"),
        ('\n0/image00011.jpg,1,2', 'line 2: the sqlite has no face'),
        ('hello', "line 1: 'hello' is neither a face_id nor filepath,x,y"),
        ('a,b', "line 1: 'a,b' is neither"),
        ('0/image00011.jpg,inf,2', 'line 1: .* is neither'),
    ):
        names.write_text(text)
        with pytest.raises(InputError, match=message):
            convert(aflw, sqlite=aflw.sqlite(), test_list=names)
    with pytest.raises(InputError, match='--test-list is for --sqlite alone'):
        convert(aflw, mat=aflw.mat(), test_list=names)
    with pytest.raises(InputError, match='cannot be read'):
        convert(aflw, sqlite=aflw.sqlite(), test_list=tmp_path / 'none.txt')


def test_faces_that_have_no_place(aflw):
    path = aflw.sqlite(
        'DELETE FROM FaceRect WHERE face_id = 103',
        'UPDATE FaceRect SET w = 0 WHERE face_id = 104',
        'DELETE FROM FeatureCoords WHERE face_id = 107 AND feature_id NOT IN (13, 17)',
    )
    report = convert(aflw, sqlite=path)
    assert report.unplaced == {
        'it has no rectangle': [
            '0/image00011.jpg (face_id 103)', '0/image00011.jpg (face_id 104)'
        ],
        'none of its 19 points can be seen': ['3/image00014.jpg (face_id 107)'],
    }  # fmt: skip
    assert report.sets[0].faces == 7
    assert not report.is_complete


def test_rows_that_stand_there_twice(aflw):
    path = aflw.sqlite(
        "INSERT INTO FaceImages (db_id, file_id, filepath) VALUES ('flickr', 'image00012.jpg', "
        "'9/image00012.jpg')",
        "INSERT INTO FaceImages (db_id, file_id, filepath) VALUES ('other', 'image00013.png', "
        "'9/image00013.png')",  # of another source: no repetition
        'INSERT INTO FaceRect VALUES (106, 1, 1, 9, 9, 0)',
        'INSERT INTO FeatureCoords VALUES (107, 21, 1.5, 2.5, 7)',
        'INSERT INTO FeatureCoords VALUES (999, 21, 1.5, 2.5, 0)',  # of no face
        'INSERT INTO FacePose VALUES (107, 9, 9, 9, 0)',
        "DELETE FROM FaceImages WHERE file_id = 'image00015.jpg'",
    )
    report = convert(aflw, sqlite=path)
    assert {kind: len(names) for kind, names in report.notes.items()} == {
        'the photograph is listed twice': 1,
        'FaceImages lacks the photograph': 1,
        'the face has several rectangles, the first is taken': 1,
        'the face has a point twice, the first is taken': 1,
        'the box leaves its photograph, and stays as it is': 2,
    }
    assert report.notes['the photograph is listed twice'] == ['3/image00012.jpg, 9/image00012.jpg']
    faces = by_id(read(aflw, 'aflw-visible_all'))
    assert len(faces) == 10
    assert faces[106]['box_size'] == 150
    assert faces[107]['keypoints'][-3:-1] == aflw.faces[7].points[18].tolist()
    assert faces[107]['roll'] == 0.25


def test_faces_that_are_there_again_are_counted(aflw, tmp_path):
    aflw.faces.append(aflw.faces[7])
    notes = convert(aflw, sqlite=aflw.sqlite()).notes
    assert notes['the face is listed twice'] == ['3/image00014.jpg (face_id 107; face_id 110)']
    names = tmp_path / 'test.txt'
    names.write_text('107\n')
    notes = convert(aflw, sqlite=aflw.sqlite(), test_list=names).notes
    assert 'the face is listed twice' not in notes
    (found,) = notes['the face is in train and in test']
    assert found == '3/image00014.jpg (face_id 110; face_id 107)'


@pytest.mark.parametrize(
    ('change', 'kind', 'key', 'value'),
    [
        ('FacePose SET yaw = 9e999 WHERE', "its 'yaw' is not a finite number", 'yaw', None),
        (
            'FaceMetaData SET glasses = -9e999 WHERE',
            "its 'glasses' is not a finite number",
            'glasses',
            None,
        ),
        (
            'FeatureCoords SET y = 9e999 WHERE feature_id = 2 AND',
            'a point is in no image',
            'num_keypoints',
            16,
        ),
    ],
)
def test_infinite_numbers_are_left_out(aflw, change, kind, key, value):
    report = convert(aflw, sqlite=aflw.sqlite(f'UPDATE {change} face_id = 101'))
    assert report.notes[f'{kind}, and is left out'] == ['2/image04476.jpg (face_id 101)']
    assert report.is_complete
    assert by_id(read(aflw, 'aflw-visible_all'))[101].get(key) == value


def test_an_infinite_rectangle_is_none(aflw):
    report = convert(aflw, sqlite=aflw.sqlite('UPDATE FaceRect SET x = 9e999 WHERE face_id = 101'))
    label = '2/image04476.jpg (face_id 101)'
    assert report.notes['the rectangle is in no image, and is left out'] == [label]
    assert report.unplaced == {'it has no rectangle': [label]}


def test_of_several_annotations_of_a_point_type_0_is_taken(aflw):
    path = aflw.sqlite(
        'UPDATE FeatureCoords SET annot_type_id = 4 WHERE face_id = 107',
        'INSERT INTO FeatureCoords VALUES (107, 21, 1.5, 2.5, 0)',
    )
    convert(aflw, sqlite=path)
    assert by_id(read(aflw, 'aflw-visible_all'))[107]['keypoints'][-3:-1] == [1.5, 2.5]


def test_with_the_mat_it_gives_pose_and_attributes_only(aflw):
    convert(aflw, mat=aflw.mat())
    alone = read(aflw, 'aflw_test')
    path = aflw.sqlite(
        'DELETE FROM FaceRect WHERE face_id = 107',  # a test face
        'UPDATE FeatureCoords SET x = x + 50',  # whose points do not count
        "UPDATE FaceMetaData SET sex = '', glasses = NULL WHERE face_id = 100",
        'DELETE FROM FacePose WHERE face_id = 101',
    )
    report = convert(aflw, mat=aflw.mat(), sqlite=path)
    assert report.is_complete
    assert report.notes['the face has no rectangle in the sqlite'] == [
        '3/image00014.jpg (face_id 107)'
    ]
    assert report.notes['the sqlite lacks the face: no pose, no attributes'] == [
        '3/image00014.jpg (AFLWinfo_release.mat, row 8)'
    ]
    joined = read(aflw, 'aflw_test')
    extras = [
        {key: one.pop(key) for key in set(one) - set(other)}
        for one, other in zip(joined['annotations'], alone['annotations'], strict=True)
    ]
    assert joined['annotations'] == alone['annotations']
    assert extras == [
        {'face_id': 101, 'sex': 'm', 'glasses': 1, 'occluded': 0},
        {'face_id': 100, 'occluded': 0, 'yaw': 1.0, 'pitch': -0.5, 'roll': 0.25},
        {},
    ]


def test_extensions_may_differ_between_sqlite_and_mat(aflw):
    path = aflw.sqlite(
        "UPDATE FaceImages SET filepath = '2/image22568.png' WHERE filepath = '2/image22568.jpg'"
    )
    report = convert(aflw, mat=aflw.mat(), sqlite=path)
    assert 'the sqlite lacks the face: no pose, no attributes' not in report.notes


def test_databases_that_are_none(aflw, tmp_path):
    with pytest.raises(MissingFileError, match=r"sqlite='.*none' does not exist"):
        convert(aflw, sqlite=tmp_path / 'none')
    (tmp_path / 'text').write_text('hello' * 100)
    with pytest.raises(InputError, match=r"text: no database of AFLW's release: file is not a"):
        convert(aflw, sqlite=tmp_path / 'text')
    with pytest.raises(InputError, match='no such table: FacePose'):
        convert(aflw, sqlite=aflw.sqlite('DROP TABLE FacePose'))
    with pytest.raises(
        InputError, match=r"FaceRect\.x is 'left', not int or float, in the row of face_id 1"
    ):
        convert(aflw, sqlite=aflw.sqlite("UPDATE FaceRect SET x = 'left'"))


WRONG_VALUES = {
    'FaceImages.filepath': ['5', "x'ff'"],
    'Faces.file_id': ["x'ff'", '1.5'],
    'FaceRect.x': ["'left'", "x'ff'"],
    'FeatureCoords.feature_id': ["'1'", '1.5'],
    'FeatureCoords.y': ["''"],
    'FacePose.yaw': ["'a'"],
    'FaceMetaData.sex': ["x'ff'", '1'],
    'FaceMetaData.glasses': ["'yes'", "x''"],
}


@pytest.mark.parametrize(
    ('place', 'value'), [(place, value) for place, each in WRONG_VALUES.items() for value in each]
)
def test_a_value_of_another_type_is_named(aflw, place, value):
    """Columns without a type keep what they are given."""
    table, column = place.split('.')
    path = aflw.sqlite()
    with closing(sqlite3.connect(path)) as base:
        columns = [row[1] for row in base.execute(f'PRAGMA table_info({table})')]
        base.execute(f'ALTER TABLE {table} RENAME TO old')
        base.execute(f'CREATE TABLE {table} ({", ".join(columns)})')
        base.execute(f'INSERT INTO {table} SELECT * FROM old')
        base.execute(f'UPDATE {table} SET {column} = {value} WHERE rowid = 2')
        base.commit()
    with pytest.raises(InputError, match=rf'aflw\.sqlite: {table}\.{column} is .*, in the row of'):
        convert(aflw, sqlite=path)


@pytest.mark.parametrize(
    'statements',
    [
        ('ALTER TABLE Faces RENAME TO f', 'CREATE VIEW Faces AS SELECT * FROM f'),
        (
            'DROP TABLE Faces',
            'CREATE VIEW Faces AS WITH RECURSIVE n(face_id, file_id, db_id) AS '
            "(SELECT 1, 'a', 'b' UNION ALL SELECT face_id + 1, file_id, db_id FROM n) "
            'SELECT * FROM n',
        ),
        ('ALTER TABLE Faces ADD COLUMN z AS (hex(zeroblob(1 << 29)) || face_id)',),
    ],
    ids=['view', 'view without end', 'computed'],
)
def test_tables_are_plain_ones(aflw, statements):
    with pytest.raises(InputError, match=r"'Faces' is not a plain table"):
        convert(aflw, sqlite=aflw.sqlite(*statements))


def test_a_rectangle_in_no_image_is_left_out(aflw):
    report = convert(aflw, sqlite=aflw.sqlite('UPDATE FaceRect SET w = 1e308 WHERE face_id = 101'))
    label = '2/image04476.jpg (face_id 101)'
    assert report.notes['the rectangle is in no image, and is left out'] == [label]


def test_photographs_are_those_below_the_folder(aflw, tmp_path):
    for name in (str(tmp_path / 'private.jpg'), '../private.jpg', '../../private.jpg'):
        (tmp_path / 'private.jpg').write_bytes(aflw.photo('0/image00010.jpg').read_bytes())
        report = convert(
            aflw,
            sqlite=aflw.sqlite(
                f"UPDATE FaceImages SET filepath = '{name}' WHERE filepath = '0/image00010.jpg'"
            ),
        )
        assert 'its photograph is missing' in report.unplaced
