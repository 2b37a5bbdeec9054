"""A run that is over, or has failed, has no worker left that its loaders would keep."""

import multiprocessing

import pytest
from mmengine.hooks import Hook

from helpers.exact_runs import make_config, train
from mmpose_lite.engine import PoseRunner

pytestmark = pytest.mark.usefixtures('as_new_process')

KEPT = {
    f'{role}_dataloader__{key}': value
    for role in ('train', 'val', 'test')
    for key, value in (('num_workers', 1), ('persistent_workers', True))
}


class WorkersHook(Hook):
    """Counts the workers after the validation, and fails there if asked to."""

    def __init__(self, fails=False):
        self.fails, self.count = fails, 0

    def after_val_epoch(self, runner, metrics=None):
        self.count = len(multiprocessing.active_children())
        if self.fails:
            raise KeyError('fails')


@pytest.mark.parametrize('fails', [False, True])
def test_workers_end_with_a_training(tmp_path, fails):
    hook = WorkersHook(fails)
    cfg = make_config(tmp_path, train_cfg__max_epochs=1, **KEPT)
    if fails:
        # While the error is there, so are the frames that hold the loaders.
        with pytest.raises(KeyError, match='fails') as caught:
            train(cfg, tmp_path / 'run', hook=hook)
        assert caught.traceback
    else:
        train(cfg, tmp_path / 'run', hook=hook)
    assert hook.count == 2  # both loaders keep theirs from one epoch to the next
    assert not multiprocessing.active_children()


def test_workers_end_with_a_test_and_the_next_one_has_its_own(tmp_path):
    cfg = make_config(tmp_path, **KEPT)
    cfg.work_dir = str(tmp_path / 'run')
    runner = PoseRunner.from_cfg(cfg)
    first = runner.test()
    assert not multiprocessing.active_children()
    assert runner.test() == first
    assert not multiprocessing.active_children()
