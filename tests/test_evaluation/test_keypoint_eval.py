"""The arithmetic of evaluation, on numbers made by hand."""

import numpy as np
import pytest

from mmpose_lite.evaluation.functional import (
    keypoint_auc,
    keypoint_epe,
    keypoint_nme,
    keypoint_pck_accuracy,
    multilabel_classification_accuracy,
    pose_pck_accuracy,
    simcc_pck_accuracy,
)

# Two faces of two points. Off by (3, 4), (0, 0), (6, 8) and (8, 6): 5, 0, 10 and 10 px.
GT = np.array([[[10.0, 20.0], [30.0, 40.0]], [[50.0, 60.0], [0.0, 0.0]]])
PRED = GT + np.array([[[3.0, 4.0], [0.0, 0.0]], [[-6.0, 8.0], [8.0, 6.0]]])
ALL = np.ones((2, 2), dtype=bool)
LAST_HIDDEN = np.array([[True, True], [True, False]])


@pytest.mark.parametrize(
    ('mask', 'factor', 'expected'),
    [
        (ALL, [[10.0], [50.0]], (0.5 + 0 + 0.2 + 0.2) / 4),
        (LAST_HIDDEN, [[10.0], [50.0]], (0.5 + 0 + 0.2) / 3),
        (LAST_HIDDEN, [[50.0], [10.0]], (0.1 + 0 + 1) / 3),
        # One factor an axis: (3/3, 4/4), nothing, (6/6, 8/8).
        (LAST_HIDDEN, [[3.0, 4.0], [6.0, 8.0]], 2 * np.sqrt(2) / 3),
        # A face of which nothing counts needs no normaliser.
        (np.array([[True, True], [False, False]]), [[10.0], [0.0]], 0.25),
    ],
)
def test_nme(mask, factor, expected):
    assert keypoint_nme(PRED, GT, mask, np.array(factor)) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize(
    ('pred', 'mask', 'factor', 'message'),
    [
        (PRED, ~ALL, [[10.0], [50.0]], 'no point'),
        (PRED, ALL, [[10.0], [0.0]], r'face 1: the normaliser \[0\.\]'),
        (PRED, ALL, [[-10.0], [50.0]], r'face 0: the normaliser \[-10\.\]'),
        (PRED, ALL, [[10.0], [np.nan]], r'face 1: the normaliser \[nan\]'),
        (PRED, ALL, [[10.0], [np.inf]], r'face 1: the normaliser \[inf\]'),
        (np.where(GT == 60, np.nan, PRED), ALL, [[10.0], [50.0]], 'face 1: .* of point 0'),
    ],
)
def test_nme_refuses_what_would_be_a_wrong_number(pred, mask, factor, message):
    with pytest.raises(ValueError, match=message):
        keypoint_nme(pred, GT, mask, np.array(factor))


def test_nme_refuses_a_truth_that_is_no_number():
    gt = GT.copy()
    gt[0, 1, 1] = np.nan
    with pytest.raises(ValueError, match='face 0: the truth of point 1 is not finite'):
        keypoint_nme(PRED, gt, ALL, np.array([[10.0], [50.0]]))


def test_nme_does_not_look_at_hidden_predictions():
    pred = PRED.copy()
    pred[1, 1] = np.nan
    assert keypoint_nme(pred, GT, LAST_HIDDEN, np.array([[10.0], [50.0]])) == pytest.approx(0.7 / 3)


def test_truth_shifted_by_a_hundredth_of_the_box_has_an_nme_of_a_hundredth():
    random = np.random.RandomState(0)
    gt = random.uniform(0, 2000, (30, 19, 2))
    box = random.uniform(25, 4340, (30, 1))  # the range of AFLW's boxes
    pred = gt + np.stack([box / 100, 0 * box], axis=-1)
    every = np.ones((30, 19), dtype=bool)
    assert keypoint_nme(pred, gt, every, box) == pytest.approx(0.01, abs=1e-9)


def forty_faces():
    random = np.random.RandomState(5)
    gt = random.uniform(0, 200, (40, 19, 2))
    box = random.uniform(60, 300, (40, 1))
    pred = gt + random.standard_normal((40, 19, 2)) * box[:, None] * 0.025
    return pred, gt, random.uniform(size=(40, 19)) > 0.2, box


def test_forty_faces_as_mmpose_counts_them():
    pred, gt, mask, box = forty_faces()
    assert gt[0, 0] == pytest.approx([44.39863422, 174.14646124])  # the faces are the same
    assert mask.sum() == 608
    # Recorded with MMPose 1.3.2, which answers in float32: one step there is 3.7e-9.
    assert keypoint_nme(pred, gt, mask, box) == pytest.approx(0.032143854, abs=4e-9)
    by_formula = (np.linalg.norm(pred - gt, axis=-1) / box)[mask].mean()
    assert keypoint_nme(pred, gt, mask, box) == pytest.approx(by_formula, abs=1e-9)
    shares, mean, count = keypoint_pck_accuracy(pred, gt, mask, 0.03, np.tile(box, (1, 2)))
    assert shares[:4] == pytest.approx([0.44117647, 0.46875, 0.45454545, 0.42424242], abs=1e-8)
    assert (mean, count) == (pytest.approx(0.4938678372247707, abs=1e-12), 19)
    assert keypoint_auc(pred, gt, mask, 30) == pytest.approx(0.7920081004767239, abs=1e-12)
    assert keypoint_epe(pred, gt, mask) == pytest.approx(5.499262, abs=1e-6)


def test_epe():
    assert keypoint_epe(PRED, GT, ALL) == pytest.approx(25 / 4)
    assert keypoint_epe(PRED, GT, LAST_HIDDEN) == pytest.approx(5)
    with pytest.raises(ValueError, match='no point'):
        keypoint_epe(PRED, GT, ~ALL)


@pytest.mark.parametrize(
    ('mask', 'thr', 'factor', 'expected'),
    [
        # Normalised: 0.5 and 0; 0.2 and 0.2.
        (ALL, 0.3, [[10, 10], [50, 50]], ([0.5, 1.0], 0.75, 2)),
        # A distance at the threshold is a miss.
        (ALL, 0.5, [[10, 10], [50, 50]], ([0.5, 1.0], 0.75, 2)),
        (LAST_HIDDEN, 0.1, [[10, 10], [50, 50]], ([0.0, 1.0], 0.5, 2)),
        # A face with a factor of 0 is left out.
        (ALL, 0.3, [[0, 10], [50, 50]], ([1.0, 1.0], 1.0, 2)),
        (np.array([[True, False], [True, False]]), 0.3, [[10, 10], [50, 50]], ([0.5, -1], 0.5, 1)),
    ],
)
def test_pck(mask, thr, factor, expected):
    shares, mean, count = keypoint_pck_accuracy(PRED, GT, mask, thr, np.array(factor, dtype=float))
    assert (list(shares), mean, count) == expected


def test_over_no_point_nothing_is_right():
    shares, mean, count = keypoint_pck_accuracy(PRED, GT, ~ALL, 0.3, np.full((2, 2), 10.0))
    assert (list(shares), count) == ([-1, -1], 0)
    assert np.isnan(mean)
    with pytest.raises(ValueError, match='an AUC over no point'):
        keypoint_auc(PRED, GT, ~ALL, 30)


@pytest.mark.parametrize(
    ('num_thrs', 'norm_factor', 'expected'),
    [
        # Over 20 px: 0.25 and 0; 0.5 and 0.5. Thresholds 0, 1/4, 2/4, 3/4: the shares of the
        # first point are 0, 0, 1/2, 1, of the second 0, 1/2, 1/2, 1.
        (4, 20.0, (0 + 0.25 + 0.5 + 1) / 4),
        (1, 20.0, 0.0),
        # Over 40 px: 0.125 and 0; 0.25 and 0.25: first 0, 1/2, 1, 1; second 0, 1/2, 1, 1.
        (4, 40.0, (0 + 0.5 + 1 + 1) / 4),
    ],
)
def test_auc(num_thrs, norm_factor, expected):
    assert keypoint_auc(PRED, GT, ALL, norm_factor, num_thrs) == expected


def test_pck_of_heatmaps_compares_peaks():
    target = np.zeros((1, 3, 20, 10), dtype=np.float32)
    output = target.copy()
    target[0, :, 8, 4] = 1
    output[0, 0, 8, 4] = 0.1  # the same cell
    output[0, 1, 10, 4] = 0.1  # 2 of 10 or of 20 cells off: factors are (height, width)
    output[0, 2, 8, 6] = 0.1
    every = np.ones((1, 3), dtype=bool)
    assert list(pose_pck_accuracy(output, target, every, thr=0.15)[0]) == [1, 0, 1]
    shares = pose_pck_accuracy(output, target, every, 0.15, normalize=np.array([[10.0, 20.0]]))[0]
    assert list(shares) == [1, 1, 0]


def simcc(*bins):
    """Vectors of one face, 20 bins along x and 40 along y, with a 1 at each (x, y)."""
    x, y = np.zeros((1, len(bins), 20)), np.zeros((1, len(bins), 40))
    for k, (own_x, own_y) in enumerate(bins):
        x[0, k, own_x] = y[0, k, own_y] = 1
    return x, y


def test_peaks_of_vectors():
    """Two bins to a pixel: an input of 10 x 20, and x is divided by its height, y by its width."""
    target, output = simcc((10, 10), (10, 10), (3, 3)), simcc((12, 10), (10, 12), (3, 3))
    every = np.ones((1, 3), dtype=bool)
    shares, mean, count = simcc_pck_accuracy(output, target, 2.0, every)
    assert (shares.tolist(), mean, count) == ([0, 0, 1], pytest.approx(1 / 3), 3)
    # One pixel is a 20th along x, a 10th along y.
    assert simcc_pck_accuracy(output, target, 2.0, every, thr=0.06)[0].tolist() == [1, 0, 1]
    mask = np.array([[True, True, False]])
    shares, mean, count = simcc_pck_accuracy(output, target, 2.0, mask, 0.11)
    assert (shares.tolist(), mean, count) == ([1, 1, -1], 1, 2)
    whole = np.array([[1.0, 20.0]])
    assert simcc_pck_accuracy(output, target, 2.0, every, 0.06, whole)[0].tolist() == [0, 1, 1]


def test_labels_are_right_only_together():
    pred = np.array([[0.9, 0.1], [0.9, 0.6], [0.2, 0.2]])
    gt = np.array([[1, 0], [1, 0], [1, 1]])
    # Right, wrong, and not counted.
    mask = np.array([[1, 1], [1, 1], [1, 0]])
    assert multilabel_classification_accuracy(pred, gt, mask) == 0.5
    assert multilabel_classification_accuracy(pred, gt, mask, thr=0.7) == 1.0
    assert np.isnan(multilabel_classification_accuracy(pred, gt, 0 * mask))
