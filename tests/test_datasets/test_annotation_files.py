"""Annotation files as tools write them: what is read all the same, and what is named."""

import json

import numpy as np
import pytest

from helpers.data_factory import ANNOTATIONS, SHAPE, records, write_annotations
from mmpose_lite.datasets import AFLWDataset, BaseCocoStyleDataset
from mmpose_lite.datasets.datasets.base import base_coco_style_dataset
from mmpose_lite.errors import InputError

POINTS = SHAPE * 60 + [50, 40]
METAINFO = AFLWDataset(lazy_init=True).metainfo


@pytest.fixture
def lines(monkeypatch):
    found = []
    monkeypatch.setattr(base_coco_style_dataset, 'print_log', lambda text, **_: found.append(text))
    return found


@pytest.fixture
def content(tmp_path):
    """The content of a file of three faces."""
    faces = [records(i, f'photo{i}.png', (100, 80), (50, 40), 60, POINTS) for i in (1, 2, 3)]
    (tmp_path / 'images').mkdir()
    return json.loads(write_annotations(tmp_path, 'train', faces).read_text())


@pytest.fixture
def load(tmp_path, content):
    """Write the content, or other bytes, and load them."""

    def run(data=None, kind=BaseCocoStyleDataset, **arguments):
        path = tmp_path / ANNOTATIONS.format('train')
        path.write_bytes(json.dumps(content).encode() if data is None else data)
        return kind(
            data_root=str(tmp_path),
            ann_file=ANNOTATIONS.format('train'),
            data_prefix={'img': 'images/'},
            metainfo=METAINFO,
            **arguments,
        )

    return run


@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig', 'utf-16', 'utf-16-be', 'utf-32'])
def test_every_encoding_of_json_is_read(content, load, encoding):
    content['images'][0]['file_name'] = 'Zoë.png'
    found = load(json.dumps(content, ensure_ascii=False).encode(encoding))
    assert found[0]['img_path'].endswith('Zoë.png')


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        ('"bbox": ', '"bbox": [1, 2, 3, 4], "bbox": ', r"id 1 has the key 'bbox' twice: \[1, 2, "),
        ('"id": 1, ', '"id": 1, "id": 1, ', "record of id 1 has the key 'id' twice: 1 and 1"),
        ('"images"', '"images": [], "images"', "an object has the key 'images' twice"),
    ],
)
def test_a_key_that_stands_twice_is_named(content, load, old, new, message):
    text = json.dumps(content)
    assert old in text
    with pytest.raises(InputError, match=rf'train\.json: .*{message}'):
        load(text.replace(old, new, 1).encode())


def test_ids_that_are_whole_numbers_with_a_point_are_read(content, load):
    for entry in [*content['images'], *content['annotations']]:
        for key in {'id', 'image_id', 'category_id', 'iscrowd'} & entry.keys():
            entry[key] = float(entry[key])
    found = load(subsets={'second': [2]})
    assert [(each['id'], type(each['id'])) for each in found] == [(1, int), (2, int), (3, int)]
    assert [each['subsets'] for each in found] == [(), ('second',), ()]


@pytest.mark.parametrize(
    ('key', 'entry', 'value', 'message'),
    [
        ('images', 'id', 1.5, 'a record without an id'),
        ('annotations', 'image_id', 1.5, 'there is no image with image_id=1.5$'),
        ('annotations', 'image_id', '1', "image_id='1', but one with id 1"),
        ('annotations', 'id', float('nan'), 'a record without an id'),
        ('annotations', 'iscrowd', 0.5, "'iscrowd' must be 0 or 1, it is 0.5"),
    ],
)
def test_ids_that_are_none_are_named(content, load, key, entry, value, message):
    content[key][0][entry] = value
    with pytest.raises(InputError, match=message):
        load()


NAN = float('nan')


@pytest.mark.parametrize(
    'hole', [[NAN, NAN, 0], [None, None, 0], [5, None, 0], [NAN, 7, 0.0], [None] * 3, [NAN] * 3]
)
@pytest.mark.parametrize('kind', [BaseCocoStyleDataset, AFLWDataset])
def test_points_without_a_label_may_have_no_place(content, load, hole, kind):
    for face in content['annotations']:
        face['keypoints'][3:6] = hole
    sample = load(kind=kind, test_mode=True)[1]
    assert sample['keypoints'][0, 1].tolist() == [0, 0]
    assert sample['keypoints_visible'][0, :3].tolist() == [1, 0, 1]
    assert np.isfinite(sample['keypoints']).all()
    assert sample['annotated']['flags'][1] == 0


@pytest.mark.parametrize(
    'hole', [[NAN, NAN, 2], [None, 5, 1], [5, 6, None], [5, 6, NAN], [float('inf'), 0, 0]]
)
def test_labelled_points_without_a_place_are_named(content, load, hole):
    content['annotations'][1]['keypoints'][3:6] = hole
    with pytest.raises(InputError, match=r"annotation id 2 .*'keypoints' must hold finite numbers"):
        load()


def test_a_face_whose_points_all_lack_a_place_is_left_out_and_counted(content, load, lines):
    content['annotations'][0]['keypoints'] = [NAN, NAN, 0] * 19
    assert [each['id'] for each in load()] == [2, 3]
    assert '2 of 3 annotations used; left out: 1 with all points at the origin' in lines[0]


@pytest.fixture
def hands(content):
    """The same file with a hand of three points in its first photograph."""
    content['categories'].append({'id': 2, 'name': 'hand', 'keypoints': ['a', 'b', 'c']})
    hand = {'id': 99, 'image_id': 1, 'category_id': 2, 'bbox': [1, 1, 10, 10]}
    content['annotations'].insert(0, {**hand, 'keypoints': [2, 2, 2, 5, 5, 2, 9, 9, 2]})
    return content


@pytest.mark.parametrize('category', ['face', 1, 1.0])
def test_one_of_several_categories_is_chosen(hands, load, category):
    assert [each['id'] for each in load(category=category)] == [1, 2, 3]


def test_categories_are_told_apart_by_their_points_and_names(hands, load):
    listed = r"2 \('hand'\): 1 annotations of 3 points, 1 \('face'\): 3 annotations of 19 points"
    with pytest.raises(InputError, match=rf'`category` .* chooses none of them: {listed}'):
        load()
    with pytest.raises(InputError, match=rf"category='foot' has no annotation; .*{listed}"):
        load(category='foot')
    # As many points, and other names.
    hands['annotations'][0]['keypoints'] = [1.0, 2.0, 2] * 19
    hands['categories'][0]['keypoints'] = list(METAINFO['keypoint_name2id'])
    with pytest.raises(InputError, match='several categories'):
        load()


def test_categories_of_the_same_points_are_read_together(content, load):
    content['categories'].append({'id': 2, 'name': 'child'})
    content['annotations'][0]['category_id'] = 2
    assert [each['category_id'] for each in load()] == [2, 1, 1]
    # Boxes of other things have no points.
    content['annotations'].append({'id': 9, 'image_id': 1, 'category_id': 7, 'bbox': [1, 2, 3, 4]})
    assert len(load()) == 3


def test_a_subset_is_of_the_same_category(hands, load, tmp_path):
    (tmp_path / 'part.json').write_text(
        json.dumps({**hands, 'annotations': hands['annotations'][:2]})
    )
    found = load(category='face', subsets={'part': 'part.json'})
    assert [each['subsets'] for each in found] == [('part',), (), ()]


@pytest.mark.parametrize('empty', [{}, {'bbox': None}, {'bbox': []}, {'bbox': NAN}])
def test_a_missing_box_is_made_about_the_labelled_points(content, load, lines, empty):
    face = content['annotations'][1]
    del face['bbox']
    face.update(empty)
    face['keypoints'][:3] = [0, 0, 0]  # not labelled: it does not count
    low, high = POINTS[1:].min(axis=0), POINTS[1:].max(axis=0)
    for margin in (0.1, 0.25):
        found = load(bbox_margin=margin)[1]['bbox'][0]
        room = margin * (high - low).max()
        np.testing.assert_allclose(found, [*(low - room), *(high + room)], rtol=1e-6)
        assert f'1 annotations have no bbox; .* {margin:.0%}'.partition(' .*')[0] in lines[-1]
        assert f'{margin:.0%} of their longer extent' in lines[-1]
    with pytest.raises(InputError, match=r"annotation id 2 .*'bbox' must be a list of 4 numbers"):
        load(bbox_margin=None)


def test_a_box_that_no_points_span_is_named(content, load):
    del content['annotations'][1]['bbox']
    content['annotations'][1]['keypoints'][3:] = [0] * 54
    with pytest.raises(InputError, match=r"id 2 .*'bbox' is missing, and 1 labelled points span"):
        load()


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'bbox_margin': -1}, 'bbox_margin=-1 is not a share'),
        *(
            ({'data_mode': 'bottomup', **given}, f'"{key}" is only supported in topdown mode')
            for key, given in (
                ('bbox_file', {'bbox_file': 'x', 'test_mode': True}),
                ('bbox_score_thr', {'filter_cfg': {'bbox_score_thr': 0.3}}),
            )
        ),
        ({'file_names': 'fuzzy'}, "got invalid file_names: 'fuzzy' is not one of exact, lenient"),
        ({'on_implausible': 'x'}, "got invalid on_implausible: 'x' is not one of refuse, warn"),
        ({'first_pixel': 2}, 'got invalid first_pixel: 2 is not one of 0, 1'),
    ],
)
def test_wrong_arguments_are_named(load, arguments, message):
    with pytest.raises(InputError, match=message):
        load(**arguments)


def test_check_data_reads_them_in_the_same_way(faces_to_check):
    def change(content):
        content['annotations'][0]['keypoints'][:3] = [None, None, 0]
        content['annotations'][0]['id'] = 1.0
        content['annotations'].append(
            {'id': 99, 'image_id': 1, 'category_id': 2, 'keypoints': [1, 2, 2, 5, 6, 2]}
        )

    faces_to_check.edit(change)
    (fault,) = faces_to_check.texts(faces_to_check.check()['faults'], 'annotations')
    assert 'several categories have different points' in fault
    option = 'train_dataloader.dataset.dataset.category=face'
    report = faces_to_check.check('--cfg-options', option)
    assert report['faults'] == []
    assert report['splits'][0]['faces'] == 12
