"""``--dry-run``: everything is built, one batch is run, and no file is left."""

import re

import pytest
import torch

from helpers.in_process import run_main
from mmpose_lite.apis.training import build_runner, dry_run
from mmpose_lite.cli.test import main as run_test
from mmpose_lite.cli.train import main as run_train
from mmpose_lite.engine.run_head import describe_run
from mmpose_lite.errors import InputError

NAMES = [
    *('data', 'network', 'weights', 'device', 'batch', 'memory', 'lr', 'warm-up', 'validation'),
    'work dir',
]


def facts(printed):
    """The head of a run, by the names of its lines, and the lines about its batches."""
    lines = printed.splitlines()
    head = dict(line.split(None, 1) for line in lines if not line.startswith(('dry run', 'work')))
    head['work dir'] = next(line[8:].strip() for line in lines if line.startswith('work dir'))
    return head, [line for line in lines if line.startswith('dry run')]


def files(folder):
    return {path for path in folder.rglob('*') if path.is_file()}


def test_a_training(tmp_path, tiny_config):
    options = ('param_scheduler=None', 'train_dataloader.batch_size=3')
    printed = run_main(run_train, tiny_config, '--dry-run', '--cfg-options', *options, cwd=tmp_path)
    head, lines = facts('\n'.join(line for line in printed.splitlines() if 'WARNING' not in line))
    assert list(head) == NAMES
    assert head['data'] == 'aflw, faces: 8 for training, 5 for validation, 5 for the test'
    assert head['network'].startswith('HRNet, FeatureMapProcessor, HeatmapHead: 0.07 million')
    assert head['network'].endswith('parameters; 19 points in crops of 64x64')
    assert head['weights'] == 'random'
    assert head['device'] == f'cpu, {_threads()}; float32'
    assert head['batch'] == '3 faces; 3 iterations an epoch, 2 epochs: 6 iterations'
    assert re.fullmatch(r'about \d+ MB for a step; [\d.]+ GB free', head['memory'])
    scaled = '--auto-scale-lr makes it 5.859e-05'  # 0.01 * 3 / 512
    assert head['lr'] == f'0.01 (Adam), meant for a batch of 512: {scaled}'
    assert head['warm-up'] == 'none'
    assert head['validation'] == 'after every epoch, the best by NME'
    assert head['work dir'] == 'work_dirs/tiny'
    step, validation, end = lines
    assert step.startswith('dry run: a step on 3 faces, loss 0.0')
    assert validation.startswith('dry run: validation of 4 faces, ')
    assert end == 'dry run: nothing was written to the work dir'
    assert not list(tmp_path.iterdir())


def _threads():
    count = torch.get_num_threads()
    return f'{count} thread{"" if count == 1 else "s"}'


def test_what_scaled_the_rate_and_the_share_of_the_warm_up(tmp_path, tiny_config):
    warm = tmp_path / 'warm.py'
    scheduler = "dict(type='LinearLR', begin=0, end=1, start_factor=0.1, by_epoch=False)"
    warm.write_text(f"_base_ = '{tiny_config}'\nparam_scheduler = [{scheduler}]\n")
    printed = run_main(
        run_train, warm, '--dry-run', '--auto-scale-lr', '--amp', '--no-validate', cwd=tmp_path
    )
    head, lines = facts('\n'.join(line for line in printed.splitlines() if 'WARNING' not in line))
    assert head['lr'] == '0.00015625 (Adam): 0.01 for a batch of 512, scaled to 8'
    assert head['warm-up'] == '1 of 2 iterations (50 %)'
    assert head['device'].endswith('bfloat16, mixed')
    assert head['validation'] == 'none'
    assert len(lines) == 2


@pytest.mark.slow
def test_an_earlier_training_stays_as_it_is(tmp_path, tiny_config, trained):
    folder = trained.folder
    before = {path: path.stat().st_mtime_ns for path in files(folder)}
    arguments = (tiny_config, '--work-dir', folder, '--dry-run')
    last = ('--cfg-options', 'train_cfg.max_epochs=90')
    run_main(run_train, *arguments, '--overwrite', *last, cwd=tmp_path)
    printed = run_main(run_train, *arguments, '--resume', *last, cwd=tmp_path)
    assert {path: path.stat().st_mtime_ns for path in files(folder)} == before
    weights = f"of '{trained.checkpoint}', resumed after iteration 80"
    assert weights in printed
    assert 'a step on 8 faces' in printed
    last = ('--cfg-options', 'train_cfg.max_epochs=80')
    printed = run_main(run_train, *arguments, '--resume', *last, cwd=tmp_path)
    assert 'no step is left' in printed
    assert {path: path.stat().st_mtime_ns for path in files(folder)} == before


def test_resuming_where_there_must_be_something(tmp_path, tiny_config):
    arguments = (tiny_config, '--work-dir', 'run', '--dry-run', '--resume')
    assert 'random' in run_main(run_train, *arguments, cwd=tmp_path)
    with pytest.raises(SystemExit, match=r"--resume: 'run' has no checkpoint to resume from"):
        run_main(run_train, *arguments, 'latest', cwd=tmp_path)
    assert not list(tmp_path.iterdir())


def test_checkpoints_that_go_elsewhere_do_not(tmp_path, tiny_config):
    option = f'default_hooks.checkpoint.out_dir={tmp_path}/elsewhere'
    run_main(run_train, tiny_config, '--dry-run', '--cfg-options', option, cwd=tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_was_built_is_told_before_the_first_step(tmp_path, tiny_config, as_new_process):
    from mmpose_lite.apis import load_config

    cfg = load_config(tiny_config, {'work_dir': 'run', 'model.head.loss.loss_weight': float('inf')})
    told = []
    with pytest.raises(InputError, match='not finite'):
        dry_run(cfg, tell=told.append)
    head, lines = facts('\n'.join(told))
    assert list(head) == NAMES
    assert lines == []


def test_a_test_that_would_fail_later_is_said(tmp_path, tiny_config):
    option = 'test_dataloader.dataset.ann_file=gone.json'
    printed = run_main(run_train, tiny_config, '--dry-run', '--cfg-options', option, cwd=tmp_path)
    assert 'dry run: a later test would fail: ' in printed
    assert 'gone.json' in printed


def test_a_loss_that_is_not_finite_is_an_error(tmp_path, tiny_config):
    options = ('--cfg-options', 'model.head.loss.loss_weight=inf')
    with pytest.raises(SystemExit, match='the loss of iteration 1, epoch 1 is not finite'):
        run_main(run_train, tiny_config, '--dry-run', *options, cwd=tmp_path)


def test_a_test(tmp_path, tiny_config, trained):
    outputs = ('--out', 'numbers.json', '--dump', 'faces.json', '--report', 'report')
    arguments = (tiny_config, trained.checkpoint, '--dry-run', '--show-dir', 'shown', *outputs)
    printed = run_main(run_test, *arguments, cwd=tmp_path)
    head, lines = facts(printed)
    assert head['data'] == 'aflw, faces: 5 for the test'
    assert head['weights'] == f"of '{trained.checkpoint}'"
    assert head['batch'] == '4 faces'
    assert 'lr' not in head
    assert lines[0].startswith('dry run: a test of 4 faces, ')
    assert not list(tmp_path.iterdir())


def test_weights_that_do_not_fit_a_test_are_an_error(tmp_path, tiny_config, trained):
    options = ('--cfg-options', 'model.head.out_channels=7')
    with pytest.raises(SystemExit, match=r'points|does not fit'):
        run_main(run_test, tiny_config, trained.checkpoint, '--dry-run', *options, cwd=tmp_path)


def test_a_run_that_is_not_built_yet_is_described_as_far_as_it_is(
    tmp_path, tiny_config, as_new_process
):
    from mmpose_lite.apis import load_config

    runner = build_runner(load_config(tiny_config, {'work_dir': str(tmp_path / 'run')}))
    lines = describe_run(runner, 'elsewhere')
    assert [line.split('  ')[0] for line in lines] == [*NAMES[:4], 'work dir']
    assert lines[-1].split() == ['work', 'dir', 'elsewhere']


def test_the_program(processes, tmp_path, tiny_config):
    printed = processes.run_tool('train.py', tiny_config, '--dry-run', cwd=tmp_path)
    assert printed.splitlines()[-1] == 'dry run: nothing was written to the work dir'
    assert len(printed.splitlines()) < 20
    assert not list(tmp_path.iterdir())


def test_two_processes(processes, tmp_path, tiny_config):
    options = ('--dry-run', '--cfg-options', 'train_dataloader.batch_size=2')
    printed = processes.run_command('dist-train', tiny_config, '2', *options, cwd=tmp_path)
    assert 'batch       4 faces (2 processes of 2); 2 iterations an epoch' in printed
    assert printed.count('dry run: a step on 2 faces') == 1
    assert not list(tmp_path.iterdir())
