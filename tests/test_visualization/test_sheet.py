"""Sheets of faces."""

import cv2
import numpy as np
import pytest

from mmpose_lite.visualization import FaceRow, face_sheet, worst_and_typical
from mmpose_lite.visualization.sheet import face_tile

TILE = 130


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / 'photo.png'
    cv2.imwrite(str(path), np.full((200, 300, 3), 128, np.uint8))
    return str(path)


def row(img_path, nme=0.01, **changes):
    values = {
        'keypoints': np.array([[120.0, 80.0], [160.0, 80.0]]),
        'predicted': np.array([[120.0, 80.0], [160.0, 110.0]]),
        'bbox_xyxy': np.array([90, 50, 190, 150]),
    }
    return FaceRow(img_path, nme=nme, **{**values, **changes})


def is_green(pixel):
    red, green, blue = (int(part) for part in pixel)
    return green > 180 and red < 120 and blue < 140


def is_orange(pixel):
    red, green, blue = (int(part) for part in pixel)
    return red > 200 and green < 140 and blue < 90


def test_worst_first_then_even_steps():
    rows = [row(f'{i}.jpg', nme=i / 100) for i in (5, 3, 9, 0, 7, 1, 8, 2, 6, 4)]
    picked = worst_and_typical(rows, n_worst=2, n_typical=4)
    assert [round(100 * face.nme) for face in picked] == [9, 8, 1, 3, 5, 7]
    assert [face.group for face in picked[:2]] == ['Worst 2 of 10'] * 2
    assert len({face.group for face in picked}) == 2


def test_one_typical_face_is_the_median():
    rows = [row('a', nme=value) for value in (0.1, 0.2, 0.3, 0.4, 0.5)]
    assert [face.nme for face in worst_and_typical(rows, 0, 1)] == [0.3]


def test_an_error_that_is_no_number_is_the_worst():
    rows = [row('a', nme=value) for value in (0.5, float('nan'), 0.1)]
    assert np.isnan(worst_and_typical(rows, 1, 1)[0].nme)


@pytest.mark.parametrize(('count', 'expected'), [(0, 0), (1, 1), (3, 3)])
def test_few_faces(count, expected):
    picked = worst_and_typical([row('a', nme=i) for i in range(count)], 2, 8)
    assert len(picked) == expected


def test_tile_shows_truth_prediction_and_the_line_between(photo):
    tile = face_tile(row(photo), TILE)  # 1.3 x 100 px at scale 1, from (75, 35)
    assert tile.shape == (TILE, TILE, 3)
    at = {name: tile[y - 35, x - 75] for name, (x, y) in {
        'truth': (160, 80), 'predicted': (160, 110), 'between': (160, 95), 'beside': (140, 95),
    }.items()}  # fmt: skip
    assert is_green(at['truth'])
    assert is_orange(at['predicted'])
    assert at['between'].min() > 100
    assert at['between'][0] > 200
    assert tuple(at['beside']) == (128, 128, 128)


def test_a_point_without_truth_has_only_its_prediction(photo):
    tile = face_tile(row(photo, visible=np.array([1, 0])), TILE)
    assert tuple(tile[80 - 35, 160 - 75]) == tuple(tile[95 - 35, 160 - 75]) == (128, 128, 128)
    assert is_orange(tile[110 - 35, 160 - 75])


@pytest.mark.parametrize(('tile', 'size'), [(65, 100), (260, 100), (100, 37)])
def test_points_stay_on_the_image_at_any_scale(tmp_path, tile, size):
    image = np.zeros((400, 500, 3), np.uint8)
    image[196:205, 246:255] = 255  # about (250, 200)
    path = tmp_path / 'spot.png'
    cv2.imwrite(str(path), image)
    nowhere = np.array([[np.nan, np.nan]])
    bbox_xyxy = np.array([240.0, 190.0, 240.0 + size, 190.0 + size])
    face = row(str(path), keypoints=nowhere, predicted=nowhere, bbox_xyxy=bbox_xyxy)
    weights = face_tile(face, tile)[..., 0].astype(float)
    ys, xs = np.mgrid[:tile, :tile]
    found = [(weights * axis).sum() / weights.sum() for axis in (xs, ys)]
    expected = (tile - 1) / 2 + (10 - size / 2) * tile / (1.3 * size)
    np.testing.assert_allclose(found, expected, atol=0.1)


def test_a_face_at_the_border_is_padded(photo):
    tile = face_tile(row(photo, bbox_xyxy=np.array([-20, -20, 80, 80])), TILE)
    assert tuple(tile[60, 2]) == (60, 63, 70)
    assert tuple(tile[100, 100]) == (128, 128, 128)


@pytest.mark.parametrize('ending', ['png', 'jpg'])
def test_sheet_size(photo, tmp_path, ending):
    out = tmp_path / 'deep' / f'sheet.{ending}'
    assert face_sheet([row(photo)] * 5, out, columns=3, tile=TILE, heading='five') == out
    assert cv2.imread(str(out)).shape == (40 + 2 * (TILE + 48), 3 * (TILE + 8) + 8, 3)


def test_a_group_begins_a_new_row(photo, tmp_path):
    faces = [row(photo, group=name) for name in 'aab']
    face_sheet(faces, tmp_path / 'sheet.png', columns=8, tile=TILE)
    assert len(cv2.imread(str(tmp_path / 'sheet.png'))) == 40 + 2 * (34 + TILE + 48)


def test_the_worst_face_is_the_first_on_the_sheet(photo, tmp_path):
    white = tmp_path / 'white.png'
    cv2.imwrite(str(white), np.full((200, 300, 3), 255, np.uint8))
    rows = [row(photo, nme=0.01)] * 6 + [row(str(white), nme=0.3)] + [row(photo, nme=0.02)] * 6
    face_sheet(worst_and_typical(rows, 1, 4), tmp_path / 'sheet.png', tile=TILE)
    sheet = cv2.imread(str(tmp_path / 'sheet.png'))
    first = sheet[74 : 74 + TILE, 8 : 8 + TILE]
    assert np.median(first) == 255
    assert np.median(sheet[74 + TILE + 48 + 34 :][:TILE, 8 : 8 + TILE]) == 128


def test_captions_and_long_names_stay_in_their_columns(photo, tmp_path):
    long = tmp_path / ('a_very_long_name_' * 8 + '.png')
    long.write_bytes((tmp_path / 'photo.png').read_bytes())
    face_sheet([row(str(long)), row(photo)], tmp_path / 'sheet.png', tile=TILE)
    captions = cv2.imread(str(tmp_path / 'sheet.png'))[40 + TILE :].astype(int)
    background = captions[-1, 0]
    written = (abs(captions - background) > 40).any(axis=(0, 2))
    assert written[8 : 8 + TILE].sum() > 50
    assert not written[8 + TILE + 2 : 14 + TILE].any()


def test_mistakes_are_named(photo, tmp_path):
    out = tmp_path / 'sheet.png'
    with pytest.raises(FileNotFoundError, match=r'gone\.jpg'):
        face_sheet([row(str(tmp_path / 'gone.jpg'))], out)
    with pytest.raises(ValueError, match='no faces'):
        face_sheet([], out)
    with pytest.raises(ValueError, match='columns'):
        face_sheet([row(photo)], out, columns=0)
    assert not out.exists()


@pytest.mark.parametrize(
    'changes',
    [
        {'predicted': np.zeros((3, 2))},
        {'keypoints': np.zeros((2, 3)), 'predicted': np.zeros((2, 3))},
        {'visible': np.ones(3)},
        {'bbox_xyxy': np.array([10, 10, 10, 50])},
        {'bbox_xyxy': np.array([10, 10, np.nan, 50])},
    ],
)
def test_a_row_that_does_not_fit_names_its_file(changes):
    with pytest.raises(ValueError, match=r'some\.jpg'):
        row('some.jpg', **changes)
