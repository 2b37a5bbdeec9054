"""A network that predicts coordinates, from its config to the photograph."""

from types import SimpleNamespace

import numpy as np
import pytest
from mmengine.config import Config, ConfigDict

from mmpose_lite.apis import inference_topdown, init_model, load_config
from mmpose_lite.apis import test as run_test
from mmpose_lite.apis import train as run_train
from mmpose_lite.engine.preflight import PreflightError

# Answering every face with the mean of the eight has an NME of 0.086 of the box.
LEARNT = 0.06
CODEC = {'type': 'RegressionLabel', 'input_size': (64, 64)}
MODEL = {
    'backbone': {'type': 'ResNet', 'depth': 18, 'stem_channels': 8, 'base_channels': 8},
    'neck': {'type': 'GlobalAveragePooling'},
    'head': {'type': 'RegressionHead', 'in_channels': 64, 'num_joints': 19, 'decoder': CODEC},
    'test_cfg': {'flip_test': True, 'shift_coords': True},
}


def regression_config(tiny_config, work_dir, **changes):
    cfg = load_config(tiny_config)
    for key, value in MODEL.items():
        cfg.model[key] = ConfigDict(value)
    for step in cfg.train_dataloader.dataset.pipeline:
        if step.type == 'GenerateTarget':
            step.encoder = ConfigDict(CODEC)
    cfg.train_dataloader.dataset.pipeline.insert(2, ConfigDict(type='RandomFlip'))
    cfg.work_dir = str(work_dir)
    epochs = {'train_cfg.max_epochs': 80, 'train_cfg.val_interval': 80}
    cfg.merge_from_dict({**epochs, 'default_hooks.checkpoint.interval': 80, **changes})
    return cfg


@pytest.fixture
def learnt(tiny_config, tmp_path, as_new_process):
    cfg = regression_config(tiny_config, tmp_path)
    runner = run_train(cfg)
    as_new_process()
    return SimpleNamespace(runner=runner, checkpoint=str(tmp_path / 'epoch_80.pth'))


def test_it_learns_faces_and_finds_them_again(learnt, tiny_config, face_set, tmp_path):
    left = Config.fromfile(tmp_path / f'{tiny_config.stem}.py')
    steps = left.train_dataloader.dataset.pipeline
    assert 'GenerateTarget' not in [step.type for step in steps]  # the head makes the targets
    assert steps[-1].pack_transformed

    cfg = regression_config(tiny_config, tmp_path, load_from=learnt.checkpoint)
    runner, numbers = run_test(cfg)
    assert numbers['NME'] < LEARNT
    row = runner.test_loop.evaluator.metrics[0].rows[1]
    assert row['scores'] == [1] * 19

    model = init_model(regression_config(tiny_config, tmp_path), learnt.checkpoint, device='cpu')
    (found,) = inference_topdown(model, face_set / row['img_path'], [row['bbox']])
    np.testing.assert_allclose(found.pred_instances.keypoints[0], row['pred'], atol=1e-2)


@pytest.mark.usefixtures('as_new_process')
def test_another_number_of_points_than_the_data_s_is_named(tiny_config, tmp_path):
    cfg = regression_config(tiny_config, tmp_path, **{'model.head.num_joints': 17})
    with pytest.raises(PreflightError, match=r'model\.head\.num_joints=17 .*19 points'):
        run_train(cfg)
