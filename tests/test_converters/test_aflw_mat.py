"""Files of Zhu et al. that are none, or have rows that cannot be used as they are."""

import json
import struct
import zlib

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from mmpose_lite.data_tools.converters import aflw_lists, convert_aflw
from mmpose_lite.errors import InputError, MissingFileError, MissingKeyError

COUNTS = {'train': 7, 'test': 3, 'test_frontal': 2}


def convert(aflw, expected=COUNTS, **sources):
    return convert_aflw(aflw.images, aflw.out, expected=expected, **sources)


FIELDS = ('nameList', 'bbox', 'data', 'mask_new', 'ra')


def enlarge(content, field, sides):
    """Make a field of a MATLAB file claim to be far larger, without more content."""
    place, found = 128, bytearray(content[:128])
    while place < len(content):
        kind, size = struct.unpack_from('<2I', content, place)
        part = content[place + 8 : place + 8 + size]
        place += 8 + size
        whole = zlib.decompress(part) if kind == 15 else content[place - 8 - size : place]
        if field.encode() in whole[:80]:
            whole = whole.replace(struct.pack('<2i', *sides), struct.pack('<2i', 2**31 - 1, 1), 1)
        if kind == 15:
            whole = zlib.compress(whole)
            whole = struct.pack('<2I', 15, len(whole)) + whole
        found += whole
    return bytes(found)


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
        (
            'bbox',
            boxes_of,
            (9, np.inf, 9, 5),
            'its box or points are not finite numbers, or in no image',
        ),
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


@pytest.mark.parametrize('packed', [False, True])
@pytest.mark.parametrize(('field', 'sides'), [('nameList', (10, 1)), ('data', (10, 38))])
def test_room_is_made_only_for_what_is_there(aflw, packed, field, sides):
    """An array may be said to have any size."""
    path = aflw.mat()
    if packed:
        content = loadmat(path)
        savemat(path, {key: content[key] for key in FIELDS}, do_compression=True)
    path.write_bytes(enlarge(path.read_bytes(), field, sides))
    with pytest.raises(
        InputError, match=rf"release\.mat: '{field}' is said to be .2147483647, 1., and holds"
    ):
        convert(aflw, mat=path)


def test_room_is_made_only_for_cells_that_are_there(aflw):
    path = aflw.mat()
    content = bytearray(path.read_bytes())
    name = '2/image22568.jpg'.encode('utf-16-le')
    place = content.find(struct.pack('<2i', 1, 16))
    assert place >= 0, name
    content[place : place + 8] = struct.pack('<2i', 2**31 - 1, 1)
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"'nameList' is said to be .2147483647, 1., and holds 16"):
        convert(aflw, mat=path)


def test_what_unpacks_without_end_is_refused(aflw, monkeypatch):
    monkeypatch.setattr(aflw_lists, 'MOST_BYTES', 1 << 20)
    path = aflw.mat()
    bomb = zlib.compress(bytes(1 << 21))
    head = path.read_bytes()[:128]
    path.write_bytes(head + struct.pack('<2I', 15, len(bomb)) + bomb)
    with pytest.raises(InputError, match='bytes, unpacked'):
        convert(aflw, mat=path)


def test_a_structure_in_place_of_numbers_is_refused(aflw):
    with pytest.raises(InputError, match="'data' does not hold real numbers"):
        convert(aflw, mat=aflw.mat(data={'a': np.ones((10, 38))}))


def test_numbers_in_no_image_are_left_out(aflw):
    points = np.array([face.points.T.ravel() for face in aflw.faces])
    points[2, 3] = 1e308
    report = convert(aflw, mat=aflw.mat(data=points))
    (lost,) = report.unplaced['its box or points are not finite numbers, or in no image']
    assert lost.startswith('row 3 of')


@pytest.mark.parametrize('packed', [False, True])
def test_values_are_those_that_scipy_reads(tmp_path, packed):
    kinds = ('u1', 'i1', 'u2', 'i2', 'u4', 'i4', 'u8', 'i8', 'f4', 'f8')
    content = {f'n{kind}': np.arange(6).reshape(2, 3).astype(kind) for kind in kinds}
    content |= {'one': np.float64(3), 'none': np.zeros((0, 4)), 'whole': np.eye(3) * 300}
    content |= {'word': 'früh', 'rows': np.array(['ab', 'cd']), 'cells': np.empty((3, 1), object)}
    content['cells'][:, 0] = ['a.jpg', '', 'é.jpg']
    savemat(tmp_path / 'a.mat', content, do_compression=packed)
    theirs, ours = loadmat(tmp_path / 'a.mat'), aflw_lists.read_mat5(tmp_path / 'a.mat', content)
    assert list(ours) == list(content)
    for key in content.keys() - {'cells', 'rows', 'word'}:
        np.testing.assert_array_equal(ours[key], theirs[key])
    assert ours['cells'].tolist() == ['a.jpg', '', 'é.jpg']
    assert (ours['rows'].tolist(), ours['word'].tolist()) == (['ab', 'cd'], ['früh'])
    assert aflw_lists.read_mat5(tmp_path / 'a.mat', ()) == {}
