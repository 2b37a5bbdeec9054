"""Errors by visibility, yaw, box, point and confidence, on faces made by hand."""

import numpy as np
import pytest
from hand_made import GT, row, summarise
from hand_made import run as make_run

from mmpose_lite.reporting.scores import mean_face
from mmpose_lite.structures import parse_pose_metainfo


def summary(*rows, **parts):
    (found,) = summarise([make_run(*rows, **parts)])['runs']
    return found


def test_hidden_points_by_themselves():
    first = row(1, (1, 2, 3, 6), visibility=[1, 0, 1, 0])
    second = row(2, (1, 1, 1, 9), visibility=[1, 1, 1, 1]) | {'mask': [True, True, True, False]}
    found = summary(first, second)['visibility']
    assert (found['visible']['points'], found['hidden']['points']) == (5, 2)
    assert found['visible']['nme'] == pytest.approx((1 + 3 + 3) / 5 / 100)
    assert found['hidden']['nme'] == pytest.approx((2 + 6) / 2 / 100)
    assert found['visible']['interval'] is None


def test_intervals_are_of_the_faces_that_have_such_points():
    """First 19 of 30 faces have hidden points, then 20."""
    for hidden in (19, 20):
        rows = [row(i, 1 + i % 7, visibility=[1, 1, 1, int(i >= hidden)]) for i in range(30)]
        found = summary(*rows)['visibility']
        low, high = found['visible']['interval']
        assert low < found['visible']['nme'] < high
        assert (found['hidden']['interval'] is None) == (hidden == 19)


@pytest.mark.parametrize('told', [{}, {'visibility': [1, 1, 1, 1]}, {'flags': [1, 1, 1, 1]}])
def test_without_hidden_points_there_is_nothing_to_compare(told):
    assert summary(row(1, 1, **told), row(2, 2, **told))['visibility'] is None


def test_annotated_yaw():
    turned = [row(i, error, yaw=np.radians(angle)) for i, (error, angle) in enumerate(TURNED)]
    found = summary(*turned)['yaw']
    assert found['source'] == 'annotated'
    ends = [(each['low'], each['high'], each['faces']) for each in found['bins']]
    assert ends == [(-105, -75, 1), (-15, 15, 3), (15, 45, 1), (75, 121, 1)]
    errors = [each['nme'] for each in found['bins']]
    assert errors == pytest.approx([0.06, 0.02, 0.04, 0.05])
    assert found['bins'][0]['interval'] is None


# Errors in px, yaw in degrees: one beyond the last bin, which grows.
TURNED = [(6, -80), (1, -14.9), (2, 0), (3, 14.9), (4, 15.1), (5, 120.5)]


@pytest.mark.parametrize('beyond', [80, -7, float('inf')])
def test_yaw_that_is_not_in_radians_is_not_known(beyond):
    """One angle beyond a full turn shows that the small ones are in degrees, too."""
    assert summary(*[row(i, 1, yaw=0.5) for i in range(9)], row(9, 1, yaw=beyond))['yaw'] is None


def test_faces_without_a_yaw_or_a_box_are_counted_beside_the_bins():
    pair = {'title': 'left to right', 'item': None, 'pair': [0, 1]}
    rows = [row(1, 1, yaw=0.1), row(2, 1, yaw=0.2), row(3, 1), row(4, 1, yaw=0.1, bbox=None)]
    found = summary(*rows, normaliser=pair)
    assert (found['yaw']['unknown'], [each['faces'] for each in found['yaw']['bins']]) == (1, [3])
    assert found['box_size']['unknown'] == 1


def test_yaw_of_faces_whose_points_have_other_names_is_not_known():
    assert summary(row(1, 1), row(2, 1))['yaw'] is None


def test_yaw_from_points():
    """Two mean heads: one frontal, one rotated by 60 degrees to image right."""
    from mmpose_lite.evaluation.functional.pose_angles import MEAN_HEAD
    from mmpose_lite.synthetic.pose import rotation

    meta = parse_pose_metainfo({'from_file': 'configs/_base_/datasets/aflw.py'})
    names = [meta['keypoint_id2name'][i] for i in range(19)]
    rows = []
    for number, angle in enumerate((0, 60)):
        points = (MEAN_HEAD @ rotation(np.radians(angle), 0, 0).T)[:, :2] * [5, -5] + 100
        rows.append(
            {
                'id': number,
                'gt': points.tolist(),
                'pred': (points + np.array([0, 1 + number])).tolist(),
                'mask': [True] * 19,
                'bbox': [50, 50, 150, 150],
            }
        )
    aflw = {'dataset': 'aflw', 'names': names, 'flip_indices': list(meta['flip_indices'])}
    found = summary(*rows, points=aflw)
    assert found['yaw']['source'] == 'from points'
    ends = [(each['low'], each['nme']) for each in found['yaw']['bins']]
    assert ends == [(-15, pytest.approx(0.01)), (45, pytest.approx(0.02))]
    assert found['worst'][0]['yaw'] == pytest.approx(60)
    assert found['left_points'] == [0, 1, 2, 6, 7, 8, 12, 15]
    assert found['right_points'] == [3, 4, 5, 9, 10, 11, 14, 17]


def test_box_sizes():
    rows = [row(1, 1, side=63), row(2, 1, side=64), row(3, 3, side=127), row(4, 1, side=200)]
    found = summary(*rows)['box_size']['bins']
    assert [(each['low'], each['high'], each['faces']) for each in found] == [
        (32, 64, 1),
        (64, 128, 2),
        (128, 256, 1),
    ]
    assert found[1]['nme'] == pytest.approx((1 / 64 + 3 / 127) / 2)


def test_points():
    rows = [row(1, (1, 2, 3, 4)), row(2, (3, 2, 1, 4)) | {'mask': [True, True, True, False]}]
    found = summary(*rows)['by_point']
    assert [each['points'] for each in found] == [2, 2, 2, 1]
    assert [each['nme'] for each in found] == pytest.approx([0.02, 0.02, 0.02, 0.04])
    assert found[0]['p90'] == pytest.approx(0.01 + 0.9 * 0.02)
    assert [each['name'] for each in found] == ['point 0', 'point 1', 'point 2', 'point 3']
    # 40 x 30 px in the middle of a square.
    places = [each['position'] for each in found]
    assert np.array(places) == pytest.approx(
        np.array([[0, 0.125], [1, 0.125], [0, 0.875], [1, 0.875]]), abs=1e-9
    )


def test_mean_face_does_not_mind_place_size_and_turn():
    turn = np.array([[np.cos(0.4), -np.sin(0.4)], [np.sin(0.4), np.cos(0.4)]])
    shapes = np.stack([GT, GT * 3 + 100, (GT - 50) @ turn.T, (GT - 50) @ turn])
    found = mean_face(shapes, np.ones((4, 4), dtype=bool))
    wide, high = found[1] - found[0], found[2] - found[0]
    assert np.linalg.norm(wide) / np.linalg.norm(high) == pytest.approx(4 / 3)
    assert found.min() == pytest.approx(0, abs=1e-9)
    assert found.max() == pytest.approx(1)
    assert wide[1] == pytest.approx(0, abs=1e-6)  # turns one way and the other even out


def test_mean_face_stands_as_the_faces_do_on_average():
    """Over two upright faces and one rotated by 0.8 radians."""
    turn = np.exp(0.8j)
    turned = (GT[:, 0] + 1j * GT[:, 1] - 50 - 45j) * turn
    shapes = np.stack([GT, GT, np.stack([turned.real, turned.imag], axis=-1)])
    found = mean_face(shapes, np.ones((3, 4), dtype=bool))
    wide = found[1] - found[0]
    assert np.arctan2(wide[1], wide[0]) == pytest.approx(np.angle(2 + turn), abs=1e-6)


def test_mean_face_of_parts():
    mask = np.array([[True, True, True, False], [True, True, False, True]])
    found = mean_face(np.stack([GT, GT]), mask)
    assert found == pytest.approx(np.array([[0, 0.125], [1, 0.125], [0, 0.875], [1, 0.875]]))


def test_reliability():
    """Ten faces; the higher the confidence, the smaller the error."""
    rows = [
        row(i, [40 - 4 * i - k for k in range(4)], scores=[(4 * i + k) / 40 for k in range(4)])
        for i in range(10)
    ]
    found = summary(*rows)['reliability']
    assert found['spearman'] == pytest.approx(-1)
    assert [each['points'] for each in found['bins']] == [4] * 10
    first = found['bins'][0]
    assert (first['low'], first['high']) == (0, 3 / 40)
    assert first['confidence'] == pytest.approx(1.5 / 40)
    assert first['error'] == pytest.approx((40 + 39 + 38 + 37) / 4 / 100)
    assert first['interval'] is None  # all of one face
    errors = [each['error'] for each in found['bins']]
    assert errors == sorted(errors, reverse=True)


def test_confidences_of_many_faces_have_intervals():
    rng = np.random.default_rng(0)
    rows = []
    for i in range(40):
        scores = rng.uniform(size=4)
        rows.append(row(i, 5 - 4 * scores, scores=scores.tolist()))
    for each in summary(*rows)['reliability']['bins']:
        if each['interval'] is not None:
            low, high = each['interval']
            assert low < each['error'] < high
    halves = [row(i, (4, 4, 1, 1), scores=[0.1, 0.1, 0.9, 0.9]) for i in range(40)]
    intervals = [each['interval'] for each in summary(*halves)['reliability']['bins']]
    assert np.array(intervals) == pytest.approx(np.array([[0.04, 0.04], [0.01, 0.01]]), abs=1e-8)


def test_ties_have_mean_ranks():
    # Ranks of confidences 1.5, 1.5, 3, 4 and of errors 2, 1, 3, 4, about their mean of 2.5.
    found = summary(row(1, (2, 1, 3, 4), scores=[0.1, 0.1, 0.2, 0.3]))['reliability']
    assert found['spearman'] == pytest.approx(4.5 / np.sqrt(4.5 * 5))


@pytest.mark.parametrize('surer', [1, 2, 19])
def test_points_of_two_confidences_have_two_bins(surer):
    """A number of 20 faces have the higher confidence."""
    rows = [row(i, 3, scores=[0.2] * 4) for i in range(20 - surer)]
    rows += [row(i, 1, scores=[0.9] * 4) for i in range(20 - surer, 20)]
    found = summary(*rows)['reliability']
    assert found['faces'] == 20
    bins = [tuple(each[key] for key in ('low', 'high', 'points')) for each in found['bins']]
    assert bins == [(0.2, 0.2, 80 - 4 * surer), (0.9, 0.9, 4 * surer)]
    assert [each['error'] for each in found['bins']] == pytest.approx([0.03, 0.01])


@pytest.mark.parametrize('scores', [{}, {'scores': [1, 1, 1, 1]}])
def test_confidences_that_say_nothing_have_no_curve(scores):
    assert summary(row(1, (1, 2, 3, 4), **scores))['reliability'] is None


def test_worst_faces():
    errors = [3, 1, 2, *np.linspace(0, 0.9, 30)]
    found = summary(*[row(i, error) for i, error in enumerate(errors)])['worst']
    assert len(found) == 24
    assert [each['id'] for each in found[:4]] == [0, 2, 1, 32]
    assert found[0]['nme'] == pytest.approx(0.03)
    assert (found[0]['box_size'], found[0]['yaw'], found[0]['picture']) == (100, None, None)
    assert found[0]['image'] == 'photos/0.jpg'


def test_worst_faces_of_each_subset():
    """30 hard faces, and a subset of 30 easy ones."""
    rows = [row(i, 30 + i) for i in range(30)]
    rows += [row(100 + i, i, subsets=['easy']) for i in range(30)]
    found = summary(*rows)['worst']
    assert [each['id'] for each in found] == [*range(29, 5, -1), *range(129, 105, -1)]
    assert [each['subsets'] for each in found] == [[]] * 24 + [['easy']] * 24


def test_worst_faces_of_two_subsets_are_there_once():
    found = summary(*[row(i, i, subsets=['easy'] if i % 2 else []) for i in range(30)])['worst']
    # The 24 worst, and the odd ones below.
    assert [each['id'] for each in found] == [*range(29, 5, -1), 5, 3, 1]


def passes(*each):
    return {'seed': 3, 'passes': [dict(zip(KEYS, one, strict=True)) for one in each]}


KEYS = ('kind', 'value', 'indices', 'pred')


def off(error):
    return (GT + np.array([0, error])).tolist()


def test_disturbed_boxes():
    further = passes(
        ('larger', 0.05, [2, 0], [off(3), off(2)]),
        ('shift', 0.2, [2, 0], [off(9), off(5)]),
        ('shift', 0.1, [2, 0], [off(4), off(4)]),
    )
    rows = [row(1, 1), row(2, 50), row(3, 2, side=200)]
    found = summary(*rows, further=further)['box_errors']
    assert (found['faces'], found['seed']) == (2, 3)
    # Of faces 3 and 1, whose boxes stay 200 and 100 px.
    assert found['undisturbed'] == pytest.approx((2 / 200 + 1 / 100) / 2)
    kinds = [(each['kind'], each['amount']) for each in found['rows']]
    assert kinds == [('shift', 0.1), ('shift', 0.2), ('larger', 0.05)]
    errors = [each['nme'] for each in found['rows']]
    assert errors == pytest.approx([(0.02 + 0.04) / 2, (0.045 + 0.05) / 2, (0.015 + 0.02) / 2])
    assert found['rows'][0]['interval'] is None


@pytest.mark.parametrize(('own', 'other'), [(True, 0), (False, 1)])
def test_flip_test(own, other):
    rows = [row(1, 1), row(2, 3, subsets=['easy'])]
    further = passes(('flip_test', other, [0, 1], [off(2), off(6)]))
    found = summary(*rows, further=further, provenance={'flip_test': own})['flip_test']
    mine, theirs = ('on', 'off') if own else ('off', 'on')
    assert found['faces'] == {'full': 2, 'easy': 1}
    assert found[mine] == {'full': pytest.approx(0.02), 'easy': pytest.approx(0.03)}
    assert found[theirs] == {'full': pytest.approx(0.04), 'easy': pytest.approx(0.06)}


def test_without_further_passes_there_is_nothing_of_them():
    found = summary(row(1, 1), provenance={'flip_test': True})
    assert found['flip_test'] is None
    assert found['box_errors'] is None
