"""MMPose's face6: six data sets as one with LaPa's points, from annotations to numbers."""

from types import SimpleNamespace

import numpy as np
import pytest
from mmengine.dataset import pseudo_collate

from helpers.face6 import MAPPINGS, NAMES, make_six, parts_of_six
from helpers.face_sets import FORMS, points_of
from mmpose_lite.datasets import CombinedDataset, KeypointConverter
from mmpose_lite.datasets.samplers import SampleIndex
from mmpose_lite.engine.hooks import CheckpointHook
from mmpose_lite.engine.preflight import check_save_best
from mmpose_lite.errors import InputError
from mmpose_lite.evaluation import NME
from mmpose_lite.registry import DATASETS

LAPA = {'from_file': 'configs/_base_/datasets/lapa.py'}
# The augmentation of MMPose's face6 configs.
AUGMENT = [
    {'type': 'RandomFlip', 'direction': 'horizontal'},
    {'type': 'RandomHalfBody'},
    {'type': 'RandomBBoxTransform', 'scale_factor': [0.5, 1.5], 'rotate_factor': 80},
]
PIXELS = [
    {'type': 'YOLOXHSVRandomAug'},
    {
        'type': 'Albumentation',
        'transforms': [
            {'type': 'Blur', 'p': 0.2},
            {'type': 'MedianBlur', 'p': 0.2},
            {
                'type': 'CoarseDropout',
                **{f'max_{name}': value for name, value in (('holes', 1), ('height', 0.4))},
                **{f'min_{name}': value for name, value in (('holes', 1), ('height', 0.2))},
                'max_width': 0.4,
                'min_width': 0.2,
                'p': 1.0,
            },
        ],
    },
]
CROP = {'type': 'TopdownAffine', 'input_size': (64, 64)}
LOAD = [{'type': 'LoadImage'}, {'type': 'GetBBoxCenterScale'}]
PACK = {'type': 'PackPoseInputs', 'pack_transformed': True}


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp('six')
    make_six(folder)
    return folder


@pytest.fixture(scope='module')
def converted(root):
    """The set without a pipeline of its own."""
    return combine(root, [])


@pytest.fixture(scope='module')
def augmented(root):
    return combine(root, [*LOAD, *AUGMENT, CROP, *PIXELS, PACK])


def combine(root, pipeline, test_mode=False, **part):
    parts = parts_of_six(root, test_mode=test_mode, **part)
    return CombinedDataset(LAPA, parts, pipeline, test_mode=test_mode)


def expected_points(kind, face):
    """The points of a made face as LaPa's: by hand, the later of two pairs in place."""
    points = points_of(face, FORMS[kind]['points'])
    if kind == 'LapaDataset':
        return points, np.ones(106)
    found, visible = np.zeros((106, 2)), np.zeros(106)
    for source, target in MAPPINGS[kind]:
        pair = source if isinstance(source, tuple) else (source, source)
        found[target] = (points[pair[0]] + points[pair[1]]) / 2
        visible[target] = 1
    return found, visible


def test_samples_have_lapas_points(converted):
    dataset = converted
    assert dataset.lens == [4] * 6
    assert dataset.part_names == list(NAMES)
    for i in range(24):
        kind, face = list(MAPPINGS)[i // 4], i % 4
        sample, (points, visible) = dataset[i], expected_points(kind, face)
        np.testing.assert_allclose(sample['keypoints'][0], points, rtol=1e-6)
        np.testing.assert_array_equal(sample['keypoints_visible'][0], visible)
        assert sample['dataset_name'] == NAMES[i // 4]
        assert sample['flip_indices'][66] == 79  # LaPa's, whatever the set
        np.testing.assert_array_equal(sample['dataset_keypoint_weights'][[0, 33, 66, 74, 84, 104]],
                                      np.float32([0.8, 1, 2, 1, 1.5, 1]))  # fmt: skip


def test_how_many_points_each_set_has(converted):
    """MMPose's: 64 of 68 points, of which four are middles; 26 of COFW, whose point 60 is one."""
    counts = [int(converted[4 * i]['keypoints_visible'].sum()) for i in range(6)]
    assert counts == [106, 64, 98, 64, 26, 64]


# Set, source points, their target, and where MMPose's converter puts it.
RECORDED = [
    (
        'CocoWholeBodyFaceDataset',
        {37: (22.094, 187.903), 38: (59.435, 97.942)},
        68,
        (40.7645, 142.9225),
    ),
    ('Face300WDataset', {43: (103.504, 182.418), 44: (208.17, 150.462)}, 77, (155.837, 166.44)),
    ('WFLWDataset', {75: (109.285, 156.259)}, 82, (109.285, 156.259)),
    ('COFWDataset', {8: (137.455, 61.861), 21: (114.672, 49.473)}, 60, (114.672, 49.473)),
    ('HalpeDataset', {66: (195.282, 126.108), 67: (42.948, 19.295)}, 72, (119.115, 72.7015)),
]


@pytest.mark.parametrize(('kind', 'points', 'target', 'xy'), RECORDED)
def test_points_are_where_mmpose_puts_them(kind, points, target, xy):
    given = np.zeros((1, FORMS[kind]['points'], 2), np.float32)
    for index, place in points.items():
        given[0, index] = place
    converter = KeypointConverter(106, MAPPINGS[kind])
    found = converter({'keypoints': given, 'dataset_name': kind})
    np.testing.assert_allclose(found['keypoints'][0, target], xy, atol=1e-3)


def test_weights_of_lapa_weigh_the_targets(root):
    encode = {
        'type': 'GenerateTarget',
        'encoder': {'type': 'MSRAHeatmap', 'input_size': (64, 64), 'heatmap_size': (16, 16),
                    'sigma': 1},
        'use_dataset_keypoint_weights': True,
    }  # fmt: skip
    dataset = combine(root, [*LOAD, CROP, encode])
    for i in (0, 8, 16):
        sample = dataset[i]
        weights = sample['keypoint_weights'][0]
        has_point = sample['keypoints_visible'][0] > 0
        assert (weights[~has_point] == 0).all()
        jaw, eyes, mouth = (has_point & np.isin(np.arange(106), r) for r in (
            range(33), [*range(66, 74), *range(75, 83)], range(84, 104)))  # fmt: skip
        for chosen, weight in ((jaw, 0.8), (eyes, 2), (mouth, 1.5)):
            np.testing.assert_allclose(weights[chosen], weight)
            assert chosen.any()


def test_a_test_has_a_number_for_each_part(root):
    """Predictions are off by one pixel; a made face has LaPa's eye corners at known places."""
    dataset = combine(root, [*LOAD, CROP, PACK], test_mode=True)
    metric = NME('keypoint_distance')
    metric.dataset_meta = dataset.metainfo
    samples = [dataset[i]['data_samples'].to_dict() for i in range(len(dataset))]
    for sample in samples:
        points = sample['gt_instances']['keypoints']
        sample['pred_instances'] = {'keypoints': points + np.float32([1, 0])}
    metric.process(None, samples)
    found = metric.evaluate(len(samples))
    for kind, name in zip(MAPPINGS, NAMES, strict=True):
        if name != 'cofw':
            faces = [expected_points(kind, i)[0] for i in range(4)]
            means = [1 / np.linalg.norm(face[66] - face[79]) for face in faces]
            assert found[f'NME_{name}'] == pytest.approx(np.mean(means), rel=1e-5)
    assert 'NME_cofw' not in found
    assert metric.left_out == [
        '4 of 24 faces have no normaliser (LeftEyeOuter to RightEyeOuter, points 66 and 79) and '
        'are left out (cofw: id 1, 2, 3, 4)',
        'none of the 4 faces of cofw is left, which has no number of its own',
    ]
    assert [score.faces for score in metric.scores] == [20, 4, 4, 4, 4, 4]


def test_a_part_may_choose_the_best_weights(converted):
    metric = NME('keypoint_distance')
    runner = SimpleNamespace(
        hooks=[CheckpointHook(save_best='NME_wflw', rule='less')],
        val_dataloader=SimpleNamespace(dataset=converted),
        val_loop=SimpleNamespace(evaluator=SimpleNamespace(metrics=[metric])),
    )
    check_save_best(runner)
    runner.hooks[0].save_best = 'NME_aflw'
    with pytest.raises(InputError, match=r'NME_aflw.* is not among .*: NME, NME_lapa, NME_coco_w'):
        check_save_best(runner)


@pytest.mark.parametrize('name', NAMES)
def test_draws_belong_to_the_sample_in_every_part(augmented, name):
    dataset = augmented
    index = SampleIndex(4 * NAMES.index(name) + 1, 7, 2)
    first = dataset[index]
    np.random.seed(1)
    again = dataset[index]
    assert (first['inputs'] == again['inputs']).all()
    other = dataset[SampleIndex(int(index), 7, 3)]
    assert (first['inputs'] != other['inputs']).any()


def test_crops_of_caches_go_through_the_same_changes(augmented, root, tmp_path):
    """Pixels that change before a crop is cut would not be in it; these change after."""
    steps = [*LOAD, *AUGMENT, CROP, *PIXELS, PACK]
    plain, cached = augmented, combine(root, steps, cache=str(tmp_path))
    assert len(list(tmp_path.rglob('*.crops'))) == 6
    for i in range(0, 24, 3):
        one, other = (each[SampleIndex(i, 3, 1)] for each in (plain, cached))
        apart = (one['inputs'].int() - other['inputs'].int()).abs().float()
        # A level of the crop, which colours of another space may make several of.
        assert apart.mean() < 0.2
        assert ((one['inputs'] == 0).all(0) == (other['inputs'] == 0).all(0)).float().mean() > 0.99


def test_halves_of_people_cannot_be_cached_and_those_of_faces_are_none(root, tmp_path):
    """Halpe by itself has upper and lower points; LaPa's, which all sets have together, none."""
    for part in parts_of_six(root, cache=str(tmp_path)):
        pipeline = [*LOAD, {'type': 'RandomHalfBody'}, CROP, PACK]
        dataset = {**part, 'pipeline': pipeline, 'lazy_init': True}
        if part['type'] == 'HalpeDataset':
            with pytest.raises(InputError, match='RandomHalfBody comes before the crop'):
                DATASETS.build(dataset).full_init()
        elif part['type'] == 'LapaDataset':
            DATASETS.build(dataset).full_init()


def test_batches_are_one_whatever_their_parts(augmented):
    batch = pseudo_collate([augmented[SampleIndex(i, 0, 0)] for i in range(0, 24, 4)])
    shapes = {tuple(s.gt_instances.transformed_keypoints.shape) for s in batch['data_samples']}
    assert shapes == {(1, 106, 2)}
