"""Labels that are unusual: read as their tool means them, and counted where they are left out."""

import json

import numpy as np
import pytest

from helpers.label_records import (
    THREE,
    coco,
    keypoint,
    labelme,
    photo,
    points,
    rectangle,
    region,
    task,
    unplaced,
    via,
    via_point,
    xml,
)
from mmpose_lite.errors import InputError

TWICE = 'a face has a point twice (several faces need groups, or a box each)'
NOWHERE = 'a point belongs to no face: it has no group, and lies in no box or in several'


def test_whose_a_point_is(set_of):
    """Boxes hold points, groups tell faces apart, and what stays is counted."""
    two = [rectangle([0, 0], [25, 39]), rectangle([26, 0], [59, 39])]
    six = points(
        ('a', 5, 5, {}), ('b', 20, 5, {}), ('c', 12, 30, {}),
        ('a', 30, 5, {}), ('b', 50, 5, {}), ('c', 40, 30, {}),
    )  # fmt: skip
    _, found = set_of('labelme', 'a.json', labelme(*six, *two))
    assert [each[0] for each in found] == [[5, 5, 2], [30, 5, 2]]
    stray = points(('d', 25.5, 5, {}))
    report, found = set_of(
        'labelme', 'a.json', labelme(*six, *two, *stray, rectangle([1, 1], [2, 2]))
    )
    assert unplaced(report) == {NOWHERE: 1, 'a box has no points': 1}
    assert not report.is_complete
    assert len(found) == 2
    third = points(('a', 1, 1, {'group_id': 3}), ('b', 2, 3, {'group_id': 3}))
    report, _ = set_of('labelme', 'a.json', labelme(*six, *third))
    assert unplaced(report) == {NOWHERE: 6}
    with pytest.raises(InputError, match=r"a.json': no image has a point"):
        set_of('labelme', 'a.json', labelme(*six))


def test_points_of_via_without_names_are_numbered(set_of):
    """In the order in which they were drawn, in a picture of one face."""
    rects = [
        {'shape_attributes': {'name': 'rect', 'x': x, 'y': 0, 'width': 9, 'height': 9}}
        for x in (0, 20)
    ]
    for each in rects:
        each['region_attributes'] = {}
    one = via(via_point(3, 5), rects[0], via_point(4, 8), via_point(30, 30))
    assert set_of('via', 'a.json', one)[1] == [[[3, 5, 2], [4, 8, 2], [30, 30, 2]]]
    names = ['nose', 'chin', 'ear']
    assert set_of('via', 'a.json', one, names)[1] == [[[3, 5, 2], [4, 8, 2], [30, 30, 2]]]
    two = via(via_point(3, 5), via_point(4, 8), *rects, via_point(25, 5))
    report, found = set_of('via', 'a.json', {**one, **{f'b{k}': v for k, v in two.items()}})
    assert len(found) == 1
    assert unplaced(report) == {
        'points without names are numbered, which needs one face a picture': 1
    }


def test_what_is_no_point_is_counted(set_of):
    shapes = labelme(*THREE, {'label': 'hair', 'points': [[1, 2]], 'shape_type': 'polygon'})
    report, _ = set_of('labelme', 'a.json', shapes)
    assert report.notes["a 'polygon' is neither a point nor a box"] == ['a.json: shapes.3']
    other = task(keypoint('a', 1, 2), keypoint('b', 9, 8), region('brushlabels', {}))
    report, _ = set_of('label-studio', 'a.json', other)
    assert "a region of type 'brushlabels' is neither a point nor a box" in report.notes
    report, _ = set_of('cvat', 'a.xml', xml('<polygon/><points label="f" points="1,2;3,9"/>'))
    assert 'a polygon is neither a point nor a box of a face' in report.notes


def test_boxes_and_groups_of_cvat(set_of, tmp_path):
    """A box of the group, turned about its middle; one that holds another face; single points."""

    def point(label, x, y, group):
        return f'<points label="{label}" points="{x},{y}" occluded="0" group_id="{group}"></points>'

    inner = [
        point('a', 10, 10, 1), point('b', 14, 20, 1), point('a', 40, 10, 2), point('b', 44, 20, 2),
        '<box xtl="36" ytl="4" xbr="50" ybr="30" occluded="0"></box>',
        '<box xtl="2" ytl="10" xbr="22" ybr="20" rotation="90.0" group_id="1"></box>',
    ]  # fmt: skip
    _, found = set_of('cvat', 'a.xml', xml(''.join(inner)))
    assert found == [[[10, 10, 2], [14, 20, 2]], [[40, 10, 2], [44, 20, 2]]]
    content = json.loads((tmp_path / 'set' / 'faces.json').read_text())
    boxes = [each['bbox'] for each in content['annotations']]
    np.testing.assert_allclose(boxes, [[7, 5, 10, 20], [36, 4, 14, 26]], atol=1e-9)


def test_records_of_coco_that_are_no_faces(set_of, tmp_path):
    sound = {'image_id': 1, 'category_id': 1, 'keypoints': [1, 2, 2, 30, 4, 2]}
    more = (
        {'iscrowd': True}, {'deleted': True}, {'keypoints': []}, {'keypoints': [1, 2, 2]},
        {'keypoints': [0] * 6}, {'keypoints': [5, 5, 2, 0, 0, 0]},
    )  # fmt: skip
    annotations = [{'id': i, **sound, **each} for i, each in enumerate(({}, *more))]
    content = coco([], annotations=annotations)
    content['images'].append({'id': 2, 'file_name': 'a_jpg.rf.01ab.jpg'})
    report, found = set_of('roboflow', 'a.json', content)
    assert found == [[[1, 2, 2], [30, 4, 2]]]
    assert report.unplaced == {
        'marked iscrowd': ['a.json: annotation id 1'],
        'it has a box or an outline, and no points': ['a.json: annotation id 3'],
        'it has 1 points, and not 2': ['a.json: annotation id 4'],
        'none of its points is labelled': ['a.json: annotation id 5'],
        'it has no box, and its points span none': ['a.json: annotation id 6'],
    }
    assert report.notes['a deleted record is left out'] == ['a.json: annotation id 2']
    assert report.notes['no face of the picture has points'] == ['a.json: image id 2']


def test_copies_that_roboflow_made(set_of, tmp_path):
    content = coco([1, 2, 2, 30, 4, 2])
    for i in (2, 3):
        name = f'a_png.rf.{i}f.jpg'
        photo(tmp_path / 'labels' / name)
        content['images'].append({**content['images'][0], 'id': i, 'file_name': name})
        content['annotations'].append({**content['annotations'][0], 'id': 4 + i, 'image_id': i})
    report, found = set_of('roboflow', 'a.json', content)
    assert len(found) == 3
    kind = 'copies of one photograph: a split by names may have it on both sides'
    assert report.notes[kind] == ['a_png (2 copies)']


def test_relations_and_labels_apart_of_label_studio(set_of):
    """Points and their labels as two results, and arrows between points and boxes."""
    size = {'original_width': 60, 'original_height': 40}
    result = []
    for i, x in enumerate((10, 60)):
        box = {'x': x, 'y': 10, 'width': 30, 'height': 50, 'rectanglelabels': ['face']}
        result.append({'id': f'box{i}', 'type': 'rectanglelabels', 'value': box, **size})
        for label, y in (('a', 5), ('b', 50)):
            place, ids = {'x': x + 5, 'y': y, 'width': 1}, f'{label}{i}'
            result.append({'id': ids, 'type': 'keypoint', 'value': place, **size})
            named = {**place, 'labels': [label]}
            result.append({'id': ids, 'type': 'labels', 'value': named, **size})
            ends = {'from_id': ids, 'to_id': f'box{i}'}
            result.append({'type': 'relation', 'direction': 'right', **ends})
    report, found = set_of('label-studio', 'a.json', task(*result))
    assert report.is_complete
    np.testing.assert_allclose(
        found, [[[9, 2, 2], [9, 20, 2]], [[39, 2, 2], [39, 20, 2]]], atol=1e-9
    )


def test_the_older_form_of_via(set_of):
    """VIA 1 numbers regions, and its table begins with a hash."""
    regions = {'0': via_point(3, 5, name='a'), '1': via_point(4, 8, name='b')}
    wanted = [[[3, 5, 2], [4, 8, 2]]]
    assert set_of('via', 'a.json', via(regions=regions))[1] == wanted
    lines = ['#filename,file_size,region_shape_attributes,region_attributes']
    for each in regions.values():
        texts = (json.dumps(each[f'{part}_attributes']) for part in ('shape', 'region'))
        cells = ','.join('"' + text.replace('"', '""') + '"' for text in texts)
        lines.append(f'a.png,-1,{cells}')
    assert set_of('via', 'a.csv', '\n'.join(lines))[1] == wanted


def test_percentages_need_no_size(set_of):
    boxed = region('rectanglelabels', {'x': 10, 'y': 20, 'width': 50, 'height': 50, 'rotation': 0})
    result = [keypoint('a', 50, 50), keypoint('b', 25, 25), boxed]
    _, found = set_of('label-studio', 'a.json', task(*result))
    assert found == [[[30, 20, 2], [15, 10, 2]]]


def test_a_box_of_label_studio_that_is_turned(set_of, tmp_path):
    """By 90 degrees about its left top corner it lies to the left."""
    value = {'x': 50, 'y': 10, 'width': 25, 'height': 50, 'rotation': 90}
    size = {'original_width': 60, 'original_height': 40}
    result = [keypoint('a', 20, 20), keypoint('b', 40, 30), region('rectanglelabels', value)]
    set_of('label-studio', 'a.json', task(*[{**each, **size} for each in result]))
    content = json.loads((tmp_path / 'set' / 'faces.json').read_text())
    # 15 wide and 20 high at (30, 4): 20 wide and 15 high, left of 30
    np.testing.assert_allclose(content['annotations'][0]['bbox'], [10, 4, 20, 15], atol=1e-9)


def test_the_annotation_of_label_studio_that_counts(set_of):
    made = [
        {'result': [keypoint('a', 1, 1), keypoint('b', 50, 50)], 'updated_at': '2024-02-01'},
        {'result': [keypoint('a', 2, 2), keypoint('b', 50, 50)], 'updated_at': '2024-01-01'},
        {'result': [keypoint('a', 3, 3)], 'updated_at': '2024-03-01', 'was_cancelled': True},
    ]
    report, found = set_of('label-studio', 'a.json', task(annotations=made))
    assert found[0][0] == pytest.approx([0.6, 0.4, 2])
    assert len(report.notes['several annotations: the ground truth is taken, or the latest']) == 1
    made[1]['ground_truth'] = True
    assert set_of('label-studio', 'a.json', task(annotations=made))[1][0][0][:1] == [1.2]
