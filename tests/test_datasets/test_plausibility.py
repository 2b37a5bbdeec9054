"""Sets that are wrong as a whole are refused before anything is trained on, and found by checks."""

import json
import re

import numpy as np
import pytest

from helpers.data_factory import ANNOTATIONS, SHAPE, records, write_annotations
from mmpose_lite.datasets import AFLWDataset, BaseCocoStyleDataset
from mmpose_lite.datasets.datasets.base import base_coco_style_dataset
from mmpose_lite.datasets.datasets.base.plausibility import FaceArrays, implausible
from mmpose_lite.errors import InputError

SIZE_WH = (640, 480)


def make_faces(count=6, seed=0):
    """Faces here and there in photographs: points (N, K, 2), and boxes xywh about them."""
    rng = np.random.default_rng(seed)
    side = rng.uniform(60, 160, (count, 1, 1))
    center = rng.uniform([150, 150], [490, 330], (count, 1, 2))
    turn = rng.uniform(-0.5, 0.5, (count, 1))
    shape = np.stack(
        [
            np.cos(turn) * SHAPE[:, 0] - np.sin(turn) * SHAPE[:, 1],
            np.sin(turn) * SHAPE[:, 0] + np.cos(turn) * SHAPE[:, 1],
        ],
        axis=-1,
    )
    points = center + side * shape
    boxes = np.concatenate([center - side / 2, side * np.ones(2)], axis=2)[:, 0]
    return points, boxes


def arrays(points, boxes, from_center=False, written=None, size_wh=SIZE_WH):
    boxes = np.asarray(boxes, float)
    return FaceArrays(
        points=np.asarray(points, float),
        labelled=np.ones(points.shape[:2], bool),
        bbox_xyxy=np.hstack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]]),
        image_wh=np.tile(np.array(size_wh, float), (len(points), 1)),
        bbox_as_written=boxes if written is None else np.asarray(written, float),
        from_center=from_center,
    )


def corners(boxes):
    return np.hstack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]])


POINTS, BOXES = make_faces()
MANY = make_faces(12)
WRONG = {
    'boxes .* pixels wide .* shares': arrays(POINTS / SIZE_WH, BOXES / 640),
    r'100% of the points lie between 0 and 2.*shares': arrays(POINTS / SIZE_WH, BOXES),
    'two corners .*100% of the boxes reach beyond': arrays(POINTS, corners(BOXES)),
    '0.056 with x and y of the points exchanged': arrays(POINTS[..., ::-1], BOXES),
    r'from the middle of their boxes .* with \(x, y\) as the middle': arrays(
        POINTS, np.hstack([BOXES[:, :2] + BOXES[:, 2:] / 2, BOXES[:, 2:]])
    ),
    'of 100% of the faces most points lie outside of the box': arrays(POINTS + 300, BOXES),
    "and 0.056 counted from the box's corner": arrays(
        POINTS - BOXES[:, None, :2], BOXES + np.array([150, 150, 0, 0])
    ),
    'points of a face span .* in another unit': arrays(
        POINTS, BOXES * [0, 0, 50, 50] + [*(-2000, -2000), 0, 0], from_center=True
    ),
    "'center' and 'scale' disagree with 'bbox'.* times": arrays(
        POINTS, BOXES, from_center=True, written=BOXES / [1, 1, 9, 9]
    ),
    r'6 faces .* outside of the photograph: are x and y.*exchanged': arrays(
        POINTS * [1.5, 0.3], BOXES * [1.5, 0.3, 1.5, 0.3], size_wh=(200, 1000)
    ),
    'no point of 12 faces .* above 100.*per cent': arrays(
        MANY[0] / SIZE_WH * 100, MANY[1] / [6.4, 4.8, 6.4, 4.8]
    ),
}


@pytest.mark.parametrize('message', WRONG)
def test_what_cannot_be_of_a_whole_set_is_told(message):
    assert re.search(message, implausible(WRONG[message]) or '')


def test_corners_of_faces_in_the_middle_are_seen_by_their_points():
    """Their boxes reach beyond no photograph."""
    points, boxes = make_faces()
    middle = np.array(SIZE_WH) / 2
    points = points - boxes[:, None, :2] - boxes[:, None, 2:] / 2 + middle
    boxes = np.hstack([middle - boxes[:, 2:] / 2, boxes[:, 2:]])
    assert implausible(arrays(points, boxes)) is None
    assert 'two corners' in implausible(arrays(points, corners(boxes)))


@pytest.mark.parametrize('seed', range(20))
@pytest.mark.parametrize('count', [3, 5, 12, 30])
def test_faces_that_fill_their_photographs_are_not_doubted(count, seed):
    """Boxes that begin near the edge are nearly the same as corners; turned heads are off them."""
    rng = np.random.default_rng(seed)
    points, boxes = make_faces(count, seed)
    size = rng.uniform(160, 210, (count, 1))
    filled = np.hstack([rng.uniform(5, 30, (count, 2)), size, size])
    turn = np.hstack([0.08 * rng.normal(size=(count, 1)) * size, np.zeros((count, 1))])
    shape = (points - boxes[:, None, :2]) / boxes[:, None, 2:]
    points = filled[:, None, :2] + shape * filled[:, None, 2:] + turn[:, None]
    assert implausible(arrays(points, filled, size_wh=(256, 256))) is None


@pytest.mark.parametrize('seed', range(20))
def test_sound_sets_are_not_doubted(seed):
    points, boxes = make_faces(seed=seed, count=3 + seed)
    assert implausible(arrays(points, boxes)) is None
    assert implausible(arrays(points, boxes, from_center=True)) is None
    # Detectors draw them loosely, and about the whole head.
    loose = boxes + np.array([-0.15, -0.3, 0.3, 0.4]) * boxes[:, 2:3]
    assert implausible(arrays(points, loose)) is None
    # Cut-outs: each box is nearly its photograph.
    cut, box = SHAPE[None] * 60 + 50 + np.zeros((4, 1, 1)), np.tile([10, 10, 80, 80], (4, 1))
    assert implausible(arrays(cut, box, size_wh=(100, 100))) is None


def test_few_odd_faces_are_no_odd_set():
    points, boxes = make_faces(8)
    points[:3] /= 640
    assert implausible(arrays(points, boxes)) is None


def test_points_that_are_not_labelled_say_nothing():
    faces = arrays(*make_faces(4))
    faces.points[:, 5:] = 0
    faces.labelled[:, 5:] = False
    faces.labelled[0] = False
    assert implausible(faces) is None


def write(root, change=None, names=None):
    points, boxes = make_faces()
    faces = [
        records(i + 1, f'photo{i}.png', SIZE_WH, (0, 0), 1, points[i]) for i in range(len(points))
    ]
    for (_, annotation), box, place in zip(faces, boxes, points, strict=True):
        middle = (box[:2] + box[2:] / 2).tolist()
        annotation.update(bbox=box.tolist(), center=middle, scale=box[2] / 200, box_size=box[2])
        if change is not None:
            change(annotation, box, place)
    (root / 'images').mkdir()
    path = write_annotations(root, 'train', faces)
    if names is not None:
        content = json.loads(path.read_text())
        content['categories'][0]['keypoints'] = names
        path.write_text(json.dumps(content))


def load(root, kind=BaseCocoStyleDataset, **arguments):
    return kind(
        data_root=str(root),
        ann_file=ANNOTATIONS.format('train'),
        data_prefix={'img': 'images/'},
        metainfo={'from_file': 'configs/_base_/datasets/aflw.py'},
        **arguments,
    )


@pytest.fixture
def warnings(monkeypatch):
    lines = []
    monkeypatch.setattr(base_coco_style_dataset, 'print_log', lambda text, **_: lines.append(text))
    return lines


def test_a_set_is_refused_or_read_with_a_warning(tmp_path, warnings):
    write(tmp_path, lambda face, box, _: face.update(bbox=[*box[:2], *(box[:2] + box[2:])]))
    with pytest.raises(InputError, match=r"train\.json: 'bbox' .*corners.*on_implausible='warn'"):
        load(tmp_path)
    assert len(load(tmp_path, on_implausible='warn')) == 6
    assert 'two corners' in warnings[-1]
    assert len(load(tmp_path, AFLWDataset)) == 6  # which does not read that field


def test_a_scale_in_pixels_is_refused(tmp_path):
    write(tmp_path, lambda face, box, _: face.update(scale=box[2], box_size=200 * box[2]))
    with pytest.raises(InputError, match='in another unit than points'):
        load(tmp_path, AFLWDataset)


NAMES = list(AFLWDataset(lazy_init=True).metainfo['keypoint_id2name'].values())


@pytest.mark.parametrize(
    ('names', 'message'),
    [
        (NAMES[::-1], "another order .* calls point 0 'ChinCenter', .* 'LeftBrowLeftCorner'"),
        ([*NAMES[:4], NAMES[5], NAMES[4], *NAMES[6:]], "calls point 4 'RightBrowRightCorner'"),
        ([*NAMES[:-2], 'ChinCenter', 'beard'], "calls point 17 'ChinCenter'.* its point 18"),
    ],
)
def test_another_order_of_points_is_refused(tmp_path, warnings, names, message):
    write(tmp_path, names=names)
    with pytest.raises(InputError, match=message):
        load(tmp_path)
    load(tmp_path, on_implausible='warn')
    assert 'another order' in warnings[-1]


@pytest.mark.parametrize(
    ('names', 'message'),
    [
        ([f'landmark {chr(97 + i)}' for i in range(19)], "other names .* point 0 is 'landmark a'"),
        (NAMES[:-1], "'categories' names 18 points, the metainfo 19"),
    ],
)
def test_other_names_are_a_warning(tmp_path, warnings, names, message):
    write(tmp_path, names=names)
    load(tmp_path)
    assert re.search(message, warnings[-1])


@pytest.mark.parametrize(
    'names',
    [[], NAMES, [name.upper() for name in NAMES], [f'kpt-{i}' for i in range(1, 20)], None, [7]],
)
def test_names_that_agree_or_say_nothing_pass(tmp_path, warnings, names):
    write(tmp_path, names=names)
    load(tmp_path)
    assert warnings == []


def test_check_data_finds_both(faces_to_check):
    def shrink(content):
        content['categories'][0]['keypoints'] = NAMES[::-1]
        for face in content['annotations']:
            face['scale'] /= 200
            face['box_size'] /= 200
            face['center'] = [each / 200 for each in face['center']]

    faces_to_check.edit(shrink)
    report = faces_to_check.check()
    assert any('another order' in each for each in faces_to_check.texts(report['faults'], 'points'))
    (fault,) = faces_to_check.texts(report['faults'], 'set')
    assert 'pixels wide in the median' in fault
