"""The data sets of faces: each reads its own form of annotations."""

import numpy as np
import pytest

from helpers.face_sets import FORMS, SIDE, SIZE_WH, annotate, make_set, points_of, write_file
from helpers.mmpose_facts import SETS, read_descriptions
from mmpose_lite.registry import DATASETS
from mmpose_lite.structures import parse_pose_metainfo

# Where a box is the square about a centre, and where it is COCO's, clipped to the image.
SQUARE = ('AFLWDataset', 'Face300VWDataset', 'Face300WDataset', 'WFLWDataset')
PLAIN = ('COFWDataset', 'Face300WLPDataset', 'HalpeDataset', 'LapaDataset')
WHOLE = 'CocoWholeBodyFaceDataset'


def load(root, kind, name, **arguments):
    folder = FORMS[kind]['images'][-1]
    arguments = {'data_prefix': {'img': folder}, 'test_mode': True, **arguments}
    return DATASETS.build(
        {'type': kind, 'data_root': str(root), 'ann_file': f'annotations/{name}.json', **arguments}
    )


def load_one(tmp_path, kind, first_pixel=0, **changes):
    """The samples of an annotation file with one face, whose annotation is changed."""
    (tmp_path / FORMS[kind]['images'][-1]).mkdir(exist_ok=True)
    annotation = {**annotate(kind, 0), **changes}
    write_file(tmp_path / 'annotations' / 'one.json', [annotation])
    return load(tmp_path, kind, 'one', first_pixel=first_pixel)


@pytest.mark.parametrize('kind', FORMS)
def test_every_set_is_read(kind, tmp_path):
    make_set(tmp_path, kind)
    for name, faces in FORMS[kind]['files'].items():
        dataset = load(tmp_path, kind, name)
        assert [sample['id'] for sample in dataset] == [face + 1 for face in faces]
        for sample, face in zip(dataset, faces, strict=True):
            points = points_of(face, FORMS[kind]['points'])
            np.testing.assert_allclose(sample['keypoints'], points[None], rtol=1e-6)
            assert sample['keypoints_visible'].tolist() == [[1] * len(points)]
            assert sample['img_path'].endswith(f'{FORMS[kind]["images"][-1]}/face{face + 1}.png')
            assert sample['num_keypoints'] == len(points)
            for key in ('keypoints', 'keypoints_visible', 'bbox', 'bbox_score'):
                assert sample[key].dtype == np.float32


@pytest.mark.parametrize('kind', SQUARE)
def test_a_square_box_is_about_the_centre(kind, tmp_path):
    changes = {'center': [10, 40.5], 'scale': 0.5}
    (sample,) = load_one(tmp_path, kind, **changes, box_size=100)
    np.testing.assert_allclose(sample['bbox'], [[-40, -9.5, 60, 90.5]])  # not clipped
    np.testing.assert_array_equal(sample['bbox_center'], np.float32([[10, 40.5]]))
    np.testing.assert_array_equal(sample['bbox_scale'], np.float32([[100, 100]]))
    (sample,) = load_one(tmp_path, kind)
    np.testing.assert_allclose(sample['bbox_scale'], [[SIDE, SIDE]], rtol=1e-6)


@pytest.mark.parametrize('kind', [*PLAIN, WHOLE])
def test_another_box_is_clipped_to_the_image(kind, tmp_path):
    key = 'face_box' if kind == WHOLE else 'bbox'
    (sample,) = load_one(tmp_path, kind, **{key: [-5, 20, 50, 200]})
    np.testing.assert_array_equal(sample['bbox'], np.float32([[0, 20, 45, SIZE_WH[1] - 1]]))
    assert 'bbox_center' not in sample


@pytest.mark.parametrize('kind', ['Face300WDataset', 'WFLWDataset'])
@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'scale': 0}, "'scale' must be a number above 0, it is 0"),
        ({'center': None}, "'center' must be a list of 2 numbers"),
        ({'keypoints': [1.0] * 57}, "'keypoints' holds 19 points, the metainfo names"),
    ],
)
def test_a_wrong_field_is_named(kind, changes, message, tmp_path):
    with pytest.raises(ValueError, match=rf'one\.json: annotation id 1 .*face1\.png.*{message}'):
        load_one(tmp_path, kind, **changes)


class TestWholeBody:
    def test_the_body_does_not_count(self, tmp_path):
        """Its points are missing, as where a portrait shows a face alone."""
        annotation = annotate(WHOLE, 0)
        assert annotation['num_keypoints'] == 0
        (sample,) = load_one(tmp_path, WHOLE)
        assert sample['num_keypoints'] == 68
        assert set(sample['raw_ann_info']) >= {'keypoints', 'bbox'}
        assert len(sample['raw_ann_info']['keypoints']) == 204

    def test_visibilities(self, tmp_path):
        points = np.reshape(annotate(WHOLE, 0)['face_kpts'], (-1, 3))
        points[:3, 2] = 0, 1, 2
        (sample,) = load_one(tmp_path, WHOLE, face_kpts=points.ravel().tolist())
        assert sample['keypoints_visible'][0, :3].tolist() == [0, 1, 1]

    @pytest.mark.parametrize(
        'changes',
        [
            {'face_valid': False},
            {'face_kpts': [0.0] * 204},
            {'face_box': [0.0, 0.0, 0.0, 0.0]},
            {'face_box': [500.0, 10.0, 20.0, 20.0]},
            {'iscrowd': 1},
        ],
    )
    def test_what_mmpose_leaves_out(self, changes, tmp_path):
        (tmp_path / 'val2017').mkdir()
        faces = [{**annotate(WHOLE, 0), **changes}, annotate(WHOLE, 1)]
        write_file(tmp_path / 'annotations' / 'two.json', faces)
        for test_mode in (False, True):
            dataset = load(tmp_path, WHOLE, 'two', test_mode=test_mode)
            assert [sample['id'] for sample in dataset] == [2]

    def test_a_box_is_left_out_by_where_it_is_once_a_pixel_is_taken_off(self, tmp_path):
        box = [-30.0, 20, 30.5, 40]
        assert len(load_one(tmp_path, WHOLE, face_box=box)) == 1
        with pytest.raises(ValueError, match='no usable annotation'):
            load_one(tmp_path, WHOLE, first_pixel=1, face_box=box)

    @pytest.mark.parametrize(
        ('changes', 'message'),
        [
            ({'face_valid': None}, "'face_valid' must be true or false, it is None"),
            ({'face_kpts': [1.0] * 51}, "'face_kpts' holds 17 points, the metainfo names 68"),
            ({'face_kpts': ['x'] * 204}, "'face_kpts' must hold finite numbers"),
            ({'face_box': [1.0, 2.0]}, "'face_box' must be a list of 4 numbers"),
        ],
    )
    def test_a_wrong_field_is_named_as_in_the_file(self, changes, message, tmp_path):
        with pytest.raises(ValueError, match=rf'one\.json: annotation id 1 .*{message}'):
            load_one(tmp_path, WHOLE, **changes)


def test_subsets_of_wflw(tmp_path):
    make_set(tmp_path, 'WFLWDataset')
    file = 'annotations/face_landmarks_wflw_test_{}.json'
    subsets = {name: file.format(name) for name in ('largepose', 'makeup', 'blur')}
    dataset = load(tmp_path, 'WFLWDataset', 'face_landmarks_wflw_test', subsets=subsets)
    assert [sample['subsets'] for sample in dataset] == [
        ('largepose', 'makeup'),
        ('makeup', 'blur'),
        ('blur',),
    ]


@pytest.mark.parametrize('name', SETS)
class TestMetainfo:
    def parsed(self, name):
        return parse_pose_metainfo({'from_file': f'configs/_base_/datasets/{name}.py'})

    def test_it_is_mmposes(self, name):
        """Order, mirror points, weights and sigmas; names are the points' own."""
        ours, theirs = self.parsed(name), read_descriptions()[name]
        if name == '300wlp':
            # MMPose mirrors these faces by its config, and declares no pairs: they are 300W's.
            assert theirs['mirror'] == list(range(68))
            theirs['mirror'] = read_descriptions()['300w']['mirror']
        assert ours['dataset_name'] == theirs['name']
        assert ours['flip_indices'] == theirs['mirror']
        np.testing.assert_array_equal(
            ours['dataset_keypoint_weights'], np.float32(theirs['weights'])
        )
        np.testing.assert_array_equal(ours['sigmas'], np.float32(theirs['sigmas']))
        assert ours['num_skeleton_links'] == theirs['links']

    def test_names_say_the_side(self, name):
        """A mirror point has the other side's name; points on the axis have none, in green."""
        if name == 'aflw':
            return  # its names are checked in test_metainfo.py
        ours = self.parsed(name)
        names = ours['keypoint_id2name']
        other = {'Left': 'Right', 'Right': 'Left'}
        for i, j in enumerate(ours['flip_indices']):
            side = next((each for each in other if names[i].startswith(each)), None)
            assert (side is None) == (i == j)
            assert side is None or names[j].startswith(other[side])
            blue, red = ours['keypoint_colors'][i][[2, 0]] == 255
            assert (blue, red) == (side == 'Left', side == 'Right')

    def test_names_are_no_numbers(self, name):
        names = self.parsed(name)['keypoint_name2id']
        assert not [each for each in names if each.startswith(('kpt', 'face'))]


def test_eye_corners_are_those_that_papers_divide_by():
    from mmpose_lite.evaluation.metrics import NME

    for name, pair in NME.DEFAULT_KEYPOINT_INDICES.items():
        if name in SETS:
            names = TestMetainfo().parsed(name)['keypoint_id2name']
            assert [names[i] for i in pair] == ['LeftEyeOuter', 'RightEyeOuter']


def test_registered_sets_ship_their_points():
    for kind, form in FORMS.items():
        metainfo = parse_pose_metainfo(DATASETS.get(kind).METAINFO)
        assert metainfo['num_keypoints'] == form['points']
