"""Files of Zhu et al. that are none, or have rows that cannot be used as they are."""

import json

import numpy as np
import pytest

from mmpose_lite.datasets.converters import convert_aflw
from mmpose_lite.utils import InputError, MissingFileError, MissingKeyError

COUNTS = {'train': 7, 'test': 3, 'test_frontal': 2}


def convert(aflw, expected=COUNTS, **sources):
    return convert_aflw(aflw.images, aflw.out, expected=expected, **sources)


MATS = [
    ({'ra': None}, MissingKeyError, "lacks 'ra'"),
    ({'ra': np.ones((1, 10))}, InputError, "'ra' does not hold each number from 1 to 10 once"),
    ({'ra': np.arange(10.0)[None]}, InputError, "'ra' does not hold each number from 1 to 10 once"),
    ({'ra': np.arange(10)[None] + 1.5}, InputError, "'ra' does not hold each number from 1 to 10"),
    ({'ra': np.full((1, 10), np.nan)}, InputError, "'ra' does not hold each number from 1 to 10"),
    ({'ra': np.array([['a', 'b']])}, InputError, "'ra' does not hold real numbers"),
    ({'bbox': np.ones((10, 3))}, InputError, r"'bbox' is \(10, 3\), not \(10, 4\)"),
    ({'bbox': np.full((10, 4), 1j)}, InputError, "'bbox' does not hold real numbers"),
    ({'data': np.ones((9, 38))}, InputError, r"'data' is \(9, 38\), not \(10, 38\)"),
    ({'data': np.array([['a'] * 38] * 10)}, InputError, "'data' does not hold real numbers"),
    ({'nameList': np.ones((10, 1))}, InputError, "'nameList' does not hold names"),
]


@pytest.mark.parametrize(('changes', 'kind', 'message'), MATS)
def test_wrong_mats(aflw, changes, kind, message):
    with pytest.raises(kind, match=message):
        convert(aflw, mat=aflw.mat(**changes))


def test_mats_that_are_none(aflw, tmp_path):
    with pytest.raises(InputError, match=r"'ra' has 10 faces, none are left for the test"):
        convert(aflw, mat=aflw.mat(), expected={**COUNTS, 'train': 10})
    with pytest.raises(MissingFileError, match=r"mat='.*none\.mat' does not exist"):
        convert(aflw, mat=tmp_path / 'none.mat')
    (tmp_path / 'text.mat').write_text('hello')
    with pytest.raises(InputError, match=r'text\.mat: no MATLAB file'):
        convert(aflw, mat=tmp_path / 'text.mat')


def names_of(aflw):
    names = np.empty((10, 1), object)
    names[:, 0] = [face.image for face in aflw.faces]
    return names


def boxes_of(aflw):
    return np.array([[x, x + side, y, y + side] for x, y, side in aflw.rects], float)


@pytest.mark.parametrize(
    ('key', 'table', 'value', 'reason'),
    [
        ('bbox', boxes_of, (0, 0, 0, 0), 'its box has no area'),
        ('bbox', boxes_of, (9, 9, 5, 5), 'its box has no area'),
        ('bbox', boxes_of, (9, 5, 9, 5), 'its box has no area'),
        ('bbox', boxes_of, (9, np.inf, 9, 5), 'its box or points are no finite numbers'),
        ('nameList', names_of, [''], 'it names no photograph'),
        ('nameList', names_of, [' '], 'it names no photograph'),
    ],
)
def test_a_row_that_cannot_be_used_costs_no_others(aflw, key, table, value, reason):
    values = table(aflw)
    values[3] = value
    path = aflw.mat(**{key: values})
    report = convert(aflw, mat=path)
    assert report.unplaced == {reason: [f'row 4 of {path}']}
    assert [each.faces for each in report.sets] == [6, 3, 2]


@pytest.mark.parametrize(('value', 'seen'), [(np.nan, 0), (-1, 0), (0.5, 1), (2, 1)])
def test_visibilities_that_are_neither_0_nor_1(aflw, value, seen):
    mask = np.array([[k not in face.hidden for k in range(19)] for face in aflw.faces], float)
    mask[1, 3] = value
    report = convert(aflw, mat=aflw.mat(mask_new=mask))
    assert report.notes["'mask_new' is neither 0 nor 1: what is above 0 can be seen"] == [
        '2/image04476.jpg (AFLWinfo_release.mat, row 2)'
    ]
    content = json.loads((aflw.out / 'annotations' / 'face_landmarks_aflw_test.json').read_text())
    assert content['annotations'][0]['visibility'] == [0, 1, 1, seen, 1, 0, *[1] * 13]


@pytest.mark.parametrize(
    ('row', 'kind'),
    [(4, 'the face is listed twice'), (7, 'the face is in train and in test')],
)
def test_faces_that_are_there_again_are_counted(aflw, row, kind):
    aflw.faces[row] = aflw.faces[3]
    notes = convert(aflw, mat=aflw.mat()).notes
    assert set(notes) == {'the box leaves its photograph, and stays as it is', kind}
    where = f'AFLWinfo_release.mat, row 4; AFLWinfo_release.mat, row {row + 1}'
    assert notes[kind] == [f'0/image00011.jpg ({where})']
