"""Metrics of distances in pixels and of shares below a threshold: EPE, AUC, PCK."""

import numpy as np
import pytest

from helpers.metric_faces import evaluate, face
from mmpose_lite.errors import InputError
from mmpose_lite.evaluation import AUC, EPE, NME, PCKAccuracy


def test_epe_and_auc():
    faces = [face(1, (3, 4)), face(2, (6, 8), visible=(1, 1, 0))]
    assert evaluate(EPE(), *faces) == {'EPE': pytest.approx(15 / 5)}
    # Over 20 px: first point 0.25 and 0.5, others 0. Thresholds 0 to 3/4: the shares of the first
    # are 0, 0, 1/2, 1, of the two others 0, 1, 1, 1.
    auc = AUC(norm_factor=20, num_thrs=4)
    assert evaluate(auc, *faces) == {'AUC': pytest.approx((0 + 2 / 3 + 2.5 / 3 + 1) / 4)}
    assert auc.normaliser == '20 px'


@pytest.mark.parametrize(
    ('arguments', 'expected'),
    [
        # 5 of 100 and 10 of 40 px: the first face's point is within 0.06, the second's is not.
        ({'thr': 0.06}, {'PCK': (0.5 + 1 + 1) / 3}),
        ({'thr': 0.3}, {'PCK': 1}),
        # Heads of 60 and 20 px: 0.083 and 0.5.
        ({'thr': 0.3, 'norm_item': 'head'}, {'PCKh': (0.5 + 1 + 1) / 3}),
        (
            {'thr': 0.06, 'norm_item': ['bbox', 'head']},
            {'PCK': (0.5 + 1 + 1) / 3, 'PCKh': (0 + 1 + 1) / 3},
        ),
    ],
)
def test_pck(arguments, expected):
    faces = [
        face(1, (3, 4), head_size=60.0),
        face(2, (6, 8), bbox=(0, 0, 40, 10), head_size=20.0),
    ]
    assert evaluate(PCKAccuracy(**arguments), *faces) == pytest.approx(expected)


def test_pck_over_a_torso():
    """Points 4 and 5 are 10 px apart; if they coincide, or one is hidden, there is no torso."""
    truth = np.zeros((1, 6, 2))
    truth[0, 5] = [6, 8]
    together = np.zeros((1, 6, 2))
    faces = []
    hidden = np.array([[1, 1, 1, 1, 1, 0]])
    for i, (points, visible) in enumerate(((truth, 1), (together, 1), (truth, hidden))):
        each = face(i)
        seen = np.ones((1, 6)) * visible
        each['gt_instances'] |= {'keypoints': points, 'keypoints_visible': seen}
        each['pred_instances'] = {'keypoints': points + np.array([0, 3 * i])}
        each['pred_instances']['keypoints'][0, 4] -= [4, 0]
        faces.append(each)
    # Face 0: point 4 is off by 4 of 10.
    metric = PCKAccuracy(thr=0.3, norm_item='torso')
    assert evaluate(metric, *faces) == {'tPCK': pytest.approx(5 / 6)}
    assert metric.left_out == [
        '2 of 3 faces have no torso (points 4 and 5) and are left out (id 1, 2)'
    ]


@pytest.mark.parametrize(
    ('metric', 'arguments', 'message'),
    [
        (PCKAccuracy, {'thr': 5}, 'thr=5 is not a share of a size; 0.05 is 5 %'),
        (PCKAccuracy, {'thr': 0}, 'thr=0 is not a share'),
        (AUC, {'norm_factor': 0}, 'norm_factor=0 must be above 0'),
        (AUC, {'num_thrs': 0}, 'num_thrs=0 at least 1'),
    ],
)
def test_what_makes_no_number_is_refused(metric, arguments, message):
    with pytest.raises(InputError, match=message):
        metric(**arguments)


@pytest.mark.parametrize('bbox', [(5, 5, 5, 5), (0, 0, float('nan'), 80)])
def test_pck_refuses_a_size_of_nothing_by_the_face(bbox):
    with pytest.raises(InputError, match=r'id 7 \(image .photo7.jpg.\): the normaliser is'):
        evaluate(PCKAccuracy(), face(1), face(7, bbox=bbox))


@pytest.mark.parametrize('metric', [PCKAccuracy(), NME('use_norm_item', 'bbox_size')])
def test_a_box_that_is_turned_round_is_refused_by_the_face(metric):
    with pytest.raises(InputError, match=r'id 7 .*has a side below 0: -50\.0 x 80\.0'):
        evaluate(metric, face(1), face(7, bbox=(100, 0, 50, 80)))


def test_pck_refuses_an_unknown_size():
    with pytest.raises(KeyError, match='nose'):
        PCKAccuracy(norm_item='nose')
    with pytest.raises(KeyError, match='head_size'):
        evaluate(PCKAccuracy(norm_item='head'), face(1))
