"""NME and PCK against MMPose's on its own table of faces."""

import numpy as np
import pytest

from helpers.golden import table
from mmpose_lite.evaluation.functional import keypoint_nme, keypoint_pck_accuracy


def test_forty_faces():
    faces = table('metrics.npz')
    pred, gt, mask, box = (faces[name] for name in ('pred', 'gt', 'mask', 'box'))
    assert keypoint_nme(pred, gt, mask, box) == pytest.approx(float(faces['nme']), abs=1e-9)
    share = keypoint_pck_accuracy(pred, gt, mask, 0.03, np.tile(box, (1, 2)))[1]
    assert share == pytest.approx(float(faces['pck']), abs=1e-9)
