"""Networks of other targets than Gaussian heatmaps, from their configs to the photograph."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config, ConfigDict

from mmpose_lite.apis import inference_topdown, init_model, load_config
from mmpose_lite.apis import test as run_test
from mmpose_lite.apis import train as run_train
from mmpose_lite.engine.point_checks import PreflightError
from mmpose_lite.errors import InputError

# Answering every face with the mean of the eight has an NME of 0.086 of the box.
LEARNT = 0.06
CODEC = {'type': 'RegressionLabel', 'input_size': (64, 64)}
MODEL = {
    'backbone': {'type': 'ResNet', 'depth': 18, 'stem_channels': 8, 'base_channels': 8},
    'neck': {'type': 'GlobalAveragePooling'},
    'head': {'type': 'RegressionHead', 'in_channels': 64, 'num_joints': 19, 'decoder': CODEC},
    'test_cfg': {'flip_test': True, 'shift_coords': True},
}


COMBINED_CODEC = {
    'type': 'UDPHeatmap',
    'input_size': (64, 64),
    'heatmap_size': (16, 16),
    'heatmap_type': 'combined',
    'radius_factor': 0.15,
    'blur_kernel_size': 3,
}
COMBINED_HEAD = {
    'type': 'HeatmapHead',
    'in_channels': 32,
    'out_channels': 57,
    'deconv_out_channels': None,
    'conv_out_channels': (32,),
    'conv_kernel_sizes': (1,),
    'loss': {'type': 'CombinedTargetMSELoss', 'use_target_weight': True},
    'decoder': COMBINED_CODEC,
}
COMBINED_MODEL = {
    'head': COMBINED_HEAD,
    'test_cfg': {'flip_test': True, 'flip_mode': 'udp_combined', 'output_heatmaps': True},
}


SIMCC_CODEC = {'type': 'SimCCLabel', 'input_size': (64, 64), 'sigma': 2.83, 'normalize': False}
SIMCC_MODEL = {
    'backbone': {**MODEL['backbone'], 'strides': (1, 2, 2, 1)},
    'neck': None,
    'head': {
        'type': 'RTMCCHead',
        'in_channels': 64,
        'out_channels': 19,
        'input_size': (64, 64),
        'in_featuremap_size': (4, 4),
        'gau_cfg': {'hidden_dims': 32, 's': 16, 'act_fn': 'SiLU'},
        'loss': {'type': 'KLDiscretLoss', 'beta': 10.0, 'label_softmax': True},
        'decoder': SIMCC_CODEC,
    },
    'test_cfg': {'flip_test': True, 'output_heatmaps': True},
}


STAGES_MODEL = {
    'backbone': {
        'type': 'HourglassNet',
        'downsample_times': 1,
        'num_stacks': 2,
        'stage_channels': (256, 16),
        'stage_blocks': (1, 1),
        'feat_channel': 32,
    },
    'head': {
        'type': 'CPMHead',
        'in_channels': 32,
        'out_channels': 19,
        'num_stages': 2,
        'decoder': {
            'type': 'MSRAHeatmap',
            'input_size': (64, 64),
            'heatmap_size': (16, 16),
            'sigma': 1,
        },
    },
    'test_cfg': {'flip_test': True},
}


def make_config(tiny_config, work_dir, model, **changes):
    cfg = load_config(tiny_config)
    for key, value in model.items():
        cfg.model[key] = value and ConfigDict(value)
    for step in cfg.train_dataloader.dataset.pipeline:
        if step.type == 'GenerateTarget':
            step.encoder = ConfigDict(model['head']['decoder'])
    cfg.train_dataloader.dataset.pipeline.insert(2, ConfigDict(type='RandomFlip'))
    cfg.work_dir = str(work_dir)
    epochs = {'train_cfg.max_epochs': 80, 'train_cfg.val_interval': 80}
    cfg.merge_from_dict({**epochs, 'default_hooks.checkpoint.interval': 80, **changes})
    return cfg


@pytest.fixture
def learnt(tiny_config, tmp_path, as_new_process):
    cfg = make_config(tiny_config, tmp_path, MODEL)
    runner = run_train(cfg)
    as_new_process()
    return SimpleNamespace(runner=runner, checkpoint=str(tmp_path / 'epoch_80.pth'))


def test_it_learns_faces_and_finds_them_again(learnt, tiny_config, face_set, tmp_path):
    written = Config.fromfile(tmp_path / f'{tiny_config.stem}.py')
    assert 'GenerateTarget' in [step.type for step in written.train_dataloader.dataset.pipeline]
    steps = learnt.runner.rewritten_cfg.train_dataloader.dataset.pipeline
    assert 'GenerateTarget' not in [step.type for step in steps]  # the head makes the targets
    assert steps[-1].pack_transformed

    cfg = make_config(tiny_config, tmp_path, MODEL, load_from=learnt.checkpoint)
    runner, numbers = run_test(cfg)
    assert numbers['NME'] < LEARNT
    row = runner.test_loop.evaluator.metrics[0].rows[1]
    assert row['scores'] == [1] * 19

    model = init_model(make_config(tiny_config, tmp_path, MODEL), learnt.checkpoint, device='cpu')
    (found,) = inference_topdown(model, face_set / row['img_path'], [row['bbox']])
    np.testing.assert_allclose(found.pred_instances.keypoints[0], row['pred'], atol=1e-2)


@pytest.mark.usefixtures('as_new_process')
def test_another_number_of_points_than_the_data_s_is_named(tiny_config, tmp_path):
    cfg = make_config(tiny_config, tmp_path, MODEL, **{'model.head.num_joints': 17})
    with pytest.raises(PreflightError, match=r'model\.head\.num_joints=17 .*19 points'):
        run_train(cfg)


@pytest.mark.slow
@pytest.mark.usefixtures('as_new_process')
def test_discs_and_offsets_are_learnt(tiny_config, tmp_path):
    """With flips, both losses, the error on training crops, and pictures of predicted maps."""
    drawing = {'type': 'PoseVisualizationHook', 'enable': True, 'interval': 1}
    changes = {'default_hooks.visualization': drawing}
    cfg = make_config(tiny_config, tmp_path, COMBINED_MODEL, **changes)
    runner = run_train(cfg)
    scalars = runner.message_hub.log_scalars
    numbers = {name: scalars[name].current() for name in scalars}
    assert numbers['val/NME'] < LEARNT
    assert numbers['train/train_NME'] < LEARNT
    assert numbers['train/acc_pose'] > 0.9
    assert 0 < numbers['val/val_loss'] < scalars['train/loss_kpt'].data[0][0] / 3
    assert list(tmp_path.glob('*/vis_data/vis_image/*'))


@pytest.mark.slow
@pytest.mark.usefixtures('as_new_process')
def test_all_stages_are_learnt(tiny_config, tmp_path):
    epochs = {'train_cfg.max_epochs': 8, 'train_cfg.val_interval': 8}
    cfg = make_config(tiny_config, tmp_path, STAGES_MODEL, **epochs)
    cfg.model.neck = None
    runner = run_train(cfg)
    scalars = runner.message_hub.log_scalars
    first, *_, last = scalars['train/loss_kpt'].data[0]
    assert last < first
    # The loss of a validation is of both stages as well.
    model, losses = runner.model.eval(), []
    for batch in runner.val_dataloader:
        data = model.data_preprocessor(batch, False)
        for image, sample in zip(data['inputs'], data['data_samples'], strict=True):
            losses.append(model.loss(image[None], [sample])['loss_kpt'].item())
    assert scalars['val/val_loss'].current() == pytest.approx(np.mean(losses), rel=1e-4)
    assert 0 < scalars['train/train_NME'].current() < 1
    layers = runner.model.head.multi_final_layers
    assert min(layer.weight.abs().max().item() for layer in layers) > 0.006  # of 0.001 at first


@pytest.mark.slow
@pytest.mark.usefixtures('as_new_process')
def test_vectors_along_the_axes_are_learnt(tiny_config, tmp_path):
    cfg = make_config(tiny_config, tmp_path, SIMCC_MODEL)
    runner = run_train(cfg)
    scalars = runner.message_hub.log_scalars
    numbers = {name: scalars[name].current() for name in scalars}
    assert numbers['val/NME'] < LEARNT
    assert numbers['train/train_NME'] < LEARNT
    assert numbers['train/acc_pose'] > 0.9
    assert 0 < numbers['val/val_loss'] < scalars['train/loss_kpt'].data[0][0] / 3
    # The loss is a sum over faces: that of a batch of training, 8, though batches here are of 4.
    model, dataset = runner.model.eval(), runner.val_dataloader.dataset
    assert runner.val_dataloader.batch_size == 4
    losses = []
    for i in range(len(dataset)):
        packed = dataset[i]
        face = {'inputs': [packed['inputs']], 'data_samples': [packed['data_samples']]}
        batch = model.data_preprocessor(face)
        with torch.no_grad():
            losses.append(model.loss(**batch)['loss_kpt'].item())
    assert numbers['val/val_loss'] == pytest.approx(8 * np.mean(losses), rel=1e-4)


@pytest.mark.usefixtures('as_new_process')
@pytest.mark.parametrize(
    ('place', 'value', 'message'),
    [
        (
            'model.head.in_featuremap_size',
            (2, 2),
            r'^model\.head\.in_featuremap_size=\(2, 2\), .* makes maps of \(4, 4\) of its input',
        ),
        (
            'train_dataloader.dataset.pipeline.4.encoder.simcc_split_ratio',
            3.0,
            r'different codecs: .*has simcc_split_ratio=3\.0, .* has simcc_split_ratio=2\.0',
        ),
    ],
)
def test_vectors_that_disagree_end_a_training_before_it_begins(
    tiny_config, tmp_path, place, value, message
):
    cfg = make_config(tiny_config, tmp_path, SIMCC_MODEL)
    if place.endswith('ratio'):
        assert cfg.train_dataloader.dataset.pipeline[4].type == 'GenerateTarget'
    cfg.merge_from_dict({place: value})
    with pytest.raises(InputError, match=message) as error:
        run_train(cfg)
    assert '\n' not in str(error.value)


def test_a_loss_of_other_targets_is_refused_with_one_that_fits(tiny_config, tmp_path):
    loss = {'model.head.loss': {'type': 'KeypointMSELoss'}}
    cfg = make_config(tiny_config, tmp_path, COMBINED_MODEL, **loss)
    with pytest.raises(InputError, match='losses of combined heatmaps: CombinedTarget'):
        run_train(cfg)
