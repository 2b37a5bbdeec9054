"""Subsets of a set of faces, by file and by id."""

import json

import numpy as np
import pytest

from helpers.data_factory import SHAPE, hide_points, records, write_annotations
from mmpose_lite.datasets import AFLWDataset


@pytest.fixture
def faces(tmp_path):
    """Ids 10 to 13; the last two are on one photograph."""
    (tmp_path / 'images').mkdir()
    faces = [
        records(
            10 + i, f'photo{i}.png', (200, 200), (50 + 5 * i, 60), 80, SHAPE * 80 + [50 + 5 * i, 60]
        )
        for i in range(4)
    ]
    faces[3][1]['image_id'] = 12
    write_annotations(tmp_path, 'test', [faces[0], faces[1], faces[2], faces[3]])
    return faces


def load(root, indices=None, **subsets):
    return AFLWDataset(
        data_root=str(root),
        ann_file='annotations/face_landmarks_aflw_test.json',
        data_prefix={'img': 'images/'},
        test_mode=True,
        indices=indices,
        subsets=subsets,
    )


def members(dataset, name):
    return [sample['id'] for sample in dataset if name in sample['subsets']]


def renumbered(face, number, image=None, move=0.0):
    """The same face as another file would have it."""
    points = np.array(face[1]['keypoints']).reshape(-1, 3) + np.array([move, 0, 0])
    return (
        {**(image or face[0]), 'id': 500 + number},
        {**face[1], 'id': number, 'image_id': 500 + number, 'keypoints': points.ravel().tolist()},
    )


def test_a_file_of_annotations_finds_its_faces_by_photograph_and_points(faces, tmp_path):
    on_one_photo = [renumbered(faces[3], 0, image=faces[2][0]), renumbered(faces[1], 1)]
    write_annotations(tmp_path, 'frontal', on_one_photo)
    dataset = load(tmp_path, frontal='annotations/face_landmarks_aflw_frontal.json')
    assert members(dataset, 'frontal') == [11, 13]


def test_points_may_differ_by_rounding_and_not_by_more(faces, tmp_path):
    file = 'annotations/face_landmarks_aflw_rounded.json'
    write_annotations(tmp_path, 'rounded', [renumbered(faces[1], 1, move=0.4)])
    assert members(load(tmp_path, rounded=file), 'rounded') == [11]
    write_annotations(tmp_path, 'rounded', [renumbered(faces[1], 1, move=0.6)])
    with pytest.raises(ValueError, match=r'rounded.json: annotation id 1 .*photo1.*match no face'):
        load(tmp_path, rounded=file)


def test_a_photograph_that_the_set_has_not_is_named(faces, tmp_path):
    other = renumbered(faces[1], 1, image={**faces[1][0], 'file_name': 'other.png'})
    write_annotations(tmp_path, 'other', [other])
    with pytest.raises(ValueError, match=r"annotation id 1 .*'other.png'.*subsets\['other'\]"):
        load(tmp_path, other='annotations/face_landmarks_aflw_other.json')


def test_lists_of_ids(faces, tmp_path):
    (tmp_path / 'hard.txt').write_text('10\n\n12\n')
    (tmp_path / 'easy.json').write_text(json.dumps([13]))
    dataset = load(tmp_path, hard='hard.txt', easy='easy.json', few=[12, 11])
    assert members(dataset, 'hard') == [10, 12]
    assert members(dataset, 'easy') == [13]
    assert members(dataset, 'few') == [11, 12]
    assert [sample['subsets'] for sample in dataset][2] == ('hard', 'few')


@pytest.mark.parametrize(
    ('source', 'error', 'message'),
    [
        (
            'gone.json',
            FileNotFoundError,
            r"subsets\['x'\]='gone.json'.*correct the path.*`subsets`",
        ),
        ([10, 99, 98], ValueError, r"subsets\['x'\]: 2 ids are not in .*test.json.* first is 99"),
        ([], ValueError, r"subsets\['x'\]=\[\] names no face"),
        ('words.txt', ValueError, r'words.txt: a line is not an annotation id.*ten'),
    ],
)
def test_what_cannot_be_used_is_named(faces, tmp_path, source, error, message):
    (tmp_path / 'words.txt').write_text('10\nten\n')
    with pytest.raises(error, match=message):
        load(tmp_path, x=source)


def test_a_subset_without_a_face_among_those_used_is_named(faces, tmp_path):
    """Else its number would be missing after a whole epoch."""
    with pytest.raises(ValueError, match=r"subsets\['late'\] has no face among the 2 used"):
        load(tmp_path, 2, late=[12, 13])
    assert len(load(tmp_path, 3, late=[12, 13])) == 3


def test_a_subset_without_a_visible_point_is_named(faces, tmp_path):
    hide_points(tmp_path, 'test', 0, 2)
    message = (
        r"subsets\['blind'\] has no face with a visible point among the \d used of .*test.json"
    )
    with pytest.raises(ValueError, match=message):
        load(tmp_path, some=[10, 11], blind=[10, 12])
    assert members(load(tmp_path, some=[10, 11]), 'some') == [10, 11]


def test_a_set_without_faces_is_named_before_its_subsets(faces, tmp_path):
    write_annotations(tmp_path, 'test', [])
    with pytest.raises(ValueError, match='no usable annotation among 0'):
        load(tmp_path, x=[10])
