"""Training on a set with bad images: refused, replaced and counted, or stopped."""

import shutil

import pytest

from mmpose_lite.cli.test import main as run_test
from mmpose_lite.cli.train import main as run_train

pytestmark = pytest.mark.usefixtures('as_new_process')


@pytest.fixture
def run(tiny_config, face_set, tmp_path):
    """Train for two epochs on the set without its second photograph; the value is the log."""
    root = tmp_path / 'set'
    shutil.copytree(face_set, root)
    (root / 'images' / 'face2.png').unlink()

    def run(*options, more=(), arguments=(), work_dir=tmp_path / 'run'):
        options = [f'train_dataloader.dataset.{each}' for each in (f'data_root={root}', *options)]
        options += ['train_cfg.max_epochs=2', 'train_dataloader.batch_size=4', *more]
        run_train([str(tiny_config), '--work-dir', str(work_dir), '--no-validate', *arguments,
               '--cfg-options', *options])  # fmt: skip
        (log,) = work_dir.rglob('*.log')
        return log.read_text()

    return run


def test_training_refuses_by_default(run):
    with pytest.raises(SystemExit, match=r'error: image .*face2\.png.* does not exist'):
        run()


def test_training_continues_with_stand_ins(run):
    log = run('on_bad_image.max_share=0.2')
    assert log.count('replaced: image') == 1
    assert log.count('1 of the last 8 samples (an epoch) replaced') == 2


def test_counts_continue_inside_an_epoch(run, tmp_path, as_new_process):
    """Of two batches an epoch the first is over; whichever of them has the image, it counts."""
    often = [f'default_hooks.checkpoint.{each}' for each in ('by_epoch=False', 'interval=1')]
    run('on_bad_image.max_share=0.2', more=often)
    as_new_process()
    log = run(
        'on_bad_image.max_share=0.2',
        arguments=['--resume', str(tmp_path / 'run' / 'iter_1.pth')],
        work_dir=tmp_path / 'resumed',
    )
    assert 'resumed from' in log
    assert log.count('1 of the last 8 samples (an epoch) replaced') == 2


def test_training_stops_above_the_share(run):
    with pytest.raises(SystemExit, match=r'error: 1 of the first 8 .*max_share=0\.01 allows'):
        run('on_bad_image=replace')


def test_a_test_cannot_replace(tiny_config, tmp_path):
    option = 'test_dataloader.dataset.on_bad_image=replace'
    weights = tmp_path / 'best.pth'
    weights.touch()  # it is not read
    files = [str(tiny_config), str(weights)]
    with pytest.raises(SystemExit, match='in a test every face counts'):
        run_test([*files, '--work-dir', str(tmp_path), '--cfg-options', option])
