"""COCO-style sets: boxes, what is left out, images as samples, detections."""

import json

import numpy as np
import pytest

from helpers.data_factory import SHAPE, records, write_annotations
from mmpose_lite.datasets import BaseCocoStyleDataset
from mmpose_lite.datasets.datasets.base import base_coco_style_dataset
from mmpose_lite.errors import InputError
from mmpose_lite.evaluation import NME

METAINFO = {'from_file': 'configs/_base_/datasets/aflw.py'}


def face(face_id, image_id=None, **annotation):
    found = records(face_id, f'photo{face_id}.png', (100, 80), (50, 40), 60, SHAPE * 60 + [50, 40])
    found[1].update({'bbox': [10, 20, 30, 40], 'image_id': image_id or face_id, **annotation})
    return found


def load(root, *faces, **arguments):
    (root / 'images').mkdir(exist_ok=True)
    write_annotations(root, 'test', list(faces))
    return BaseCocoStyleDataset(
        data_root=str(root),
        ann_file='annotations/face_landmarks_aflw_test.json',
        data_prefix={'img': 'images/'},
        metainfo=METAINFO,
        **arguments,
    )


@pytest.mark.parametrize(
    ('bbox_xywh', 'bbox_xyxy'),
    [
        ([10, 20, 30, 40], [10, 20, 40, 60]),
        # The image is 100x80: its last pixels are 99 and 79.
        ([-5, -6, 30, 40], [0, 0, 25, 34]),
        ([90, 70, 30, 40], [90, 70, 99, 79]),
    ],
)
def test_boxes_are_clipped_to_the_image(tmp_path, bbox_xywh, bbox_xyxy):
    (sample,) = load(tmp_path, face(1, bbox=bbox_xywh))
    assert sample['bbox'].tolist() == [bbox_xyxy]
    assert 'bbox_center' not in sample


@pytest.mark.parametrize('bbox', [[120, 20, 30, 40], [10, 20, 0, 40], [10, 20, 5, -4]])
def test_a_box_without_area_is_named(tmp_path, bbox):
    with pytest.raises(ValueError, match=r"annotation id 1 .*photo1.*'bbox' has no area"):
        load(tmp_path, face(1, bbox=bbox))


def test_a_box_too_small_for_a_crop_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"annotation id 1 .*'bbox' makes a box of 0\.0001"):
        load(tmp_path, face(1, bbox=[0, 20, 1e-4, 30]))


def test_a_field_nested_too_deeply_is_named(tmp_path):
    nested = [1]
    for _ in range(100):
        nested = [nested]
    with pytest.raises(ValueError, match=r"annotation id 1 .*'area' is nested more than 20 deep"):
        load(tmp_path, face(1, area=nested))


@pytest.mark.parametrize('test_mode', [False, True])
def test_what_is_left_out_is_counted_by_reason(tmp_path, monkeypatch, test_mode):
    lines = []
    monkeypatch.setattr(base_coco_style_dataset, 'print_log', lambda text, **_: lines.append(text))
    dataset = load(
        tmp_path,
        face(1),
        face(2, iscrowd=1),
        face(3, num_keypoints=0),
        face(4, keypoints=[]),
        face(5),
        face(6, keypoints=[0.0] * 57),
        test_mode=test_mode,
    )
    assert [sample['id'] for sample in dataset] == [1, 5]
    assert len(lines) == 1
    assert '2 of 6 annotations used' in lines[0]
    assert '1 marked iscrowd' in lines[0]
    assert '2 without points' in lines[0]
    assert '1 with all points at the origin' in lines[0]


def test_nothing_left_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r'test\.json: no usable annotation among 1'):
        load(tmp_path, face(1, iscrowd=1))


def test_indices_and_intervals(tmp_path):
    faces = [face(i) for i in range(1, 6)]
    ids = lambda **kwargs: [sample['id'] for sample in load(tmp_path, *faces, **kwargs)]  # noqa: E731
    assert ids() == [1, 2, 3, 4, 5]
    assert ids(indices=2) == [1, 2]
    assert ids(indices=[4, 0]) == [5, 1]
    assert ids(sample_interval=2) == [1, 3, 5]
    assert ids(serialize_data=False) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ('indices', 'message'),
    [
        (range(0, 100, 2), r'\[0, 2, 4, .*: .*test\.json has 2 usable faces, and no face 2$'),
        ([0, -3], 'has 2 usable faces, and no face -3'),
        (['1'], "and no face '1'"),
        ([], r'indices=\[\]: .*none is asked for'),
    ],
)
def test_indices_beyond_the_usable_faces_are_named(tmp_path, indices, message):
    with pytest.raises(InputError, match=message):
        load(tmp_path, face(1), face(2, iscrowd=1), face(3), indices=indices)
    assert len(load(tmp_path, face(1), face(3), indices=[-1, 0])) == 2
    assert len(load(tmp_path, face(1), face(3), indices=9)) == 2


@pytest.mark.parametrize('width', ['100', 10**30, 0, True])
def test_a_size_that_is_none_is_named(tmp_path, width):
    image, annotation = face(1)
    with pytest.raises(
        InputError, match=r"'width' must be a number above 0 \(the limit is 2\^24\)"
    ):
        load(tmp_path, ({**image, 'width': width}, annotation))


def test_bottomup_has_one_sample_an_image(tmp_path):
    first, second, third = face(1), face(2, image_id=1), face(3)
    dataset = load(tmp_path, first, second, third, data_mode='bottomup')
    assert [sample['img_id'] for sample in dataset] == [1, 3]
    together = dataset[0]
    assert together['id'] == [1, 2]
    assert together['bbox'].shape == (2, 4)
    assert together['keypoints'].shape == (2, 19, 2)
    assert together['keypoints_visible'].shape == (2, 19)


def write_detections(root, detections):
    (root / 'boxes.json').write_text(json.dumps(detections))
    return 'boxes.json'


FOUND = {'image_id': 2, 'bbox': [5, 6, 30, 40], 'score': 0.9}


def test_detections_replace_the_annotated_boxes(tmp_path):
    boxes = write_detections(tmp_path, [FOUND, {**FOUND, 'score': 0.2}])
    keywords = {'bbox_file': boxes, 'test_mode': True}
    both = load(tmp_path, face(1), face(2), **keywords)
    assert [float(sample['bbox_score'][0]) for sample in both] == pytest.approx([0.9, 0.2])
    assert both[0]['bbox'].tolist() == [[5, 6, 35, 46]]
    assert both[0]['img_path'].endswith('photo2.png')
    (sure,) = load(tmp_path, face(1), face(2), filter_cfg={'bbox_score_thr': 0.5}, **keywords)
    assert sure['bbox_score'][0] == np.float32(0.9)


def test_detections_are_found_where_mmpose_s_configs_name_them(tmp_path, monkeypatch):
    boxes = write_detections(tmp_path, [FOUND])
    monkeypatch.chdir(tmp_path.parent)
    keywords = {'bbox_file': f'{tmp_path.name}/{boxes}', 'test_mode': True}
    assert len(load(tmp_path, face(1), face(2), **keywords)) == 1


def test_predictions_on_detections_cannot_be_evaluated(tmp_path):
    """MMPose gives them points at (0, 0) and a number."""
    boxes = write_detections(tmp_path, [FOUND])
    (sample,) = load(tmp_path, face(2), bbox_file=boxes, test_mode=True)
    assert 'keypoints' not in sample
    metric = NME(norm_mode='use_norm_item', norm_item='bbox_size')
    with pytest.raises(ValueError, match=r'photo2.* no true points'):
        metric.process(
            None,
            [
                {
                    **{key: sample[key] for key in ('id', 'img_path')},
                    'gt_instances': {'bboxes': sample['bbox']},
                    'pred_instances': {'keypoints': np.zeros((1, 19, 2))},
                }
            ],
        )


@pytest.mark.parametrize(
    ('detection', 'message'),
    [
        ({'image_id': 2, 'bbox': [5, 6, 30, 40]}, "boxes.json: detection 1 has no 'score'"),
        ({**FOUND, 'image_id': 77}, 'boxes.json: detection 1: image_id=77 is unknown'),
    ],
)
def test_wrong_detections_are_named(tmp_path, detection, message):
    boxes = write_detections(tmp_path, [FOUND, detection])
    with pytest.raises(ValueError, match=message):
        load(tmp_path, face(2), bbox_file=boxes, test_mode=True)


@pytest.mark.parametrize(
    ('arguments', 'error', 'message'),
    [
        ({'data_mode': 'sideways'}, ValueError, "got invalid data_mode: 'sideways'"),
        ({'bbox_file': 'boxes.json'}, ValueError, 'only supported when `test_mode==True`'),
        (
            {'bbox_file': 'gone.json', 'test_mode': True},
            FileNotFoundError,
            r'bbox_file=.*gone\.json',
        ),
    ],
)
def test_wrong_arguments_are_named(tmp_path, arguments, error, message):
    with pytest.raises(error, match=message):
        load(tmp_path, face(1), **arguments)


def test_coco_object_has_the_annotations(tmp_path):
    coco = load(tmp_path, face(1), face(2)).coco
    assert sorted(coco.anns) == [1, 2]
    assert coco.imgs[2]['file_name'] == 'photo2.png'
