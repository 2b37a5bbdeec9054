"""Rewrites of a config change the place of a batch's work, and nothing else."""

from copy import deepcopy
from typing import ClassVar

import numpy as np
import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.dataset import pseudo_collate

from mmpose_lite.apis.config import load_config
from mmpose_lite.codecs import MSRAHeatmap
from mmpose_lite.datasets.samplers import SampleIndex
from mmpose_lite.engine.config_rewrites import (
    files_read,
    find_datasets,
    move_targets_to_head,
    pack_truth,
    set_cache,
    spare_workers,
    warp_on_device,
)
from mmpose_lite.errors import InputError
from mmpose_lite.models import HeatmapHead
from mmpose_lite.registry import DATASETS, KEYPOINT_CODECS, MODELS
from mmpose_lite.utils.config_utils import read_config_file

AUGMENT = [
    {'type': 'RandomFlip'},
    {'type': 'RandomBBoxTransform', 'rotate_factor': 60, 'scale_factor': (0.75, 1.25)},
]


@pytest.fixture
def cfg(tiny_config):
    cfg = load_config(tiny_config)
    steps = cfg.train_dataloader.dataset.pipeline
    cfg.train_dataloader.dataset.pipeline = [*steps[:2], *AUGMENT, *steps[2:]]
    return cfg


def kinds(cfg, loader='train_dataloader'):
    return [step['type'] for step in cfg[loader].dataset.pipeline]


def batch(cfg, count=8):
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    return pseudo_collate([dataset[SampleIndex(i, 0, 1)] for i in range(count)])


def losses(cfg, data):
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    model.init_weights()
    model.train()
    return model(**model.data_preprocessor(data, training=True), mode='loss')


def test_files_are_read_by_parts_without_a_pipeline_of_their_own():
    part = {'data_root': 'data', 'ann_file': 'a.json', 'bbox_file': 'boxes.json'}
    part |= {'data_prefix': {'img': 'images'}, 'subsets': {'side': 'side.json', 'few': [1, 2]}}
    whole = {'datasets': [part, {'ann_file': '/b.json', 'pipeline': []}], 'pipeline': []}
    found = list(files_read(Config({'val_dataloader': {'dataset': whole}})))
    names = ('a.json', 'boxes.json', 'images', 'side.json')
    assert found == [*(f'data/{name}' for name in names), '/b.json']


def test_the_head_makes_the_targets_of_the_pipeline(cfg):
    expected = losses(cfg, batch(cfg))
    move_targets_to_head(cfg)
    assert 'GenerateTarget' not in kinds(cfg)
    found = losses(cfg, batch(cfg))
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert torch.equal(found[name], value)


def test_hooks_find_the_targets_of_the_pipeline_where_a_switch_says_so(cfg):
    expected = losses(cfg, batch(cfg))
    cfg.targets_by_head = False
    move_targets_to_head(cfg)
    assert kinds(cfg)[-2:] == ['GenerateTarget', 'PackPoseInputs']
    data = batch(cfg)
    assert data['data_samples'][0].gt_fields.heatmaps.shape == (19, 16, 16)
    assert losses(cfg, data) == expected
    cfg.targets_by_head = True
    move_targets_to_head(cfg)
    (sample, *_) = batch(cfg)['data_samples']
    assert 'gt_fields' not in sample
    for name in ('gt_fields', 'gt_instance_labels'):
        with pytest.raises(AttributeError, match=f'no {name}: .*targets_by_head=False'):
            getattr(sample, name)
    with pytest.raises(AttributeError, match=r'has no pred_fields$'):
        _ = sample.pred_fields


def test_a_head_of_coordinates_makes_its_labels(cfg):
    codec = {'type': 'RegressionLabel', 'input_size': (64, 64)}
    head = {'type': 'RegressionHead', 'in_channels': 8 * 8 * 8, 'num_joints': 19}
    cfg.model.head = ConfigDict(**head, decoder=codec)
    cfg.model.neck = ConfigDict(type='FeatureMapProcessor', select_index=1)
    cfg.train_dataloader.dataset.pipeline[5].encoder = ConfigDict(codec)
    expected = losses(cfg, batch(cfg))
    assert expected['loss_kpt'] > 0.001
    move_targets_to_head(cfg)
    assert 'GenerateTarget' not in kinds(cfg)
    assert losses(cfg, batch(cfg)) == expected


def test_the_head_weighs_by_the_data_set_s_weights(cfg):
    """In training, and for the loss of a validation."""
    info = read_config_file('configs/_base_/datasets/aflw.py')['dataset_info']
    weights = [1.0 + k / 4 for k in range(19)]
    cfg.train_dataloader.dataset.metainfo = {**info, 'joint_weights': weights}
    plain = losses(cfg, batch(cfg))['loss_kpt']
    cfg.train_dataloader.dataset.pipeline[5].use_dataset_keypoint_weights = True
    expected = losses(cfg, batch(cfg))
    assert expected['loss_kpt'] > 1.5 * plain
    move_targets_to_head(cfg)
    assert kinds(cfg)[-1] == 'PackPoseInputs'
    assert 'GenerateTarget' not in kinds(cfg)
    assert losses(cfg, batch(cfg)) == expected
    assert 'pack_weights' not in cfg.val_dataloader.dataset.pipeline[-1]
    pack_truth(cfg)
    assert cfg.val_dataloader.dataset.pipeline[-1]['pack_weights'] is True


class OwnLoss(HeatmapHead):
    """A head of a user's, whose loss may read what samples carry."""

    def loss(self, feats, batch_data_samples, train_cfg=None):
        return super().loss(feats, batch_data_samples, train_cfg)


class OwnLayers(HeatmapHead):
    """A head of a user's, which learns as its parent does."""

    def forward(self, feats):
        return 2 * super().forward(feats)


class SaysSo(OwnLoss):
    """A head of a user's that knows that its loss reads nothing else."""

    @classmethod
    def makes_targets(cls):
        return True


class Auxiliary(MSRAHeatmap):
    """A codec of a user's that needs more than points."""

    auxiliary_encode_keys: ClassVar = {'image_size'}


@pytest.mark.parametrize(
    ('head', 'moves'), [(OwnLoss, False), (OwnLayers, True), (SaysSo, True), (MSRAHeatmap, False)]
)
@pytest.mark.parametrize('by_name', [True, False], ids=['name', 'class'])
def test_a_head_s_class_says_if_it_makes_the_targets(cfg, head, moves, by_name, monkeypatch):
    if by_name:
        monkeypatch.setitem(MODELS.module_dict, head.__name__, head)
    cfg.model.head.type = head.__name__ if by_name else head
    move_targets_to_head(cfg)
    assert ('GenerateTarget' not in kinds(cfg)) == moves


def test_a_codec_that_wants_more_than_points_stays_in_the_pipeline(cfg, monkeypatch):
    monkeypatch.setitem(KEYPOINT_CODECS.module_dict, 'Auxiliary', Auxiliary)
    for part in (cfg.model.head.decoder, cfg.train_dataloader.dataset.pipeline[5].encoder):
        part.type = 'Auxiliary'
    move_targets_to_head(cfg)
    assert 'GenerateTarget' in kinds(cfg)


@pytest.mark.parametrize(
    'change',
    [
        {'model.head.decoder.sigma': 2},
        {'model.head.type': 'OtherHead'},
        {'model.head.decoder': None},
        {'train_dataloader.dataset.pipeline.5.multilevel': True},
        {'train_dataloader.dataset.pipeline.6.type': 'PackOtherInputs'},
    ],
    ids=str,
)
def test_targets_stay_where_the_head_would_make_others(cfg, change):
    cfg.merge_from_dict(change)
    before = cfg.train_dataloader.dataset.pipeline
    move_targets_to_head(cfg)
    assert cfg.train_dataloader.dataset.pipeline == before


def in_two_parts(cfg, **changes):
    """Training data of two parts, one with another ``GenerateTarget``."""
    one, other = (ConfigDict(cfg.train_dataloader.dataset.to_dict()) for _ in range(2))
    other.pipeline[-2].update(changes)
    cfg.train_dataloader.dataset = ConfigDict(type='ConcatDataset', datasets=[one, other])


@pytest.mark.parametrize(
    ('changes', 'moves'),
    [({}, True), ({'encoder': {'sigma': 3}}, False), ({'multilevel': True}, False)],
    ids=['same', 'codec', 'levels'],
)
def test_the_parts_of_a_batch_have_targets_of_one_maker(cfg, changes, moves):
    in_two_parts(cfg, **changes)
    before = [part.pipeline for part in cfg.train_dataloader.dataset.datasets]
    assert bool(move_targets_to_head(cfg)) == moves
    after = [part.pipeline for part in cfg.train_dataloader.dataset.datasets]
    assert (after == before) != moves
    assert ['GenerateTarget' in str(steps) for steps in after] == [not moves] * 2


@pytest.mark.parametrize('weighed', [0, 1])
def test_the_head_weighs_the_faces_of_the_part_that_has_weights(cfg, weighed):
    info = read_config_file('configs/_base_/datasets/aflw.py')['dataset_info']
    cfg.train_dataloader.dataset.metainfo = {**info, 'joint_weights': [3.0] * 19}
    in_two_parts(cfg)
    parts = cfg.train_dataloader.dataset.datasets
    parts[weighed].pipeline[-2].use_dataset_keypoint_weights = True

    def mixed():
        first, second = map(DATASETS.build, parts)
        return pseudo_collate([first[SampleIndex(0, 0, 1)], second[SampleIndex(1, 0, 1)]])

    expected = losses(cfg, mixed())
    assert move_targets_to_head(cfg)
    assert losses(cfg, mixed()) == expected


def test_data_sets_are_found_inside_others():
    leaf = {'type': 'A', 'ann_file': 'a.json', 'pipeline': []}
    parts = {'type': 'C', 'datasets': [leaf, leaf]}
    cfg = {'dataset': {'type': 'R', 'dataset': parts}}
    assert len(list(find_datasets(cfg))) == 2
    assert list(find_datasets(None)) == []


# Of noise, none of them makes more than a level of one.
BLURS_AND_HOLES = {
    'type': 'Albumentation',
    'transforms': [{'type': kind, 'p': 0.5} for kind in ('Blur', 'MedianBlur', 'CoarseDropout')],
}


@pytest.mark.parametrize('resident', [False, True], ids=['streamed', 'resident'])
@pytest.mark.parametrize('changes', [[], [BLURS_AND_HOLES]], ids=['cropped', 'changed'])
def test_batches_made_on_the_device_are_those_of_the_workers(cfg, tmp_path, changes, resident):
    move_targets_to_head(cfg)
    cfg.train_dataloader.dataset.pipeline[-1:-1] = changes
    data = batch(cfg)
    preprocessor = MODELS.build(cfg.model.data_preprocessor)
    expected = preprocessor(data, training=True)
    set_cache(cfg, str(tmp_path))
    cfg.augment_on_device = 'stream'
    warp_on_device(cfg)
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    if resident:
        file = dataset.crops.file
        arrays = (file.pixels.copy(), file.offsets, file.shapes_hw)
        preprocessor.hold_crops(*map(torch.from_numpy, arrays))
        dataset.crops.leave_pixels(0)
        dataset.pipeline.transforms[-1].pack_pixels = False
    data = pseudo_collate([dataset[SampleIndex(i, 0, 1)] for i in range(8)])
    found = preprocessor(data, training=True)
    levels = (found['inputs'] - expected['inputs']).abs() * preprocessor.std
    assert levels.max() <= 2.01
    assert levels.mean() < 0.05
    for one, other in zip(found['data_samples'], expected['data_samples'], strict=True):
        points = [each.gt_instances.transformed_keypoints for each in (one, other)]
        assert np.array_equal(*map(np.asarray, points))


def test_every_data_set_gets_the_cache(cfg, tmp_path):
    cfg.val_dataloader.dataset.cache = {'shrink': True}
    set_cache(cfg, str(tmp_path))
    assert cfg.train_dataloader.dataset.cache == str(tmp_path)
    assert cfg.val_dataloader.dataset.cache == {'shrink': True, 'dir': str(tmp_path)}
    set_cache(cfg, True)
    assert cfg.train_dataloader.dataset.cache == str(tmp_path)
    assert cfg.val_dataloader.dataset.cache.dir == str(tmp_path)
    cfg.train_dataloader.dataset.cache = None
    set_cache(cfg, True)
    assert cfg.train_dataloader.dataset.cache is True


def test_what_cannot_be_warped_on_the_device_is_named(cfg):
    before = cfg.to_dict()
    warp_on_device(cfg)
    assert cfg.to_dict() == before
    cfg.augment_on_device = 'gpu'
    with pytest.raises(InputError, match="augment_on_device='gpu' is not one of auto"):
        warp_on_device(cfg)
    cfg.augment_on_device = 'stream'
    with pytest.raises(InputError, match=r'train_dataloader\.dataset\.cache'):
        warp_on_device(cfg)
    set_cache(cfg, True)
    with pytest.raises(InputError, match='GenerateTarget'):
        warp_on_device(cfg)
    move_targets_to_head(cfg)
    blur = {'type': 'Albumentation', 'transforms': [{'type': 'Blur'}, {'type': 'MedianBlur'}]}
    for steps, message in (
        ([{'type': 'RandomPhotograph'}, blur], r'has RandomPhotograph behind TopdownAffine'),
        # An image that is not the crop.
        ([{**blur, 'keymap': {'mask': 'image'}}], r'has Albumentation \(Blur, MedianBlur\) behi'),
        ([{'type': 'Unheard'}], 'has Unheard behind TopdownAffine, .*the device can do YOLOX'),
        ([{'type': 'TopdownAffine', 'input_size': (9, 9)}], 'has TopdownAffine behind Topdown'),
    ):
        other = deepcopy(cfg)
        other.train_dataloader.dataset.pipeline[-1:-1] = steps
        with pytest.raises(InputError, match=message):
            warp_on_device(other)
    cfg.train_dataloader.dataset.pipeline[-1:-1] = [blur]
    assert warp_on_device(cfg)


def test_a_config_of_a_gpu_warps_in_the_workers_of_a_cpu(cfg):
    for step in cfg.train_dataloader.dataset.pipeline:
        if step['type'] == 'TopdownAffine':
            step['warp'] = False
    cfg.augment_on_device = 'auto'
    warp_on_device(cfg)
    assert cfg.augment_on_device is None
    assert all('warp' not in step for step in cfg.train_dataloader.dataset.pipeline)


def test_loaders_get_a_worker_for_each_core_of_the_process_at_most(cfg, monkeypatch):
    monkeypatch.setattr('mmpose_lite.utils.threads._granted', lambda environ: 6)
    monkeypatch.setenv('LOCAL_WORLD_SIZE', '2')
    cfg.train_dataloader.num_workers = 10
    cfg.val_dataloader.num_workers = 3
    cfg.test_dataloader.num_workers = 4
    assert spare_workers(cfg) == (
        'train_dataloader.num_workers=3 instead of 10 and test_dataloader.num_workers=3 instead '
        'of 4, as many as this process has cores (limit_workers=False keeps them)'
    )
    numbers = [cfg[f'{name}_dataloader'].num_workers for name in ('train', 'val', 'test')]
    assert numbers == [3, 3, 3]
    assert not spare_workers(cfg)


def test_a_process_with_less_than_a_core_keeps_one_worker(cfg, monkeypatch):
    monkeypatch.setattr('mmpose_lite.utils.threads._granted', lambda environ: 1)
    monkeypatch.setenv('LOCAL_WORLD_SIZE', '4')
    cfg.train_dataloader.num_workers, cfg.val_dataloader = 2, None
    cfg.limit_workers = False
    assert not spare_workers(cfg)
    cfg.limit_workers = True
    assert spare_workers(cfg).startswith('train_dataloader.num_workers=1 instead of 2, ')
