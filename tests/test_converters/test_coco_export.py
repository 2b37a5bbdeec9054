"""Any data set's faces become a COCO file."""

import json

import numpy as np
import pytest

from helpers import face_sets
from mmpose_lite import datasets
from mmpose_lite.cli.convert import main
from mmpose_lite.data_tools.converters import write_coco
from mmpose_lite.errors import InputError


@pytest.mark.parametrize('kind', ['AFLWDataset', 'CocoWholeBodyFaceDataset', 'COFWDataset'])
def test_any_data_set_becomes_coco(tmp_path, kind):
    """With the names of its description, and 2 for a point where a file has only 0 and 1."""
    form = face_sets.FORMS[kind]
    face_sets.make_set(tmp_path, kind)
    data = getattr(datasets, kind)(
        ann_file=f'annotations/{next(iter(form["files"]))}.json',
        data_root=str(tmp_path),
        data_prefix={'img': f'{form["images"][0]}/'},
        pipeline=[{'type': 'LoadImage'}],
    )
    report = write_coco(data, tmp_path / 'coco.json')
    assert report.sets[0].faces == 4
    content = json.loads((tmp_path / 'coco.json').read_text())
    names = content['categories'][0]['keypoints']
    assert names == list(data.metainfo['keypoint_name2id'])
    assert [each['file_name'] for each in content['images']] == [
        f'face{i}.png' for i in range(1, 5)
    ]
    for i, each in enumerate(content['annotations']):
        points = np.reshape(each['keypoints'], (-1, 3))
        np.testing.assert_allclose(points[:, :2], face_sets.points_of(i, len(names)), atol=1e-3)
        assert set(points[:, 2]) == {2}
        assert each['num_keypoints'] == len(names)


def test_training_faces_become_coco_without_what_only_a_test_needs(tmp_path, as_new_process):
    face_sets.make_set(tmp_path, 'AFLWDataset')
    path = tmp_path / 'annotations' / 'face_landmarks_aflw_train.json'
    content = json.loads(path.read_text())
    for each in content['annotations']:
        del each['box_size']  # a test divides its errors by this
        each['visibility'] = [1] * 18 + [0]
    path.write_text(json.dumps(content))
    (tmp_path / 'config.py').write_text(
        'train_dataloader = dict(batch_size=1, dataset=dict(\n'
        f"    type='AFLWDataset', ann_file={str(path)!r}, data_mode='bottomup',\n"
        f'    data_prefix=dict(img={str(tmp_path / "images")!r}),\n'
        "    pipeline=[dict(type='LoadImage')]))\n"
    )
    arguments = ['--config', str(tmp_path / 'config.py'), '--out', str(tmp_path / 'coco.json')]
    main(['to-coco', *arguments])
    written = json.loads((tmp_path / 'coco.json').read_text())['annotations']
    assert [each['keypoints'][2::3] for each in written] == [[2] * 18 + [1]] * 4


def test_coco_files_count_pixels_from_zero(tmp_path):
    face_sets.write_file(tmp_path / 'faces.json', [face_sets.annotate('WFLWDataset', 0)])
    face_sets.write_image(tmp_path / 'face1.png', 0, 98)
    points = []
    for first_pixel in (0, 1):
        data = datasets.WFLWDataset(
            ann_file='faces.json',
            data_root=str(tmp_path),
            pipeline=[{'type': 'LoadImage'}],
            first_pixel=first_pixel,
        )
        report = write_coco(data, tmp_path / 'coco.json')
        assert ('counted from 0' in str(report.notes)) == bool(first_pixel)
        (written,) = json.loads((tmp_path / 'coco.json').read_text())['annotations']
        points.append(np.reshape(written['keypoints'], (-1, 3))[:, :2])
    np.testing.assert_allclose(points[0] - points[1], 1, atol=2e-3)


def test_hidden_points_of_a_face_are_not_those_of_the_body(tmp_path):
    record = face_sets.annotate('CocoWholeBodyFaceDataset', 0)
    record['face_kpts'][2::3] = [0, 1, 2] + [2] * 65
    face_sets.write_file(tmp_path / 'faces.json', [record])
    face_sets.write_image(tmp_path / 'face1.png', 0, 68)
    data = datasets.CocoWholeBodyFaceDataset(
        ann_file='faces.json', data_root=str(tmp_path), pipeline=[{'type': 'LoadImage'}]
    )
    write_coco(data, tmp_path / 'coco.json')
    (written,) = json.loads((tmp_path / 'coco.json').read_text())['annotations']
    assert written['keypoints'][2::3] == [0, 1, 2] + [2] * 65


def test_photographs_are_no_faces(tmp_path):
    face_sets.make_set(tmp_path, 'AFLWDataset')
    data = datasets.AFLWDataset(
        ann_file='annotations/face_landmarks_aflw_train.json',
        data_root=str(tmp_path),
        data_prefix={'img': 'images/'},
        data_mode='bottomup',
    )
    with pytest.raises(InputError, match="AFLWDataset: data_mode='bottomup' gives photographs"):
        write_coco(data, tmp_path / 'coco.json')


def test_a_set_of_sets_is_no_set_of_faces(tmp_path):
    with pytest.raises(InputError, match='object consists of several sets: write each separately'):
        write_coco(object(), tmp_path / 'coco.json')
