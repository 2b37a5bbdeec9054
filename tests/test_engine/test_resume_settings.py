"""Resuming under a changed config: a line says whose settings stand, or it is refused."""

import shutil

import pytest

from helpers.exact_runs import make_config, train
from mmpose_lite.errors import InputError

RATE = 0.002
# Shares of the rate in the four iterations of the second epoch: the end of the warm-up, and a
# milestone after the first epoch.
SECOND_EPOCH = [0.1 * share for share in (0.1 + 0.9 * 4 / 5, 1, 1, 1)]
WARM_UP = {'type': 'LinearLR', 'by_epoch': False, 'begin': 0, 'end': 6, 'start_factor': 0.1}


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('changed')


@pytest.fixture
def resume(folder, tmp_path, as_new_process):
    """A function that resumes for an epoch of training; what it logged, and its rates."""
    begun = folder / 'begun'
    if not begun.exists():
        train(settings(folder, train_cfg__max_epochs=1), begun)
    shutil.copytree(begun, tmp_path / 'run')

    def run(**changes):
        as_new_process()
        cfg = settings(folder, train_cfg__max_epochs=2, **changes)
        runner = train(cfg, tmp_path / 'run', resume=True)
        newest = max((tmp_path / 'run').glob('*/*.log'))
        lines = [line for line in newest.read_text().splitlines() if ' - WARNING - ' in line]
        rates = list(runner.message_hub.get_scalar('train/lr').data[0][-4:])
        return [line.partition(' - WARNING - ')[2] for line in lines], rates

    return run


def settings(folder, **options):
    rate = options.pop('lr', RATE)
    return make_config(
        folder,
        optim_wrapper__optimizer={'_delete_': True, 'type': 'Adam', 'lr': rate},
        default_hooks__checkpoint__save_best=None,
        **options,
    )


def test_settings_of_the_checkpoint_stand_and_it_is_said(resume):
    said, rates = resume(lr=2 * RATE, optim_wrapper__optimizer__weight_decay=0.5)
    assert rates == pytest.approx([RATE * share for share in SECOND_EPOCH])
    line = next(line for line in said if 'epoch_1.pth' in line)
    assert "stand, not the config's: weight_decay=0 (config: 0.5), lr=0.002 (config: 0.004)" in line
    assert line.endswith("--resume-settings config takes the config's")


def test_settings_of_the_config_stand_where_that_is_asked_for(resume):
    """As if they had stood from the beginning: here with one milestone less."""
    schedule = [WARM_UP, {'type': 'MultiStepLR', 'begin': 0, 'end': 3, 'milestones': [2]}]
    said, rates = resume(lr=2 * RATE, param_scheduler=schedule, resume_settings='config')
    assert rates == pytest.approx([2 * RATE * 10 * share for share in SECOND_EPOCH])
    line = next(line for line in said if 'epoch_1.pth' in line)
    assert "the config's settings stand: lr=0.004 (it was 0.002)" in line
    assert 'scheduler 1 (MultiStepLR) milestones=' in line


@pytest.mark.slow
def test_nothing_is_said_where_nothing_has_changed(resume):
    said, rates = resume()
    assert rates == pytest.approx([RATE * share for share in SECOND_EPOCH])
    assert [line for line in said if 'epoch_1.pth' in line] == []


@pytest.mark.slow
def test_other_data_and_batches_are_said(resume):
    test_faces = 'annotations/face_landmarks_aflw_test.json'
    said, _ = resume(
        train_dataloader__batch_size=2,
        train_dataloader__dataset__ann_file=test_faces,
        optim_wrapper__accumulative_counts=2,
    )
    line = next(line for line in said if 'other data' in line)
    assert f'ann_file {test_faces} (it was annotations/face_landmarks_aflw_train.json)' in line
    assert 'faces 5 (it was 16), batch 2 (it was 4), batches 3 (it was 4)' in line
    assert 'accumulative_counts [2] (it was [1])' in line


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (
            {'optim_wrapper__optimizer__type': 'SGD'},
            "is of a run with Adam, the config's optimizer is SGD",
        ),
        ({'param_scheduler': []}, 'are of 2 schedulers, the config has 0'),
        (
            {'param_scheduler': [WARM_UP, {'type': 'StepLR', 'step_size': 1}]},
            'of LinearLR, MultiStepLR, the config has LinearLR, StepLR',
        ),
        ({'resume_settings': 'mine'}, "resume_settings='mine' is not one of checkpoint, config"),
    ],
)
def test_what_cannot_resume_is_refused(resume, changes, message):
    with pytest.raises(InputError, match=message):
        resume(**changes)
