"""Metrics of distances in pixels and of shares below a threshold: EPE, AUC, PCK."""

import numpy as np
import pytest
from metric_faces import evaluate, face

from mmpose_lite.evaluation import AUC, EPE, PCKAccuracy


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
    """Points 4 and 5 are 10 px apart; where they fall together, the predicted ones count."""
    truth = np.zeros((1, 6, 2))
    truth[0, 5] = [6, 8]
    together = np.zeros((1, 6, 2))
    faces = []
    for i, points in enumerate((truth, together)):
        each = face(i)
        each['gt_instances'] |= {'keypoints': points, 'keypoints_visible': np.ones((1, 6))}
        each['pred_instances'] = {'keypoints': points + np.array([0, 3 * i])}
        each['pred_instances']['keypoints'][0, 4] -= [4, 0]
        faces.append(each)
    # Face 0: point 4 is off by 4 of 10. Face 1: all off by 3, point 4 by 5, of 4.
    assert evaluate(PCKAccuracy(thr=0.8, norm_item='torso'), *faces) == {
        'tPCK': pytest.approx((5 * 1 + 0.5) / 6)
    }


def test_pck_refuses_an_unknown_size():
    with pytest.raises(KeyError, match='nose'):
        PCKAccuracy(norm_item='nose')
    with pytest.raises(KeyError, match='head_size'):
        evaluate(PCKAccuracy(norm_item='head'), face(1))
