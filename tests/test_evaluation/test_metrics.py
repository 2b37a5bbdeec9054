"""The NME: rows, normalisers, subsets, and what it refuses."""

import numpy as np
import pytest
import torch

from helpers.metric_faces import TRUTH, evaluate, face
from mmpose_lite.errors import InputError
from mmpose_lite.evaluation import NME
from mmpose_lite.registry import METRICS
from mmpose_lite.structures import parse_pose_metainfo

BY_NAMES = {'keypoint_names': ['A', 'B']}


def by_item(item, **kwargs):
    return NME(norm_mode='use_norm_item', norm_item=item, **kwargs)


@pytest.mark.parametrize(
    ('metric', 'faces', 'expected'),
    [
        # 5 px of 100, then 10 px of 40, over six points.
        (
            by_item('bbox_size'),
            [face(1, (3, 4)), face(2, (-6, 8), bbox=(10, 0, 40, 40))],
            (0.05 + 0.25) / 6,
        ),
        # The second face without its wrong point: five points are left.
        (
            by_item('bbox_size'),
            [face(1, (3, 4)), face(2, (-6, 8), visible=(0, 1, 1))],
            0.05 / 5,
        ),
        # A value that the sample carries, as a number, an array or a tensor.
        (by_item('box_size'), [face(1, (3, 4), box_size=50.0)], 0.1 / 3),
        (by_item('box_size'), [face(1, (3, 4), box_size=np.array([50.0]))], 0.1 / 3),
        (by_item('ear_size'), [face(1, (3, 4), ear_size=torch.tensor([20.0]))], 0.25 / 3),
        # The distance between two true points: 10 px, or from (10, 20) to (50, 60).
        (NME('keypoint_distance', keypoint_indices=[0, 1]), [face(1, (3, 4))], 0.5 / 3),
        (
            NME('keypoint_distance', keypoint_indices=[0, 2]),
            [face(1, (3, 4))],
            5 / (40 * np.sqrt(2)) / 3,
        ),
        # The same points by their names.
        (
            NME('keypoint_distance', keypoint_names=['LeftEye', 'Chin']),
            [face(1, (3, 4))],
            5 / (40 * np.sqrt(2)) / 3,
        ),
    ],
)
def test_nme(metric, faces, expected):
    assert evaluate(metric, *faces) == {'NME': pytest.approx(expected, abs=1e-7)}


def test_nme_of_truth_shifted_by_a_hundredth_of_the_box():
    faces = []
    for i, side in enumerate((25.0, 362.0, 4340.0)):
        each = face(i, bbox=(-5, 7, side - 5, side + 7))
        each['pred_instances']['keypoints'] = TRUTH[None] + [side / 100, 0]
        faces.append(each)
    assert evaluate(by_item('bbox_size'), *faces) == {'NME': pytest.approx(0.01, abs=1e-7)}


@pytest.mark.parametrize(
    ('name', 'pair'),
    [
        ('300w', (36, 45)),
        ('300wlp', (36, 45)),  # the points of 300W; MMPose has no pair for it
        ('coco_wholebody_face', (36, 45)),
        ('cofw', (8, 9)),
        ('wflw', (60, 72)),
        ('lapa', (66, 79)),
        ('horse10', (0, 1)),
    ],
)
def test_default_pairs(name, pair):
    metric = NME('keypoint_distance')
    names = {i: f'p{i}' for i in range(106)}
    metric.dataset_meta = {'dataset_name': name, 'keypoint_id2name': names}
    points = np.zeros((1, 106, 2))
    points[0, pair[1]] = [30, 40]  # 50 px apart
    each = face(1)
    each['gt_instances'] |= {'keypoints': points, 'keypoints_visible': np.ones((1, 106))}
    each['pred_instances'] = {'keypoints': points + np.array([0, 5])}
    metric.process(None, [each])
    assert metric.evaluate(1) == {'NME': pytest.approx(0.1)}
    assert metric.normaliser == f'p{pair[0]} to p{pair[1]}'


# Recorded with MMPose 1.3.2, by the default pairs, on three faces from one generator.
RECORDED = [
    ('300w', 68, 0.07392425),
    ('coco_wholebody_face', 68, 0.03601854),
    ('cofw', 29, 0.08933177),
    ('wflw', 98, 0.05852014),
    ('lapa', 106, 0.06600713),
    ('horse10', 22, 0.0636487),
]


def test_nme_of_every_default_pair_is_mmpose_s():
    random = np.random.RandomState(7)
    for name, count, expected in RECORDED:
        truth = random.uniform(0, 200, (3, count, 2))
        points = truth + random.normal(0, 5, truth.shape)
        visible = random.uniform(size=(3, count)) > 0.2
        metric = NME('keypoint_distance')
        metric.dataset_meta = {
            'dataset_name': name,
            'keypoint_id2name': {i: str(i) for i in range(count)},
        }
        visible[:, metric.DEFAULT_KEYPOINT_INDICES[name]] = True
        for i in range(3):
            each = face(i)
            each['gt_instances'] |= {'keypoints': truth[i : i + 1]}
            each['gt_instances'] |= {'keypoints_visible': visible[i : i + 1].astype(np.float32)}
            each['pred_instances'] = {'keypoints': points[i : i + 1]}
            metric.process(None, [each])
        assert metric.evaluate(3) == {'NME': pytest.approx(expected, rel=1e-6)}, name


def test_all_faces_with_a_size_of_nothing_are_counted():
    flat = [face(i, bbox=(5, 5, 5, 5)) for i in (7, 8)]
    with pytest.raises(ValueError, match=r'id 7 .* and 1 more: the normaliser is 0.0'):
        evaluate(by_item('bbox_size'), face(1), *flat)


def test_pair_of_shipped_points_is_named():
    metric = NME('keypoint_distance', keypoint_indices=[6, 11])
    metric.dataset_meta = parse_pose_metainfo({'from_file': 'configs/_base_/datasets/aflw.py'})
    assert metric.normaliser == 'LeftEyeLeftCorner to RightEyeRightCorner'
    assert 'side' in by_item('bbox_size').normaliser
    assert by_item('box_size').normaliser == 'box_size'


def no_truth():
    each = face(7)
    del each['gt_instances']['keypoints']
    return each


def two_faces():
    each = face(7)
    each['gt_instances']['keypoints'] = np.zeros((2, 3, 2))
    return each


def other_count():
    each = face(7)
    each['pred_instances']['keypoints'] = np.zeros((1, 5, 2))
    return each


def unsure():
    """As the peak of a heatmap of NaN is."""
    each = face(7)
    each['pred_instances']['keypoint_scores'] = np.array([[0.5, np.nan, 0.5]])
    return each


@pytest.mark.parametrize(
    ('metric', 'broken', 'error', 'message'),
    [
        (by_item('bbox_size'), face(7, bbox=(5, 5, 5, 5)), ValueError, '7 .*photo7.*is 0.0'),
        (by_item('box_size'), face(7, box_size=-2.0), ValueError, '7 .*photo7.*is -2.0'),
        (by_item('box_size'), face(7, box_size=np.nan), ValueError, '7 .*photo7.*is nan'),
        (by_item('box_size'), face(7), KeyError, "'box_size' is not in the truth"),
        (
            by_item('bbox_size'),
            face(7, (np.nan, 0)),
            ValueError,
            '7 .*photo7.*keypoints that are not',
        ),
        (by_item('bbox_size'), unsure(), ValueError, '7 .*photo7.*keypoint_scores that are not'),
        (by_item('bbox_size'), no_truth(), ValueError, '7 .*photo7.*has no true points'),
        (by_item('bbox_size'), two_faces(), ValueError, '7 .*photo7.*this sample has 2'),
        (by_item('bbox_size'), other_count(), ValueError, '7 .*3 true points, .*predicts 5'),
        (NME('keypoint_distance', keypoint_indices=[0, 3]), face(7), KeyError, 'no point 3'),
        (NME('keypoint_distance'), face(7), KeyError, "for 'three'.*specify `keypoint_indices`"),
        (
            NME('keypoint_distance', keypoint_names=['LeftEye', 'RihgtEye']),
            face(7),
            KeyError,
            "'three' has no point 'RihgtEye'; the nearest are RightEye of LeftEye, RightEye, Chin$",
        ),
    ],
)
def test_nme_names_what_it_refuses(metric, broken, error, message):
    sound = face(1, box_size=50.0)
    with pytest.raises(error, match=message):
        evaluate(metric, sound, broken)


def test_nme_over_no_point_is_refused():
    message = r'NME of the set \(face id 1 .*\) is over no face: 1 of 1 faces has no visible point'
    with pytest.raises(InputError, match=message):
        evaluate(by_item('bbox_size'), face(1, visible=(0, 0, 0)))


@pytest.mark.parametrize(
    ('arguments', 'error', 'message'),
    [
        ({'norm_mode': 'by_magic'}, KeyError, 'by_magic'),
        ({'norm_mode': 'use_norm_item'}, KeyError, 'norm_item'),
        ({'norm_mode': 'keypoint_distance', 'keypoint_indices': [1]}, ValueError, 'a pair'),
        ({'norm_mode': 'use_norm_item', 'norm_itm': 'bbox_size'}, TypeError, 'norm_itm'),
        ({'norm_mode': 'keypoint_distance', 'keypoint_names': 'ab'}, ValueError, 'pair of names'),
        ({'norm_mode': 'keypoint_distance', 'keypoint_names': [0, 1]}, ValueError, 'pair of names'),
        (
            {**BY_NAMES, 'norm_mode': 'keypoint_distance', 'keypoint_indices': [0, 1]},
            ValueError,
            r"keypoint_names=\['A', 'B'\] and keypoint_indices=\[0, 1\]: one is enough",
        ),
        (
            {**BY_NAMES, 'norm_mode': 'use_norm_item', 'norm_item': 'bbox_size'},
            ValueError,
            "needs norm_mode='keypoint_distance', not 'use_norm_item'",
        ),
    ],
)
def test_nme_refuses_wrong_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        METRICS.build({'type': 'NME', **arguments})


def test_subsets_have_their_own_numbers():
    metric = by_item('bbox_size')
    numbers = evaluate(
        metric,
        face(1, (3, 4), subsets=('frontal',)),
        face(2, (6, 8), visible=(1, 1, 0)),
        face(3, subsets=('frontal', 'indoor')),
    )
    # 5, 10 and 0 px of 100; 3, 2 and 3 points.
    assert numbers == {
        'NME': pytest.approx(0.15 / 8),
        'NME_frontal': pytest.approx(0.05 / 6),
        'NME_indoor': 0,
    }
    assert [(score.subset, score.faces, score.points) for score in metric.scores] == [
        (None, 3, 8),
        ('frontal', 2, 6),
        ('indoor', 1, 3),
    ]


def test_rows_keep_what_a_table_of_faces_needs():
    metric = by_item('bbox_size')
    evaluate(metric, face(4, (3, 4), visible=(1, 0, 1), subsets=('frontal',)))
    (row,) = metric.rows
    assert row == {
        'id': 4,
        'img_path': 'photo4.jpg',
        'subsets': ['frontal'],
        'gt': TRUTH.tolist(),
        'pred': [[13, 24], [16, 28], [50, 60]],
        'mask': [True, False, True],
        'bbox': [0, 0, 100, 80],
        'scores': [0.5, 0.5, 0.5],
        'norm': 100,
    }


def test_padding_of_a_sampler_is_cut_off_and_missing_rows_are_named():
    metric = by_item('bbox_size')
    metric.process(None, [face(1, (3, 4)), face(2), face(1, (3, 4))])
    assert metric.evaluate(2) == {'NME': pytest.approx(0.05 / 6)}
    metric.process(None, [face(1)])
    with pytest.raises(RuntimeError, match=r'2 samples .*only 1'):
        metric.evaluate(2)


def test_prefix_goes_before_the_names():
    metric = by_item('bbox_size', prefix='full')
    assert list(evaluate(metric, face(1, subsets=('frontal',)))) == ['full/NME', 'full/NME_frontal']
