"""AFLW's annotations, read and refused."""

import json

import numpy as np
import pytest

from helpers.data_factory import ANNOTATIONS, SHAPE, records, write_annotations
from mmpose_lite.datasets import AFLWDataset
from mmpose_lite.registry import DATASETS

POINTS = SHAPE * 100 + [50, 60]


@pytest.fixture
def write(tmp_path):
    """Write one face with some changes to its annotation, image or the whole content."""
    (tmp_path / 'images').mkdir()

    def write(annotation=None, image=None, content=None, text=None):
        face = records(7, 'one.png', (100, 90), (50.0, 45.0), 80.0, POINTS)
        face[0].update(image or {})
        face[1].update(annotation or {})
        path = write_annotations(tmp_path, 'test', [face])
        if content is not None:
            path.write_text(json.dumps({**json.loads(path.read_text()), **content}))
        if text is not None:
            path.write_text(text)
        return path

    return write


def load(root, test_mode=True, **arguments):
    arguments = {
        'data_root': str(root),
        'ann_file': ANNOTATIONS.format('test'),
        'data_prefix': {'img': 'images/'},
        'test_mode': test_mode,
        **arguments,
    }
    return AFLWDataset(**arguments)


def test_pixels_counted_from_one(write, tmp_path):
    points = np.array(records(7, 'one.png', (100, 90), (50.0, 45.0), 80.0, POINTS)[1]['keypoints'])
    points[3:6] = 0  # not labelled
    write({'keypoints': points.tolist()})
    (zero,), (one,) = load(tmp_path), load(tmp_path, first_pixel=1)
    moved = one['keypoints'] - zero['keypoints']
    assert (np.delete(moved, 1, axis=1) == -1).all()
    assert (moved[0, 1] == 0).all()
    np.testing.assert_array_equal(one['bbox'], zero['bbox'] - 1)
    np.testing.assert_array_equal(one['bbox_center'], zero['bbox_center'] - 1)
    np.testing.assert_array_equal(one['bbox_scale'], zero['bbox_scale'])


# Boxes are squares of 200 scale about the centre.
@pytest.mark.parametrize(
    ('center', 'scale', 'bbox'),
    [
        ([437, 305], 1.82, [255, 123, 619, 487]),
        ([166.5, 185.5], 0.63, [103.5, 122.5, 229.5, 248.5]),  # an odd side: a centre at .5
        ([3, -2], 0.5, [-47, -52, 53, 48]),  # leaves its image, and is not clipped
        ([98, 88], 2.17, [-119, -129, 315, 305]),
    ],
)
def test_box_is_the_square_about_the_centre(write, tmp_path, center, scale, bbox):
    write({'center': center, 'scale': scale, 'box_size': 200 * scale})
    (sample,) = load(tmp_path)
    np.testing.assert_allclose(sample['bbox'], [bbox], atol=1e-4)
    np.testing.assert_array_equal(sample['bbox_center'], [center])
    np.testing.assert_allclose(sample['bbox_scale'], [[200 * scale] * 2], rtol=1e-6)
    for key in ('bbox', 'bbox_center', 'bbox_scale', 'keypoints', 'keypoints_visible'):
        assert sample[key].dtype == np.float32


def test_sample_has_what_the_pipeline_starts_from(write, tmp_path):
    visible = np.hstack([POINTS, np.ones((19, 1))])
    visible[3, 2] = 0
    visible[4, 2] = 2
    write({'keypoints': visible.ravel().tolist()})
    (sample,) = load(tmp_path)
    assert sample['img_path'] == str(tmp_path / 'images' / 'one.png')
    assert (sample['img_id'], sample['id'], sample['category_id'], sample['iscrowd']) == (
        7,
        7,
        1,
        0,
    )
    np.testing.assert_allclose(sample['keypoints'], POINTS[None], rtol=1e-6)
    wanted = np.ones((1, 19))
    wanted[0, 3] = 0  # any visibility above 0 is 1
    np.testing.assert_array_equal(sample['keypoints_visible'], wanted)
    assert sample['bbox_score'].tolist() == [1]
    assert sample['box_size'] == 80
    assert sample['flip_indices'][:6] == [5, 4, 3, 2, 1, 0]
    assert sample['dataset_name'] == 'aflw'
    assert sample['subsets'] == ()


def test_only_test_data_need_the_side(write, tmp_path):
    write({'box_size': None})
    (sample,) = load(tmp_path, test_mode=False)
    assert 'box_size' not in sample
    with pytest.raises(ValueError, match='box_size'):
        load(tmp_path)


FIELD = [
    # Each message has the file, the record, the field and the value.
    ({'keypoints': POINTS.ravel().tolist()}, "'keypoints' holds 12.6667 points, .* names 19"),
    ({'keypoints': [1.0] * 204}, "'keypoints' holds 68 points, .* names 19"),
    ({'keypoints': [1.0] * 56 + [float('nan')]}, "'keypoints' must hold finite .* nan"),
    ({'keypoints': [1.0] * 56 + ['1']}, "'keypoints' must hold finite .* '1'"),
    ({'scale': 0}, "'scale' must be a number above 0, it is 0"),
    ({'scale': -0.4}, "'scale' must be a number above 0, it is -0.4"),
    ({'scale': float('inf')}, "'scale' must be a number above 0, it is inf"),
    ({'scale': None}, "'scale' must be a number above 0, it is None"),
    ({'scale': 1e-9}, "'scale' makes a box of 2e-07 pixels"),
    ({'scale': 1e6}, r"'scale' makes a box of 2e\+08 pixels"),
    ({'center': [1e9, 5]}, "'center' must hold .* it holds 1000000000.0 .the limit is 2.24"),
    ({'keypoints': [1.0, 2.0, -1.0] * 19}, "'keypoints' holds a visibility below 0: -1"),
    ({'category_id': [1]}, r"'category_id' must be a number or a name, it is \[1\]"),
    ({'iscrowd': '0'}, "'iscrowd' must be 0 or 1, it is '0'"),
    ({'num_keypoints': 'all'}, "'num_keypoints' must be a count, it is 'all'"),
    ({'box_size': 0}, "'box_size' must be a number above 0, it is 0"),
    ({'box_size': 90.0}, r"'box_size' is 90.0, but 200 scale is 80"),
    ({'center': [50.0]}, "'center' must be a list of 2 numbers, it is 1 values"),
    ({'center': [50.0, float('nan')]}, "'center' must hold finite numbers, it holds nan"),
    ({'center': None}, "'center' must be a list of 2 numbers, it is None"),
]


@pytest.mark.parametrize(('changes', 'message'), FIELD, ids=[message for _, message in FIELD])
def test_a_wrong_field_is_named(write, tmp_path, changes, message):
    path = write(changes)
    with pytest.raises(ValueError, match=f'.*annotation id 7.*one.png.*{message}') as caught:
        load(tmp_path)
    assert str(path) in str(caught.value)


FILE = [
    ({'text': '{"images": ['}, 'no JSON'),
    ({'text': '[1, 2]'}, "'images' must be a list"),
    ({'content': {'annotations': None}}, "'annotations' must be a list"),
    ({'content': {'images': [{'id': 7, 'file_name': 'a'}] * 2}}, "'images' holds the id 7 twice"),
    ({'content': {'images': [{'file_name': 'a'}]}}, "'images' holds a record without an id"),
    ({'content': {'images': [{'id': 7}]}}, "image id 7 has no 'file_name'"),
    ({'image': {'width': 0}}, "image id 7: 'width' must be a number above 0"),
    ({'annotation': {'image_id': True}}, 'there is no image with image_id=True'),
    ({'annotation': {'image_id': [7]}}, r'there is no image with image_id=\[7\]'),
    ({'annotation': {'image_id': 8}}, 'annotation id 7: there is no image with image_id=8'),
]


@pytest.mark.parametrize(('changes', 'message'), FILE, ids=[message for _, message in FILE])
def test_a_wrong_file_is_named(write, tmp_path, changes, message):
    path = write(**changes)
    with pytest.raises(ValueError, match=message) as caught:
        load(tmp_path)
    assert str(path) in str(caught.value)


def test_an_id_that_stands_twice_is_named(tmp_path):
    (tmp_path / 'images').mkdir()
    face = records(7, 'one.png', (100, 90), (50.0, 45.0), 80.0, POINTS)
    other = records(8, 'two.png', (100, 90), (50.0, 45.0), 80.0, POINTS)
    other[1]['id'] = 7
    write_annotations(tmp_path, 'test', [face, other])
    with pytest.raises(ValueError, match="'annotations' holds the id 7 twice"):
        load(tmp_path)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'data_root': 'no/such/folder'}, "data_root='no/such/folder' is not a folder"),
        ({'ann_file': 'annotations/gone.json'}, r'ann_file=.*gone\.json'),
        ({'data_prefix': {'img': 'photos/'}}, r'data_prefix\.img=.*photos'),
    ],
)
def test_a_missing_file_or_folder_is_named_with_its_key(write, tmp_path, arguments, message):
    write()
    with pytest.raises(FileNotFoundError, match=message):
        load(tmp_path, **arguments)


def test_a_misspelt_argument_is_refused():
    with pytest.raises(TypeError, match='ann_flie'):
        DATASETS.build({'type': 'AFLWDataset', 'ann_flie': 'x.json'})
