"""Rewrites of a config change the place of a batch's work, and nothing else."""

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.dataset import pseudo_collate

from mmpose_lite.apis.config import load_config
from mmpose_lite.datasets.samplers import SampleIndex
from mmpose_lite.engine.config_rewrites import (
    find_datasets,
    move_targets_to_head,
    set_cache,
    warp_on_device,
)
from mmpose_lite.registry import DATASETS, MODELS
from mmpose_lite.utils import InputError

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


@pytest.mark.parametrize(
    'change',
    [
        {'model.head.decoder.sigma': 2},
        {'model.head.type': 'OtherHead'},
        {'model.head.decoder': None},
        {'train_dataloader.dataset.pipeline.5.use_dataset_keypoint_weights': True},
        {'train_dataloader.dataset.pipeline.6.type': 'PackOtherInputs'},
    ],
    ids=str,
)
def test_targets_stay_where_the_head_would_make_others(cfg, change):
    cfg.merge_from_dict(change)
    before = cfg.train_dataloader.dataset.pipeline
    move_targets_to_head(cfg)
    assert cfg.train_dataloader.dataset.pipeline == before


def test_data_sets_are_found_inside_others():
    leaf = {'type': 'A', 'ann_file': 'a.json', 'pipeline': []}
    parts = {'type': 'C', 'datasets': [leaf, leaf]}
    cfg = {'dataset': {'type': 'R', 'dataset': parts}}
    assert len(list(find_datasets(cfg))) == 2
    assert list(find_datasets(None)) == []


@pytest.mark.parametrize('resident', [False, True], ids=['streamed', 'resident'])
def test_batches_warped_on_the_device_are_those_of_the_workers(cfg, tmp_path, resident):
    move_targets_to_head(cfg)
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


def test_a_config_of_a_gpu_warps_in_the_workers_of_a_cpu(cfg):
    for step in cfg.train_dataloader.dataset.pipeline:
        if step['type'] == 'TopdownAffine':
            step['warp'] = False
    cfg.augment_on_device = 'auto'
    warp_on_device(cfg)
    assert cfg.augment_on_device is None
    assert all('warp' not in step for step in cfg.train_dataloader.dataset.pipeline)
