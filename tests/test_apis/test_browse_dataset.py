"""tools/browse_dataset.py: what is shown is what is annotated and trained on."""

import json
import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from helpers.data_factory import ANNOTATIONS, make_face_set
from mmpose_lite.apis.config import load_config
from mmpose_lite.cli.browse_dataset import main
from mmpose_lite.data_tools.browsing import choose, image_sides, load_browsers
from mmpose_lite.registry import KEYPOINT_CODECS
from mmpose_lite.visualization.sheet import (
    LEFT,
    MIDDLE,
    RIGHT,
    FaceView,
    draw_tile,
    place_cells,
)

CONFIG = """
codec = dict(type='MSRAHeatmap', input_size=(64, 64), heatmap_size=(16, 16), sigma=1)
faces = dict(type='AFLWDataset', data_root='{root}', ann_file='{train}', cache=True,
    data_prefix=dict(img='images/'))
pipeline = [dict(type='LoadImage'), dict(type='GetBBoxCenterScale'), {random}
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='GenerateTarget', encoder=codec), dict(type='PackPoseInputs')]
train_dataloader = dict(dataset=dict(pipeline=pipeline, **faces))
plain = [each for each in pipeline if each['type'] not in ('GenerateTarget',)]
val_dataloader = dict(dataset=dict(type='RepeatDataset', times=2,
    dataset=dict(pipeline=plain, test_mode=True, **faces)))
test_dataloader = dict(dataset=dict(
    type='CombinedDataset', metainfo=dict(from_file='configs/_base_/datasets/aflw.py'),
    pipeline=pipeline, datasets=[faces, faces]))
model = dict(head=dict(decoder=codec))
"""
FLIP = "dict(type='RandomFlip', prob=0.4),"
TURN = (
    "dict(type='RandomBBoxTransform', shift_prob=0, rotate_factor=60, scale_factor=(0.75, 1.25)),"
)
PAIRS = [(0, 5), (1, 4), (2, 3), (6, 11), (7, 10), (8, 9), (12, 14), (15, 17)]


@pytest.fixture(scope='module')
def faces(tmp_path_factory):
    return make_face_set(tmp_path_factory.mktemp('browse') / 'set', train=9)


@pytest.fixture
def config(faces, tmp_path):
    """Writes a config with given random transforms."""

    def write(random=FLIP):
        path = tmp_path / 'faces.py'
        text = CONFIG.format(root=faces, train=ANNOTATIONS.format('train'), random=random)
        path.write_text(text)
        return path

    return write


def browser(path, split='train', seed=0):
    (found,), metainfo = load_browsers(load_config(path), split, seed)
    return found, metainfo


def annotated(faces, index):
    path = faces / ANNOTATIONS.format('train')
    return json.loads(path.read_text())['annotations'][index]


def test_original_is_the_photograph_with_box_and_crop(config, faces):
    view = browser(config())[0].original(3)
    record = annotated(faces, 3)
    np.testing.assert_allclose(view.points, np.array(record['keypoints']).reshape(19, 3)[:, :2])
    np.testing.assert_array_equal(view.image_bgr, cv2.imread(view.img_path))
    for corners, factor in ((view.box, 1), (view.crop, 1.25)):
        half = factor * record['box_size'] / 2
        x, y = record['center']
        expected = [
            [x - half, y - half],
            [x + half, y - half],
            [x + half, y + half],
            [x - half, y + half],
        ]
        np.testing.assert_allclose(corners, expected)
    assert view.face_id == record['id']
    assert not (faces / 'crops').exists()  # looking builds no cache


def test_transformed_is_what_the_network_gets(config, faces):
    path = config(random='')
    found, _ = browser(path)
    (view,) = found.transformed(2)
    assert view.is_mirrored is None
    assert view.heatmap is None
    packed = found.dataset[2]
    np.testing.assert_array_equal(view.image_bgr, packed['inputs'].permute(1, 2, 0).numpy())
    # The box is 1 / 1.25 of the crop, in its middle.
    np.testing.assert_allclose(view.box[[0, 2]], [[6.4, 6.4], [57.6, 57.6]], atol=1e-4)
    record = annotated(faces, 2)
    low = np.array(record['center']) - 1.25 * record['box_size'] / 2
    points = np.array(record['keypoints']).reshape(19, 3)[:, :2]
    zoom = 64 / (1.25 * record['box_size'])
    np.testing.assert_allclose(view.points, (points - low) * zoom, atol=1e-3)


def test_flips_are_pairs(config):
    as_it_is, mirrored = browser(config())[0].transformed(4)
    assert (as_it_is.is_mirrored, mirrored.is_mirrored) == (False, True)
    swapped = as_it_is.points.copy()
    for i, j in PAIRS:
        swapped[[i, j]] = swapped[[j, i]]
    swapped[:, 0] = 64 - swapped[:, 0]  # mirrored about the crop's middle, which is at 32
    np.testing.assert_allclose(mirrored.points, swapped, atol=1e-3)
    apart = mirrored.image_bgr[:, :0:-1].astype(int) - as_it_is.image_bgr[:, 1:]
    assert np.abs(apart).max() <= 2


def test_a_pair_has_one_turn_and_scale(config):
    found, _ = browser(config(random=FLIP + TURN))
    for index in range(4):
        one, other = found.transformed(index)
        np.testing.assert_allclose(one.box[1] - one.box[0], other.box[1] - other.box[0], atol=1e-3)
    sides = [
        np.hypot(*(view.box[1] - view.box[0])) for i in range(4) for view in found.transformed(i)
    ]
    assert np.ptp(sides) > 2
    again = next(browser(config(random=FLIP + TURN))[0].transformed(0))
    other = next(browser(config(random=FLIP + TURN), seed=1)[0].transformed(0))
    np.testing.assert_array_equal(again.points, next(found.transformed(0)).points)
    assert np.abs(other.points - again.points).max() > 1


@pytest.mark.parametrize('split', ['train', 'val'])  # targets of the pipeline, and of the head
def test_targets_are_the_heatmaps(config, split):
    codec = load_config(config(random='')).model.head.decoder
    (view,) = browser(config(random=''), split)[0].transformed(2, dict(codec))
    assert view.heatmap.shape == (16, 16)
    assert view.has_target.all()
    for x, y in view.points:
        assert view.heatmap[round(y / 4), round(x / 4)] > 0.85
    assert view.heatmap.min() == 0


UDP = {
    'type': 'UDPHeatmap',
    'input_size': (64, 64),
    'heatmap_size': (16, 16),
    'sigma': 2,
}


@pytest.mark.parametrize('udp', [False, True], ids=['MSRA', 'UDP'])
def test_cells_are_drawn_where_the_codec_puts_them(config, udp, tmp_path):
    """The middle of the warmest cell of a single point is the point, to half a cell."""
    text = config(random='').read_text()
    if udp:
        text = re.sub(r'codec = dict.*', f'codec = {UDP}', text)
        text = text.replace("type='TopdownAffine'", "type='TopdownAffine', use_udp=True")
    path = tmp_path / 'one.py'
    path.write_text(text)
    codec = UDP if udp else dict(load_config(path).model.head.decoder)
    (view,) = browser(path)[0].transformed(2, codec)
    assert view.cell_wh.tolist() == ([63 / 15] * 2 if udp else [4, 4])
    encoded = KEYPOINT_CODECS.build(codec).encode(view.points[None], view.shown[None] * 1.0)
    shape_hw = view.image_bgr.shape[:2]
    assert shape_hw == (64, 64)
    for (x, y), heatmap in zip(view.points, encoded['heatmaps'], strict=True):
        placed = place_cells(heatmap, view.cell_wh, shape_hw)
        rows, columns = np.nonzero(placed == placed.max())
        assert abs(columns.mean() - x) < 2.7
        assert abs(rows.mean() - y) < 2.7
        # A cell is a square of four or five pixels, cut off at the border.
        assert 4 <= len(rows) <= 25


def test_pixels_beyond_the_last_cell_have_no_heat():
    """Of 8 pixels and cells about 0 and 4: pixels 0 and 1, then 2 to 5, and none."""
    placed = place_cells(np.array([[1.0, 2.0]]), np.array([4.0, 8.0]), (2, 8))
    assert placed.tolist() == [[1, 1, 2, 2, 2, 2, 0, 0]] * 2


SIMCC = {'type': 'SimCCLabel', 'input_size': (64, 64), 'sigma': 4, 'simcc_split_ratio': 2.0}
LABELS = {'type': 'RegressionLabel', 'input_size': (64, 64)}


@pytest.mark.parametrize('split', ['train', 'val'])  # targets of the pipeline, and of the head
def test_targets_along_the_axes_are_spots_where_the_points_are(config, split, tmp_path):
    path = tmp_path / 'vectors.py'
    path.write_text(re.sub(r'codec = dict.*', f'codec = {SIMCC}', config(random='').read_text()))
    (view,) = browser(path, split)[0].transformed(2, SIMCC)
    assert view.heatmap.shape == (128, 128)
    assert view.has_target.all()
    highest = view.heatmap.max()
    for x, y in view.points:
        assert view.heatmap[round(2 * y), round(2 * x)] > 0.95 * highest
    # Where one point's column crosses another's row there is none.
    crossings = [(x, y) for x, _ in view.points for _, y in view.points]
    lonely = [each for each in crossings if np.hypot(*(view.points - each).T).min() > 8]
    assert len(lonely) > 10
    assert all(view.heatmap[round(2 * y), round(2 * x)] < 0.01 * highest for x, y in lonely)


def test_targets_that_are_points_are_the_points(config):
    far = "dict(type='RandomBBoxTransform', shift_factor=3, shift_prob=1, rotate_prob=0),"
    found, _ = browser(config(random=far), 'val')
    (view,) = found.transformed(1, LABELS)
    assert view.heatmap is None
    inside = ((view.points >= 0) & (view.points <= 63)).all(axis=1)
    np.testing.assert_array_equal(view.has_target, inside)
    assert 0 < inside.sum() < 19


def test_points_without_a_target_are_told(config):
    far = "dict(type='RandomBBoxTransform', shift_factor=3, shift_prob=1, rotate_prob=0),"
    (view,) = browser(config(random=far))[0].transformed(1, {})
    inside = ((view.points >= 0) & (view.points < 64)).all(axis=1)
    assert not inside.all()
    assert not view.has_target[
        (view.points < -20).any(axis=1) | (view.points > 84).any(axis=1)
    ].any()


def test_data_sets_made_of_others(config):
    browsers, metainfo = load_browsers(load_config(config()), 'test', 0)
    assert len(browsers) == 2
    assert metainfo['num_keypoints'] == 19
    first, second = (next(each.transformed(2)) for each in browsers)
    np.testing.assert_array_equal(first.points, second.points)
    assert len(choose(browser(config(), 'val')[0], 100, None)) == 9  # each face once


def test_sides_are_where_the_points_are():
    # Points 0 and 1 are a pair, 2 its own mirror in the middle, 3 and 5 have lost their mirrors, 4
    # is never annotated.
    face = np.array([[10.0, 0], [30, 0], [20, 5], [40, 5], [0, 0], [0, 5]])
    points, shown = np.tile(face, (8, 1, 1)), np.ones((8, 6), bool)
    shown[:, 4] = False
    shown[3, 0] = False
    pairs = [(0, 1), (1, 0)]
    assert image_sides(points, shown, pairs).tolist() == [-1, 1, 0, 1, 0, -1]
    assert image_sides(points[:7], shown[:7], pairs).tolist() == [-1, 1, 0, 0, 0, 0]
    assert image_sides(-points, shown, pairs)[:2].tolist() == [1, -1]


def test_a_chin_is_in_the_middle_though_more_heads_look_to_one_side():
    points = np.tile(np.array([[10.0, 0], [30, 0], [20, 40]]), (8, 1, 1))
    points[:, 2, 0] += np.array([-12, 12, 12, 12, -12, 12, 12, 12])
    pairs = [(0, 1), (1, 0)]
    assert image_sides(points, np.ones((8, 3), bool), pairs).tolist() == [-1, 1, 0]


def test_colours_and_numbers_are_drawn():
    view = FaceView(
        image_bgr=np.full((100, 100, 3), 50, np.uint8),
        points=np.array([[20.0, 50], [50, 50], [80, 50], [50, 80], [20, 20]]),
        shown=np.array([True, True, True, False, True]),
        box=np.array([[5, 5], [95, 5], [95, 95], [5, 95]]),
        face_id=1,
        img_path='face.jpg',
        has_target=np.array([True, True, True, True, False]),
    )
    picture = draw_tile(view, 400, [LEFT, MIDDLE, RIGHT, LEFT, RIGHT])
    for x, color in ((20, LEFT), (50, MIDDLE), (80, RIGHT)):
        assert tuple(picture[202, 4 * x + 2]) == color
    assert tuple(picture[322, 202]) == (50, 50, 50)  # not annotated
    assert tuple(picture[82, 82]) == (50, 50, 50)  # a ring has no middle
    assert (picture[70:95, 70:95] != 50).any()
    assert (picture[180:205, 88:110] == LEFT).all(axis=-1).any()  # the number
    assert (picture[22, 40:360] != 50).any(axis=-1).all()  # the box
    heatmap = np.zeros((10, 10))
    heatmap[9, 0] = 1
    colors = [LEFT, MIDDLE, RIGHT, LEFT, RIGHT]
    heated = draw_tile(replace(view, heatmap=heatmap), 400, colors)
    np.testing.assert_array_equal(heated[:300, 100:], picture[:300, 100:])
    # The hottest is JET's dark red, (128, 0, 0), 0.45 of it over the photograph's 50.
    np.testing.assert_allclose(heated[385, 10], [85, 27.5, 27.5], atol=1)
    blue = replace(view, image_bgr=np.full((100, 100, 3), (250, 0, 0), np.uint8))
    assert tuple(draw_tile(blue, 400, colors)[300, 100]) == (0, 0, 250)


def test_a_tile_shows_box_crop_and_points(config):
    view = browser(config())[0].original(0)  # whose box leaves its photograph
    center, side = view.square
    low, high = center - side / 2, center + side / 2
    for corners in (view.box, view.crop, view.points):
        assert (corners >= low).all()
        assert (corners <= high).all()
    assert view.captions == (f'id {view.face_id}: {Path(view.img_path).name}', '')


def run(*arguments, capsys):
    main([*map(str, arguments)])
    return [Path(line) for line in capsys.readouterr().out.split()]


def test_sheets(config, tmp_path, capsys):
    shared = (config(), '--out', tmp_path / 'sheets', '--tile', '60', '--columns', '3', '--rows', 2)
    (path,) = run(*shared, '--mode', 'original', '--faces', '5', capsys=capsys)
    assert path == tmp_path / 'sheets' / 'faces-train-original-01.png'
    assert cv2.imread(str(path)).shape[1] == 3 * 68 + 8
    # Nine pairs, of which none is torn: two pictures in a row, two rows.
    paths = run(*shared, capsys=capsys)
    assert [path.name for path in paths] == [
        f'faces-train-transformed-{i:02d}.png' for i in range(1, 6)
    ]
    assert cv2.imread(str(paths[0])).shape[1] == 2 * 68 + 8
    (path,) = run(*shared, '--mode', 'target', '--ids', '2', '7', capsys=capsys)
    assert path.name == 'faces-train-target-01.png'
    paths = run(*shared, '--split', 'test', '--faces', '2', capsys=capsys)
    assert [path.name for path in paths] == [
        f'faces-test-transformed-{i}-01.png' for i in (1, 2)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--ids', '999'], '--ids 999: no such annotation id'),
        (
            ['--split', 'val', '--mode', 'target', '--cfg-options', 'model=None'],
            'mode=target: neit',
        ),
        (
            ['--cfg-options', 'train_dataloader=None'],
            'train_dataloader.dataset is not in the config',
        ),
        (
            ['--cfg-options', 'train_dataloader.dataset.pipeline=[]'],
            r'pipeline=\[\] has no LoadImage',
        ),
    ],
)
def test_errors_are_one_line(config, tmp_path, arguments, message):
    with pytest.raises(SystemExit) as ended:
        main([str(config()), '--out', str(tmp_path / 'out'), *arguments])
    assert re.match(f'error: {message}', ended.value.code)
    assert '\n' not in ended.value.code
    assert not (tmp_path / 'out').exists()


def test_a_file_in_the_way_is_told_before_the_config_is_read(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(
        SystemExit, match=r"error: files cannot be written to '.*file': '.*file' is"
    ):
        main(['gone.py', '--out', str(tmp_path / 'file')])
