"""The time to MMPose's accuracy, and boxes that are off."""

import json

import pytest

from benchmarks import accuracy, disturbed
from benchmarks.sides import AFLW, ROOT
from mmpose_lite.apis import load_config


def test_mmpose_is_given_the_yardstick(tmp_path):
    path = tmp_path / 'mmpose.py'
    path.write_text(accuracy.MMPOSE_CONFIG.format(base=ROOT / 'configs' / AFLW))
    options = {'train_cfg.max_epochs': accuracy.EPOCHS, 'train_cfg.val_interval': accuracy.EPOCHS}
    theirs = load_config(path, options)
    ours = load_config(ROOT / 'configs/recipes/hrnetv2-w18_mmpose-tuned_aflw19-128x128_8e.py')
    for key in ('codec', 'model', 'optim_wrapper', 'param_scheduler', 'train_cfg'):
        assert theirs[key] == ours[key], key
    for loader in ('train_dataloader', 'val_dataloader'):
        assert theirs[loader].dataset.pipeline == ours[loader].dataset.pipeline
    assert theirs.train_dataloader.batch_size == ours.train_dataloader.batch_size


@pytest.mark.parametrize(
    ('error', 'seconds', 'verdict'),
    [(0.02, 10, 'reached'), (0.03, 10, 'missed'), (0.02, 20, 'missed')],
)
def test_a_start_counts_if_it_is_as_accurate_and_fast_enough(error, seconds, verdict):
    run = {'start': 'faces19', 'epochs': 1, 'seed': 0, 'NME': error, 'seconds': seconds}
    machine = {'cpu': 'a CPU', 'cpu_flags': ['avx2']}
    results = {'mmpose': {'NME': 0.025, 'seconds': 100}, 'runs': [run, run], 'machine': machine}
    results.update(command='accuracy.py', commit='0', date='2026')
    assert f'at least 6.00: {verdict}' in accuracy.table(results)


def test_a_moved_box_keeps_its_size_and_points(tmp_path):
    (tmp_path / 'annotations').mkdir()
    face = {'center': [50.0, 60.0], 'scale': 0.2, 'box_size': 40.0, 'keypoints': [1.0, 2.0, 1]}
    (tmp_path / disturbed.ANNOTATIONS).write_text(json.dumps({'annotations': [face]}))
    out_file = tmp_path / 'moved.json'
    disturbed.write_moved(tmp_path, disturbed.Change(right=0.1, down=-0.1, size=1.1), out_file)
    (found,) = json.loads(out_file.read_text())['annotations']
    assert found == {**face, 'center': [54.0, 56.0]}


@pytest.mark.parametrize('name', ['mmpose', 'mmpose-tuned', 'best'])
def test_the_size_of_a_box_is_where_the_benchmark_sets_it(name):
    cfg = load_config(f'hrnetv2-w18_{name}_aflw19-128x128_8e', {disturbed.PADDING_KEY: 1.375})
    step = cfg.test_dataloader.dataset.pipeline[1]
    assert step == {'type': 'GetBBoxCenterScale', 'padding': 1.375}
