"""A model's own steps, timed without a runner."""

import pytest
import torch

from benchmarks.bench import CHECKPOINT, Bench
from benchmarks.jobs import figures
from benchmarks.measure.model import make_batch, make_test, make_training, time_steps
from benchmarks.rows import make_groups
from benchmarks.sides import OURS, our_side
from benchmarks.sizes import TRIAL
from mmpose_lite.apis import load_config
from mmpose_lite.registry import MODELS


@pytest.fixture
def checkpoint(tiny_config, tmp_path):
    model = MODELS.build(load_config(tiny_config).model)
    torch.save(model.state_dict(), tmp_path / 'net.pth')
    return str(tmp_path / 'net.pth')


def test_the_steps_of_a_training_train(tiny_config):
    cfg = load_config(tiny_config)
    model, step = make_training(cfg, OURS)
    before = model.backbone.conv1.weight.clone()
    notes = time_steps(step, make_batch(cfg, OURS, 'train', 3), warmup=1, count=2)
    assert not torch.equal(model.backbone.conv1.weight, before)
    assert (notes['batch'], len(notes['begun']), len(notes['done'])) == (3, 3, 3)
    assert figures({**notes, 'parameters': 1}, begun=0)['network_images_per_s'] > 0


def test_the_steps_of_a_test_predict(tiny_config, checkpoint):
    cfg = load_config(tiny_config)
    batch = make_batch(cfg, OURS, 'test', 3)
    _, step = make_test(cfg, OURS, checkpoint)
    assert len(step(batch)) == 3
    assert step(batch)[0].pred_instances.keypoints.shape == (1, 19, 2)


def test_jobs_of_the_rows_are_commands(tmp_path):
    jobs = [row.ours for group in make_groups(TRIAL) for row in group if 'model-' in row.name]
    bench = Bench(tmp_path, {OURS: our_side()}, {jobs[0].data: tmp_path}, {})
    train, test = map(bench.command, jobs)
    assert train[1].endswith('measure/model.py')
    assert train[train.index('--step') + 1] == 'train'
    assert test[test.index('--checkpoint') + 1] == str(tmp_path / CHECKPOINT)
    assert test[test.index('--batch') + 1] == '2'
