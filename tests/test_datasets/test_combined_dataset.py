"""Several data sets as one."""

import re

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from torch.utils.data import DataLoader

from helpers.face_sets import FORMS, annotate, make_set, points_of, write_file
from mmpose_lite.datasets import CombinedDataset, DefaultSampler
from mmpose_lite.datasets.samplers import SampleIndex
from mmpose_lite.errors import InputError
from mmpose_lite.registry import DATASETS

# Outer eye corners and chin, from COFW and from 300W.
COMMON = {
    'dataset_name': 'three',
    'keypoint_info': {
        0: {'name': 'left', 'id': 0, 'swap': 'right'},
        1: {'name': 'right', 'id': 1, 'swap': 'left'},
        2: {'name': 'chin', 'id': 2, 'swap': ''},
    },
    'skeleton_info': {0: {'link': ('left', 'chin'), 'id': 0, 'color': [0, 0, 0]}},
    'joint_weights': [1.0, 1.0, 0.5],
    'sigmas': [],
}
SOURCES = {'COFWDataset': (8, 9, 28), 'Face300WDataset': (36, 45, 8)}
FILES = {'COFWDataset': 'cofw_train', 'Face300WDataset': 'face_landmarks_300w_train'}
PIPELINE = [
    {'type': 'LoadImage'},
    {'type': 'GetBBoxCenterScale'},
    {'type': 'RandomFlip'},
    {'type': 'RandomBBoxTransform'},
    {'type': 'TopdownAffine', 'input_size': (32, 32)},
    {'type': 'PackPoseInputs', 'pack_transformed': True},
]


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp('sets')
    for kind in SOURCES:
        make_set(folder / kind, kind)
    return folder


def parts(root, **changes):
    return [
        {
            'type': kind,
            'data_root': str(root / kind),
            'ann_file': f'annotations/{FILES[kind]}.json',
            'data_prefix': {'img': 'images/'},
            'pipeline': [
                {
                    'type': 'KeypointConverter',
                    'num_keypoints': 3,
                    'mapping': [(source, target) for target, source in enumerate(sources)],
                }
            ],
            **changes.get(kind, {}),
        }
        for kind, sources in SOURCES.items()
    ]


def combine(root, pipeline=PIPELINE, changes=None, **arguments):
    return CombinedDataset(COMMON, parts(root, **(changes or {})), pipeline, **arguments)


def test_points_are_the_common_ones(root):
    dataset = combine(root, pipeline=())
    assert len(dataset) == 8
    assert dataset.lens == [4, 4]
    assert dataset.metainfo['dataset_name'] == 'three'
    for i, (kind, sources) in enumerate([item for item in SOURCES.items() for _ in range(4)]):
        sample = dataset[i]
        points = points_of(i % 4, FORMS[kind]['points'])[list(sources)]
        np.testing.assert_allclose(sample['keypoints'][0], points, rtol=1e-6)
        assert sample['keypoints_visible'].tolist() == [[1, 1, 1]]
        assert sample['flip_indices'] == [1, 0, 2]
        assert sample['dataset_keypoint_weights'].tolist() == [1, 1, 0.5]
        assert sample['skeleton_links'] == [(0, 2)]
        assert sample['dataset_name'] == ('cofw' if i < 4 else '300w')


def test_indices_from_the_end_and_beyond(root):
    dataset = combine(root, pipeline=())
    assert dataset[-1]['img_path'] == dataset[7]['img_path']
    with pytest.raises(IndexError, match='no sample 8 among 8'):
        dataset.get_data_info(8)


def batches(dataset, workers=0, seed=5, epoch=0):
    sampler = DefaultSampler(dataset, shuffle=True, seed=seed)
    sampler.set_epoch(epoch)
    loader = DataLoader(
        dataset, batch_size=4, sampler=sampler, num_workers=workers, collate_fn=pseudo_collate
    )
    return [
        (
            [sample.img_path for sample in batch['data_samples']],
            torch.stack(batch['inputs']),
            [s.gt_instances.transformed_keypoints.tolist() for s in batch['data_samples']],
        )
        for batch in loader
    ]


def same(first, second):
    return all(
        one[0] == other[0] and torch.equal(one[1], other[1]) and one[2] == other[2]
        for one, other in zip(first, second, strict=True)
    )


@pytest.mark.filterwarnings('ignore:This process:DeprecationWarning')
@pytest.mark.parametrize('factors', [None, (2.0, 0.5)])
def test_batches_are_a_function_of_seed_epoch_and_index(root, factors):
    dataset = combine(root, sample_ratio_factor=factors)
    reference = batches(dataset)
    np.random.seed(1)
    assert same(batches(dataset), reference)
    assert same(batches(dataset, workers=2), reference)
    assert not same(batches(dataset, epoch=1), reference)


def test_shares_of_the_parts(root):
    """Of four neighbours two: one of the first pair, one of the second; twice four: each twice."""
    dataset = combine(root, pipeline=(), sample_ratio_factor=(0.5, 2))
    assert dataset.lens == [2, 8]
    chosen = {i: set() for i in range(10)}
    for epoch in range(60):
        for i in range(10):
            chosen[i].add(dataset[SampleIndex(i, 0, epoch)]['id'])
    assert [chosen[i] for i in range(2)] == [{1, 2}, {3, 4}]
    assert [chosen[i] for i in range(2, 10)] == [{1}, {1}, {2}, {2}, {3}, {3}, {4}, {4}]


def test_what_is_taken_is_no_matter_of_numpy_s_state(root):
    dataset = combine(root, pipeline=(), sample_ratio_factor=(0.5, 0.5))
    taken = []
    for seed in range(2):
        taken.append([])
        for index in [SampleIndex(i, 0, epoch) for epoch in range(5) for i in range(4)]:
            np.random.seed(seed)
            taken[-1].append(dataset[index]['id'])
    assert taken[0] == taken[1]


def test_a_part_can_be_left_out(root):
    dataset = combine(root, pipeline=(), sample_ratio_factor=(0, 1))
    assert [dataset[i]['dataset_name'] for i in range(4)] == ['300w'] * 4


@pytest.mark.parametrize(
    'factors',
    [
        *(
            (1.0,),
            (1.0, -1.0),
            (1.0, 1.0, 1.0),
            (1.0, float('nan')),
            (float('inf'), 1.0),
            ('a', 1.0),
        ),
        *((0.0, 0.0), (0.1, 0)),  # of four
    ],
)
def test_wrong_shares_are_refused(root, factors):
    with pytest.raises(InputError, match=re.escape(str(list(factors)))):
        combine(root, sample_ratio_factor=factors)


def test_no_part_is_refused():
    with pytest.raises(InputError, match='datasets is empty'):
        CombinedDataset(COMMON, [])


def test_points_that_differ_are_refused(root):
    with pytest.raises(ValueError, match=r"datasets\[1\] \('300w'\) has 68 points.*'three'.*3"):
        combine(root, changes={'Face300WDataset': {'pipeline': []}})
    wrong = {'type': 'KeypointConverter', 'num_keypoints': 4, 'mapping': []}
    with pytest.raises(ValueError, match=r"datasets\[0\] \('cofw'\) has 29 -> 4 points"):
        combine(root, changes={'COFWDataset': {'pipeline': [wrong]}})


def test_a_converter_may_come_after(root):
    step = {'type': 'KeypointConverter', 'num_keypoints': 3, 'mapping': [(0, 2)]}
    changes = {kind: {'pipeline': []} for kind in SOURCES}
    dataset = combine(root, pipeline=[step], changes=changes)
    assert dataset[0]['keypoints_visible'].tolist() == [[0, 0, 1]]


def test_a_misspelt_argument_is_refused(root):
    with pytest.raises(TypeError, match='sample_ratio'):
        DATASETS.build(
            {
                'type': 'CombinedDataset',
                'metainfo': COMMON,
                'datasets': parts(root),
                'sample_ratio': (1, 1),
            }
        )


def test_a_subset_of_the_name_of_a_part_is_refused_before_any_test(root):
    changes = {'COFWDataset': {'subsets': {'300w': [1, 2]}}}
    with pytest.raises(InputError, match=r"subsets\['300w'\] has the name of a data set that is"):
        combine(root, changes=changes)


def test_subsets_of_all_parts(root):
    changes = {'COFWDataset': {'subsets': {'hard': [1, 2]}}}
    changes['Face300WDataset'] = {
        'subsets': {'common': 'annotations/face_landmarks_300w_valid_common.json'}
    }
    dataset = combine(root, pipeline=(), changes=changes)
    assert list(dataset.subsets) == ['hard', 'common']
    found = [sample['subsets'] for sample in (dataset[i] for i in range(8))]
    hard, common = ('hard',), ('common',)
    assert found == [hard, hard, (), (), common, (), common, ()]


def test_crops_of_a_cache_are_the_photographs(root, tmp_path):
    plain = combine(root)
    changes = {kind: {'cache': str(tmp_path / kind)} for kind in SOURCES}
    cached = combine(root, changes=changes)
    assert all(part.crops is not None for part in cached.datasets)
    assert len(list(tmp_path.rglob('*.crops'))) == 2
    for i in range(8):
        index = SampleIndex(i, 3, 1)
        one, other = plain[index], cached[index]
        assert one['data_samples'].img_path == other['data_samples'].img_path
        apart = one['inputs'].int() - other['inputs'].int()
        assert apart.abs().max() <= 1
        np.testing.assert_array_equal(
            one['data_samples'].gt_instances.transformed_keypoints,
            other['data_samples'].gt_instances.transformed_keypoints,
        )


def test_a_cache_needs_a_crop(root, tmp_path):
    changes = {kind: {'cache': str(tmp_path)} for kind in SOURCES}
    with pytest.raises(ValueError, match='no TopdownAffine'):
        combine(root, pipeline=PIPELINE[:2], changes=changes)


@pytest.mark.parametrize('factors', [None, (0.5, 2.0)])
def test_a_bad_image_is_replaced_where_its_part_says_so(tmp_path, factors):
    for kind in SOURCES:
        make_set(tmp_path / kind, kind)
        (tmp_path / kind / 'images' / 'face2.png').write_bytes(b'no image')
    changes = {'COFWDataset': {'on_bad_image': 'replace'}}
    dataset = combine(tmp_path, changes=changes, sample_ratio_factor=factors)
    first = dataset.lens[0]
    with pytest.raises(InputError, match=r'Face300WDataset.*face2\.png'):
        [dataset[SampleIndex(i, 0, 0)] for i in range(first, len(dataset))]
    samples = [
        dataset[SampleIndex(i, 0, epoch)]['data_samples']
        for i in range(first)
        for epoch in range(8)
    ]
    problems = {problem for sample in samples for problem in sample.get('bad_images', ())}
    assert len(problems) == 1
    assert 'COFWDataset' in problems.pop()
    assert all('COFWDataset' in sample.img_path for sample in samples)  # its own stand in


def test_stand_ins_do_not_depend_on_how_the_sample_is_named(tmp_path):
    for kind in SOURCES:
        make_set(tmp_path / kind, kind)
    (tmp_path / 'Face300WDataset' / 'images' / 'face2.png').write_bytes(b'no image')
    dataset = combine(tmp_path, changes={'Face300WDataset': {'on_bad_image': 'replace'}})
    one, other = (dataset[i]['data_samples'] for i in (5, -3))
    assert one.img_path == other.img_path
    assert one.bad_images == other.bad_images != ()


def test_nothing_is_read_before_it_is_needed(tmp_path):
    dataset = combine(tmp_path, lazy_init=True, changes={k: {'lazy_init': True} for k in SOURCES})
    assert dataset.metainfo['num_keypoints'] == 3
    with pytest.raises(FileNotFoundError, match='data_root'):
        len(dataset)


def test_points_of_annotations_still_count(root, tmp_path):
    annotation = {**annotate('COFWDataset', 0), 'keypoints': [1.0] * 9}
    write_file(tmp_path / 'annotations' / 'cofw_train.json', [annotation])
    (tmp_path / 'images').mkdir()
    changes = {'COFWDataset': {'data_root': str(tmp_path)}}
    with pytest.raises(ValueError, match="'keypoints' holds 3 points, the metainfo names 29"):
        combine(root, changes=changes)
