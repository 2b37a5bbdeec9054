"""Faces that are left out: counted, logged, and an error if none is left."""

import math

import numpy as np
import pytest

from helpers.metric_faces import evaluate, face
from mmpose_lite.errors import InputError
from mmpose_lite.evaluation import AUC, EPE, NME, PCKAccuracy
from mmpose_lite.evaluation.metrics import row_metric

BY_BOX = {'norm_mode': 'use_norm_item', 'norm_item': 'bbox_size'}
BY_EYES = {'norm_mode': 'keypoint_distance', 'keypoint_indices': [0, 1]}
NONE = (0, 0, 0)


def faces():
    """Five faces: off by 5 px, no points, off by 10 px, no points, exact with only a chin."""
    return [
        face(1, (3, 4), subsets=('some', 'first')),
        face(2, (9, 9), visible=NONE, subsets=('some',)),
        face(3, (6, 8)),
        face(4, visible=NONE),
        face(5, visible=(0, 0, 1), subsets=('some',)),
    ]


@pytest.mark.parametrize(
    ('metric', 'whole', 'some'),
    [
        # 100 px; seven points, four of them of the subset.
        (NME(**BY_BOX), 0.15 / 7, 0.05 / 4),
        (EPE(), 15 / 7, 5 / 4),
        # Points within 7 px: one of two, two of two, three of three; of the subset all.
        (PCKAccuracy(thr=0.07), (1 / 2 + 1 + 1) / 3, 1),
        # Thresholds 0, 7.5, 15 and 22.5 px: the first point's shares are 0, 1/2, 1, 1, others' 1.
        (AUC(norm_factor=30, num_thrs=4), (0 + 2.5 / 3 + 1 + 1) / 4, (0 + 1 + 1 + 1) / 4),
    ],
)
def test_faces_without_a_visible_point_are_in_no_number(metric, whole, some):
    (name,) = metric.names
    found = evaluate(metric, *faces())
    assert found[name] == pytest.approx(whole, abs=1e-7)
    assert found[f'{name}_some'] == pytest.approx(some, abs=1e-7)
    counts = [(score.subset, score.faces, score.points) for score in metric.scores]
    assert counts == [(None, 3, 7), ('some', 2, 4), ('first', 1, 3)]
    assert len(metric.rows) == 5
    assert metric.left_out == ['2 of 5 faces have no visible point and are left out (id 2, 4)']


def test_faces_without_a_normaliser_are_in_no_number():
    """Eyes 10 px apart; the fifth face has none."""
    metric = NME(**BY_EYES)
    found = evaluate(metric, *faces())
    assert found['NME'] == pytest.approx((0.5 + 1) / 6)
    assert found['NME_some'] == pytest.approx(0.5 / 3)
    assert [(score.faces, score.points) for score in metric.scores] == [(2, 6), (1, 3), (1, 3)]
    assert metric.left_out == [
        '2 of 5 faces have no visible point and are left out (id 2, 4)',
        '1 of 5 faces has no normaliser (LeftEye to RightEye, points 0 and 1) and is left out '
        '(id 5)',
    ]


def test_it_is_logged_once(monkeypatch):
    """Only once while they stay the same: a training validates often."""
    logged = []
    monkeypatch.setattr(row_metric, 'print_log', lambda text, logger: logged.append(text))
    metric = EPE()
    for _ in range(3):
        evaluate(metric, *faces())
    evaluate(metric, face(1), face(2, visible=NONE))
    evaluate(metric, face(1))
    assert metric.left_out == []
    assert logged == [
        'EPE: 2 of 5 faces have no visible point and are left out (id 2, 4)',
        'EPE: 1 of 2 faces has no visible point and is left out (id 2)',
    ]


def test_of_many_the_first_are_named_and_all_are_marked():
    metric = EPE()
    evaluate(metric, face(0), *(face(i, visible=NONE) for i in range(1, 7)))
    assert metric.left_out == [
        '6 of 7 faces have no visible point and are left out (id 1, 2, 3, 4, 5 and 1 more)'
    ]
    assert [row.get('left_out') for row in metric.rows] == [None, *['no visible point'] * 6]


class TestParts:
    """A test set of two data sets, lapa and cofw."""

    def faces(self, **chins):
        """Off by 5 px and by 10 px; faces of cofw whose visibility is given."""
        return [
            face(1, (3, 4), dataset_name='lapa', subsets=('some',)),
            face(2, (6, 8), dataset_name='lapa'),
            face(1, (6, 8), dataset_name='cofw', subsets=('some',)),
            face(2, (6, 8), dataset_name='cofw', **chins),
        ]

    def test_each_has_a_number_of_its_own(self):
        """Eyes 10 px apart; faces of three points, of which one is off."""
        metric = NME(**BY_EYES)
        found = evaluate(metric, *self.faces())
        assert found == {
            'NME': pytest.approx((0.5 + 3 * 1) / 12),
            'NME_some': pytest.approx(1.5 / 6),
            'NME_lapa': pytest.approx(1.5 / 6),
            'NME_cofw': pytest.approx(2 / 6),
        }
        assert [row['subsets'] for row in metric.rows] == [
            ['some', 'lapa'],
            ['lapa'],
            ['some', 'cofw'],
            ['cofw'],
        ]

    def test_faces_without_a_normaliser_are_counted_by_part(self):
        metric = NME(**BY_EYES)
        found = evaluate(metric, *self.faces(visible=(1, 0, 1)))
        assert found['NME_cofw'] == pytest.approx(1 / 3)
        assert metric.left_out == [
            '1 of 4 faces has no normaliser (LeftEye to RightEye, points 0 and 1) and is left out '
            '(cofw: id 2)'
        ]

    def test_a_part_without_any_normaliser_has_no_number_and_the_test_goes_on(self, monkeypatch):
        logged = []
        monkeypatch.setattr(row_metric, 'print_log', lambda text, logger: logged.append(text))
        metric, faces = NME(**BY_EYES), self.faces(visible=(1, 0, 1))
        faces[2]['gt_instances']['keypoints_visible'] = np.array([[0, 1, 1]])
        faces[2]['subsets'] = ()
        found = evaluate(metric, *faces)
        assert sorted(found) == ['NME', 'NME_lapa', 'NME_some']
        assert found['NME'] == found['NME_lapa']
        assert metric.left_out == [
            '2 of 4 faces have no normaliser (LeftEye to RightEye, points 0 and 1) and are left '
            'out (cofw: id 1, 2)',
            'none of the 2 faces of cofw is left, which has no number of its own',
        ]
        assert logged == [f'NME: {text}' for text in metric.left_out]

    def test_where_no_part_has_one_it_is_an_error(self):
        faces = self.faces()
        for each in faces:
            each['gt_instances']['keypoints_visible'] = np.array([[0, 1, 1]])
        with pytest.raises(InputError, match=r'of the set .* is over no face: 4 of 4 .*cofw: id 1'):
            evaluate(NME(**BY_EYES), *faces)

    def test_a_subset_of_the_name_of_a_part_is_refused(self):
        faces = self.faces()
        faces[0]['subsets'] = ('cofw',)
        with pytest.raises(InputError, match=r"subsets\['cofw'\] has the name of a data set"):
            evaluate(EPE(), *faces)

    def test_a_lone_data_set_is_no_part(self):
        metric = EPE()
        assert list(evaluate(metric, *self.faces()[:2])) == ['EPE', 'EPE_some']
        assert 'part' not in metric.rows[0]


@pytest.mark.parametrize('metric', [NME(**BY_BOX), EPE(), PCKAccuracy(), AUC(), NME(**BY_EYES)])
def test_where_nothing_is_left_it_is_an_error(metric):
    """Of the set or of a subset; the error names metric, subset and file."""
    metric.source = 'test.json'
    (name,) = metric.names
    message = rf"{name} of subsets\['none'\] \(test.json\) is over no face: 1 of 1 faces has no"
    with pytest.raises(InputError, match=message):
        evaluate(metric, face(1), face(2, visible=NONE, subsets=('none',)))
    with pytest.raises(InputError, match=rf'{name} of the set \(test.json\) is over no face: 2 of'):
        evaluate(metric, face(1, visible=NONE), face(2, visible=NONE))


def test_a_set_of_no_face_is_an_error():
    metric = EPE()
    metric.source = 'test.json'
    with pytest.raises(InputError, match=r'EPE of the set \(test.json\) is over no face: there is'):
        metric.evaluate(0)


@pytest.mark.parametrize('visible', [(math.nan, 1, 1), (-1, 1, 1)])
def test_a_point_whose_visibility_is_no_positive_number_does_not_count(visible):
    assert evaluate(EPE(), face(1, (3, 4), visible=visible)) == {'EPE': 0}


@pytest.mark.parametrize('metric', [EPE(), PCKAccuracy(), AUC()])
def test_a_visible_point_without_a_place_is_refused_by_the_face(metric):
    blank = face(7)
    blank['gt_instances']['keypoints'] = np.full((1, 3, 2), np.nan)
    with pytest.raises(InputError, match=r'id 7 .* has a visible true point that is not finite'):
        evaluate(metric, blank)
    blank['gt_instances']['keypoints_visible'] = np.zeros((1, 3))
    assert evaluate(EPE(), face(1), blank) == {'EPE': 0}


def test_predictions_that_errors_cannot_be_summed_of_are_refused():
    """In single precision this would silently be infinite."""
    with pytest.raises(InputError, match=r'id 7 .* predicts keypoints .* beyond 1e\+09'):
        evaluate(EPE(), face(7, (1e39, 0)))


def test_a_subset_without_a_normaliser_is_an_error():
    message = r"NME of subsets\['chins'\] .*LeftEye to RightEye, points 0 and 1\).* \(id 2\)"
    with pytest.raises(InputError, match=message):
        evaluate(NME(**BY_EYES), face(1), face(2, visible=(1, 0, 1), subsets=('chins',)))


def test_a_subset_that_a_face_names_twice_has_it_once():
    metric = EPE()
    evaluate(metric, face(1, (3, 4), subsets=('a', 'a')), face(2, subsets=('a',)))
    assert [(score.subset, score.faces) for score in metric.scores] == [(None, 2), ('a', 2)]


@pytest.mark.parametrize('visible', [NONE, (1, 0, 1)])
def test_the_check_before_a_run_passes_a_face_that_is_left_out(visible):
    metric = NME(**BY_EYES)
    metric.dataset_meta = {'dataset_name': 'three', 'keypoint_id2name': {0: 'a', 1: 'b', 2: 'c'}}
    metric.check(face(1, visible=visible))
    metric.keypoint_indices = [0, 9]
    with pytest.raises(KeyError, match='no point 9'):
        metric.check(face(1, visible=visible))
