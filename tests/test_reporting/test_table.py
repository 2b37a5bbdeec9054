"""Tables of faces, read from untrusted rows."""

import numpy as np
import pytest
from hand_made import GT, row

from mmpose_lite.errors import InputError
from mmpose_lite.reporting import read_table


def test_rows_become_arrays():
    rows = [
        row(1, 5, subsets=['frontal'], scores=[0.1, 0.2, 0.3, 0.4], yaw=0.5, norm=100),
        row('b', (0, 1, 2, 3), visibility=[1, 0, 1, 1]),
    ]
    table = read_table(rows)
    assert (len(table), table.points) == (2, 4)
    assert table.ids == (1, 'b')
    assert table.subsets == (('frontal',), ())
    assert table.gt[1].tolist() == GT.tolist()
    assert (table.pred - table.gt)[:, :, 0].tolist() == [[5, 5, 5, 5], [0, 1, 2, 3]]
    assert table.box_size.tolist() == [100, 100]
    # What a row does not say is NaN.
    assert table.scores[0].tolist() == [0.1, 0.2, 0.3, 0.4]
    assert np.isnan(table.scores[1]).all()
    assert np.isnan(table.seen[0]).all()
    assert table.seen[1].tolist() == [1, 0, 1, 1]
    assert (table.yaw[0], table.norm[0]) == (0.5, 100)
    assert np.isnan([table.yaw[1], table.norm[1]]).all()


def test_faces_can_be_taken():
    table = read_table([row(1, 5), row(2, 6), row(3, 7)])
    taken = table.take([2, 0])
    assert taken.ids == (3, 1)
    assert (taken.pred - taken.gt)[:, 0, 0].tolist() == [7, 5]
    assert len(table) == 3


@pytest.mark.parametrize(
    ('flags', 'seen'),
    [
        # A 2 anywhere in the set: COCO's flags, 1 is hidden.
        (([1, 2, 2, 0], [1, 1, 1, 1]), ([0, 1, 1, None], [0, 0, 0, 0])),
        # Else a 1 says only that the point is annotated, as in AFLW.
        (([1, 1, 1, 0], [1, 1, 1, 1]), ([None] * 4, [None] * 4)),
    ],
)
def test_flags_tell_hidden_points_where_they_are_coco_s(flags, seen):
    table = read_table([row(i, 0, flags=each) for i, each in enumerate(flags)])
    wanted = np.array(seen, dtype=float)
    np.testing.assert_array_equal(table.seen, wanted)


def test_visibility_goes_before_flags():
    table = read_table([row(1, 0, flags=[2, 2, 2, 2], visibility=[1, 0, 0, 1]), row(2, 0)])
    assert table.seen[0].tolist() == [1, 0, 0, 1]


def test_a_point_that_does_not_count_needs_no_place():
    gt = GT.tolist()
    gt[3] = [float('nan'), 0.0]
    table = read_table([row(1, 0) | {'gt': gt, 'mask': [True, True, True, False]}])
    assert table.gt[0, 3].tolist() == [0, 0]


BAD = [
    ({'pred': None}, r'dump\.json: faces\[1\]\.pred is missing \(id 2\)'),
    ({'gt': [[1, 2]] * 3}, r'gt has the shape \(3, 2\), it must be \(4, 2\) \(id 2\)'),
    ({'pred': [[1, 2]] * 5}, r'pred has the shape \(5, 2\)'),
    ({'pred': [[1, 2], [3]]}, r'pred holds no numbers: \[\[1, 2\], \[3\]\]'),
    ({'gt': 'points'}, "gt holds no numbers: 'points'"),
    ({'gt': []}, r'gt has the shape \(0,\)'),
    ({'mask': [True]}, r'mask has the shape \(1,\)'),
    ({'pred': [[1, 2], [3, float('nan')], [0, 0], [0, 0]]}, 'pred is not finite at point 1'),
    ({'gt': [[1, float('inf')]] * 4}, 'gt is not finite at point 0'),
    ({'pred': [[1, 2], [3, 1e300], [0, 0], [0, 0]]}, 'pred is in no image at point 1'),
    ({'bbox': [0, 0, 1e300, 1]}, 'bbox is in no image'),
    ({'id': [2]}, r'id is \[2\], not a whole number or string \(id \[2\]\)'),
    ({'id': float('nan')}, 'id is nan, not a whole number or string'),
    ({'bbox': [0, 0, 10]}, r'bbox has the shape \(3,\)'),
    ({'bbox': [0, 0, 10, 0]}, 'bbox has no area'),
    ({'scores': [0.5]}, r'scores has the shape \(1,\)'),
    ({'subsets': 'frontal'}, "subsets is 'frontal', not a list"),
    ({'subsets': ['a', 3]}, r'subsets\[1\] is 3, not a string'),
    ({'yaw': [1.0]}, r'yaw has the shape \(1,\)'),
    ({'mask': [0.5, 1, 1, 1]}, 'mask is neither true nor false at point 0'),
    ({'mask': [True, None, True, True]}, 'mask is neither true nor false at point 1'),
    ({'visibility': [1, 0]}, r'visibility has the shape \(2,\)'),
]


@pytest.mark.parametrize(('part', 'message'), BAD)
def test_broken_rows_are_named(part, message):
    message = message if 'dump' in message else rf'dump\.json: faces\[1\]\.{message}'
    with pytest.raises(InputError, match=message):
        read_table([row(1, 0), row(2, 0) | part], 'dump.json')


@pytest.mark.parametrize('rows', [None, [], {}, 'rows', ['row'], [row(1, 0), None]])
def test_what_is_no_list_of_rows_is_refused(rows):
    with pytest.raises(InputError, match=r'dump\.json: faces'):
        read_table(rows, 'dump.json')
