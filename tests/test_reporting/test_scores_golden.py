"""The pooled mean of a report against MMPose's NME, on its own table of faces."""

import pytest
from hand_made import run as make_run
from hand_made import summarise

from helpers.golden import table
from mmpose_lite.evaluation.functional import keypoint_nme


def test_forty_faces():
    faces = table('metrics.npz')
    rows = [
        {
            'id': i,
            'pred': faces['pred'][i].tolist(),
            'gt': faces['gt'][i].tolist(),
            'mask': faces['mask'][i].tolist(),
            'norm': float(faces['box'][i, 0]),
        }
        for i in range(40)
    ]
    (found,) = summarise([make_run(*rows)])['runs']
    scores = found['scores'][found['primary']]['full']
    assert scores['pooled'] == keypoint_nme(*(faces[key] for key in ('pred', 'gt', 'mask', 'box')))
    assert scores['pooled'] == pytest.approx(float(faces['nme']), abs=1e-9)
    assert (scores['faces'], scores['points']) == (40, int(faces['mask'].sum()))
